"""The entries of a DNSEndpoint: which are the operator's, what becomes of them, and that all others stay. Pure.

``spec.endpoints`` is one value to the apiserver (an atomic list), so that whoever changes an entry writes all of them.
The operator therefore reads the list, changes its own entries in it, and writes it back only if no one else has
changed it since. Its own are those that an annotation of the object names. Others' entries stay as they are, and never
become its own; so do properties that others set on its entries.

Source: the CRD of ExternalDNS (externaldns.k8s.io/v1alpha1). An MX target is ``10 host``; no name ends in a dot (with
one, CNAME and MX records are dropped through ExternalDNS 0.20).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ses_operator.api.account.kind import TxtQuoting
from ses_operator.core.dns.judge import RecordVerdict, Served, judge
from ses_operator.core.model.record_values import txt
from ses_operator.core.model.records import SPF_VALUE, RecordSet, RecordType
from ses_operator.core.state.publication import EntryProperty

AMAZON_DOMAIN = ".amazonses.com"


class EntryId(NamedTuple):
    """The identity of an entry. The operator's have no set identifier, which only routing policies need."""

    type: str
    name: str
    set_identifier: str = ""

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """One entry of spec.endpoints: a record set. ``ttl`` in seconds; ``properties``: providerSpecific, by name.

    ``raw`` is the entry as it was read, with members that the operator does not know.
    """

    name: str
    type: str
    ttl: int
    targets: tuple[str, ...]
    properties: tuple[tuple[str, str], ...] = ()
    set_identifier: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, record: RecordSet, quoting: TxtQuoting, properties: Iterable[EntryProperty] = ()) -> Endpoint:
        """Return the record set as ExternalDNS's provider needs it, with those of the properties that are for its type."""
        values = record.values
        if record.type is RecordType.TXT and quoting is TxtQuoting.QUOTED:
            values = tuple(map(txt.quote, values))
        own = sorted((each.name, each.value) for each in properties if not each.types or record.type in each.types)
        return cls(record.name, record.type.value, record.ttl, values, tuple(own))

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Endpoint:
        """Read an entry of the object, whichever client wrote it."""
        properties = (
            (str(each.get("name", "")), str(each.get("value", ""))) for each in raw.get("providerSpecific") or ()
        )
        return cls(
            str(raw.get("dnsName", "")),
            str(raw.get("recordType", "")),
            int(raw.get("recordTTL") or 0),
            tuple(str(target) for target in raw.get("targets") or ()),
            tuple(properties),
            str(raw.get("setIdentifier", "")),
            raw,
        )

    @property
    def id(self) -> EntryId:
        """What identifies the entry in its object."""
        return EntryId(self.type, self.name, self.set_identifier)

    @property
    def values(self) -> tuple[str, ...]:
        """The targets in the form of RecordSet.values; texts are quoted or verbatim, as the provider needs them."""
        is_quoted = self.type == RecordType.TXT and any(target.startswith('"') for target in self.targets)
        return tuple(sorted(map(txt.unquote, self.targets) if is_quoted else self.targets))

    @property
    def wire(self) -> dict[str, Any]:
        """The entry as it is in the manifest."""
        body: dict[str, Any] = {
            **{key: value for key, value in self.raw.items() if key != "providerSpecific"},
            "dnsName": self.name,
            "recordTTL": self.ttl,
            "recordType": self.type,
            "targets": list(self.targets),
        }
        if self.properties:
            body["providerSpecific"] = [{"name": name, "value": value} for name, value in self.properties]
        return body

    def __str__(self) -> str:
        return str(self.id)


