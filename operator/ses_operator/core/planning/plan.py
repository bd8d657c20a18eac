"""The plan of one identity: from the desired and the observed state to the steps.

Observe, plan, apply, observe again, until there is nothing more to do: each plan holds only steps that can be taken
now. The regions of a plan do not wait for one another; nor do the steps of one region, unless one needs another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ses_operator.api.base.meta import MARK_TAGS, OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import AdoptionPolicy, DeletionPolicy
from ses_operator.core.features.deterministic_dkim import awaited_parent, awaited_replicas
from ses_operator.core.features.dkim import (
    dkim_conflict,
    dkim_restarts,
    dkim_settings,
    dkim_steps,
    may_need_others,
    missing_key,
    needed_dkim_records,
)
from ses_operator.core.features.mail_from import (
    mail_from_conflict,
    mail_from_differs,
    records_of_mail_from,
    restarts_mail_from,
)
from ses_operator.core.features.marks import is_marked, known_in
from ses_operator.core.features.ownership import Ownership, is_ours, ownership
from ses_operator.core.features.sending_policy import grants, withdrawals
from ses_operator.core.features.settings import due_settings, needed_reads, remembered_settings
from ses_operator.core.features.verification_email import awaited_click, emails_due, invited, is_invited
from ses_operator.core.model.dkim_source import EasyDkim, MissingKey, NoDkim, OwnKey, ReplicaDkim
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.record_values.dmarc import dmarc_name
from ses_operator.core.model.records import Purpose, RecordSet, dmarc_record, merge
from ses_operator.core.model.ses import IdentityFacts
from ses_operator.core.planning.contention import paused, paused_publication
from ses_operator.core.planning.grounds import may_be_published
from ses_operator.core.planning.region_plan import RegionPlan
from ses_operator.core.planning.repairs import creation, creation_by_email, tags
from ses_operator.core.state.attempt import Attempt
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Absent, Observed, Present, RegionView, Unread
from ses_operator.core.state.publication import RecordState
from ses_operator.core.state.setting import SupplementaryRead
from ses_operator.core.state.steps import (
    CreatePolicy,
    DeleteIdentity,
    DnsStep,
    PublishRecords,
    PutSetting,
    SesStep,
    SetDkimSource,
    Surplus,
    TagIdentity,
    UntagIdentity,
)

NOTHING_TRIED = Attempt()

RESTART_INTERVAL = timedelta(hours=1)
"""How often a verification that failed is started again, once its records are right."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan for now.

    ``dns`` comes only when no region has anything left that can be done before it; ``dns_problem``: why it does not
    come though there is something to do.
    """

    regions: Mapping[str, RegionPlan] = field(default_factory=dict)
    dns: DnsStep | None = None
    dns_problem: Problem | None = None

    @property
    def ses_steps(self) -> Mapping[str, tuple[SesStep, ...]]:
        """The steps of each region that has any."""
        return {region: plan.steps for region, plan in self.regions.items() if plan.steps}

    @property
    def is_empty(self) -> bool:
        """True if nothing is to be done now."""
        return self.dns is None and not self.ses_steps


def inventory_of(
    desired: Desired, places: Iterable[str], views: Mapping[str, RegionView], before: Inventory
) -> Inventory:
    """Return what the steps of any plan for ``desired`` may leave behind; ``before`` says what the object owned already."""
    return Inventory(
        regions=frozenset(desired.regions),
        places=frozenset(places),
        tag_keys=frozenset(desired.tags) - {OWNER_TAG},
        settings=remembered_settings(desired) | dkim_settings(desired),
        invited=invited(desired, views, before),
        account=before.account,
    )


def plan_identity(
    desired: Desired, observed: Observed, inventory: Inventory, now: datetime, attempt: Attempt = NOTHING_TRIED
) -> Plan:
    """Return the steps that can be taken now towards ``desired``, after what this run has tried already."""
    regions = {
        region: _unless_paused(_plan_region(desired, region, observed, inventory, now, attempt), region, attempt, now)
        for region in sorted({*desired.regions, *observed.regions})
    }
    plan = Plan(regions)
    if plan.ses_steps or (step := _plan_dns(desired, observed)) is None or observed.dns is None:
        return plan
    pause = paused_publication(observed.dns, attempt.repairs, now)
    return Plan(regions, dns_problem=pause) if pause else Plan(regions, step)


def reads_to_make(
    desired: Desired, observed: Observed, inventory: Inventory, attempt: Attempt
) -> Mapping[str, tuple[SupplementaryRead, ...]]:
    """Return what has to be read before a plan can decide about some settings, by region, and was not refused in this run."""
    found = {
        region: tuple(
            read
            for read in needed_reads(desired, region, view.facts, known_in(region, view.facts, inventory))
            if read.key not in attempt.failures.get(region, {})
        )
        for region, view in observed.regions.items()
        if isinstance(view, Present) and region in desired.regions
    }
    return {region: reads for region, reads in found.items() if reads}


def _unless_paused(plan: RegionPlan, region: str, attempt: Attempt, now: datetime) -> RegionPlan:
    """Return the plan without the steps that another client keeps undoing, for as long as these have a pause."""
    pauses = {
        step.key: pause for step in plan.steps if (pause := paused(step.key, region, attempt.repairs, now)) is not None
    }
    return replace(plan.without(pauses), pauses=tuple(pauses.values())) if pauses else plan


def _plan_region(
    desired: Desired, region: str, observed: Observed, inventory: Inventory, now: datetime, attempt: Attempt
) -> RegionPlan:
    if region not in desired.regions:
        return plan_leaving(desired, region, observed, attempt)
    failures = attempt.failures.get(region, {})
    if region in attempt.ended:
        return RegionPlan(problems=failures)
    match observed.regions.get(region):
        case Present(facts):
            plan = _plan_present(desired, region, facts, observed, known_in(region, facts, inventory), now)
        case Absent():
            plan = _plan_absent(desired, region, observed, now, failures)
        case Unread(problem):
            return RegionPlan.held_up(problem)
        case None:
            return RegionPlan()
    return after_failures(plan, failures)


def after_failures(plan: RegionPlan, failures: Mapping[str, Problem]) -> RegionPlan:
    """Return what is left of a plan in a region where this was refused in this run."""
    return replace(plan.without(failures), problems={**plan.problems, **failures}) if failures else plan


def _plan_absent(
    desired: Desired, region: str, observed: Observed, now: datetime, failures: Mapping[str, Problem]
) -> RegionPlan:
    # What was made where its records cannot go (no zone, or the wrong AWS account) would have to be taken back.
    waits = observed.dns_failure or awaited_parent(desired, region, observed)
    match desired.dkim_in(region):
        case MissingKey():
            problem = missing_key(desired, region)
            return RegionPlan.held_up(problem) if problem else RegionPlan()
        case NoDkim() if is_invited(desired, region, observed, now):
            return RegionPlan(awaited=awaited_click(desired, region, observed, now))
        case NoDkim() if desired.verification_template is not None:
            return RegionPlan.of(creation_by_email(desired, region), founded=True)
        case EasyDkim() | ReplicaDkim() | OwnKey() | NoDkim() as given:
            steps = creation(desired, region, given, refused=failures)
            return RegionPlan.held_up(waits) if waits else RegionPlan.of(steps, founded=True)


def plan_leaving(desired: Desired, region: str, observed: Observed, attempt: Attempt = NOTHING_TRIED) -> RegionPlan:
    """Return the plan of a region where the identity is no longer wanted: what the object owns is deleted or released."""
    if failures := attempt.failures.get(region):
        return RegionPlan(problems=failures)
    match observed.regions.get(region):
        case Unread() if observed.is_nowhere(region):
            return RegionPlan()
        case Unread(problem):
            return RegionPlan.held_up(problem)
        case Present(facts) if is_ours(region, facts, desired.owner, observed.invited):
            if desired.deletion is DeletionPolicy.RETAIN:
                return RegionPlan(_release(desired, region, facts))
            waits = awaited_replicas(region, observed) or attempt.held.get(region)
            return RegionPlan.held_up(waits) if waits else RegionPlan((DeleteIdentity(region, desired.identity),))
        case _:
            return RegionPlan()


def _release(desired: Desired, region: str, facts: IdentityFacts) -> tuple[SesStep, ...]:
    found = (facts.tags or {}).keys()
    tags_of_owner = (OWNER_TAG, *sorted(MARK_TAGS & found))
    return (UntagIdentity(region, desired.identity, tags_of_owner),) if OWNER_TAG in found else ()


def _plan_present(
    desired: Desired, region: str, facts: IdentityFacts, observed: Observed, inventory: Inventory, now: datetime
) -> RegionPlan:
    if (problem := _blocker(desired, region, facts, observed, inventory)) is not None:
        return RegionPlan.held_up(problem)
    tagging = tuple(tags(desired, region, facts, inventory))
    marks = frozenset[str]() if is_marked(desired, region, facts) else frozenset({TagIdentity.KEY})
    adopts = any(isinstance(step, TagIdentity) and OWNER_TAG in step.tags for step in tagging)
    settings = due_settings(desired, region, facts, observed, inventory, now)
    dkim = dkim_steps(desired, region, facts, observed, now)
    policies = grants(desired, region, facts, inventory)
    steps = (
        *(tagging if adopts else ()),
        *withdrawals(desired, region, facts, inventory),
        *(() if adopts else tagging),
        *settings.steps,
        *dkim.steps,
        *_restarts(desired, region, facts, observed, now),
        *emails_due(desired, region, facts, observed, now),
        *policies.steps,
    )
    return replace(
        RegionPlan.of(steps, founded=adopts).after({step.key: marks for step in steps if _is_marked_first(step)}),
        problems={**dkim.problems, **settings.problems, **policies.problems},
        awaited=awaited_click(desired, region, observed, now),
    )


def _is_marked_first(step: SesStep) -> bool:
    """Return True if the step sets what only a mark on the identity tells from what others have set."""
    return isinstance(step, CreatePolicy | SetDkimSource) or (
        isinstance(step, PutSetting) and bool(step.setting.memory)
    )


def _blocker(
    desired: Desired, region: str, facts: IdentityFacts, observed: Observed, inventory: Inventory
) -> Problem | None:
    """Return why an existing identity must be left as it is."""
    ours = is_ours(region, facts, desired.owner, observed.invited)
    match Ownership.OURS if ours else ownership(facts, desired.owner):
        case Ownership.ANOTHERS:
            return Problem(
                Reason.OWNED_BY_ANOTHER,
                f"{desired.identity} belongs to another owner and is left as it is. "
                f"Have its owner delete it or hand it over, or {desired.removal_of(region)}",
                region=region,
            )
        case Ownership.UNOWNED if desired.adoption is AdoptionPolicy.NEVER:
            return Problem(
                Reason.NOT_ADOPTED,
                f"{desired.identity} already exists and has no owner. "
                "Set spec.adoptionPolicy to IfUnowned to adopt it, or delete it in SES",
                region=region,
            )
        case Ownership.UNOWNED if mail_from_differs(desired, region, facts) and facts.mail_from is not None:
            return mail_from_conflict(desired, region, facts.mail_from.domain)
    return dkim_conflict(desired, region, facts, observed, inventory)


def _restarts(
    desired: Desired, region: str, facts: IdentityFacts, observed: Observed, now: datetime
) -> Iterable[SesStep]:
    """Start again what SES gave up on, once its records are right: SES does not look again by itself."""
    remembered = observed.remembered.get(region)
    if remembered and remembered.restarted_at and now - remembered.restarted_at < RESTART_INTERVAL:
        return
    if _published(observed, region, Purpose.DKIM):
        yield from dkim_restarts(desired, region, facts, observed)
    yield from restarts_mail_from(desired, region, facts, observed)


def _published(observed: Observed, region: str, purpose: Purpose) -> bool:
    """Return True if every record of this purpose that the region needs is known to be served."""
    if observed.dns is None:
        return False
    states = [
        entry.state
        for entry in observed.dns.records
        if region in entry.record.regions and entry.record.purpose is purpose
    ]
    return bool(states) and all(state is RecordState.PUBLISHED for state in states)


def all_published(observed: Observed) -> bool:
    """Return True if everything that is wanted in DNS is known to be served, except what is left to others."""
    dns = observed.dns
    return (
        dns is not None
        and dns.in_sync
        and all(entry.state is RecordState.PUBLISHED or entry.is_left_to_others for entry in dns.records)
    )


def owns_any(desired: Desired, observed: Observed) -> bool:
    """Return True if the object owns anything at SES."""
    return any(
        isinstance(view, Present) and is_ours(region, view.facts, desired.owner, observed.invited)
        for region, view in observed.regions.items()
    )


def wanted_records(desired: Desired, observed: Observed) -> tuple[RecordSet, ...]:
    """Return the records needed by every region whose DKIM records are known.

    A region that is leaving keeps its records until its identity is gone; one that cannot be read keeps those
    remembered. None is at a name that belongs to others: SES may still have such a name, as MAIL FROM.
    """
    records: list[RecordSet] = []
    for region, view in observed.regions.items():
        dkim = needed_dkim_records(desired, region, view, observed)
        if dkim is None:
            continue
        records += dkim
    records += records_of_mail_from(desired, observed)
    if records and desired.dmarc is not None:
        # Not before an identity is known to be the object's: until then nothing is published for the domain.
        records.append(dmarc_record(desired.identity, desired.dmarc, desired.regions, desired.ttl))
    permitted = merge(record for record in records if desired.rights.permits(record.name))
    return tuple(record for record in permitted if may_be_published(record, desired, observed))


def names_of_records(desired: Desired) -> tuple[str, ...]:
    """Return the names at or below which an identity has records: its zone may delegate each of them elsewhere."""
    mail_from = sorted({each.domain.lower() for each in desired.mail_from.values()})
    return (f"_domainkey.{desired.identity}", dmarc_name(desired.identity), *mail_from)


def _plan_dns(desired: Desired, observed: Observed) -> DnsStep | None:
    dns = observed.dns
    if dns is None or dns.in_sync or dns.problem is not None or observed.dns_failure is not None:
        return None
    return PublishRecords(wanted_records(desired, observed), surplus_policy(desired, observed))


def surplus_policy(desired: Desired, observed: Observed) -> Surplus:
    """Return what to do with owned records that are not wanted.

    They may be deleted only when every region that may need them has reported its records. An identity that has lost
    its owner tag, or that another client gave another key, may still send with the present ones. So may one with a
    MAIL FROM domain that has been granted to others since.
    """
    for region, view in observed.regions.items():
        if observed.is_nowhere(region) and region not in desired.regions:
            continue
        wanted = region in desired.regions
        match view:
            case Unread():
                return Surplus.KEEP
            case Absent() if wanted:
                return Surplus.KEEP
            case Present(facts) if may_need_others(desired, region, facts, observed):
                return Surplus.KEEP
    if any(not desired.rights.permits(record.name) for record in records_of_mail_from(desired, observed)):
        return Surplus.KEEP
    return Surplus.RELEASE if desired.deletion is DeletionPolicy.RETAIN else Surplus.REMOVE
