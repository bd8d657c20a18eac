"""Settings and records that another client keeps changing back: counted by corrections, and then corrected less often. Pure.

Two writers, such as the operator and a Terraform run, can change a setting to and fro for ever without anyone
noticing. The count is in status. It starts again when the configuration changes, and ends when nothing had to be
corrected for ``QUIET``, which is longer than a resync takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.status import RepairStatus, SesIdentityStatus
from ses_operator.core.model.problems import Problem
from ses_operator.core.planning.drift import current_value, is_drift
from ses_operator.core.state.attempt import Repair
from ses_operator.core.state.observed import Observed
from ses_operator.core.state.publication import DnsObservation, PublishedRecord, RecordState
from ses_operator.core.state.steps import SesStep

CONTESTED_AFTER = 3
"""The number of corrections of one thing from which on it is no accident."""

QUIET = timedelta(hours=36)
"""So long after the last correction it is forgotten: two resyncs a day apart still belong together."""

SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(minutes=5), timedelta(hours=1)
"""How long a contested setting is left to stand: doubling with each repair."""

MAX_REPAIRS = 50
"""How many are remembered, the latest."""

MAX_FOUND = 256
"""Characters of what was found: the owner of a domain may write 64 KB into a record."""


def known_repairs(status: SesIdentityStatus, digest: str, now: datetime) -> tuple[Repair, ...]:
    """Return what had to be corrected lately, with the configuration of this digest."""
    if status.applied_configuration != digest:
        return ()
    repairs = (
        Repair(each.setting, each.description, each.found, each.count, each.last_at, each.region)
        for each in status.repairs or ()
    )
    return tuple(repair for repair in repairs if now - repair.last < QUIET)


def told(repairs: Iterable[Repair]) -> tuple[RepairStatus, ...] | None:
    """Return the same for status."""
    return (
        tuple(
            RepairStatus(
                setting=each.key,
                description=each.done,
                region=each.region,
                found=each.found,
                count=each.count,
                last_at=each.last,
                message=in_words(each) if is_contested(each) else None,
            )
            for each in repairs
        )
        or None
    )


@dataclass(frozen=True, slots=True)
class LastApplied:
    """The part of this configuration that was in place before: what differs there now was changed by another client.

    ``regions``: those that had every setting, whatever blocks the others; ``records``: those that were published, by
    type and name.
    """

    regions: frozenset[str] = frozenset()
    records: frozenset[str] = frozenset()

    @classmethod
    def of(cls, status: SesIdentityStatus, digest: str) -> LastApplied:
        """Read it from status, for the configuration of this digest."""
        if status.applied_configuration != digest:
            return cls()
        records = status.dns.records if status.dns else ()
        return cls(
            frozenset(each.region for each in status.regions if each.provisioned_at is not None),
            frozenset(f"{each.type} {each.name}" for each in records if each.state == RecordState.PUBLISHED),
        )


def after_steps(
    known: tuple[Repair, ...],
    before: Observed,
    done: Mapping[str, tuple[SesStep, ...]],
    last_applied: LastApplied,
    now: datetime,
) -> tuple[Repair, ...]:
    """Return the corrections with those just made at SES."""
    repaired = (
        Repair(step.key, str(step), current_value(step, before.regions[region]), 1, now, region)
        for region, steps in done.items()
        if region in last_applied.regions
        for step in steps
        if is_drift(step, before.regions[region])
    )
    return _joined(known, repaired)


def after_publication(
    known: tuple[Repair, ...], dns: DnsObservation, last_applied: LastApplied, now: datetime
) -> tuple[Repair, ...]:
    """Return the corrections with those just made in DNS. Those made before need not have been seen since."""
    keys = {repair.key for repair in known if repair.region is None}
    repaired = (
        Repair(str(entry.record), f"publish {entry.record}", _found(entry), 1, now)
        for entry in dns.amiss
        if str(entry.record) in last_applied.records | keys
    )
    return _joined(known, repaired)


def paused(key: str, region: str | None, repairs: Iterable[Repair], now: datetime) -> Problem | None:
    """Return why this is not corrected now; None if it is to be."""
    about = (repair for repair in repairs if (repair.key, repair.region) == (key, region))
    known = next((repair for repair in about if is_contested(repair)), None)
    left = (known.last + pause(known.count) - now).total_seconds() if known else 0.0
    if known is None or left <= 0:
        return None
    return Problem(Reason.CONTESTED, in_words(known), left)


def paused_publication(dns: DnsObservation, repairs: tuple[Repair, ...], now: datetime) -> Problem | None:
    """Return why the records are not published now: each one that would be is contested, and nothing else is to be done."""
    wrong = [paused(str(entry.record), None, repairs, now) for entry in dns.amiss]
    problems = [problem for problem in wrong if problem is not None]
    return problems[0] if problems and len(problems) == len(wrong) and not dns.surplus else None


def pause(count: int) -> timedelta:
    """Return how long it is left uncorrected after so many corrections."""
    doublings: int = min(max(count - CONTESTED_AFTER, 0), 16)
    return min(SHORTEST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def is_contested(repair: Repair | RepairStatus) -> bool:
    """Return True if another client keeps changing it back."""
    return repair.count >= CONTESTED_AFTER


def in_words(repair: Repair) -> str:
    """Return what happens, and what to do about it."""
    found = f" (found: {repair.found})" if repair.found else ""
    return (
        f"The operator had to {repair.done} ({repair.count} times), because another client changes it back each "
        f"time{found}. Find "
        "that client in CloudTrail and stop managing this in one of the two places; until then it is corrected at most once "
        "an hour"
    )


def _joined(known: Iterable[Repair], new: Iterable[Repair]) -> tuple[Repair, ...]:
    joined = {(repair.key, repair.region): repair for repair in known}
    for repair in new:
        before = joined.pop((repair.key, repair.region), None)
        joined[repair.key, repair.region] = replace(repair, count=before.count + 1) if before else repair
    return tuple(joined.values())[-MAX_REPAIRS:]


def _found(entry: PublishedRecord) -> str:
    return "it was removed" if entry.state is RecordState.MISSING else entry.message[:MAX_FOUND]