@dataclass(frozen=True, slots=True)
class OwnedEntries:
    """The entries that are the operator's, and the properties that it has set on them, by name."""

    entries: frozenset[EntryId] = frozenset()
    properties: frozenset[str] = frozenset()

    def encode(self) -> str:
        """Return the annotation's value: compact JSON with sorted lists."""
        value = {"entries": sorted(map(str, self.entries)), "providerSpecific": sorted(self.properties)}
        return json.dumps(value, separators=(",", ":"))

    @classmethod
    def decode(cls, text: str | None, endpoints: Iterable[Endpoint]) -> OwnedEntries:
        """Read the annotation. If it was removed or damaged, the entries are told by what only the operator writes."""
        try:
            value: Any = json.loads(text or "null")
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            return cls(frozenset(endpoint.id for endpoint in endpoints if _has_its_shape(endpoint)))
        pairs = (entry.split(" ") for entry in _texts(value.get("entries")))
        entries = (EntryId(pair[0], pair[1]) for pair in pairs if len(pair) == 2)
        return cls(frozenset(entries), frozenset(_texts(value.get("providerSpecific"))))


@dataclass(frozen=True, slots=True)
class Merged:
    """The list to write, and what of it is the operator's."""

    endpoints: tuple[Endpoint, ...]
    owned: OwnedEntries

    @property
    def own_wire(self) -> list[dict[str, Any]]:
        """The operator's own entries as they are in the manifest."""
        return [each.wire for each in self.endpoints if each.id in self.owned.entries]

    @property
    def wire(self) -> list[dict[str, Any]]:
        """The list as it is in the manifest; others' entries exactly as they were read."""
        return [each.wire if each.id in self.owned.entries else dict(each.raw) or each.wire for each in self.endpoints]


def merge_entries(
    standing: Sequence[Endpoint], owned: OwnedEntries, wanted: Sequence[Endpoint], kept: Sequence[Endpoint] = ()
) -> Merged:
    """Return the list with the wanted entries in place of the operator's own; ``kept`` are own entries that stay besides.

    A wanted entry where another client has one is left out.
    """
    own = {each.id: each for each in standing if each.id in owned.entries}
    theirs = [each for each in standing if each.id not in owned.entries]
    taken = {each.id for each in theirs}
    properties = frozenset(name for each in wanted for name, _ in each.properties)
    ours = [_with_others_properties(each, own.get(each.id), owned) for each in wanted if each.id not in taken]
    ours += kept
    return Merged((*sorted(ours), *theirs), OwnedEntries(frozenset(each.id for each in ours), properties))


def surplus_entries(
    standing: Sequence[Endpoint], owned: OwnedEntries, wanted: Iterable[Endpoint]
) -> tuple[Endpoint, ...]:
    """Return the operator's own entries that are not wanted (any more)."""
    ids = {each.id for each in wanted}
    return tuple(each for each in standing if each.id in owned.entries and each.id not in ids)


def serves(record: RecordSet, entry: Endpoint) -> bool:
    """Return True if another client's entry asks for what serves the record's purpose."""
    return judge(record, Served(entry.values)) is RecordVerdict.PUBLISHED


def _with_others_properties(wanted: Endpoint, standing: Endpoint | None, owned: OwnedEntries) -> Endpoint:
    """Return the wanted entry with what others have added to it: labels, and properties that the spec does not set."""
    if standing is None:
        return wanted
    names = {name for name, _ in wanted.properties}
    theirs = [pair for pair in standing.properties if pair[0] not in names and pair[0] not in owned.properties]
    return replace(wanted, properties=tuple(sorted((*wanted.properties, *theirs))), raw=standing.raw)


def _has_its_shape(entry: Endpoint) -> bool:
    """Return True if an entry looks like one that only this operator writes."""
    if entry.set_identifier or len(entry.targets) != 1:
        return False
    target = entry.values[0].removesuffix(".")
    match entry.type:
        case RecordType.CNAME:
            return "._domainkey." in entry.name and target.endswith(AMAZON_DOMAIN)
        case RecordType.MX:
            return "feedback-smtp." in target and target.endswith(AMAZON_DOMAIN)
        case RecordType.TXT:
            return target == SPF_VALUE or "._domainkey." in entry.name or entry.name.startswith("_dmarc.")
        case _:
            return False


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
