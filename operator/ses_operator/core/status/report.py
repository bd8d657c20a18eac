"""The conditions, regions and records of status, from the observed state. Pure; written by others only when it differs.

Rules that readers of status rely on (kstatus, Flux, Argo CD, ``kubectl wait``): every status has Ready; Reconciling
and Stalled are there only while they are True, and never both; messages are the same from run to run while nothing
changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ses_operator.api.base.conditions import Condition, ConditionStatus, ConditionType, find
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.status import SesIdentityStatus
from ses_operator.core.dns.migration import FormerPlace
from ses_operator.core.features.mail_from import is_mail_from_verified
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import IdentityFacts, VerificationStatus
from ses_operator.core.planning.contention import in_words, is_contested
from ses_operator.core.planning.deletion import blockers
from ses_operator.core.planning.pending_changes import Preview, with_preview
from ses_operator.core.planning.plan import Plan
from ses_operator.core.planning.region_plan import RegionPlan
from ses_operator.core.state.attempt import Repair
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.observed import Observed, Present
from ses_operator.core.state.publication import RecordState, severity
from ses_operator.core.status.explanation import RegionCase, explain, together

RegionTest = Callable[["ReportInput", str], bool]

MAX_MESSAGE = 1024
"""Characters of a condition's message: enough for every region's first sentence, readable in a terminal."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The contents of one condition."""

    status: ConditionStatus
    reason: Reason
    message: str = ""


@dataclass(frozen=True, slots=True)
class ReportInput:
    """All that a status is made from. ``account``: the name of the SesAccount.

    ``plan`` is what is left to do after this run; ``preview``: what the spec holds back; ``former``: places where
    records were published before and that still need work. ``repairs``: what had to be corrected lately.
    """

    desired: Desired
    observed: Observed
    plan: Plan
    account: str = ""
    account_id: str = ""
    partition: str = "aws"
    suspended: Problem | None = None
    preview: Preview | None = None
    former: tuple[FormerPlace, ...] = ()
    problems: Mapping[str, Problem] = field(default_factory=dict)
    repairs: tuple[Repair, ...] = ()

    @classmethod
    def of(
        cls,
        desired: Desired,
        observed: Observed,
        plan: Plan,
        *,
        account: str,
        account_id: str,
        partition: str,
        suspended: Problem | None,
        preview: Preview | None = None,
        former: tuple[FormerPlace, ...] = (),
        repairs: tuple[Repair, ...] = (),
    ) -> ReportInput:
        """Return the input with each region's problem."""
        problems: dict[str, Problem] = {}
        for region in desired.regions:
            region_plan = plan.regions.get(region, RegionPlan())
            if (problem := explain(RegionCase(desired, region, observed, region_plan))) is not None:
                problems[region] = with_preview(problem, region, preview)
        return cls(
            desired, observed, plan, account, account_id, partition, suspended, preview, former, problems, repairs
        )

    def facts(self, region: str) -> IdentityFacts | None:
        """Return the identity's facts in a region, None if it does not exist there or was not read."""
        view = self.observed.regions.get(region)
        return view.facts if isinstance(view, Present) else None


def yes(message: str) -> Verdict:
    """Return a verdict that the condition holds."""
    return Verdict(ConditionStatus.TRUE, Reason.SUCCEEDED, message)


def no(problem: Problem) -> Verdict:
    """Return a verdict that it does not, because of the problem."""
    return Verdict(ConditionStatus.FALSE, problem.reason, str(problem))


def verdicts(case: ReportInput) -> dict[ConditionType, Verdict]:
    """Return the conditions of an accepted identity."""
    found = {
        ConditionType.ACCEPTED: yes(_allowed(case)),
        ConditionType.PROVISIONED: _provisioned(case),
        ConditionType.VERIFIED: _in_every_region(case, "The identity", _verified),
    }
    if not case.desired.is_address:
        found[ConditionType.DNS_PUBLISHED] = _dns_published(case)
        found[ConditionType.DKIM_VERIFIED] = _in_every_region(case, "DKIM", _dkim_verified)
    if case.desired.mail_from:
        found[ConditionType.MAIL_FROM_VERIFIED] = _in_every_region(case, "The MAIL FROM domain", _mail_from_verified)
    gates = [kind for kind in found if kind is not ConditionType.DNS_PUBLISHED]
    blocking = None if all(found[kind].status is ConditionStatus.TRUE for kind in gates) else _blocking(case)
    return found | readiness(case, blocking)


def readiness(case: ReportInput, blocking: Problem | None) -> dict[ConditionType, Verdict]:
    """Return Ready, and if it is not: Reconciling or Stalled, one of them."""
    leaving = blockers({r: plan for r, plan in case.plan.regions.items() if r not in case.desired.regions})
    blocking = blocking or next(iter(leaving), None)
    if blocking is None:
        count = len(case.desired.regions)
        verified = f"{case.desired.identity} is verified in {_regions(count)}"
        return {ConditionType.READY: yes(". ".join((verified, *_contests(case))))}
    return not_ready(blocking)


def _contests(case: ReportInput) -> Iterable[str]:
    """Yield what is as the spec asks now, and may not be so in a moment."""
    for repair in case.repairs:
        if is_contested(repair):
            yield in_words(repair)


