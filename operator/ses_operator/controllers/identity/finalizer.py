"""The end of an identity here: SES in every region, then DNS, then the finalizer. Never stuck without a way out in words.

It is deleted, or handed over to another installation: the way is the same, and the plan another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from ses_operator.api.account.kind import SesAccountSpec
from ses_operator.api.base.meta import HAND_OVER_TO, LET_GO_AT
from ses_operator.api.base.model import rfc3339
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import DeletionPolicy, SesIdentity
from ses_operator.aws.calls.budget import Priority
from ses_operator.controllers.identity.controller import IdentityParts
from ses_operator.controllers.shared.accounts import OpenAccount
from ses_operator.controllers.shared.identity_objects import inventory_of_object, witness_of
from ses_operator.core.admission.acceptance import same_account
from ses_operator.core.model.keys import Installation, ObjectKey
from ses_operator.core.model.problems import OperatorError, Problem
from ses_operator.core.planning.deletion import CandidateRegions, blockers, plan_deletion
from ses_operator.core.planning.deletion_limit import has_a_say, held_back
from ses_operator.core.planning.handover import (
    handed_over,
    invalid_new_owner,
    is_handed_over,
    plan_handover,
    requested_new_owner,
)
from ses_operator.core.planning.plan import Plan
from ses_operator.core.state.attempt import Attempt
from ses_operator.core.state.desired import Desired, desired_identity
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Observed
from ses_operator.core.state.steps import DnsStep
from ses_operator.core.status.status import handover_status, remembered, waiting_status
from ses_operator.core.status.transitions import RECORDS_LEFT, EventType, Transition
from ses_operator.runtime.workqueue import Result

WAY_OUT = "To release the object and leave everything as it is, set spec.deletionPolicy to Retain"

WAY_BACK = f"To keep what has not been handed over yet, remove the annotation {HAND_OVER_TO}"


class Finalizer:
    """Takes back what an identity left behind, by its inventory, or hands it over. Suspension does not hold it up."""

    def __init__(self, installation: Installation, parts: IdentityParts, now: Callable[[], datetime]) -> None:
        self._installation = installation
        self._parts = parts
        self._now = now

    async def reconcile(self, identity: SesIdentity, priority: Priority) -> Result:
        """Take back or hand over what can be, then remove the finalizer, or report what it waits for."""
        meta = identity.metadata
        new_owner = requested_new_owner(meta.annotations, self._installation)
        if not meta.has_finalizer and (new_owner is None or meta.is_deleting or is_handed_over(identity, new_owner)):
            return Result.done()
        key = ObjectKey(meta.namespace, meta.name)
        account = self._parts.accounts.get(identity.spec.account_ref.name)
        if account is None:
            return Result.done()
        # While the account cannot be used nothing is deleted or counted: else all would be deleted at once when it can.
        may_go = new_owner is None and isinstance(account, OpenAccount)
        leave = await self._ask_leave(identity) if may_go else identity
        if isinstance(leave, Problem):
            return await self._wait(identity, leave, new_owner)
        identity = leave
        spec = account.spec if isinstance(account, OpenAccount) else SesAccountSpec()
        desired = desired_identity(self._installation, key, identity.spec, spec, scope=None)
        problems = (
            await self._take_back(identity, desired, account, new_owner, priority)
            if isinstance(account, OpenAccount)
            else (account,)
        )
        lets_go = meta.is_deleting and desired.deletion is DeletionPolicy.RETAIN
        if problems and not lets_go:
            return await self._wait(identity, problems[0], new_owner)
        self._parts.regions.unwatch(key)
        if isinstance(account, OpenAccount):
            regions = CandidateRegions.of(identity, inventory_of_object(identity)).regions
            self._parts.regions.forget(account.aws.account_id, desired.identity, regions)
        await self._parts.objects.released(identity)
        if new_owner is not None and not meta.is_deleting:
            over = handed_over(new_owner)
            status = handover_status(identity, new_owner, over, self._now(), completed=True)
            await self._parts.objects.report(identity, status)
        return Result.done()

    async def _ask_leave(self, identity: SesIdentity) -> SesIdentity | Problem:
        """Return the identity if it may be deleted, marked so if the deletion limit was applied; else why it waits."""
        name = identity.spec.account_ref.name
        limit = self._parts.deletion_limit.limit(name)
        if limit is None or not has_a_say(identity, inventory_of_object(identity)):
            return identity
        wait = await self._parts.deletion_limit.acquire(name)
        if wait:
            return held_back(name, limit, wait)
        # Counted first: if this is not written any more, the count is too high by one, and never too low.
        return await self._parts.objects.annotate(identity, LET_GO_AT, rfc3339(self._now()))

    async def _take_back(
        self, identity: SesIdentity, desired: Desired, account: OpenAccount, new_owner: str | None, priority: Priority
    ) -> tuple[Problem, ...]:
        """Take back, or hand over, everything that can be; return what could not, and why."""
        if new_owner is not None and (invalid := invalid_new_owner(new_owner)) is not None:
            return (invalid,)
        moved = same_account(inventory_of_object(identity), account.name, account.aws.account_id)
        if moved is not None:
            return (moved,)
        inventory = inventory_of_object(identity)
        candidates = CandidateRegions.of(identity, inventory)
        views = await self._parts.regions.read_certainly(account.aws, desired.identity, candidates.regions, priority)
        observed = Observed(
            regions=candidates.relevant(views), remembered=remembered(identity), invited=inventory.invited
        )
        attempt = Attempt()
        while (plan := _plan(desired, observed, attempt, new_owner)).ses_steps:
            applied = await self._parts.regions.apply(account.aws, plan, observed, attempt, self._now(), priority)
            observed, attempt = applied.observed, applied.attempt
        problems = blockers(plan.regions)
        if plan.dns is None:
            return problems
        return problems + await self._clear_dns(identity, desired, account, plan.dns)

    async def _clear_dns(
        self, identity: SesIdentity, desired: Desired, account: OpenAccount, step: DnsStep
    ) -> tuple[Problem, ...]:
        inventory = inventory_of_object(identity)
        places = sorted(inventory.places)
        if inventory == Inventory():
            target = await self._parts.dns.target(account, desired, witness_of(identity))
            if isinstance(target, Problem):
                return () if target.reason is Reason.HOSTED_ZONE_NOT_FOUND else (target,)
            places = sorted(target.places)
        outcomes = await asyncio.gather(*(self._clear(identity, account, desired, place, step) for place in places))
        return tuple(problem for problem in outcomes if problem is not None)

    async def _clear(
        self, identity: SesIdentity, account: OpenAccount, desired: Desired, place: str, step: DnsStep
    ) -> Problem | None:
        try:
            target = await self._parts.dns.target_at(account, desired, witness_of(identity), place)
            left = await self._parts.dns.take_away(target, step) if target is not None else ()
            for sentence in left:
                self._parts.objects.tell(identity, Transition(EventType.WARNING, RECORDS_LEFT, sentence))
        except OperatorError as error:
            return error.problem
        return None

    async def _wait(self, identity: SesIdentity, problem: Problem, new_owner: str | None) -> Result:
        now = self._now()
        if new_owner is None:
            words = f"Deletion is waiting: {problem}. {WAY_OUT}"
            status = waiting_status(identity, _waiting(problem, Reason.DELETING, words), now)
        else:
            words = f"Hand-over to {new_owner} is waiting: {problem}. {WAY_BACK}"
            said = _waiting(problem, Reason.HANDING_OVER, words)
            status = handover_status(identity, new_owner, said, now, completed=False)
        await self._parts.objects.report(identity, status)
        return Result.retry() if problem.retry_after is None else Result.after(problem.retry_after)


def _waiting(problem: Problem, reason: Reason, words: str) -> Problem:
    """Return the problem as what the end waits for: only what is written in a spec that stays stalls."""
    return Problem(reason if problem.reason.stalls else problem.reason, words, problem.retry_after)


def _plan(desired: Desired, observed: Observed, attempt: Attempt, new_owner: str | None) -> Plan:
    if new_owner is None:
        return plan_deletion(desired, observed, attempt)
    return plan_handover(desired, observed, desired.owner.new_owner(new_owner), attempt)
