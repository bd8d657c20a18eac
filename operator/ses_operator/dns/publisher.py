"""What every DNS publisher does. Where the records go is the publisher's own affair; what it answers is the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ses_operator.core.model.keys import Owner
from ses_operator.core.model.records import RecordId, RecordSet
from ses_operator.core.state.publication import DnsObservation, Publication
from ses_operator.core.state.steps import Surplus


class DnsPublisher(Protocol):
    """Brings records to where DNS is served from, and takes back what it brought. Raises nothing but ``OperatorError``.

    Each method may be repeated; none touches what another wrote.
    """

    async def observe(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus = Surplus.REMOVE
    ) -> DnsObservation:
        """How the wanted records stand, and whether ``publish`` with the same arguments would have anything to write."""
        ...

    async def publish(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus = Surplus.REMOVE
    ) -> DnsObservation:
        """Write what differs, and say how the records stand then. Returns when the provider has taken it.

        What somebody else's record stands in the way of is left out and told in the answer. Stale: observe again.
        """
        ...

    async def holdings(self, publication: Publication) -> frozenset[RecordId]:
        """The record sets there that are ours."""
        ...

    async def retain(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus = Surplus.REMOVE
    ) -> None:
        """Records go elsewhere by now: of ours, keep those of these that are there, as they are wanted now. Add nothing."""
        ...

    async def withdraw(self, publication: Publication) -> tuple[str, ...]:
        """Take away all that is ours. Gone already is as good.

        Returns what was left because somebody had changed it since, in sentences; usually nothing.
        """
        ...

    async def hand_over(self, publication: Publication, new_owner: Owner) -> tuple[str, ...]:
        """Make all that is ours another owner's. What already is, is left; what a person has to know of it, in sentences."""
        ...

    async def release(self, publication: Publication) -> None:
        """Let go of all that is ours: the records stay and are nobody's."""
        ...