def not_ready(problem: Problem) -> dict[ConditionType, Verdict]:
    """Return the conditions that a problem makes by itself."""
    abnormal = ConditionType.STALLED if problem.reason.stalls else ConditionType.RECONCILING
    return {
        ConditionType.READY: no(problem),
        abnormal: Verdict(ConditionStatus.TRUE, problem.reason, str(problem)),
    }


def refused(problem: Problem) -> dict[ConditionType, Verdict]:
    """Return the conditions of an identity that is not accepted: nothing is known of the rest."""
    return {ConditionType.ACCEPTED: no(problem)} | not_ready(problem)


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


def is_ready(status: SesIdentityStatus | None) -> bool:
    """Return True if this status says Ready."""
    ready = find(status.conditions, ConditionType.READY) if status else None
    return ready is not None and ready.is_true


def _blocking(case: ReportInput) -> Problem:
    """Return the one problem that Ready names: one that stalls first, then in the order of regions; the others are appended."""
    if case.suspended is not None:
        return case.suspended
    ordered = sorted(case.problems.items(), key=lambda item: (not item[1].reason.stalls, item[0]))
    if not ordered:
        return Problem(Reason.PROGRESSING, "The next step follows immediately")
    first = ordered[0][1]
    return Problem(first.reason, _joined(_grouped(ordered)))


def _grouped(ordered: list[tuple[str, Problem]]) -> list[str]:
    """Return one sentence for all regions with the same problem."""
    regions: dict[str, list[str]] = {}
    for _, problem in ordered:
        regions.setdefault(problem.message, []).extend([problem.region] if problem.region else [])
    return [f"{', '.join(names)}: {text}" if names else text for text, names in regions.items()]


def _joined(messages: list[str]) -> str:
    """Return all messages as far as they fit, then how many are left."""
    text = messages[0]
    for index, message in enumerate(messages[1:], start=1):
        longer = f"{text} | {message}"
        if len(longer) > MAX_MESSAGE - 40:
            return f"{text} | and {len(messages) - index} more"
        text = longer
    return text


def is_provisioned(case: ReportInput, region: str) -> bool:
    """Return True if the identity exists in the region with the settings of the spec."""
    plan = case.plan.regions.get(region, RegionPlan())
    return case.facts(region) is not None and not plan.steps and not plan.blockers


def _provisioned(case: ReportInput) -> Verdict:
    for region in case.desired.regions:
        plan = case.plan.regions.get(region, RegionPlan())
        if (problem := together(plan.problems.values())) is not None and not plan.pauses:
            return no(case.suspended or problem)
        if not is_provisioned(case, region):
            return no(
                case.suspended
                or case.problems.get(region)
                or Problem(Reason.PROGRESSING, "The next step follows immediately", region=region)
            )
    return yes(f"The identity exists in {_regions(len(case.desired.regions))} with the settings of the spec")


def _dns_published(case: ReportInput) -> Verdict:
    dns = case.observed.dns
    blocker = case.observed.dns_failure or (dns.problem if dns else None) or case.plan.dns_problem
    if blocker is not None:
        return no(blocker)
    if dns is None or not dns.records:
        return Verdict(ConditionStatus.UNKNOWN, Reason.PROGRESSING, "No DNS records are known yet")
    open_ = [entry for entry in dns.records if entry.state is not RecordState.PUBLISHED]
    if not open_:
        published = f"All {len(dns.records)} record sets are published"
        return yes(". ".join((published, *(f"In {place.place}: {place.message}" for place in case.former))))
    wrong = sorted((entry for entry in open_ if entry.message), key=severity)
    if wrong:
        conflict = Reason.DNS_RECORD_CONFLICT if wrong[0].state is RecordState.CONFLICT else None
        reason = conflict or wrong[0].reason or Reason.WAITING_FOR_DNS
        return Verdict(ConditionStatus.FALSE, reason, _joined([entry.message for entry in wrong]))
    message = f"{len(dns.records) - len(open_)} of {len(dns.records)} record sets are known to be served"
    return Verdict(ConditionStatus.FALSE, Reason.PUBLISHING_RECORDS, message)


def _in_every_region(case: ReportInput, what: str, holds: RegionTest) -> Verdict:
    waiting = [region for region in case.desired.regions if not holds(case, region)]
    total = len(case.desired.regions)
    if not waiting:
        return yes(f"{what} is verified in {_regions(total)}")
    problem = case.problems.get(waiting[0]) or Problem(Reason.PROGRESSING, "")
    message = f"{what} is verified in {total - len(waiting)} of {_regions(total)}; waiting for {', '.join(waiting)}"
    return Verdict(ConditionStatus.FALSE, problem.reason, message)


def _verified(case: ReportInput, region: str) -> bool:
    facts = case.facts(region)
    return facts is not None and facts.verification_status is VerificationStatus.SUCCESS


def _dkim_verified(case: ReportInput, region: str) -> bool:
    facts = case.facts(region)
    return facts is not None and facts.dkim.status is VerificationStatus.SUCCESS


def _mail_from_verified(case: ReportInput, region: str) -> bool:
    return is_mail_from_verified(case.desired.mail_from.get(region), case.facts(region))


def _allowed(case: ReportInput) -> str:
    where = "this region" if len(case.desired.regions) == 1 else "these regions"
    if case.desired.is_address:
        return f"SesAccount {case.account} allows this address in {where}"
    return f"SesAccount {case.account} allows this domain in {where}"


def _regions(count: int) -> str:
    return "1 region" if count == 1 else f"{count} regions"
