"""A hosted zone that takes and refuses batches as Route 53 does, and random zones and records for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import product
from typing import Any

from hypothesis import strategies as st

from ses_operator.core.dns.keyring import Keyring, LedgerKey
from ses_operator.core.dns.ledger import Seal, ledger_name
from ses_operator.core.dns.zone_sets import Change, ChangeAction, ZoneSet, ZoneView, apply, zone_view
from ses_operator.core.model.keys import ObjectKey, Owner
from ses_operator.core.model.records import Purpose, RecordSet, RecordType, merge

DOMAIN = "mail.example.com"
LEDGER = ledger_name(DOMAIN)
KEYS = Keyring(LedgerKey(b"k" * 32), made_at=datetime(2030, 1, 1, tzinfo=UTC))
SEAL = Seal(DOMAIN, "Z1", KEYS)
OWNER = Owner("test", ObjectKey("team-a", "mail"))
ANOTHER = Owner("test", ObjectKey("team-b", "mail"))

_A, _B, _BOUNCE = f"a._domainkey.{DOMAIN}", f"b._domainkey.{DOMAIN}", f"bounce.{DOMAIN}"
_NAMES = (_A, _B, _BOUNCE, "elsewhere.example.com")
_VALUES = {
    RecordType.CNAME: (("a.dkim.amazonses.com",), ("b.dkim.amazonses.com",)),
    RecordType.MX: (("10 feedback-smtp.eu-west-1.amazonses.com",), ("10 mx.example.net", "20 mx2.example.net")),
    RecordType.TXT: (("v=spf1 include:amazonses.com ~all",), ('with "quotes" \\ and ü',), ("x" * 600,)),
}
_OUR_VALUES: dict[str, dict[RecordType, tuple[tuple[str, ...], ...]]] = {
    _A: {
        RecordType.CNAME: (("a.dkim.amazonses.com",), ("a.dkim.eu-south-1.amazonses.com",)),
        RecordType.TXT: (("v=DKIM1; k=rsa; p=" + "x" * 600,),),
    },
    _B: {RecordType.CNAME: (("b.dkim.amazonses.com",),), RecordType.TXT: (("v=DKIM1; k=rsa; p=YQ==",),)},
    _BOUNCE: {
        RecordType.MX: (
            ("10 feedback-smtp.eu-west-1.amazonses.com",),
            ("10 feedback-smtp.us-east-1.amazonses.com",),
        ),
        RecordType.TXT: (("v=spf1 include:amazonses.com ~all",),),
    },
}
"""What the operator itself writes at each of the names: it deletes nothing else."""
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


def _ways(name: str, values_of: Mapping[RecordType, tuple[tuple[str, ...], ...]]) -> list[list[RecordSet]]:
    """All that may stand at a name, nothing first."""
    kinds = [(RecordType.CNAME,), (RecordType.MX, RecordType.TXT), (RecordType.TXT,)]
    return [[]] + [
        [record(name, kind, values, ttl) for kind, values in zip(at_once, each, strict=True)]
        for at_once in kinds
        for ttl in (60, 300)
        for each in product(*(values_of.get(kind, ()) for kind in at_once))
    ]


# One choice for each name: what an example costs is the number of its choices.
def _at(names: Mapping[str, Mapping[RecordType, tuple[tuple[str, ...], ...]]]) -> st.SearchStrategy[Any]:
    ways = (st.sampled_from(_ways(name, values)) for name, values in sorted(names.items()))
    return st.tuples(*ways).map(lambda found: merge(one for each in found for one in each))


_records = _at(_OUR_VALUES)
_of_others = _at(dict.fromkeys(_NAMES, _VALUES))


def records() -> st.SearchStrategy[tuple[RecordSet, ...]]:
    """Wanted records at few names, so that they meet what stands there."""
    return _records


_routed = st.sampled_from(
    [{}, {_NAMES[2]: [ZoneSet(_NAMES[2], "MX", 300, ("10 mx.example.net",), routing='weighted ("blue")')]}]
)
_zones = st.builds(lambda found, routed: {**zone_view(ZoneSet.of(one) for one in found), **routed}, _of_others, _routed)


def zones() -> st.SearchStrategy[ZoneView]:
    """What others have in the zone, at the same names."""
    return _zones
