"""Verdicts: the contents of conditions, how they become conditions, and how several problems are said as one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ses_operator.api.base.conditions import Condition, ConditionStatus, ConditionType, find
from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.problems import Problem

MAX_MESSAGE = 1024
"""Characters of a condition's message: enough for every region's first sentence, readable in a terminal."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The contents of one condition."""

    status: ConditionStatus
    reason: str
    message: str = ""


def yes(message: str) -> Verdict:
    """Return a verdict that the condition holds."""
    return Verdict(ConditionStatus.TRUE, Reason.SUCCEEDED, message)


def no(problem: Problem) -> Verdict:
    """Return a verdict that it does not, because of the problem."""
    return Verdict(ConditionStatus.FALSE, problem.reason, str(problem))


def not_ready(problem: Problem) -> dict[ConditionType, Verdict]:
    """Return the conditions that a problem makes by itself."""
    abnormal = ConditionType.STALLED if problem.reason.stalls else ConditionType.RECONCILING
    return {
        ConditionType.READY: no(problem),
        abnormal: Verdict(ConditionStatus.TRUE, problem.reason, str(problem)),
    }


def conditions(
    verdicts: Mapping[ConditionType, Verdict], previous: tuple[Condition, ...], generation: int, now: datetime
) -> tuple[Condition, ...]:
    """Return the verdicts as conditions, in the fixed order; the time of transition is kept while the status is the same."""
    made = []
    for kind in ConditionType:
        verdict = verdicts.get(kind)
        if verdict is None:
            continue
        before = find(previous, kind)
        same = before is not None and before.status is verdict.status
        made.append(
            Condition(
                type=kind,
                status=verdict.status,
                reason=verdict.reason,
                message=verdict.message[:MAX_MESSAGE],
                observed_generation=generation,
                last_transition_time=before.last_transition_time if before and same else now,
            )
        )
    return tuple(made)


def foremost(problems: Mapping[str, Problem]) -> Problem | None:
    """Return the problems of all regions as one, with the reason of the one that Ready names; None if there are none."""
    ordered = sorted(problems.items(), key=lambda item: (not item[1].reason.stalls, item[0]))
    return Problem(ordered[0][1].reason, joined(_grouped(ordered))) if ordered else None


def _grouped(ordered: list[tuple[str, Problem]]) -> list[str]:
    """Return one sentence for all regions with the same problem."""
    regions: dict[str, list[str]] = {}
    for _, problem in ordered:
        regions.setdefault(problem.message, []).extend([problem.region] if problem.region else [])
    return [f"{', '.join(names)}: {text}" if names else text for text, names in regions.items()]


def joined(messages: list[str]) -> str:
    """Return all messages as far as they fit, then how many are left."""
    text = messages[0]
    for index, message in enumerate(messages[1:], start=1):
        longer = f"{text} | {message}"
        if len(longer) > MAX_MESSAGE - 40:
            return f"{text} | and {len(messages) - index} more"
        text = longer
    return text


def in_regions(count: int) -> str:
    """Return how many regions, in words."""
    return "1 region" if count == 1 else f"{count} regions"
