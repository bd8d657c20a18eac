"""Publication by people: status lists the records, ready to copy, and only DNS shows whether they were published."""

from __future__ import annotations

from collections.abc import Sequence

from ses_operator.core.model.keys import Owner
from ses_operator.core.model.records import RecordId, RecordSet
from ses_operator.core.state.publication import DnsObservation, Publication, PublishedRecord, RecordState
from ses_operator.core.state.steps import Surplus


class ManualPublisher:
    """Implements ``DnsPublisher``, and writes nothing."""

    async def observe(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus = Surplus.REMOVE
    ) -> DnsObservation:
        """Return every record as pending: a name server has to answer it."""
        del publication, surplus
        return DnsObservation(tuple(PublishedRecord(record, RecordState.PENDING) for record in records), in_sync=True)

    async def publish(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus = Surplus.REMOVE
    ) -> DnsObservation:
        """Return the same as ``observe``: people publish."""
        return await self.observe(publication, records, surplus)

    async def holdings(self, publication: Publication) -> frozenset[RecordId]:
        """Return nothing: the operator owns no records here."""
        del publication
        return frozenset()

    async def retain(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus = Surplus.REMOVE
    ) -> None:
        """Do nothing: the operator owns no records here."""
        del publication, records, surplus

    async def withdraw(self, publication: Publication) -> tuple[str, ...]:
        """Do nothing: the operator owns no records here."""
        del publication
        return ()

    async def hand_over(self, publication: Publication, new_owner: Owner) -> tuple[str, ...]:
        """Do nothing: the operator owns no records here."""
        del publication, new_owner
        return ()

    async def release(self, publication: Publication) -> None:
        """Do nothing: the operator owns no records here."""
        del publication
