"""Publication through Route 53: observe the zone, plan, hand the changes to the zone's batches."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

from ses_operator.api.base.reasons import Reason
from ses_operator.aws.errors.translation import Refused
from ses_operator.aws.route53 import Route53
from ses_operator.core.dns.batches import ChangeSet
from ses_operator.core.dns.keyring import Keyring
from ses_operator.core.dns.ledger import Seal
from ses_operator.core.dns.zone_plan import (
    ZonePlan,
    holdings,
    plan_handover,
    plan_publication,
    plan_release,
    plan_retention,
    plan_withdrawal,
)
from ses_operator.core.dns.zone_sets import ZoneView
from ses_operator.core.dns.zones import Cut, cuts_above, not_found
from ses_operator.core.model.keys import Owner
from ses_operator.core.model.problems import Blocked, OperatorError, Retry, Stale
from ses_operator.core.model.records import RecordId, RecordSet
from ses_operator.core.state.publication import DnsObservation, DnsZone, Publication, PublishedRecord, RecordState
from ses_operator.core.state.steps import Surplus
from ses_operator.dns.batches import NOT_CARRIED_OUT, ZoneBatches
from ses_operator.dns.insync import InsyncPoller
from ses_operator.dns.zone_reader import ZoneReader

LOGGER = logging.getLogger(__name__)

ROUNDS = 5
"""How often one call plans and writes: more than once if a plan fills several batches, or the zone has changed."""

Planner = Callable[[ZoneView], ZonePlan]

Keys = Callable[[], Awaitable[Keyring]]
"""Returns the keys that ledgers are signed with. Raises Blocked if there are none that can be used: nothing is written then."""


class HostedZoneWork:
    """The parts that work on one hosted zone: its reader, its batches, its poller."""

    def __init__(self, zone_id: str, route53: Route53, on_insync: Callable[[Owner], None]) -> None:
        self._zone_id = zone_id
        self._route53 = route53
        clock = asyncio.get_running_loop().time
        self.reader = ZoneReader(route53, zone_id, clock)
        self.insync = InsyncPoller(route53, on_insync, clock)
        self.batches = ZoneBatches(self._send)

    async def close(self) -> None:
        """Stop what runs in the background."""
        await self.batches.close()
        await self.insync.close()
        self.reader.close()

    async def _send(self, batch: Sequence[ChangeSet]) -> str:
        changes = [change for changes in batch for change in changes.changes]
        try:
            change_id = await self._route53.change_record_sets(self._zone_id, changes)
        except Refused:
            raise
        except BaseException as error:
            if not isinstance(error, Retry) or error.problem.reason not in NOT_CARRIED_OUT:
                self._forget(batch)
            raise
        self.reader.changed(changes)
        self.insync.watch(change_id, batch)
        return change_id

    def _forget(self, batch: Iterable[ChangeSet]) -> None:
        for changes in batch:
            self.reader.forget(changes.domain)


class Route53Publisher:
    """Implements ``DnsPublisher``. One for each AWS account; holds nothing that cannot be read again.

    ``on_insync`` is called when all that was written for an owner is served: its key may be woken then.
    """

    def __init__(
        self, route53_for: Callable[[DnsZone], Route53], on_insync: Callable[[Owner], None], keys: Keys
    ) -> None:
        self._route53_for = route53_for
        self._on_insync = on_insync
        self._keys = keys
        self._zones: dict[tuple[str, str | None], HostedZoneWork] = {}

    async def observe(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus = Surplus.REMOVE
    ) -> DnsObservation:
        """Read the part of the zone that holds the domain, unless it was read within the last minute."""
        work, seal = self._work(publication), await self._seal(publication)
        view = await work.reader.view(publication.domain)
        plan = plan_publication(publication.owner, seal, records, view, surplus)
        if plan.problem is not None:
            # Their owner may be withdrawing them through another account's publisher: the next read shall see it.
            work.reader.forget(publication.domain)
        return _observation(plan, work.insync.unsynced(publication.owner))

    async def publish(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus = Surplus.REMOVE
    ) -> DnsObservation:
        """Write what differs; return when Route 53 has accepted it. The records are PENDING until they are served."""
        work, seal = self._work(publication), await self._seal(publication)
        plan, _ = await _carry_out(
            work, publication, lambda view: plan_publication(publication.owner, seal, records, view, surplus)
        )
        return _observation(plan, work.insync.unsynced(publication.owner))

    async def holdings(self, publication: Publication) -> frozenset[RecordId]:
        """Return what the ledger names and the zone has. A zone that no longer exists has nothing."""
        seal = await self._seal(publication)
        try:
            view = await self._work(publication).reader.view(publication.domain)
        except Blocked as error:
            if error.problem.reason is Reason.HOSTED_ZONE_NOT_FOUND:
                return frozenset()
            raise
        return holdings(publication.owner, seal, view)

    async def cuts(self, publication: Publication, names: Iterable[str]) -> tuple[Cut, ...]:
        """Return where the zone delegates one of the names to other zones; nothing if it cannot be read: ``observe`` says why."""
        zone = publication.zone
        if zone is None:
            return ()
        try:
            view = await self._work(publication).reader.view(publication.domain)
        except OperatorError:
            return ()
        return cuts_above(view, zone.name, names)

    async def retain(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus = Surplus.REMOVE
    ) -> None:
        """Write one batch for all that differs."""
        seal = await self._seal(publication)
        await self._leave(publication, lambda view: plan_retention(publication.owner, seal, records, view, surplus))

    async def withdraw(self, publication: Publication) -> tuple[str, ...]:
        """Delete what the ledger names, if it is as the operator wrote it, and the ledger."""
        seal = await self._seal(publication)
        return await self._leave(publication, lambda view: plan_withdrawal(publication.owner, seal, view))

    async def release(self, publication: Publication) -> None:
        """Delete the ledger alone."""
        seal = await self._seal(publication)
        await self._leave(publication, lambda view: plan_release(publication.owner, seal, view))

    async def hand_over(self, publication: Publication, new_owner: Owner) -> tuple[str, ...]:
        """Write the new owner's name into the ledger."""
        seal = await self._seal(publication)
        await self._leave(publication, lambda view: plan_handover(publication.owner, new_owner, seal, view))
        return ()

    def forget(self, publication: Publication) -> None:
        """Let the next ``observe`` read the zone again, which another client may have changed."""
        if publication.zone is not None:
            self._work(publication).reader.forget(publication.domain)

    async def close(self) -> None:
        """Stop what runs in the background."""
        for work in self._zones.values():
            await work.close()
        self._zones.clear()

    async def _seal(self, publication: Publication) -> Seal:
        zone_id = publication.zone.hosted_zone_id if publication.zone else ""
        return Seal(publication.domain, zone_id, await self._keys(), publication.witness, publication.identity)

    def _work(self, publication: Publication) -> HostedZoneWork:
        zone = publication.zone
        if zone is None:
            raise Blocked.of(not_found(publication.domain))
        key = (zone.hosted_zone_id, zone.role_arn)
        work = self._zones.get(key)
        if work is None:
            work = self._zones[key] = HostedZoneWork(zone.hosted_zone_id, self._route53_for(zone), self._on_insync)
        return work

    async def _leave(self, publication: Publication, planner: Planner) -> tuple[str, ...]:
        try:
            _, released = await _carry_out(self._work(publication), publication, planner)
        except Blocked as error:
            if error.problem.reason is Reason.HOSTED_ZONE_NOT_FOUND:
                return ()
            raise
        return released


