"""The protocol of every DNS publisher: each writes to a place of its own, and all answer in the same form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ses_operator.core.model.keys import Owner
from ses_operator.core.model.records import RecordId, RecordSet
from ses_operator.core.state.publication import DnsObservation, Publication
from ses_operator.core.state.steps import Surplus


class DnsPublisher(Protocol):
    """Writes records to where DNS is served from, and withdraws what it wrote. Raises nothing but ``OperatorError``.

    Each method may be repeated; none changes what another client wrote.
    """

    async def observe(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus = Surplus.REMOVE
    ) -> DnsObservation:
        """Return the state of the wanted records; ``in_sync`` if ``publish`` with the same arguments would write nothing."""
        ...

    async def publish(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus = Surplus.REMOVE
    ) -> DnsObservation:
        """Write what differs, and return the new state of the records. Returns when the provider has accepted it.

        What a record of another client is in the way of is left out and reported in the answer. Stale: observe again.
        """
        ...

    async def holdings(self, publication: Publication) -> frozenset[RecordId]:
        """Return the record sets there that belong to the owner."""
        ...

    async def retain(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus = Surplus.REMOVE
    ) -> None:
        """Keep those of the owner's records that are among these, as they are wanted now; add nothing.

        Records go elsewhere by now.
        """
        ...

    async def withdraw(self, publication: Publication) -> tuple[str, ...]:
        """Delete all that the owner has there. If it is gone already, that is as good.

        Returns what was kept because another client had changed it since, in sentences; usually nothing.
        """
        ...

    async def hand_over(self, publication: Publication, new_owner: Owner) -> tuple[str, ...]:
        """Give all that the owner has there to another owner; what is that owner's already is left as it is.

        Returns what a person has to know of it, in sentences.
        """
        ...

    async def release(self, publication: Publication) -> None:
        """Release all that the owner has there: the records are kept and have no owner."""
        ...
