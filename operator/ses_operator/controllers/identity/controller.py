"""Takes a SesIdentity from its spec to verified in every region, keeps it so, and reports.

It holds no truth between calls: what its parts remember (readings, look-ups, turns) saves calls, and losing it costs some.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from ses_operator.api.identity.kind import SesIdentity
from ses_operator.aws.calls.budget import Priority
from ses_operator.controllers.identity.dkim_keys import DkimKeys
from ses_operator.controllers.identity.dns import DnsSide, Target
from ses_operator.controllers.identity.dns_migration import MigrationContext, Moves
from ses_operator.controllers.identity.precedence import Precedence
from ses_operator.controllers.identity.preconditions import (
    AccountNotReady,
    AwsUnavailable,
    Preconditions,
    Rejected,
    UpToDate,
)
from ses_operator.controllers.identity.regions import Regions
from ses_operator.controllers.identity.resync import Resync, is_reported_ready
from ses_operator.controllers.identity.run import Run
from ses_operator.controllers.shared.accounts import Accounts
from ses_operator.controllers.shared.deletion_limit import DeletionLimit
from ses_operator.controllers.shared.identity_objects import IdentityObjects, key_of
from ses_operator.core.admission.acceptance import Admission
from ses_operator.core.dns.ledger import recollections
from ses_operator.core.features.keys.key_identity import selectors_in_use
from ses_operator.core.features.references import DependencyCase
from ses_operator.core.model.dkim_source import MissingKey
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import OperatorError, Problem
from ses_operator.core.model.schedule import TOPIC_READ
from ses_operator.core.planning.contention import after_publication, after_steps, known_repairs
from ses_operator.core.planning.deletion_limit import region_held_back, regions_to_ask_for
from ses_operator.core.planning.dry_run import dry_run
from ses_operator.core.planning.grounds import grounds
from ses_operator.core.planning.leftovers import within_reach
from ses_operator.core.planning.pending_changes import Preview, as_if_adopted, pending_changes, suspension
from ses_operator.core.planning.plan import (
    all_published,
    inventory_of,
    owns_any,
    plan_identity,
    reads_to_make,
    surplus_policy,
    wanted_records,
)
from ses_operator.core.state.attempt import Attempt
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Observed, Recalled, legible
from ses_operator.core.state.steps import PublishRecords
from ses_operator.core.status.dependencies import with_dependencies
from ses_operator.core.status.report import ReportInput, is_ready
from ses_operator.core.status.requeue import ReadingLife, needs_backoff, requeue_after
from ses_operator.core.status.status import (
    acknowledged_status,
    former_places,
    identity_status,
    refused_status,
    remembered,
    warned_status,
)
from ses_operator.core.status.transient_errors import is_transient_only, verification_regressed
from ses_operator.core.status.waits import NOTHING_KNOWN, known_waits
from ses_operator.runtime.workqueue import Result

MAX_ROUNDS = 8
"""Rounds of plan and apply in one run. Three are the rule; what is left after these waits for the next run."""


@dataclass(frozen=True, slots=True)
class IdentityParts:
    """The parts that the life and the end of an identity need."""

    objects: IdentityObjects
    accounts: Accounts
    regions: Regions
    dns: DnsSide
    moves: Moves
    resync: Resync
    deletion_limit: DeletionLimit
    dkim_keys: DkimKeys


class IdentityController:
    """Observe, plan, apply, report: the life of an identity. Its end is in ``finalizer``."""

    def __init__(
        self, preconditions: Preconditions, precedence: Precedence, parts: IdentityParts, now: Callable[[], datetime]
    ) -> None:
        self._preconditions = preconditions
        self._precedence = precedence
        self._parts = parts
        self._now = now

    async def reconcile(self, identity: SesIdentity, priority: Priority) -> Result:
        """Check the preconditions; observe, plan, apply, report."""
        match await self._preconditions.check(identity, priority):
            case AccountNotReady():
                self._parts.regions.unwatch(key_of(identity))
                return Result.done()
            case AwsUnavailable():
                return await self._doubt(identity)
            case Rejected(problem, admission):
                return await self._refuse(identity, problem, admission)
            case UpToDate() as checked:
                await self._follow(identity, checked)
                turn = Result.after(self._parts.resync.until_next_resync(identity))
                return turn.within(TOPIC_READ) if _lacks_a_topic(checked.cases) else turn
            case Run() as run:
                return await self._carry_out(run)

    async def _carry_out(self, run: Run) -> Result:
        run = await self._observe(run)
        if (problem := await self._precedence.refusal(run)) is not None:
            return await self._refuse(run.identity, problem, run.admission)
        run = await self._converge(await self._with_new_key(run))
        return await self._report(await self._leave(run))

    async def _with_new_key(self, run: Run) -> Run:
        """Make a DKIM key, if one is wanted, in its Secret before SES or DNS get it."""
        if run.is_suspended or not isinstance(run.desired.dkim, MissingKey):
            return run
        made = await self._parts.dkim_keys.make(run.identity, selectors_in_use(run.observed, run.inventory))
        return run if made is None else replace(run, desired=replace(run.desired, dkim=made))

    async def _observe(self, run: Run) -> Run:
        """Read SES in every region of the spec and of the inventory. DNS is observed when SES has reported its part."""
        memory, now = remembered(run.identity), self._now()
        leaving = run.inventory.regions - frozenset(run.desired.regions)
        in_full = self._parts.resync.is_due(run.identity)
        lives = {
            region: ReadingLife(memory.get(region, NOTHING_KNOWN).waits, now, in_full) for region in run.desired.regions
        }
        found = await self._parts.regions.read(run.account.aws, run.desired.identity, lives, run.priority)
        views = {region: legible(view, region) for region, view in found.items()}
        views |= await self._parts.regions.read_certainly(
            run.account.aws, run.desired.identity, sorted(leaving), run.priority
        )
        if in_full or verification_regressed(views, run.identity.status):
            self._parts.dns.distrust(run.target, run.desired.owner)
        observed = Observed(
            regions=views,
            remembered=memory,
            invited=run.inventory.invited,
            is_requested=self._parts.resync.is_requested(run.identity),
            waits=known_waits(run.identity.status, None),
            dns_failure=run.target if isinstance(run.target, Problem) else None,
            surroundings=run.around,
        )
        repairs = known_repairs(run.identity.status, run.desired.digest(), now)
        return replace(run, observed=observed, attempt=Attempt(repairs=repairs))

    async def _converge(self, run: Run) -> Run:
        """Plan and apply until nothing is left that can be done now."""
        for _ in range(MAX_ROUNDS):
            run = await self._with_leave(self._planned(await self._with_reads(run)))
            if not run.plan.ses_steps and run.observed.dns is None and run.observed.dns_failure is None:
                run = self._planned(await self._with_dns(run))
            if run.is_suspended:
                return run
            if run.plan.is_empty:
                # What the object owns without an action of this run (it was restored, a marker was lost) gets a finalizer too.
                return await self._ensure_finalizer(run) if owns_any(run.desired, run.observed) else run
            run = await self._apply(await self._ensure_finalizer(run))
        return self._planned(run)

    def _planned(self, run: Run) -> Run:
        return replace(run, plan=plan_identity(run.desired, run.observed, run.inventory, self._now(), run.attempt))

    async def _with_leave(self, run: Run) -> Run:
        """Apply the account's deletion limit to regions that have left the spec.

        Deletions that it grants are counted first, then marked in the inventory: the count may be too high, and is
        never too low.
        """
        name = run.account.name
        regions = regions_to_ask_for(run.plan, run.desired, run.inventory, run.identity)
        limit = self._parts.deletion_limit.limit(name) if regions and not run.is_suspended else None
        if limit is None:
            return run
        try:
            wait = await self._parts.deletion_limit.acquire(name)
        except OperatorError as error:
            held = dict.fromkeys(regions, error.problem)
        else:
            if not wait:
                marked = replace(run.inventory, released=run.inventory.released | regions)
                return run.written(await self._parts.objects.ensure_finalizer(run.identity, marked))
            held = {region: region_held_back(region, name, limit, wait) for region in regions}
        attempt = replace(run.attempt, held={**run.attempt.held, **held})
        return self._planned(replace(run, attempt=attempt))

    async def _with_reads(self, run: Run) -> Run:
        """Read what GetEmailIdentity does not return, if a setting needs it."""
        reads = reads_to_make(run.desired, run.observed, run.inventory, run.attempt)
        if not reads:
            return run
        observed, attempt = await self._parts.regions.with_reads(
            run.account.aws, run.desired.identity, run.observed, reads, run.attempt, run.priority
        )
        return replace(run, observed=observed, attempt=attempt)

    async def _with_dns(self, run: Run) -> Run:
        """Observe the records: at the publisher, at the name servers if that is in question, and at SES."""
        observed = await self._parts.dns.observe(run.target, run.desired, run.observed)
        return await self._look(replace(run, observed=observed))

    async def _look(self, run: Run) -> Run:
        observed = await self._parts.dns.look_up(run.account, run.target, run.desired, run.observed, self._now())
        return replace(run, observed=observed)

    async def _apply(self, run: Run) -> Run:
        before, now = run.observed, self._now()
        if run.plan.ses_steps:
            applied = await self._parts.regions.apply(run.account.aws, run.plan, before, run.attempt, now, run.priority)
            repairs = after_steps(run.attempt.repairs, before, applied.done, run.last_applied, now)
            wanted = set(run.desired.regions)
            views = {
                region: legible(view, region) if region in wanted else view
                for region, view in applied.observed.regions.items()
            }
            return replace(
                run,
                observed=replace(applied.observed, regions=views, dns=None),
                attempt=replace(applied.attempt, repairs=repairs),
            )
        if isinstance(run.plan.dns, PublishRecords) and isinstance(run.target, Target):
            known = grounds(before)
            if known is None:
                return replace(run, observed=await self._read_again(run))
            observed = await self._parts.dns.carry_out(run.target, run.plan.dns, before, known)
            run = replace(run, observed=observed)
            if before.dns and observed.dns and not observed.dns_failure:
                repairs = after_publication(run.attempt.repairs, before.dns, run.last_applied, now)
                run = replace(run, attempt=replace(run.attempt, repairs=repairs))
            return await self._look(run)
        return run

    async def _read_again(self, run: Run) -> Observed:
        """Return the observation with a reading of each region that was only recalled."""
        beliefs = [region for region, view in run.observed.regions.items() if isinstance(view, Recalled)]
        views = await self._parts.regions.read_certainly(run.account.aws, run.desired.identity, beliefs, run.priority)
        told = {region: legible(view, region) for region, view in views.items()}
        return replace(run.observed, regions={**run.observed.regions, **told}, dns=None)

    async def _ensure_finalizer(self, run: Run) -> Run:
        """Write finalizer and inventory, confirmed, before anything that they cover is made."""
        wanted = inventory_of(run.desired, run.places, run.observed.regions, run.inventory)
        more = Inventory(account=run.account.aws.account_id, records=_remembered_records(run))
        needed = run.inventory | within_reach(wanted, run.observed) | more
        needed = replace(needed, released=needed.released - frozenset(run.desired.regions))
        return run.written(await self._parts.objects.ensure_finalizer(run.identity, needed))

    async def _leave(self, run: Run) -> Run:
        """Finish with places where records were published before, as far as possible now.

        The inventory shrinks to what is left.
        """
        inventory, identity = run.inventory, run.identity
        is_idle = run.plan.is_empty and identity.metadata.has_finalizer and not run.is_suspended
        if not is_idle or not isinstance(run.target, Target) or run.observed.dns is None:
            known = former_places(identity).values()
            old = inventory.places - run.places
            return replace(run, former=tuple(place for place in known if place.place in old))
        scene = MigrationContext(identity, run.account, run.desired, run.target, run.observed)
        left = await self._parts.moves.settle(scene)
        places = run.places | {place.place for place in left}
        if all_published(run.observed) and not any(region.blockers for region in run.plan.regions.values()):
            needed = replace(
                inventory_of(run.desired, places, run.observed.regions, inventory),
                records=_remembered_records(run),
            )
        else:
            needed = replace(inventory, places=inventory.places & places)
        return replace(run.written(await self._parts.objects.ensure_finalizer(identity, needed)), former=left)

    async def _follow(self, identity: SesIdentity, checked: UpToDate) -> None:
        """Report what others have changed beside the identity: warnings, and what it depends on. No call is needed for it."""
        status = with_dependencies(identity, checked.desired, checked.cases, self._now())
        status = warned_status(status, checked.admission.warnings)
        if status != identity.status:
            await self._parts.objects.report(identity, status)

    async def _refuse(self, identity: SesIdentity, problem: Problem, admission: Admission | None = None) -> Result:
        self._parts.regions.rest(ObjectKey(identity.metadata.namespace, identity.metadata.name))
        status = refused_status(identity, problem, self._now())
        await self._parts.objects.report(identity, warned_status(status, admission.warnings) if admission else status)
        return Result.retry() if problem.retry_after is None else Result.after(problem.retry_after)

    async def _preview(self, run: Run) -> Preview | None:
        """Return what would be done, if the spec holds it back: SES by a dry run, DNS as the publisher finds it."""
        desired = run.desired if run.is_suspended else as_if_adopted(run.desired, run.plan)
        if desired is None:
            return None
        rehearsal = dry_run(desired, run.observed, run.inventory, self._now())
        outcome = await self._parts.dns.observe(run.target, desired, rehearsal.outcome)
        changes = pending_changes(
            rehearsal,
            outcome.dns,
            surplus_policy(desired, outcome),
            known=wanted_records(desired, run.observed),
            former_places=run.inventory.places - run.places,
        )
        return Preview(changes, rehearsal.left)

    async def _doubt(self, identity: SesIdentity) -> Result:
        """Report nothing while AWS does not answer for the moment, but acknowledge a request for a reconcile.

        It is made again until AWS answers.
        """
        self._parts.resync.keep_due(identity)
        await self._parts.objects.report(identity, acknowledged_status(identity))
        return Result.retry()

    async def _report(self, run: Run) -> Result:
        preview = await self._preview(run)
        case = ReportInput.of(
            run.desired,
            run.observed,
            run.plan,
            account=run.account.name,
            account_id=run.account.aws.account_id,
            partition=run.account.aws.partition,
            suspended=suspension(preview.changes) if preview and run.is_suspended else None,
            preview=preview,
            former=run.former,
            repairs=run.attempt.repairs,
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
        ages = self._parts.regions.ages(run.account.aws.account_id, run.desired.identity, run.desired.regions)
        if is_ready(status) and self._parts.resync.is_up_to_date(identity, run.desired, run.account.aws.account_id):
            self._parts.regions.forget(run.account.aws.account_id, run.desired.identity, run.desired.regions)
        after = requeue_after(case, self._now(), ages)
        turn = self._parts.resync.until_next_resync(identity)
        return Result.after(turn if after is None else min(after, turn))


def _remembered_records(run: Run) -> frozenset[str]:
    """Return what the inventory has of the records in Route 53: those that are owned, or are about to be written."""
    dns = run.observed.dns
    return recollections(entry.record for entry in dns.records if entry.record.id in dns.owned) if dns else frozenset()


def _lacks_a_topic(cases: Mapping[str, DependencyCase]) -> bool:
    """Return True if an SNS topic is missing, which nothing tells when it is back."""
    return any(case.surroundings.missing_topics for case in cases.values())
