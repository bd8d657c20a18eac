"""Publication by people: the records stand in status, ready to copy, and only DNS tells whether they were published."""

from __future__ import annotations

from collections.abc import Sequence

from ses_operator.core.model.keys import Owner
from ses_operator.core.model.records import RecordId, RecordSet
from ses_operator.core.state.publication import DnsObservation, Publication, PublishedRecord, RecordState
from ses_operator.core.state.steps import Surplus


class ManualPublisher:
    """Writes nothing."""

    async def observe(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus = Surplus.REMOVE
    ) -> DnsObservation:
        """Every record is pending until a name server answers it."""
        del publication, surplus
        return DnsObservation(tuple(PublishedRecord(record, RecordState.PENDING) for record in records), in_sync=True)

    async def publish(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus = Surplus.REMOVE
    ) -> DnsObservation:
        """The same."""
        return await self.observe(publication, records, surplus)

    async def holdings(self, publication: Publication) -> frozenset[RecordId]:
        """Nothing here is ours."""
        del publication
        return frozenset()

    async def retain(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus = Surplus.REMOVE
    ) -> None:
        """Nothing here is ours."""
        del publication, records, surplus

    async def withdraw(self, publication: Publication) -> tuple[str, ...]:
        """Nothing here is ours."""
        del publication
        return ()

    async def hand_over(self, publication: Publication, new_owner: Owner) -> tuple[str, ...]:
        """Nothing here is ours."""
        del publication, new_owner
        return ()

    async def release(self, publication: Publication) -> None:
        """Nothing here is ours."""
        del publication
