"""Conditions about what an identity depends on and does not own: its AWS account, and what its spec refers to. Pure.

No reading of the identity shows them, and an account has thousands of identities: where all else is as status says, they
are brought up to date without a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ses_operator.api.base.conditions import ConditionStatus, ConditionType, find
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import RegionStatus, SesIdentityStatus
from ses_operator.core.features.references import DEPENDENCIES, DependencyCase, has_references, unmet, unmet_of
from ses_operator.core.model.problems import Problem
from ses_operator.core.state.desired import Desired
from ses_operator.core.status.explanation import together
from ses_operator.core.status.verdicts import (
    MAX_MESSAGE,
    Verdict,
    conditions,
    foremost,
    in_regions,
    joined,
    not_ready,
    yes,
)

ABOUT_DEPENDENCIES = frozenset(each.condition for each in DEPENDENCIES)
_SUMMARIES = frozenset({ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED})


def dependency_verdicts(desired: Desired, cases: Mapping[str, DependencyCase]) -> dict[ConditionType, Verdict]:
    """Return the conditions about what the identity depends on, by its case in each region."""
    found = {ConditionType.SENDING_ENABLED: _sending_enabled(cases)}
    if has_references(desired):
        found[ConditionType.REFERENCES_RESOLVED] = _references_resolved(cases)
    return found


def depends_on_others_alone(status: SesIdentityStatus) -> bool:
    """Return True if status says that the identity itself is as it should be: if it is not Ready, others keep it from that."""
    found = {condition.type: condition for condition in status.conditions}
    kept = set(ConditionType) - _SUMMARIES - ABOUT_DEPENDENCIES - {ConditionType.DNS_PUBLISHED}
    own = [found[kind] for kind in kept if kind in found]
    ready = find(status.conditions, ConditionType.READY)
    if ready is None or ConditionType.VERIFIED not in found or not all(each.is_true for each in own):
        return False
    return ready.is_true or any(
        kind in found and found[kind].status is ConditionStatus.FALSE for kind in ABOUT_DEPENDENCIES
    )


def with_dependencies(
    identity: SesIdentity, desired: Desired, cases: Mapping[str, DependencyCase], now: datetime
) -> SesIdentityStatus:
    """Return the status with what the identity depends on as it is now; all else as it was."""
    before = identity.status
    problems = {region: said for region, case in cases.items() if (said := together(unmet(case).values())) is not None}
    found = {
        kind: Verdict(each.status, each.reason, each.message)
        for kind in set(ConditionType) - _SUMMARIES
        if (each := find(before.conditions, kind)) is not None
    }
    found |= dependency_verdicts(desired, cases)
    found |= _readiness(before, desired, foremost(problems))
    return before.model_copy(
        update={
            "conditions": conditions(found, before.conditions, identity.metadata.generation, now),
            "regions": tuple(_region(region, cases, problems.get(region.region)) for region in before.regions),
        }
    )


def verified_everywhere(desired: Desired) -> str:
    """Return what Ready says when all is well."""
    return f"{desired.identity} is verified in {in_regions(len(desired.regions))}"


def _readiness(before: SesIdentityStatus, desired: Desired, blocking: Problem | None) -> dict[ConditionType, Verdict]:
    if blocking is not None:
        return not_ready(blocking)
    ready = find(before.conditions, ConditionType.READY)
    if ready is not None and ready.is_true:
        return {ConditionType.READY: Verdict(ready.status, ready.reason, ready.message)}
    return {ConditionType.READY: yes(verified_everywhere(desired))}


def _region(region: RegionStatus, cases: Mapping[str, DependencyCase], problem: Problem | None) -> RegionStatus:
    may_send = cases[region.region].may_send if region.region in cases else None
    return region.model_copy(
        update={
            "sending_enabled": region.sending_enabled if may_send is None else may_send,
            "reason": problem.reason if problem else None,
            "message": problem.message[:MAX_MESSAGE] if problem else None,
        }
    )


def _references_resolved(cases: Mapping[str, DependencyCase]) -> Verdict:
    missing = [each for case in cases.values() for each in unmet_of(ConditionType.REFERENCES_RESOLVED, case)]
    if missing:
        return Verdict(ConditionStatus.FALSE, missing[0].reason, joined([str(problem) for problem in missing]))
    return yes("No configuration set or SNS topic that the spec names is known to be missing")


def _sending_enabled(cases: Mapping[str, DependencyCase]) -> Verdict:
    """Return if SES lets account and identity send. What SES does not say of the account is unknown, and holds up nothing."""
    paused = [each for case in cases.values() for each in unmet_of(ConditionType.SENDING_ENABLED, case)]
    if paused:
        return Verdict(ConditionStatus.FALSE, paused[0].reason, joined([str(problem) for problem in paused]))
    around = {region: case.surroundings for region, case in cases.items()}
    unread = {region: each.unread for region, each in around.items() if each.unread is not None}
    if unread:
        problem = next(iter(unread.values()))
        words = f"It is not known if the AWS account may send in {', '.join(unread)}: {problem.message}"
        return Verdict(ConditionStatus.UNKNOWN, problem.reason, words)
    unknown = [region for region, each in around.items() if each.standing is None]
    if unknown:
        words = f"The state of the AWS account is about to be read in {', '.join(unknown)}"
        return Verdict(ConditionStatus.UNKNOWN, Reason.PROGRESSING, words)
    return yes(f"SES lets the AWS account send in {in_regions(len(around))}")
