"""The list of a DNSEndpoint: the operator's own entries change, and all others stay as they are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given as tried
from hypothesis import strategies as st

from ses_operator.api.account.kind import TxtQuoting
from ses_operator.core.dns.endpoint_entries import Endpoint, EntryId, OwnedEntries, merge_entries, surplus_entries
from ses_operator.core.state.publication import EntryProperty
from unit.served import DKIM, DMARC, KEY, MX, SPF

RECORDS = (DKIM, DMARC, KEY, MX, SPF)


def given(properties: dict[str, str], *types: str) -> list[EntryProperty]:
    return [EntryProperty(name, value, types) for name, value in properties.items()]


_properties = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["true", "false"]))
_wanted = st.builds(
    lambda records, properties: [Endpoint.of(record, TxtQuoting.QUOTED, given(properties)) for record in records],
    st.lists(st.sampled_from(RECORDS), unique_by=lambda record: record.id),
    _properties,
)


def _raw(name: str, kind: str, targets: list[str], properties: dict[str, str], extra: dict[str, Any]) -> dict[str, Any]:
    written = [{"name": key, "value": value} for key, value in properties.items()]
    return {
        "dnsName": name, "recordType": kind, "targets": targets, **({"providerSpecific": written} if written else {}),
        **extra,
    }  # fmt: skip


_theirs = st.lists(
    st.builds(
        _raw,
        st.sampled_from(["www.example.com", *(record.name for record in RECORDS)]),
        st.sampled_from(["A", "CNAME", "MX", "TXT"]),
        st.lists(st.sampled_from(["192.0.2.1", "10 mx.example.net", '"text"', "x.example.net"]), max_size=2),
        _properties,
        st.sampled_from([{}, {"setIdentifier": "blue"}, {"labels": {"x": "y"}}, {"recordTTL": 7}]),
    ),
    max_size=3,
)


def standing(raws: list[dict[str, Any]]) -> tuple[Endpoint, ...]:
    return tuple(map(Endpoint.parse, raws))


@tried(_theirs, _wanted, _wanted)
def test_what_others_have_in_the_list_is_there_afterwards_as_it_was_and_is_never_ours(
    theirs: list[dict[str, Any]], before: list[Endpoint], after: list[Endpoint]
) -> None:
    first = merge_entries(standing(theirs), OwnedEntries(), before)
    second = merge_entries(standing(first.wire), first.owned, after)
    for merged, wanted in ((first, before), (second, after)):
        ids = {each.id for each in wanted}
        assert merged.owned.entries <= ids
        assert [raw for raw in merged.wire if Endpoint.parse(raw).id not in merged.owned.entries] == theirs
        taken = {Endpoint.parse(raw).id for raw in theirs}
        assert merged.owned.entries == ids - taken


@tried(_theirs, _wanted)
def test_merging_twice_changes_nothing(theirs: list[dict[str, Any]], wanted: list[Endpoint]) -> None:
    once = merge_entries(standing(theirs), OwnedEntries(), wanted)
    again = merge_entries(standing(once.wire), OwnedEntries.decode(once.owned.encode(), ()), wanted)
    assert again.wire == once.wire
    assert again.owned == once.owned


@tried(_properties, _properties, _properties)
def test_properties_of_others_on_our_entry_stay_and_ours_follow_the_spec(
    before: dict[str, str], by_hand: dict[str, str], after: dict[str, str]
) -> None:
    first = merge_entries((), OwnedEntries(), [Endpoint.of(DKIM, TxtQuoting.QUOTED, given(before))])
    (raw,) = first.wire
    patched = {**before, **by_hand}
    raw["providerSpecific"] = [{"name": name, "value": value} for name, value in patched.items()]
    second = merge_entries(standing([raw]), first.owned, [Endpoint.of(DKIM, TxtQuoting.QUOTED, given(after))])
    theirs = {name: value for name, value in by_hand.items() if name not in before}
    assert dict(second.endpoints[0].properties) == {**theirs, **after}


@tried(_theirs, _wanted, _wanted)
def test_only_our_own_is_surplus(theirs: list[dict[str, Any]], before: list[Endpoint], after: list[Endpoint]) -> None:
    merged = merge_entries(standing(theirs), OwnedEntries(), before)
    surplus = surplus_entries(standing(merged.wire), merged.owned, after)
    assert {each.id for each in surplus} == merged.owned.entries - {each.id for each in after}


@pytest.mark.parametrize("text", [None, "", "[]", "{", "null", "[" * 5000, '"x"', '{"entries": 1}'])
def test_without_the_annotation_only_what_the_operator_alone_writes_is_its_own(text: str | None) -> None:
    www = {"dnsName": "www.example.com", "recordType": "CNAME", "targets": ["x.example.net"]}
    note = {"dnsName": "example.com", "recordType": "TXT", "targets": ['"note"']}
    ours = [Endpoint.of(record, TxtQuoting.QUOTED) for record in RECORDS]
    listed = (*ours, *standing([www, note]))
    expected = set() if text == '{"entries": 1}' else {each.id for each in ours}
    assert OwnedEntries.decode(text, listed).entries == expected


def test_the_annotation_reads_well() -> None:
    owned = OwnedEntries(
        frozenset({EntryId("MX", "b.example.com"), EntryId("CNAME", "a.example.com")}), frozenset({"x"})
    )
    assert owned.encode() == '{"entries":["CNAME a.example.com","MX b.example.com"],"providerSpecific":["x"]}'
    assert OwnedEntries.decode(owned.encode(), ()) == owned


def test_a_property_is_on_entries_of_its_types_alone() -> None:
    """ExternalDNS skips an MX or TXT that has the property alias, whatever its value."""
    alias = given({"alias": "false"}, "CNAME")
    assert Endpoint.of(DKIM, TxtQuoting.QUOTED, alias).properties == (("alias", "false"),)
    assert Endpoint.of(MX, TxtQuoting.QUOTED, alias).properties == ()
