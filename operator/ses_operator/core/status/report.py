"""The conditions, regions and records of status, from the observed state. Pure; written by others only when it differs.

Rules that readers of status rely on (kstatus, Flux, Argo CD, ``kubectl wait``): every status has Ready; Reconciling
and Stalled are there only while they are True, and never both; messages are the same from run to run while nothing
changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ses_operator.api.base.conditions import ConditionStatus, ConditionType, find
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.status import SesIdentityStatus
from ses_operator.core.dns.migration import FormerPlace
from ses_operator.core.features.mail_from import holds_up_ready, is_mail_from_verified
from ses_operator.core.features.references import DependencyCase
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import IdentityFacts, VerificationStatus
from ses_operator.core.planning.contention import in_words, is_contested
from ses_operator.core.planning.deletion import blockers
from ses_operator.core.planning.pending_changes import Preview, with_preview
from ses_operator.core.planning.plan import Plan, all_published
from ses_operator.core.planning.region_plan import RegionPlan
from ses_operator.core.state.attempt import Repair
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.observed import Observed, Present
from ses_operator.core.state.publication import RecordState, severity
from ses_operator.core.status.dependencies import dependency_verdicts, verified_everywhere
from ses_operator.core.status.explanation import RegionCase, explain, together
from ses_operator.core.status.verdicts import Verdict, foremost, in_regions, joined, no, not_ready, yes

RegionTest = Callable[["ReportInput", str], bool]


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
                # Nothing of what would come next is about to happen.
                held_back = suspended if region_plan.steps and not region_plan.problems else None
                problems[region] = held_back or with_preview(problem, region, preview)
        return cls(
            desired, observed, plan, account, account_id, partition, suspended, preview, former, problems, repairs
        )

    def facts(self, region: str) -> IdentityFacts | None:
        """Return the identity's facts in a region, None if it does not exist there or was not read."""
        view = self.observed.regions.get(region)
        return view.facts if isinstance(view, Present) else None


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
    found |= dependency_verdicts(case.desired, dependency_cases(case))
    holds_up = any(_holds_up_ready(case, kind, verdict.status) for kind, verdict in found.items())
    return found | readiness(case, _blocking(case) if holds_up else None)


def dependency_cases(case: ReportInput) -> dict[str, DependencyCase]:
    """Return what the identity depends on in each region."""
    return {
        region: DependencyCase.of(case.desired, region, case.observed.around(region), case.facts(region))
        for region in case.desired.regions
    }


def _holds_up_ready(case: ReportInput, kind: ConditionType, status: ConditionStatus) -> bool:
    """Return True if an application cannot send, or not as the spec asks, because this condition has this status."""
    match kind:
        case ConditionType.DNS_PUBLISHED:
            return False  # what SES has seen counts
        case ConditionType.MAIL_FROM_VERIFIED:
            memory = case.observed.remembered
            return any(
                holds_up_ready(wanted, case.facts(region), memory[region].mail_from if region in memory else None)
                for region, wanted in case.desired.mail_from.items()
            )
        case ConditionType.SENDING_ENABLED if status is ConditionStatus.UNKNOWN:
            return any(case.observed.around(region).is_awaited for region in case.desired.regions)
        case _:
            return status is not ConditionStatus.TRUE


def readiness(case: ReportInput, blocking: Problem | None) -> dict[ConditionType, Verdict]:
    """Return Ready, and if it is not: Reconciling or Stalled, one of them."""
    leaving = blockers({r: plan for r, plan in case.plan.regions.items() if r not in case.desired.regions})
    blocking = blocking or next(iter(leaving), None)
    if blocking is None:
        said = (verified_everywhere(case.desired), *_lost_mail_from(case), *_contests(case))
        return {ConditionType.READY: yes(". ".join(said))}
    return not_ready(blocking)


def _lost_mail_from(case: ReportInput) -> Iterable[str]:
    """Yield which MAIL FROM domains SES no longer finds, where it sends with its own meanwhile."""
    lost = sorted(region for region in case.desired.mail_from if not _mail_from_verified(case, region))
    if lost:
        yield f"The MAIL FROM domain is not verified in {', '.join(lost)}, and SES sends with its own"


def _contests(case: ReportInput) -> Iterable[str]:
    """Yield what is as the spec asks now, and may not be so in a moment."""
    for repair in case.repairs:
        if is_contested(repair):
            yield in_words(repair)


def refused(problem: Problem) -> dict[ConditionType, Verdict]:
    """Return the conditions of an identity that is not accepted: nothing is known of the rest."""
    return {ConditionType.ACCEPTED: no(problem)} | not_ready(problem)


def is_ready(status: SesIdentityStatus | None) -> bool:
    """Return True if this status says Ready."""
    ready = find(status.conditions, ConditionType.READY) if status else None
    return ready is not None and ready.is_true


def _blocking(case: ReportInput) -> Problem:
    """Return the one problem that Ready names: one that stalls first, then in the order of regions; the others are appended."""
    if case.suspended is not None:
        return case.suspended
    return foremost(case.problems) or Problem(Reason.PROGRESSING, "The next step follows immediately")


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
    return yes(f"The identity exists in {in_regions(len(case.desired.regions))} with the settings of the spec")


def _dns_published(case: ReportInput) -> Verdict:
    dns = case.observed.dns
    blocker = case.observed.dns_failure or (dns.problem if dns else None) or case.plan.dns_problem
    if blocker is not None:
        return no(blocker)
    if case.suspended is not None and (dns is None or not all_published(case.observed)):
        return Verdict(ConditionStatus.UNKNOWN, case.suspended.reason, str(case.suspended))
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
        return Verdict(ConditionStatus.FALSE, reason, joined([entry.message for entry in wrong]))
    message = f"{len(dns.records) - len(open_)} of {len(dns.records)} record sets are known to be served"
    return Verdict(ConditionStatus.FALSE, Reason.PUBLISHING_RECORDS, message)


def _in_every_region(case: ReportInput, what: str, holds: RegionTest) -> Verdict:
    waiting = [region for region in case.desired.regions if not holds(case, region)]
    total = len(case.desired.regions)
    if not waiting:
        return yes(f"{what} is verified in {in_regions(total)}")
    problem = case.problems.get(waiting[0]) or Problem(Reason.PROGRESSING, "")
    message = f"{what} is verified in {total - len(waiting)} of {in_regions(total)}; waiting for {', '.join(waiting)}"
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