async def _carry_out(
    work: HostedZoneWork, publication: Publication, planner: Planner
) -> tuple[ZonePlan, tuple[str, ...]]:
    """Plan and write until nothing is left to write. Returns the last plan, and all that was released on the way."""
    released: tuple[str, ...] = ()
    for _ in range(ROUNDS):
        plan = planner(await work.reader.view(publication.domain))
        if not plan.changes:
            return plan, released + _note(publication, plan)
        try:
            await work.batches.submit(ChangeSet(publication.owner, publication.domain, plan.changes))
        except Stale as error:
            LOGGER.info("%s; reading it again", error)
            work.reader.forget(publication.domain)
        except OperatorError:
            work.reader.forget(publication.domain)
            raise
        else:
            released += _note(publication, plan)
    raise Stale(
        Reason.PUBLISHING_RECORDS,
        f"The zone changes while the records of {publication.domain} are written; reading it again",
    )


def _note(publication: Publication, plan: ZonePlan) -> tuple[str, ...]:
    for sentence in plan.released:
        LOGGER.warning("%s: %s", publication.owner.key, sentence)
    return plan.released


def _observation(plan: ZonePlan, unsynced: frozenset[tuple[str, str]]) -> DnsObservation:
    return DnsObservation(
        records=tuple(_until_served(published, unsynced) for published in plan.records),
        surplus=plan.surplus,
        in_sync=not plan.changes and plan.problem is None,
        problem=plan.problem,
        unproven=plan.unproven,
        owned=plan.owned,
    )


def _until_served(published: PublishedRecord, unsynced: frozenset[tuple[str, str]]) -> PublishedRecord:
    if published.state is RecordState.PUBLISHED and (published.record.name, published.record.type) in unsynced:
        return replace(published, state=RecordState.PENDING)
    return published
