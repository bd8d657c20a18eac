"""Brings the places where records were published before to an end. ``core/dns/migration`` decides how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.meta import WITHDRAW_FROM
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.controllers.identity.dns import DnsSide, Target
from ses_operator.controllers.identity.lookups import Lookups
from ses_operator.controllers.shared.accounts import OpenAccount
from ses_operator.controllers.shared.identity_objects import inventory_of_object, witness_of
from ses_operator.core.dns.migration import Disposition, FormerPlace, MigrationDecision, Move, Place, decide
from ses_operator.core.model.problems import OperatorError
from ses_operator.core.model.records import RecordId, RecordSet
from ses_operator.core.planning.plan import all_published, surplus_policy
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.observed import Observed
from ses_operator.core.state.steps import ReleaseRecords, WithdrawRecords
from ses_operator.core.status.status import former_places
from ses_operator.core.status.transitions import RECORDS_LEFT, RECORDS_RELEASED, EventType, Transition

Tell = Callable[[SesIdentity, Transition], None]


@dataclass(frozen=True, slots=True)
class MigrationContext:
    """An identity for which nothing is left to do in the present place of its records."""

    identity: SesIdentity
    account: OpenAccount
    desired: Desired
    target: Target
    observed: Observed

    @property
    def records(self) -> tuple[RecordSet, ...]:
        """All wanted records."""
        dns = self.observed.dns
        return tuple(entry.record for entry in dns.records) if dns else ()

    @property
    def needed(self) -> tuple[RecordSet, ...]:
        """The records that have to be waited for."""
        dns = self.observed.dns
        return tuple(entry.record for entry in dns.records if not entry.is_left_to_others) if dns else ()


class Moves:
    """Old places, one after the other, in each run until there is none. ``tell`` records an Event."""

    def __init__(self, dns: DnsSide, lookups: Lookups, tell: Tell, now: Callable[[], datetime]) -> None:
        self._dns = dns
        self._lookups = lookups
        self._tell = tell
        self._now = now

    async def settle(self, scene: MigrationContext) -> tuple[FormerPlace, ...]:
        """Do for each old place what can be done now; return those that still need work, and why."""
        before = former_places(scene.identity)
        old = sorted(inventory_of_object(scene.identity).places - scene.target.places)
        left = [await self._settle_place(scene, name, before) for name in old]
        return tuple(place.follows(before) for place in left if place is not None)

    async def _settle_place(
        self, scene: MigrationContext, name: str, before: Mapping[str, FormerPlace]
    ) -> FormerPlace | None:
        try:
            old = await self._dns.target_at(scene.account, scene.desired, witness_of(scene.identity), name)
            decision = (
                await self._carry_out(scene, old, before.get(name)) if old else MigrationDecision(Disposition.FORGET)
            )
        except OperatorError as error:
            return FormerPlace(name, error.problem.reason, str(error.problem), self._now())
        if decision.fate is Disposition.FORGET:
            return None
        return FormerPlace(
            name, decision.pending or "", decision.message, self._now(), decision.fate, decision.retry_after
        )

    async def _carry_out(self, scene: MigrationContext, old: Target, before: FormerPlace | None) -> MigrationDecision:
        move = await self._move(scene, old, before)
        decision = decide(move)
        if decision.fate is Disposition.ASK:
            findings = await self._lookups.findings(move.wanted, scene.account.spec.dns.nameservers)
            move = replace(move, findings=findings)
            decision = decide(move)
        match decision.fate:
            case Disposition.KEEP:
                await old.publisher.retain(old.publication, scene.records, move.surplus)
            case Disposition.RELEASE:
                decision = await self._release(scene, old, move)
            case Disposition.WITHDRAW:
                decision = await self._withdraw(scene, old, move)
            case Disposition.FORGET if decision.message:
                self._warn(scene, decision.message)
        if decision.fate is Disposition.WATCH:
            self._dns.forget(scene.target)  # the next read shall see what another client has deleted
        return decision

    async def _move(self, scene: MigrationContext, old: Target, before: FormerPlace | None) -> Move:
        old_zone, new_zones = await self._dns.served_from(scene.account, old, scene.target)
        return Move(
            old=Place(old.place or "", old_zone, await old.publisher.holdings(old.publication)),
            new=Place(
                scene.target.place or "",
                new_zones[0] if new_zones else None,
                await self._holdings(scene),
                new_zones[1:],
            ),
            provider=scene.desired.provider,
            wanted=scene.needed,
            surplus=surplus_policy(scene.desired, scene.observed),
            published=all_published(scene.observed),
            now=self._now(),
            requested=scene.identity.metadata.annotations.get(WITHDRAW_FROM) == old.place,
            said=before,
        )

    async def _holdings(self, scene: MigrationContext) -> frozenset[RecordId]:
        if scene.desired.provider is not DnsProvider.ROUTE53:
            return frozenset()  # of the others it is of no interest
        return await scene.target.publisher.holdings(scene.target.publication)

    async def _release(self, scene: MigrationContext, old: Target, move: Move) -> MigrationDecision:
        await old.publisher.retain(old.publication, scene.records, move.surplus)
        await self._dns.take_away(old, ReleaseRecords())
        said = (
            f"The DNS provider is Manual now. The records of {scene.desired.identity} in {old.place} stay as they are, and "
            "the operator "
            "no longer manages them. Keep them, or remove them once the same are published elsewhere"
        )
        self._tell(scene.identity, Transition(EventType.NORMAL, RECORDS_RELEASED, said))
        return MigrationDecision(Disposition.FORGET)

    async def _withdraw(self, scene: MigrationContext, old: Target, move: Move) -> MigrationDecision:
        left = await self._dns.take_away(old, WithdrawRecords())
        decision = decide(move.emptied())
        if decision.fate is not Disposition.WATCH:
            for sentence in left:
                self._warn(scene, sentence)
        return decision

    def _warn(self, scene: MigrationContext, sentence: str) -> None:
        self._tell(scene.identity, Transition(EventType.WARNING, RECORDS_LEFT, sentence))
