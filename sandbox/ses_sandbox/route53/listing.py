"""The lists of Route 53: their order and their pages. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from ses_sandbox.route53.names import MalformedNameError, canonical, sort_key
from ses_sandbox.route53.records import RecordKey
from ses_sandbox.route53.validation import InvalidInputError

MAX_RECORD_SETS = 300
MAX_ZONES = 100

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page and, if there are more, the first item of the next."""

    items: tuple[Item, ...]
    next: Item | None
    max_items: int


def page(items: Sequence[Item], max_items: int, starts: Callable[[Item], bool]) -> Page[Item]:
    """Return the page that begins with the first item that ``starts``."""
    first = next((index for index, item in enumerate(items) if starts(item)), len(items))
    return _page_from(items, first, max_items)


def _page_from(items: Sequence[Item], first: int, max_items: int) -> Page[Item]:
    end = first + max_items
    return Page(tuple(items[first:end]), items[end] if end < len(items) else None, max_items)


def max_items(query: Mapping[str, str], limit: int) -> int:
    """Return how many items a page may have: as requested, but no more than the limit. Raises InvalidInputError."""
    text = query.get("maxitems")
    if text is None:
        return limit
    if not text.isdecimal() or int(text) < 1:
        raise InvalidInputError(
            f"Value '{text}' at 'maxItems' failed to satisfy constraint: it must be a positive number"
        )
    return min(int(text), limit)


class ListOrder(NamedTuple):
    """The place of a record set in ListResourceRecordSets: by its name with the labels reversed, then by type."""

    reversed_name: str
    type: str
    set_identifier: str
    name: str

    @property
    def key(self) -> RecordKey:
        """The key of the record set."""
        return RecordKey(self.name, self.type, self.set_identifier)


def list_order(key: RecordKey) -> ListOrder:
    """Return the place of the record set with this (canonical) key."""
    return ListOrder(sort_key(key.name), key.type, key.set_identifier, key.name)


def record_sets(ordered: Sequence[ListOrder], query: Mapping[str, str]) -> Page[ListOrder]:
    """Return a page of ListResourceRecordSets from StartRecordName and StartRecordType on.

    Raises InvalidInputError for a type without a name (API reference) and for invalid names.
    """
    name, record_type = query.get("name"), query.get("type", "")
    if record_type and not name:
        raise InvalidInputError("The input is not valid")
    start = list_order(RecordKey(_name(name) if name else "", record_type, query.get("identifier", "")))
    return _page_from(ordered, bisect_left(ordered, start) if name else 0, max_items(query, MAX_RECORD_SETS))


def _name(text: str) -> str:
    try:
        return canonical(text)
    except MalformedNameError as error:
        raise InvalidInputError(str(error)) from error


def zone_order(name: str, zone_id: str) -> tuple[str, str]:
    """Return the place in ListHostedZonesByName: by name with its labels reversed, then by id."""
    return sort_key(name), zone_id
