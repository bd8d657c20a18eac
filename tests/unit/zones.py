"""A hosted zone that takes and refuses batches as Route 53 does, and random zones and records for it."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from ses_operator.core.dns.ledger import ledger_name
from ses_operator.core.dns.zone_sets import Change, ChangeAction, ZoneSet, ZoneView, apply, zone_view
from ses_operator.core.model.keys import ObjectKey, Owner
from ses_operator.core.model.records import Purpose, RecordSet, RecordType, merge

DOMAIN = "mail.example.com"
LEDGER = ledger_name(DOMAIN)
OWNER = Owner("test", ObjectKey("team-a", "mail"))
ANOTHER = Owner("test", ObjectKey("team-b", "mail"))

_NAMES = (f"a._domainkey.{DOMAIN}", f"b._domainkey.{DOMAIN}", f"bounce.{DOMAIN}", "elsewhere.example.com")
_VALUES = {
    RecordType.CNAME: (("a.dkim.amazonses.com",), ("b.dkim.amazonses.com",)),
    RecordType.MX: (("10 feedback-smtp.eu-west-1.amazonses.com",), ("10 mx.example.net", "20 mx2.example.net")),
    RecordType.TXT: (("v=spf1 include:amazonses.com ~all",), ('with "quotes" \\ and ü',), ("x" * 600,)),
}
_PURPOSES = {RecordType.CNAME: Purpose.DKIM, RecordType.MX: Purpose.MAIL_FROM, RecordType.TXT: Purpose.SPF}


class RefusedError(Exception):
    """Route 53 would answer InvalidChangeBatch."""


def change(view: ZoneView, changes: Iterable[Change]) -> ZoneView:
    """The zone after a batch. Source: API reference, ChangeResourceRecordSets; a CNAME admits nothing beside it."""
    for one in changes:
        present = one.set in view.get(one.set.name, ())
        occupied = any(found.type == one.set.type for found in view.get(one.set.name, ()))
        if one.action is ChangeAction.DELETE and not present:
            raise RefusedError(f"{one} but it was not found")
        if one.action is ChangeAction.CREATE and occupied:
            raise RefusedError(f"{one} but it already exists")
        view = apply(view, [one])
        types = [found.type for found in view.get(one.set.name, ())]
        if RecordType.CNAME in types and len(types) > 1:
            raise RefusedError(f"{one} beside a CNAME")
    return view


def record(name: str, record_type: RecordType, values: tuple[str, ...], ttl: int = 300) -> RecordSet:
    return RecordSet(name, record_type, tuple(sorted(values)), ttl, _PURPOSES[record_type], ("eu-west-1",))


def contents(view: ZoneView) -> frozenset[ZoneSet]:
    """All sets of the zone, to compare it with another."""
    return frozenset(found for sets in view.values() for found in sets)


@st.composite
def records(draw: st.DrawFn) -> tuple[RecordSet, ...]:
    """Wanted records at few names, so that they meet what stands there."""
    wanted = []
    for name in sorted(draw(st.sets(st.sampled_from(_NAMES)))):
        types = draw(st.sampled_from([(RecordType.CNAME,), (RecordType.MX, RecordType.TXT), (RecordType.TXT,)]))
        ttl = draw(st.sampled_from([60, 300]))
        wanted += [record(name, kind, draw(st.sampled_from(_VALUES[kind])), ttl) for kind in types]
    return merge(wanted)


@st.composite
def zones(draw: st.DrawFn) -> ZoneView:
    """What others have in the zone, at the same names."""
    return {**zone_view(ZoneSet.of(found) for found in draw(records())), **draw(_routed)}


_routed = st.sampled_from(
    [{}, {_NAMES[2]: [ZoneSet(_NAMES[2], "MX", 300, ("10 mx.example.net",), routing='weighted ("blue")')]}]
)
