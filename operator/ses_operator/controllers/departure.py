"""The end of an identity: SES in every region, then DNS, then the finalizer. Never stuck without a way out in words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from ses_operator.api.account import SesAccountSpec
from ses_operator.api.identity import DeletionPolicy, SesIdentity
from ses_operator.api.meta import LET_GO_AT
from ses_operator.api.model import rfc3339
from ses_operator.api.reasons import Reason
from ses_operator.aws.budget import Priority
from ses_operator.controllers.accounts import OpenAccount
from ses_operator.controllers.identity import IdentityParts
from ses_operator.controllers.objects import footprint_of_object
from ses_operator.controllers.queue import Result
from ses_operator.core.acceptance import same_account
from ses_operator.core.brake import has_a_say, held_back
from ses_operator.core.deletion import Whereabouts, hindrances, plan_deletion
from ses_operator.core.desired import Desired, desired_identity
from ses_operator.core.footprint import Footprint
from ses_operator.core.keys import ObjectKey
from ses_operator.core.observed import Observed
from ses_operator.core.problems import OperatorError, Problem
from ses_operator.core.report import not_ready
from ses_operator.core.status import remembered, unfinished_status
from ses_operator.core.steps import DnsStep
from ses_operator.core.transitions import RECORDS_LEFT, EventType, Transition

WAY_OUT = "To let go of the object and leave everything as it is, set spec.deletionPolicy to Retain"


class Departure:
    """Takes back what an identity left behind, as its footprint says. Suspension does not hold it up."""

    def __init__(self, installation_id: str, parts: IdentityParts, now: Callable[[], datetime]) -> None:
        self._installation_id = installation_id
        self._parts = parts
        self._now = now

    async def reconcile(self, identity: SesIdentity, priority: Priority) -> Result:
        meta = identity.metadata
        if not meta.has_finalizer:
            return Result.done()
        key = ObjectKey(meta.namespace, meta.name)
        account = self._parts.accounts.get(identity.spec.account_ref.name)
        if account is None:
            return Result.done()
        leave = await self._ask_leave(identity)
        if isinstance(leave, Problem):
            return await self._wait(identity, leave)
        identity = leave
        spec = account.spec if isinstance(account, OpenAccount) else SesAccountSpec()
        desired = desired_identity(self._installation_id, key, identity.spec, spec, scope=None)
        problems = (
            await self._take_back(identity, desired, account, priority)
            if isinstance(account, OpenAccount)
            else (account,)
        )
        if problems and desired.deletion is not DeletionPolicy.RETAIN:
            return await self._wait(identity, problems[0])
        self._parts.inventory.unwatch(key)
        if isinstance(account, OpenAccount):
            regions = Whereabouts.of(identity, footprint_of_object(identity)).regions
            self._parts.regions.forget(account.aws.account_id, desired.identity, regions)
        await self._parts.objects.let_go(identity)
        return Result.done()

    async def _ask_leave(self, identity: SesIdentity) -> SesIdentity | Problem:
        """The identity if it may go, marked so if the brake was asked; else why it waits."""
        name = identity.spec.account_ref.name
        limit = self._parts.brake.limit(name)
        if limit is None or not has_a_say(identity, footprint_of_object(identity)):
            return identity
        wait = await self._parts.brake.ask(name)
        if wait:
            return held_back(name, limit, wait)
        # Counted first: if this is not written any more, the count is too high by one, and never too low.
        return await self._parts.objects.annotate(identity, LET_GO_AT, rfc3339(self._now()))

    async def _take_back(
        self, identity: SesIdentity, desired: Desired, account: OpenAccount, priority: Priority
    ) -> tuple[Problem, ...]:
        """Everything that can be taken back is; what could not, and why."""
        moved = same_account(footprint_of_object(identity), account.name, account.aws.account_id)
        if moved is not None:
            return (moved,)
        footprint = footprint_of_object(identity)
        whereabouts = Whereabouts.of(identity, footprint)
        views = await self._parts.regions.read_certainly(account.aws, desired.identity, whereabouts.regions, priority)
        observed = Observed(
            regions=whereabouts.relevant(views), remembered=remembered(identity), invited=footprint.invited
        )
        plan = plan_deletion(desired, observed)
        while plan.ses_steps:
            observed = await self._parts.regions.apply(account.aws, plan.ses_steps, observed, self._now(), priority)
            plan = plan_deletion(desired, observed)
        problems = hindrances(plan.regions)
        if plan.dns is None:
            return problems
        return problems + await self._clear_dns(identity, desired, account, plan.dns)

    async def _clear_dns(
        self, identity: SesIdentity, desired: Desired, account: OpenAccount, step: DnsStep
    ) -> tuple[Problem, ...]:
        footprint = footprint_of_object(identity)
        places = sorted(footprint.places)
        if footprint == Footprint():
            target = await self._parts.dns.target(account, desired)
            if isinstance(target, Problem):
                return () if target.reason is Reason.HOSTED_ZONE_NOT_FOUND else (target,)
            places = sorted(target.places)
        outcomes = await asyncio.gather(*(self._clear(identity, account, desired, place, step) for place in places))
        return tuple(problem for problem in outcomes if problem is not None)

    async def _clear(
        self, identity: SesIdentity, account: OpenAccount, desired: Desired, place: str, step: DnsStep
    ) -> Problem | None:
        try:
            target = await self._parts.dns.target_at(account, desired, place)
            left = await self._parts.dns.take_away(target, step) if target is not None else ()
            for sentence in left:
                self._parts.objects.tell(identity, Transition(EventType.WARNING, RECORDS_LEFT, sentence))
        except OperatorError as error:
            return error.problem
        return None

    async def _wait(self, identity: SesIdentity, problem: Problem) -> Result:
        said = replace(problem, message=f"Deletion waits: {problem.message}. {WAY_OUT}")
        if said.reason.stalls:
            said = replace(said, reason=Reason.DELETING)
        status = unfinished_status(identity, not_ready(said), self._now())
        await self._parts.objects.report(identity, status)
        return Result.retry() if problem.retry_after is None else Result.after(problem.retry_after)
