"""Publication in several zones: each record goes where its name belongs, because a zone may delegate names below it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from ses_operator.core.model.keys import Owner
from ses_operator.core.model.name_rights import is_within
from ses_operator.core.model.problems import OperatorError, Problem
from ses_operator.core.model.records import RecordId, RecordSet
from ses_operator.core.state.publication import DnsObservation, Publication, PublishedRecord, RecordState
from ses_operator.core.state.steps import Surplus
from ses_operator.dns.publisher import DnsPublisher


@dataclass(frozen=True, slots=True)
class Part:
    """A zone that has the records at and below ``publication.domain``, and its publisher."""

    publisher: DnsPublisher
    publication: Publication


class SplitPublisher:
    """Implements ``DnsPublisher`` over several zones: that of the domain, and those that it delegates names to.

    What one of the delegated zones fails at is reported of its records, and holds up no others. The publication that
    is handed to it is that of the first part.
    """

    def __init__(self, main: Part, delegated: Sequence[Part]) -> None:
        self._main = main
        self._delegated = tuple(delegated)

    async def observe(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus = Surplus.REMOVE
    ) -> DnsObservation:
        """Observe each zone."""
        del publication
        return await self._in_each(records, lambda part, own: part.publisher.observe(part.publication, own, surplus))

    async def publish(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus = Surplus.REMOVE
    ) -> DnsObservation:
        """Publish in each zone."""
        del publication
        return await self._in_each(records, lambda part, own: part.publisher.publish(part.publication, own, surplus))

    async def holdings(self, publication: Publication) -> frozenset[RecordId]:
        """Return what the owner has in all of them."""
        del publication
        found = [await part.publisher.holdings(part.publication) for part in self._parts]
        return frozenset[RecordId]().union(*found)

    async def retain(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus = Surplus.REMOVE
    ) -> None:
        """Keep in each zone what is its own of these."""
        del publication
        for part in self._parts:
            await part.publisher.retain(part.publication, self._of(part, records), surplus)

    async def withdraw(self, publication: Publication) -> tuple[str, ...]:
        """Delete all that the owner has in any of them."""
        del publication
        found = [await part.publisher.withdraw(part.publication) for part in self._parts]
        return tuple(sentence for sentences in found for sentence in sentences)

    async def hand_over(self, publication: Publication, new_owner: Owner) -> tuple[str, ...]:
        """Give all that the owner has in any of them to another owner."""
        del publication
        found = [await part.publisher.hand_over(part.publication, new_owner) for part in self._parts]
        return tuple(sentence for sentences in found for sentence in sentences)

    async def release(self, publication: Publication) -> None:
        """Release all that the owner has in any of them."""
        del publication
        for part in self._parts:
            await part.publisher.release(part.publication)

    @property
    def _parts(self) -> tuple[Part, ...]:
        return (*self._delegated, self._main)

    def _of(self, part: Part, records: Sequence[RecordSet]) -> tuple[RecordSet, ...]:
        return tuple(record for record in records if self._part_of(record) is part)

    def _part_of(self, record: RecordSet) -> Part:
        """Return the part that a record belongs to: the nearest above its name."""
        holding = [part for part in self._delegated if is_within(record.name, part.publication.domain)]
        return max(holding, key=lambda part: len(part.publication.domain), default=self._main)

    async def _in_each(
        self, records: Sequence[RecordSet], call: Callable[[Part, Sequence[RecordSet]], Awaitable[DnsObservation]]
    ) -> DnsObservation:
        delegated = await asyncio.gather(*(self._contained(part, records, call) for part in self._delegated))
        main = await call(self._main, self._of(self._main, records))
        found = (main, *delegated)
        entries = {entry.record.id: entry for observation in found for entry in observation.records}
        return DnsObservation(
            records=tuple(entries[record.id] for record in records),
            surplus=tuple(name for observation in found for name in observation.surplus),
            in_sync=all(observation.in_sync for observation in found),
            problem=main.problem,
            unproven=tuple(name for observation in found for name in observation.unproven),
            owned=frozenset[RecordId]().union(*(observation.owned for observation in found)),
        )

    async def _contained(
        self,
        part: Part,
        records: Sequence[RecordSet],
        call: Callable[[Part, Sequence[RecordSet]], Awaitable[DnsObservation]],
    ) -> DnsObservation:
        """Return the observation of a delegated zone; what is in the way of all its records is said of each."""
        own = self._of(part, records)
        try:
            found = await call(part, own)
        except OperatorError as error:
            return DnsObservation(tuple(_held_up(record, error.problem) for record in own), in_sync=True)
        if found.problem is None:
            return found
        kept = {entry.record.id: entry for entry in found.records if entry.state is RecordState.PUBLISHED}
        entries = (kept.get(record.id) or _held_up(record, found.problem) for record in own)
        return replace(found, records=tuple(entries), in_sync=True, problem=None)


def _held_up(record: RecordSet, problem: Problem) -> PublishedRecord:
    return PublishedRecord(record, RecordState.MISSING, f"{record}: {problem.message}", problem.reason)
