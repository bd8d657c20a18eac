"""The change batches that Route 53 refuses, and in which words. Pure: a zone and a batch in, the outcome out.

Source: API reference of ChangeResourceRecordSets, Developer Guide "Supported DNS record types" and "Quotas" (1,000
ResourceRecord elements and 32,000 characters of values, both counted twice for UPSERT); the wording of the messages
is known from the service's answers in public threads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ses_sandbox.route53.names import MalformedNameError, canonical, is_within
from ses_sandbox.route53.records import Action, Change, RecordKey, ResourceRecordSet
from ses_sandbox.route53.routing import form_error, neighbour_errors
from ses_sandbox.route53.values import MalformedValueError, check_value

MAX_RESOURCE_RECORDS = 1000
MAX_VALUE_CHARACTERS = 32_000
MAX_VALUES_OF_A_SET = 400
MAX_TTL = 2_147_483_647
REPLACEMENT = (Action.DELETE, Action.CREATE)


class InvalidInputError(Exception):
    """The request itself is malformed: code InvalidInput."""


class InvalidChangeBatchError(Exception):
    """The batch is refused as a whole: code InvalidChangeBatch, one message for each error in it."""

    def __init__(self, messages: Iterable[str]) -> None:
        self.messages = tuple(messages)
        super().__init__(f"[{', '.join(self.messages)}]")


Edits = Mapping[RecordKey, ResourceRecordSet | None]


@dataclass(frozen=True, slots=True)
class Zone:
    """The part of a hosted zone that validation needs. ``keys_at`` returns the keys of the record sets at a name."""

    name: str
    records: Mapping[RecordKey, ResourceRecordSet]
    keys_at: Callable[[str], Collection[RecordKey]]


def accept(zone: Zone, changes: Iterable[Change]) -> Edits:
    """Return what the batch changes: the record sets that are new or changed, and None for those deleted.

    Raises InvalidInputError or InvalidChangeBatchError; nothing is to be applied then.
    """
    batch = tuple(changes)
    if not batch:
        raise InvalidInputError("Invalid XML ; ChangeBatch must contain at least one Change")
    for change in batch:
        _check_form(change)
    _check_size(batch)
    named, errors = _with_canonical_names(batch)
    errors += list(_set_errors(zone, named))
    if errors:
        raise InvalidChangeBatchError(errors)
    draft = _Draft(zone)
    errors = [message for change in named if (message := draft.apply(change)) is not None]
    errors += [*draft.cname_conflicts(), *draft.routing_conflicts()]
    if errors:
        raise InvalidChangeBatchError(errors)
    return draft.edits


def _check_form(change: Change) -> None:
    record_set = change.record_set
    where = f"[Action={change.action}, Name={record_set.name}, Type={record_set.type}, "
    where += f"SetIdentifier={record_set.set_identifier or 'null'}]"
    has_values = record_set.ttl is not None and bool(record_set.values)
    is_alias = "AliasTarget" in record_set.routing
    if has_values == is_alias:
        found = "more than one" if has_values else "none"
        raise InvalidInputError(
            "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or "
            f"TrafficPolicyInstanceId], but found {found} in Change with {where}"
        )
    if (problem := form_error(record_set, where)) is not None:
        raise InvalidInputError(problem)
    if record_set.ttl is not None and not 0 <= record_set.ttl <= MAX_TTL:
        bound, limit = ("minInclusive", 0) if record_set.ttl < 0 else ("maxInclusive", MAX_TTL)
        raise InvalidInputError(
            f"Invalid XML ; cvc-{bound}-valid: Value '{record_set.ttl}' is not facet-valid with respect to "
            f"{bound} '{limit}' for type 'TTL'."
        )


def _check_size(batch: tuple[Change, ...]) -> None:
    records = characters = 0
    for change in batch:
        weight = 2 if change.action is Action.UPSERT else 1
        records += weight * max(1, len(change.record_set.values))
        characters += weight * sum(map(len, change.record_set.values))
    if records > MAX_RESOURCE_RECORDS:
        raise InvalidChangeBatchError([f"Number of records limit of {MAX_RESOURCE_RECORDS} exceeded."])
    if characters > MAX_VALUE_CHARACTERS:
        raise InvalidChangeBatchError([f"RDATA character limit of {MAX_VALUE_CHARACTERS} exceeded."])


def _with_canonical_names(batch: tuple[Change, ...]) -> tuple[tuple[Change, ...], list[str]]:
    named: list[Change] = []
    errors: list[str] = []
    for change in batch:
        try:
            name = canonical(change.record_set.name)
        except MalformedNameError as error:
            errors.append(str(error))
            continue
        named.append(replace(change, record_set=replace(change.record_set, name=name)))
    return tuple(named), errors


def _set_errors(zone: Zone, batch: tuple[Change, ...]) -> Iterator[str]:
    """Yield what is wrong with each record set by itself, and with several changes of one."""
    actions: dict[RecordKey, tuple[Action, ...]] = {}
    for change in batch:
        key = change.record_set.key
        actions[key] = (*actions.get(key, ()), change.action)
        yield from _record_set_errors(zone, change)
    for key, taken in actions.items():
        if len(taken) > 1 and taken != REPLACEMENT:
            yield (f"The request contains an invalid set of changes for a resource record set '{key.type} {key.name}'")


def _record_set_errors(zone: Zone, change: Change) -> Iterator[str]:
    record_set = change.record_set
    if not is_within(record_set.name, zone.name):
        yield f"RRSet with DNS name {record_set.name} is not permitted in zone {zone.name}"
    if record_set.type == "CNAME" and record_set.name == zone.name:
        yield f"RRSet of type CNAME with DNS name {zone.name} is not permitted at apex in zone {zone.name}"
    if change.action is Action.DELETE:
        if record_set.name == zone.name and record_set.type in {"NS", "SOA"}:
            yield f"A HostedZone must contain {_article(record_set.type)} for the zone itself."
        return
    yield from _value_errors(record_set)


def _article(record_type: str) -> str:
    return "exactly one SOA record" if record_type == "SOA" else "at least one NS record"


def _value_errors(record_set: ResourceRecordSet) -> Iterator[str]:
    if record_set.type == "CNAME" and len(record_set.values) > 1:
        yield f"RRSet of type CNAME with DNS name {record_set.name} must not have more than one resource record"
    if len(record_set.values) > MAX_VALUES_OF_A_SET:
        yield f"Cannot have more than {MAX_VALUES_OF_A_SET} records in a RRSet."
    seen: set[str] = set()
    for value in record_set.values:
        if value in seen:
            yield f"Duplicate Resource Record: '{value}'"
        seen.add(value)
        try:
            check_value(record_set.type, value)
        except MalformedValueError as error:
            yield f"Invalid Resource Record: '{error}'"


class _Draft:
    """The zone as it would be after the changes so far, kept as edits on top of it."""

    __slots__ = ("edits", "zone")

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.edits: dict[RecordKey, ResourceRecordSet | None] = {}

    def apply(self, change: Change) -> str | None:
        """Apply one change; return a message if it does not fit the present records."""
        wanted = change.record_set
        key = wanted.key
        current = self.edits[key] if key in self.edits else self.zone.records.get(key)
        subject = f"resource record set [name='{wanted.name}', type='{wanted.type}'"
        subject += f", set identifier='{wanted.set_identifier}']" if wanted.set_identifier else "]"
        if change.action is Action.CREATE and current is not None:
            return f"Tried to create {subject} but it already exists"
        if change.action is Action.DELETE:
            if current is None:
                return f"Tried to delete {subject} but it was not found"
            if not current.is_identical(wanted):
                return f"Tried to delete {subject} but the values provided do not match the current values"
            self.edits[key] = None
        else:
            self.edits[key] = wanted
        return None

    def cname_conflicts(self) -> Iterator[str]:
        """Yield the conflicts of CNAMEs, each of which must be alone at its name (RFC 1034, 3.6.2), in any order of creation."""
        for key, record_set in self.edits.items():
            if record_set is None:
                continue
            others = {found.type for found in self._after(key.name)} - {key.type}
            if key.type == "CNAME" and others:
                yield (
                    f"RRSet of type CNAME with DNS name {key.name} is not permitted as it conflicts with other "
                    f"records with the same DNS name in zone {self.zone.name}"
                )
            elif "CNAME" in others:
                yield (
                    f"RRSet of type {key.type} with DNS name {key.name} is not permitted because a conflicting RRSet "
                    f"of type  CNAME with the same DNS name already exists in zone {self.zone.name}"
                )

    def routing_conflicts(self) -> Iterator[str]:
        """Yield the record sets that must not be beside others of their name and type."""
        for key, record_set in self.edits.items():
            if record_set is not None:
                others = [found for found in self._after(key.name) if found.type == key.type and found.key != key]
                yield from neighbour_errors(record_set, others)

    def _after(self, name: str) -> list[ResourceRecordSet]:
        """Return the record sets that a name has after the batch."""
        kept = (self.zone.records[key] for key in self.zone.keys_at(name) if key not in self.edits)
        new = (found for key, found in self.edits.items() if key.name == name and found is not None)
        return [*kept, *new]
