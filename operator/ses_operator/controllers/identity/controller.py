"""Takes a SesIdentity from its spec to verified in every region, keeps it so, and reports.

It holds no truth between calls: what its parts remember (readings, look-ups, turns) saves calls, and losing it costs some.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from ses_operator.api.identity.kind import SesIdentity
from ses_operator.aws.calls.budget import Priority
from ses_operator.aws.listing.identity_cache import IdentityCache
from ses_operator.controllers.identity.claimants import Claimants
from ses_operator.controllers.identity.dkim_keys import DkimKeys
from ses_operator.controllers.identity.dns import DnsSide, Target
from ses_operator.controllers.identity.dns_migration import MigrationContext, Moves
from ses_operator.controllers.identity.lookups import Lookups
from ses_operator.controllers.identity.preconditions import (
    AccountNotReady,
    AwsUnavailable,
    Preconditions,
    Rejected,
    Run,
    UpToDate,
)
from ses_operator.controllers.identity.regions import Regions
from ses_operator.controllers.identity.resync import Resync, is_reported_ready
from ses_operator.controllers.shared.accounts import Accounts
from ses_operator.controllers.shared.admissions import Admissions
from ses_operator.controllers.shared.deletion_limit import DeletionLimit
from ses_operator.controllers.shared.identity_objects import IdentityObjects, inventory_of_object, key_of
from ses_operator.core.admission.acceptance import Admission, OwnershipRequest, judge
from ses_operator.core.dns.migration import FormerPlace
from ses_operator.core.features.feedback import needs_topics
from ses_operator.core.features.key_identity import selectors_in_use
from ses_operator.core.features.sending_policy import asks_for_new_policies
from ses_operator.core.model.dkim_source import MissingKey
from ses_operator.core.model.keys import Installation, ObjectKey
from ses_operator.core.model.problems import OperatorError, Problem
from ses_operator.core.planning.contention import after_publication, after_steps, known_repairs
from ses_operator.core.planning.deletion_limit import region_held_back, regions_to_ask_for
from ses_operator.core.planning.dry_run import dry_run
from ses_operator.core.planning.leftovers import within_reach
from ses_operator.core.planning.pending_changes import Preview, as_if_adopted, pending_changes, suspension
from ses_operator.core.planning.plan import (
    Plan,
    all_published,
    inventory_of,
    owns_any,
    plan_identity,
    surplus_policy,
    wanted_records,
)
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Observed
from ses_operator.core.state.steps import PublishRecords
from ses_operator.core.status.report import ReportInput, is_ready
from ses_operator.core.status.requeue import needs_backoff, oldest_readings, requeue_after, waited
from ses_operator.core.status.status import (
    acknowledged_status,
    former_places,
    identity_status,
    refused_status,
    remembered,
    warned_status,
)
from ses_operator.core.status.transient_errors import is_transient_only, verification_regressed
from ses_operator.runtime.workqueue import Result

MAX_ROUNDS = 8
"""Rounds of plan and apply in one run. Three are the rule; what is left after these waits for the next run."""


@dataclass(frozen=True, slots=True)
class IdentityParts:
    """What the controller is made of."""

    objects: IdentityObjects
    accounts: Accounts
    admissions: Admissions
    claimants: Claimants
    identity_cache: IdentityCache
    regions: Regions
    dns: DnsSide
    moves: Moves
    lookups: Lookups
    resync: Resync
    brake: DeletionLimit
    dkim_keys: DkimKeys


class IdentityController:
    """Observe, plan, apply, report: the life of an identity. Its end is in ``finalizer``."""

    def __init__(self, installation: Installation, parts: IdentityParts, now: Callable[[], datetime]) -> None:
        self._parts = parts
        self._preconditions = Preconditions(
            installation,
            parts.accounts,
            parts.admissions,
            parts.identity_cache,
            parts.regions,
            parts.dns,
            parts.resync,
            parts.dkim_keys,
        )
        self._now = now

    async def reconcile(self, identity: SesIdentity, priority: Priority) -> Result:
        match await self._preconditions.check(identity, priority):
            case AccountNotReady():
                self._parts.identity_cache.unwatch(key_of(identity))
                return Result.done()
            case AwsUnavailable():
                return await self._doubt(identity)
            case Rejected(problem, admission):
                return await self._refuse(identity, problem, admission)
            case UpToDate(admission):
                await self._warn(identity, admission)
                return Result.after(self._parts.resync.until_next_resync(identity))
            case Run() as run:
                return await self._carry_out(run)

    async def _carry_out(self, run: Run) -> Result:
        observed = await self._observe(run)
        if (problem := judge(self._ownership_request(run, observed))) is not None:
            return await self._refuse(run.identity, problem, run.admission)
        run, observed, plan = await self._converge(await self._with_new_key(run, observed), observed)
        run, former = await self._leave(run, observed, plan)
        return await self._report(run, observed, plan, former)

    def _ownership_request(self, run: Run, observed: Observed) -> OwnershipRequest:
        return OwnershipRequest(
            run.desired,
            self._parts.claimants.of(run.identity, run.account.aws.account_id),
            self._parts.claimants.others(run.identity),
            observed.regions,
            observed.invited,
        )

    async def _with_new_key(self, run: Run, observed: Observed) -> Run:
        """A DKIM key that is to be made stands in its Secret before SES or DNS hear of it."""
        if run.identity.spec.suspend or not isinstance(run.desired.dkim, MissingKey):
            return run
        made = await self._parts.dkim_keys.make(
            run.identity, selectors_in_use(observed, inventory_of_object(run.identity))
        )
        return run if made is None else replace(run, desired=replace(run.desired, dkim=made))

    async def _observe(self, run: Run) -> Observed:
        """What SES says in every region of the spec and of the inventory. DNS is observed when SES has told its part."""
        memory, now = remembered(run.identity), self._now()
        inventory = inventory_of_object(run.identity)
        leaving = inventory.regions - frozenset(run.desired.regions)
        in_full = self._parts.resync.is_due(run.identity) or asks_for_new_policies(run.desired, inventory)
        seconds = {region: waited(memory.get(region), now) for region in run.desired.regions}
        oldest = dict.fromkeys(seconds, 0.0) if in_full else oldest_readings(run.identity.status, seconds)
        views = await self._parts.regions.read(
            run.account.aws,
            run.desired.identity,
            seconds,
            oldest,
            run.priority,
        )
        views |= await self._parts.regions.read_certainly(
            run.account.aws, run.desired.identity, sorted(leaving), run.priority
        )
        if in_full or verification_regressed(views, run.identity.status):
            self._parts.dns.forget(run.target)
            self._parts.lookups.forget(run.desired.owner.key)
        return Observed(
            regions=views,
            remembered=memory,
            invited=inventory.invited,
            repairs=known_repairs(run.identity.status, run.desired.digest(), now),
            is_requested=self._parts.resync.is_requested(run.identity),
        )

    async def _converge(self, run: Run, observed: Observed) -> tuple[Run, Observed, Plan]:
        """Plan and apply until nothing is left that can be done now."""
        for _ in range(MAX_ROUNDS):
            observed = await self._with_topics(run, observed)
            run, observed, plan = await self._with_leave(run, observed, self._plan(run, observed))
            if not plan.ses_steps and observed.dns is None and observed.dns_failure is None:
                observed = await self._observe_dns(run, observed)
                plan = self._plan(run, observed)
            if run.identity.spec.suspend:
                return run, observed, plan
            if plan.is_empty:
                # What is ours without our doing (an object that was restored, a mark that was lost) is anchored too.
                anchored = await self._ensure_finalizer(run, observed) if owns_any(run.desired, observed) else run
                return anchored, observed, plan
            run = await self._ensure_finalizer(run, observed)
            observed = await self._apply(run, plan, observed)
        return run, observed, self._plan(run, observed)

    async def _with_leave(self, run: Run, observed: Observed, plan: Plan) -> tuple[Run, Observed, Plan]:
        """With no deletion, in regions that have left the spec, which the brake of the account does not let go. Those that it
        does are counted first, then marked in the inventory: the count may be too high, and is never too low."""
        inventory, name = inventory_of_object(run.identity), run.account.name
        regions = regions_to_ask_for(plan, run.desired, inventory, run.identity)
        limit = self._parts.brake.limit(name) if regions and not run.identity.spec.suspend else None
        if limit is None:
            return run, observed, plan
        try:
            wait = await self._parts.brake.ask(name)
        except OperatorError as error:
            held = dict.fromkeys(regions, error.problem)
        else:
            if not wait:
                marked = replace(inventory, released=inventory.released | regions)
                return (
                    replace(run, identity=await self._parts.objects.ensure_finalizer(run.identity, marked)),
                    observed,
                    plan,
                )
            held = {region: region_held_back(region, name, limit, wait) for region in regions}
        observed = replace(observed, held={**observed.held, **held})
        return run, observed, self._plan(run, observed)

    async def _with_topics(self, run: Run, observed: Observed) -> Observed:
        """With the SNS topics of the regions for which the spec names some, or did."""
        inventory = inventory_of_object(run.identity)
        regions = [region for region in observed.regions if needs_topics(run.desired, region, inventory)]
        if not regions:
            return observed
        account, name = run.account.aws, run.desired.identity
        views = await self._parts.regions.with_topics(account, name, observed.regions, regions, run.priority)
        return replace(observed, regions=views)

    async def _observe_dns(self, run: Run, observed: Observed) -> Observed:
        """With how the records stand: at the publisher, at the name servers where that is in question, and for SES."""
        observed = await self._parts.dns.observe(run.target, run.desired, observed)
        return await self._look(run, observed)

    async def _look(self, run: Run, observed: Observed) -> Observed:
        return await self._parts.lookups.refine(
            run.desired,
            observed,
            run.account.spec.dns.nameservers,
            lambda: self._parts.dns.published_at(run.account, run.target),
            self._now(),
        )

    def _plan(self, run: Run, observed: Observed) -> Plan:
        return plan_identity(run.desired, observed, inventory_of_object(run.identity), self._now())

    async def _apply(self, run: Run, plan: Plan, observed: Observed) -> Observed:
        if plan.ses_steps:
            now, before = self._now(), observed
            observed = await self._parts.regions.apply(run.account.aws, plan.ses_steps, before, now, run.priority)
            repairs = after_steps(before, observed, plan.ses_steps, run.last_applied, now)
            return replace(observed, repairs=repairs, dns=None)
        if isinstance(plan.dns, PublishRecords) and isinstance(run.target, Target):
            before, observed = observed, await self._parts.dns.carry_out(run.target, plan.dns, observed)
            if before.dns and observed.dns and not observed.dns_failure:
                observed = replace(
                    observed, repairs=after_publication(before, before.dns, run.last_applied, self._now())
                )
            return await self._look(run, observed)
        return observed

    async def _ensure_finalizer(self, run: Run, observed: Observed) -> Run:
        """Finalizer and inventory stand, confirmed, before anything that they cover is made."""
        inventory = inventory_of_object(run.identity)
        wanted = inventory_of(run.desired, run.places, observed.regions, inventory)
        needed = inventory | within_reach(wanted, observed) | Inventory(account=run.account.aws.account_id)
        needed = replace(needed, released=needed.released - frozenset(run.desired.regions))
        return replace(run, identity=await self._parts.objects.ensure_finalizer(run.identity, needed))

    async def _leave(self, run: Run, observed: Observed, plan: Plan) -> tuple[Run, tuple[FormerPlace, ...]]:
        """Where records went before is brought to its end, as far as that can be done now; the inventory shrinks to what is
        left. The old places that are not over with."""
        inventory, identity = inventory_of_object(run.identity), run.identity
        is_idle = plan.is_empty and identity.metadata.has_finalizer and not identity.spec.suspend
        if not is_idle or not isinstance(run.target, Target) or observed.dns is None:
            known = former_places(identity).values()
            return run, tuple(place for place in known if place.place in inventory.places - run.places)
        scene = MigrationContext(identity, run.account, run.desired, run.target, observed)
        left = await self._parts.moves.settle(scene)
        places = run.places | {place.place for place in left}
        if all_published(observed) and not any(region.blockers for region in plan.regions.values()):
            needed = inventory_of(run.desired, places, observed.regions, inventory)
        else:
            needed = replace(inventory, places=inventory.places & places)
        return replace(run, identity=await self._parts.objects.ensure_finalizer(identity, needed)), left

    async def _warn(self, identity: SesIdentity, admission: Admission) -> None:
        """Guardrails come and go without anything else having to be done."""
        if identity.status.warnings != admission.warnings:
            await self._parts.objects.report(identity, warned_status(identity.status, admission.warnings))

    async def _refuse(self, identity: SesIdentity, problem: Problem, admission: Admission | None = None) -> Result:
        self._parts.identity_cache.rest(ObjectKey(identity.metadata.namespace, identity.metadata.name))
        status = refused_status(identity, problem, self._now())
        await self._parts.objects.report(identity, warned_status(status, admission.warnings) if admission else status)
        return Result.retry() if problem.retry_after is None else Result.after(problem.retry_after)

    async def _preview(self, run: Run, observed: Observed, plan: Plan) -> Preview | None:
        """What would be done, where the spec holds it back: SES by rehearsal, DNS as the publisher finds it."""
        desired = run.desired if run.identity.spec.suspend else as_if_adopted(run.desired, plan)
        if desired is None:
            return None
        inventory = inventory_of_object(run.identity)
        rehearsal = dry_run(desired, observed, inventory, self._now())
        outcome = await self._parts.dns.observe(run.target, desired, rehearsal.outcome)
        changes = pending_changes(
            rehearsal,
            outcome.dns,
            surplus_policy(desired, outcome),
            known=wanted_records(desired, observed),
            former_places=inventory.places - run.places,
        )
        return Preview(changes, rehearsal.left)

    async def _doubt(self, identity: SesIdentity) -> Result:
        """AWS is silent for the moment, and of that nothing is said. Who asked for a look is told that it was made; it is
        made again until AWS answers."""
        self._parts.resync.keep_due(identity)
        await self._parts.objects.report(identity, acknowledged_status(identity))
        return Result.retry()

    async def _report(self, run: Run, observed: Observed, plan: Plan, former: tuple[FormerPlace, ...]) -> Result:
        preview = await self._preview(run, observed, plan)
        case = ReportInput.of(
            run.desired,
            observed,
            plan,
            account_id=run.account.aws.account_id,
            partition=run.account.aws.partition,
            suspended=suspension(preview.changes) if preview and run.identity.spec.suspend else None,
            preview=preview,
            former=former,
        )
        if is_reported_ready(run.identity, run.desired) and is_transient_only(case):
            return await self._doubt(run.identity)
        status = identity_status(run.identity, case, run.zone, self._now())
        status = warned_status(status, run.admission.warnings)
        identity = await self._parts.objects.report(run.identity, status)
        self._preconditions.watch(identity, run.account, run.desired)
        self._parts.resync.note_read(identity)
        if needs_backoff(case):
            return Result.retry()
        if is_ready(status) and self._parts.resync.is_up_to_date(identity, run.desired, run.account.aws.account_id):
            self._parts.regions.forget(run.account.aws.account_id, run.desired.identity, run.desired.regions)
        after = requeue_after(case, self._now())
        turn = self._parts.resync.until_next_resync(identity)
        return Result.after(turn if after is None else min(after, turn))
