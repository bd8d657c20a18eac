"""Record sets as Route 53 holds them, and the changes that are made to them.

The plan compares meanings (``ZoneSet.meaning``) and writes presentations: a DELETE must repeat the values exactly as
they are, so a set that was read keeps them unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ses_operator.core.model.record_values import txt
from ses_operator.core.model.records import RecordSet, RecordType

MAX_BATCH_ELEMENTS = 1000
MAX_BATCH_CHARACTERS = 32_000

_NAME_ESCAPE = re.compile(r"\\([0-3][0-7]{2})")


@dataclass(frozen=True, slots=True)
class ZoneSet:
    """A record set in Route 53's presentation.

    ``name`` is absolute, in lower case, without the closing dot or octal escapes; ``values`` as Route 53 has them;
    ``ttl`` in seconds. ``routing`` says in words what makes it more than a plain record set (an alias, a routing
    policy), else "".
    """

    name: str
    type: str
    ttl: int
    values: tuple[str, ...]
    routing: str = ""

    @classmethod
    def of(cls, record: RecordSet) -> ZoneSet:
        """Return the record set as it is written to Route 53."""
        values = tuple(txt.quote(value) for value in record.values) if record.type is RecordType.TXT else record.values
        return cls(record.name, record.type.value, record.ttl, values)

    @property
    def meaning(self) -> tuple[str, ...]:
        """The values in the form of ``RecordSet.values``: two sets with the same meaning answer alike."""
        return tuple(sorted(plain_value(self.type, value) for value in self.values))


class ChangeAction(StrEnum):
    """The kinds of change. Never UPSERT: it would overwrite what appeared since the zone was read."""

    CREATE = "CREATE"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a whole record set."""

    action: ChangeAction
    set: ZoneSet

    @property
    def elements(self) -> int:
        """The number of ResourceRecord elements that it puts into a batch."""
        return len(self.set.values)

    @property
    def characters(self) -> int:
        """The number of characters of Value elements that it puts into a batch."""
        return sum(map(len, self.set.values))

    def __str__(self) -> str:
        return f"{self.action} {self.set.type} {self.set.name}"


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """The limits of one ChangeResourceRecordSets request. Source: Route 53 Developer Guide, "Quotas"."""

    elements: int = MAX_BATCH_ELEMENTS
    characters: int = MAX_BATCH_CHARACTERS

    def admits(self, elements: int, characters: int) -> bool:
        """Return True if a request of this size is allowed."""
        return elements <= self.elements and characters <= self.characters


def plain_value(record_type: str, value: str) -> str:
    """Return one value without presentation: TXT unquoted, host names in lower case without the closing dot."""
    if record_type == RecordType.TXT:
        return txt.unquote(value)
    if record_type == RecordType.CNAME:
        return plain_name(value)
    if record_type == RecordType.MX:
        return " ".join(plain_name(part) for part in value.split())
    return value


def plain_name(name: str) -> str:
    r"""Return a name of Route 53's answers (``\052.Example.com.``) as the operator writes it (``*.example.com``)."""
    return _NAME_ESCAPE.sub(lambda escape: chr(int(escape[1], 8)), name).lower().removesuffix(".")


ZoneView = Mapping[str, Sequence[ZoneSet]]
"""The record sets at each name; a name that is not in it has no records."""


def zone_view(sets: Iterable[ZoneSet]) -> ZoneView:
    """Group the sets by name."""
    view: dict[str, list[ZoneSet]] = {}
    for standing in sets:
        view.setdefault(standing.name, []).append(standing)
    return view


def apply(view: ZoneView, changes: Iterable[Change]) -> ZoneView:
    """Return the zone after the changes. Deleting what is not there, or creating what is, changes nothing more."""
    after = {name: list(sets) for name, sets in view.items()}
    for change in changes:
        others = [other for other in after.pop(change.set.name, ()) if not _same_set(other, change.set)]
        if change.action is ChangeAction.CREATE:
            others.append(change.set)
        if others:
            after[change.set.name] = others
    return after


def _same_set(one: ZoneSet, other: ZoneSet) -> bool:
    return (one.name, one.type, one.routing) == (other.name, other.type, other.routing)
