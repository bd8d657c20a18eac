"""Record sets and change batches as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class RecordKey(NamedTuple):
    """The identity of a record set in a zone; ``set_identifier`` is empty except for routing policies."""

    name: str
    type: str
    set_identifier: str


@dataclass(frozen=True, slots=True)
class ResourceRecordSet:
    """One record set as sent or stored.

    ``name`` as sent; canonical once accepted (see names.canonical). ``ttl`` in seconds, None if it was not sent.
    ``routing`` holds the elements of routing policies and aliases (Weight, Region, AliasTarget, …) as they were sent.
    """

    name: str
    type: str
    ttl: int | None = None
    values: tuple[str, ...] = ()
    set_identifier: str = ""
    routing: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> RecordKey:
        """Its key."""
        return RecordKey(self.name, self.type, self.set_identifier)

    def is_identical(self, other: ResourceRecordSet) -> bool:
        """Return True if a DELETE with ``other`` names this set exactly. The order of the values does not matter."""
        return (
            self.ttl == other.ttl
            and sorted(self.values) == sorted(other.values)
            and dict(self.routing) == dict(other.routing)
        )


class Action(StrEnum):
    """The kinds of change."""

    CREATE = "CREATE"
    DELETE = "DELETE"
    UPSERT = "UPSERT"


@dataclass(frozen=True, slots=True)
class Change:
    """One element of a change batch."""

    action: Action
    record_set: ResourceRecordSet


@dataclass(frozen=True, slots=True)
class ChangeBatch:
    """A ChangeResourceRecordSets request: all of it is applied, or nothing."""

    changes: tuple[Change, ...]
    comment: str = ""
