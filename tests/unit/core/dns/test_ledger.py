"""The ledger as it stands in the zone."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.core.dns.ledger import Ledger, Line, digest, ledger_name
from ses_operator.core.dns.zone_sets import ZoneSet
from ses_operator.core.model.keys import ObjectKey, Owner
from ses_operator.core.model.records import RecordId, RecordType

DOMAIN = "mail.example.com"
OWNER = Owner("prod", ObjectKey("team-a", "mail"))

_labels = st.sampled_from(["a", "0", "_", "_domainkey"]) | st.builds(
    "{}{}{}".format, st.sampled_from("az09_"), st.text("abyz0189-", max_size=61), st.sampled_from("az09")
)
_names = st.lists(_labels, min_size=1, max_size=4).map(".".join)
_inside = _names.map(lambda name: f"{name}.{DOMAIN}")
_codes = st.text("abcXYZ019_-", min_size=22, max_size=22)
_lines = st.builds(
    Line,
    _codes.map(lambda text: text[:11]) | st.integers(0, 2**64 - 1).map("{:016x}".format),
    st.just("") | _codes.map(lambda text: f"{text[:4]}:{text}"),
)
_record_ids = st.builds(RecordId, st.one_of(_names, _inside, st.just(DOMAIN)), st.sampled_from(RecordType))
_owners = st.builds(Owner, _labels, st.builds(ObjectKey, _labels, _names))
_ledgers = st.builds(Ledger, _owners, st.dictionaries(_record_ids, _lines))


def test_a_ledger_reads_well_in_dig() -> None:
    lines = {
        RecordId(f"abc._domainkey.{DOMAIN}", RecordType.CNAME): Line("Dx4tPEtaaXg", "q83v:bM0eT1hJZ0hFqk9yqj1m2A"),
        RecordId(DOMAIN, RecordType.TXT): Line("8796a5b4c3d2e1f0"),
        RecordId("other.example.net", RecordType.MX): Line("8796a5b4c3d2e1f0"),
    }
    assert Ledger(OWNER, lines).encode(DOMAIN) == (
        "heritage=ses-operator,owner=prod/team-a/mail",
        "CNAME abc._domainkey Dx4tPEtaaXg q83v:bM0eT1hJZ0hFqk9yqj1m2A",
        "TXT @ 8796a5b4c3d2e1f0",
        "MX other.example.net. 8796a5b4c3d2e1f0",
    )
    assert ledger_name(DOMAIN) == "_ses-operator.mail.example.com"


@given(_ledgers, st.randoms())
def test_a_ledger_is_read_back_whatever_the_order_of_its_lines(ledger: Ledger, random: Random) -> None:
    lines = list(ledger.encode(DOMAIN))
    random.shuffle(lines)
    assert Ledger.decode(lines, DOMAIN) == ledger


@given(st.lists(st.text()))
def test_text_of_others_is_not_a_ledger(lines: list[str]) -> None:
    assert Ledger.decode(lines, DOMAIN) is None


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([], id="nothing at all"),
        pytest.param(["heritage=external-dns,external-dns/owner=default"], id="ExternalDNS's"),
        pytest.param(["heritage=ses-operator,owner=prod/mail"], id="an owner without a namespace"),
        pytest.param(["heritage=ses-operator,owner=a/b/c", "heritage=ses-operator,owner=d/e/f"], id="two owners"),
    ],
)
def test_no_ledger_is_read_from(lines: list[str]) -> None:
    assert Ledger.decode(lines, DOMAIN) is None


@given(_ledgers, st.lists(st.text(max_size=40).filter(lambda line: not line.startswith("heritage="))))
def test_damaged_lines_do_not_hide_the_others(ledger: Ledger, damage: list[str]) -> None:
    decoded = Ledger.decode([*ledger.encode(DOMAIN), *damage], DOMAIN)
    assert decoded is not None
    assert decoded.owner == ledger.owner
    assert ledger.lines.items() <= decoded.lines.items()


def test_the_digest_follows_values_and_ttl_but_not_presentation() -> None:
    written = ZoneSet("a.example.com", "CNAME", 300, ("x.dkim.amazonses.com",))
    assert digest(written) == digest(ZoneSet("a.example.com", "CNAME", 300, ("X.dkim.amazonses.com.",)))
    assert digest(written) != digest(ZoneSet("a.example.com", "CNAME", 60, ("x.dkim.amazonses.com",)))
    assert digest(written) != digest(ZoneSet("a.example.com", "CNAME", 300, ("y.dkim.amazonses.com",)))
