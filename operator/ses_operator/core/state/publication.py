"""The requests to a DNS publisher and its answers: plain values, the same for each provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.keys import Owner
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.records import Purpose, RecordId, RecordSet


@dataclass(frozen=True, slots=True)
class DnsZone:
    """A Route 53 hosted zone and how to reach it.

    ``role_arn``: assumed for each call on this zone, None for the account's own credentials. ``name`` in lower case,
    without the closing dot.
    """

    hosted_zone_id: str
    name: str
    role_arn: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """What an object remembers of the records that were written for it, as ``recollection`` says it.

    ``since``: when the object was made, by the apiserver. The rest its namespace may be able to write.
    """

    records: frozenset[str] = frozenset()
    since: datetime | None = None


def recollection(record: RecordId, digest: str) -> str:
    """Return what an object remembers of one record set; ``digest`` is that of its values."""
    return f"{record} {digest}"


@dataclass(frozen=True, slots=True)
class EntryProperty:
    """A property of entries of a DNSEndpoint. ``types``: the record types of those that get it; empty: all."""

    name: str
    value: str
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Publication:
    """The owner of the records, their domain, and their place.

    ``zone`` for Route 53; labels, annotations and ``provider_specific``, the properties of its entries, for a
    DNSEndpoint. ``witness``: what the object itself remembers of it. ``identity``: the domain of the identity, if
    ``domain`` may be a part of it that another zone has.
    """

    owner: Owner
    domain: str
    zone: DnsZone | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    witness: Witness = field(default_factory=Witness)
    identity: str = ""
    provider_specific: tuple[EntryProperty, ...] = ()


class RecordState(StrEnum):
    """The state of a record set, as status shows it."""

    PUBLISHED = "Published"  # in the zone and in sync, or seen at the name servers
    PENDING = "Pending"  # handed over; not known to be served yet
    MISSING = "Missing"  # not there
    DIFFERENT = "Different"  # owned, but with other values or ttl
    CONFLICT = "Conflict"  # a record of another client is in its place; never overwritten


_OTHERS_MOVE = frozenset({RecordState.MISSING, RecordState.DIFFERENT, RecordState.CONFLICT})


@dataclass(frozen=True, slots=True)
class PublishedRecord:
    """One wanted record set and its state; ``message`` in words whenever the state is neither Published nor Pending.

    ``reason``: what name servers found to be wrong, if that is more than that the record is not there yet.
    ``alias``: the target of a CNAME in its place that receivers follow: only name servers know what is at its end.
    """

    record: RecordSet
    state: RecordState
    message: str = ""
    reason: Reason | None = None
    alias: str = ""

    @property
    def is_left_to_others(self) -> bool:
        """True for a DMARC policy that others are in the way of. SES does without it: nothing has to wait for it."""
        return self.record.purpose is Purpose.DMARC and self.state in _OTHERS_MOVE


def severity(entry: PublishedRecord) -> tuple[bool, bool, RecordSet]:
    """Return the order in which records that are not published are reported: conflicts, then known mistakes, then the rest."""
    return entry.state is not RecordState.CONFLICT, entry.reason is None, entry.record


@dataclass(frozen=True, slots=True)
class DnsObservation:
    """The answer of a publisher.

    ``records``: each wanted record set with its state. ``surplus``: names of owned ones that are no longer wanted
    ("CNAME x").
    ``in_sync``: nothing to write (conflicts apart). ``problem``: what prevents publication as a whole.
    ``amiss``: those of the records that the publisher would write. ``unproven``: names of records that a ledger names
    without a proof that the operator wrote them. ``owned``: those that are the owner's once all is written, where a ledger
    says so.
    """

    records: tuple[PublishedRecord, ...] = ()
    surplus: tuple[str, ...] = ()
    in_sync: bool = False
    problem: Problem | None = None
    amiss: tuple[PublishedRecord, ...] = ()
    unproven: tuple[str, ...] = ()
    owned: frozenset[RecordId] = frozenset()

    def marked(self) -> DnsObservation:
        """Return the same with what is amiss there kept, whatever evidence about the records follows."""
        wrong = (RecordState.MISSING, RecordState.DIFFERENT)
        return replace(self, amiss=tuple(entry for entry in self.records if entry.state in wrong))
