"""Which lines of a ledger prove anything, whoever wrote them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.identity.dmarc import DmarcPolicy
from ses_operator.core.dns.keyring import Keyring, LedgerKey, Statement, new_key
from ses_operator.core.dns.ledger import Ledger, Line, Seal, digest, ledger_name, recollections
from ses_operator.core.dns.shapes import SHAPES, may_be_ours
from ses_operator.core.dns.zone_ledger import ledger_set
from ses_operator.core.dns.zone_plan import holdings, plan_handover, plan_publication, plan_withdrawal
from ses_operator.core.dns.zone_sets import ChangeAction, ZoneSet, ZoneView, zone_view
from ses_operator.core.model.keys import ObjectKey, Owner
from ses_operator.core.model.record_values import txt
from ses_operator.core.model.record_values.dmarc import Dmarc
from ses_operator.core.model.records import (
    Purpose,
    RecordId,
    RecordSet,
    RecordType,
    dkim_records,
    dmarc_record,
    mail_from_records,
    own_key_record,
)
from ses_operator.core.state.publication import RecordState, Witness
from unit.zones import DOMAIN, KEYS, LEDGER, OWNER, SEAL, change, contents, records, zones

OTHER_KEY = LedgerKey(b"o" * 32)
REGION = "eu-west-1"
MADE_AT = datetime(2030, 1, 1, tzinfo=UTC)
WRITTEN = (
    *dkim_records(DOMAIN, REGION, ("abc", "def"), "dkim.amazonses.com", 300),
    *mail_from_records(f"bounce.{DOMAIN}", REGION, 300),
    dmarc_record(DOMAIN, Dmarc(DmarcPolicy.REJECT), (REGION,), 300),
)
ROTATED = Seal(DOMAIN, "Z1", Keyring(OTHER_KEY, (KEYS.current,), KEYS.made_at))
LOST = Seal(DOMAIN, "Z1", Keyring(OTHER_KEY, (), KEYS.made_at))
"""After a rotation; and where a new key had to be made, because the one that signed is gone."""


def published(seal: Seal = SEAL, wanted: tuple[RecordSet, ...] = WRITTEN, zone: ZoneView | None = None) -> ZoneView:
    zone = zone or {}
    while changes := plan_publication(OWNER, seal, wanted, zone).changes:
        zone = change(zone, changes)
    return zone


def withdrawn(seal: Seal, zone: ZoneView) -> ZoneView:
    while changes := plan_withdrawal(OWNER, seal, zone).changes:
        zone = change(zone, changes)
    return zone


def all_but_the_ledger(zone: ZoneView) -> frozenset[ZoneSet]:
    return frozenset(found for found in contents(zone) if found.name != LEDGER)


def forged(zone: ZoneView, *lines: str) -> ZoneView:
    """The zone with a ledger that someone else wrote in the name of the owner."""
    values = tuple(txt.quote(line) for line in (f"heritage=ses-operator,owner={OWNER}", *lines))
    return {**zone, LEDGER: [ZoneSet(LEDGER, "TXT", 300, values)]}


def line_for(found: ZoneSet, signature: str = "") -> str:
    return " ".join(filter(None, (found.type, f"{found.name}.", digest(found), signature)))


signatures = st.sampled_from(
    [
        "",
        f"{KEYS.current.id}:{'A' * 22}",
        f"aaaa:{'A' * 22}",
        OTHER_KEY.sign(Statement(str(OWNER), "Z1", DOMAIN, RecordId(f"bounce.{DOMAIN}", RecordType.MX), "x")),
    ]
)


@given(zone=zones(), made=st.lists(signatures, min_size=12, max_size=12), remembered=st.booleans())
def test_a_ledger_that_someone_else_wrote_deletes_nothing(zone: ZoneView, made: list[str], *, remembered: bool) -> None:
    """Not even where they wrote into the object, too, what it remembers: it is younger than the Secret."""
    there = [found for found in contents(zone) if not found.routing]
    lines = [line_for(found, made[n % len(made)]) for n, found in enumerate(there)]
    says = frozenset(f"{found.type} {found.name} {digest(found)}" for found in there) if remembered else frozenset()
    young = Witness(says, MADE_AT + timedelta(seconds=1))
    seal = replace(SEAL, witness=young)

    attacked = forged(zone, *lines)

    assert all_but_the_ledger(withdrawn(seal, attacked)) == all_but_the_ledger(zone)
    for wanted in ((), WRITTEN):
        for one in plan_publication(OWNER, seal, wanted, attacked).changes:
            assert one.action is ChangeAction.CREATE or one.set.name == LEDGER
    assert holdings(OWNER, seal, attacked) == frozenset()


@pytest.mark.parametrize(
    "copied_from",
    [
        pytest.param(replace(SEAL, zone_id="Z2"), id="another zone"),
        pytest.param(replace(SEAL, domain=f"other.{DOMAIN}"), id="another ledger"),
        pytest.param(replace(SEAL, keys=Keyring(OTHER_KEY)), id="another installation"),
    ],
)
def test_a_line_copied_from_elsewhere_proves_nothing(copied_from: Seal) -> None:
    found = ZoneSet.of(WRITTEN[0])
    line = copied_from.line(OWNER, WRITTEN[0].id, digest(found))
    assert not SEAL.proves(OWNER, WRITTEN[0].id, line)
    assert SEAL.proves(OWNER, WRITTEN[0].id, SEAL.line(OWNER, WRITTEN[0].id, digest(found)))


@pytest.mark.parametrize(
    ("owner", "record", "value"),
    [
        (Owner("test", ObjectKey("team-e", "mail")), WRITTEN[0].id, "d"),
        (OWNER, WRITTEN[1].id, "d"),
        (OWNER, RecordId(WRITTEN[0].name, RecordType.TXT), "d"),
        (OWNER, WRITTEN[0].id, "e"),
    ],
)
def test_a_signature_is_over_owner_name_type_and_value(owner: Owner, record: RecordId, value: str) -> None:
    signature = SEAL.line(OWNER, WRITTEN[0].id, "d").signature
    assert not SEAL.proves(owner, record, Line(value, signature))


def test_what_is_below_the_ledger_of_another_is_not_touched_even_with_a_signature() -> None:
    """The parent's own MAIL FROM name, at which a team has had an identity since."""
    zone = published()
    team = ledger_name(f"bounce.{DOMAIN}")
    zone = {**zone, team: [ZoneSet(team, "TXT", 300, ('"heritage=ses-operator,owner=test/team-b/mail"',))]}
    left = withdrawn(SEAL, zone)
    assert {found.name for found in contents(left)} == {team, f"bounce.{DOMAIN}"}
    said = " ".join(plan_withdrawal(OWNER, SEAL, zone).released)
    assert f"MX bounce.{DOMAIN}" in said


@pytest.mark.parametrize("name", ["victim.example.com", "example.com", f"x{DOMAIN}"])
def test_nothing_outside_of_the_domain_is_touched_even_with_a_signature(name: str) -> None:
    theirs = ZoneSet(name, "MX", 300, ("10 feedback-smtp.eu-west-1.amazonses.com",))
    record = RecordId(name, RecordType.MX)
    ledger = Ledger(OWNER, {record: SEAL.line(OWNER, record, digest(theirs))})
    zone = forged(zone_view([theirs]), *ledger.encode(DOMAIN)[1:])
    assert all_but_the_ledger(withdrawn(SEAL, zone)) == {theirs}


def test_during_a_rotation_both_keys_count_and_the_lines_get_the_new_one() -> None:
    before = published()
    after = published(ROTATED, zone=before)
    assert all_but_the_ledger(after) == all_but_the_ledger(before)
    assert holdings(OWNER, ROTATED, before) == {record.id for record in WRITTEN}
    alone = replace(ROTATED, keys=replace(ROTATED.keys, accepted=()))
    assert contents(withdrawn(alone, after)) == frozenset(), "the old key is not needed any more"
    assert plan_publication(OWNER, ROTATED, WRITTEN, after).changes == ()


def test_where_the_key_was_lost_the_object_s_memory_is_the_witness() -> None:
    older = MADE_AT - timedelta(days=1)
    witnessed = replace(LOST, witness=Witness(recollections(WRITTEN), older))
    zone = published()
    signed_again = published(witnessed, zone=zone)
    assert all_but_the_ledger(signed_again) == all_but_the_ledger(zone)
    assert contents(withdrawn(LOST, signed_again)) == frozenset()


@given(zones(), records())
def test_where_key_and_memory_are_lost_nothing_is_deleted_and_all_of_it_is_listed(
    others: ZoneView, wanted: tuple[RecordSet, ...]
) -> None:
    zone = published(SEAL, wanted, others)
    ours = holdings(OWNER, SEAL, zone)
    plan = plan_publication(OWNER, LOST, wanted, zone)
    assert {str(record) for record in ours} == set(plan.unproven)
    assert plan.changes == (), "and it stays listed"
    assert not {entry.state for entry in plan.records} & {RecordState.MISSING, RecordState.DIFFERENT}
    left = withdrawn(LOST, zone)
    assert all_but_the_ledger(left) == all_but_the_ledger(zone)
    if ours:
        (said,) = plan_withdrawal(OWNER, LOST, zone).released
        assert all(str(record) in said for record in ours)
        assert ledger_set(DOMAIN, left) is None


def test_a_record_without_proof_that_is_removed_is_written_again_and_is_owned_then() -> None:
    zone = published()
    gone = {name: sets for name, sets in zone.items() if name != WRITTEN[0].name}
    after = published(LOST, zone=gone)
    assert WRITTEN[0].id in holdings(OWNER, LOST, after)
    plan = plan_publication(OWNER, LOST, WRITTEN, after)
    assert str(WRITTEN[0]) not in plan.unproven
    assert len(plan.unproven) == len(WRITTEN) - 1


def test_what_was_handed_over_is_the_other_installation_s_once_it_has_the_key() -> None:
    new_owner = OWNER.new_owner("new")
    handed = change(zone := published(), plan_handover(OWNER, new_owner, SEAL, zone).changes)
    without = Seal(DOMAIN, "Z1", Keyring(OTHER_KEY))
    assert holdings(new_owner, without, handed) == frozenset()
    assert holdings(new_owner, ROTATED, handed) == {record.id for record in WRITTEN}


@pytest.mark.parametrize("purpose", Purpose)
def test_what_is_written_for_each_purpose_has_a_shape_that_may_be_deleted(purpose: Purpose) -> None:
    every = (*WRITTEN, own_key_record(DOMAIN, REGION, "s1", "MIIB" + "x" * 400, 300))
    mine = [ZoneSet.of(record) for record in every if record.purpose is purpose]
    assert mine
    assert all(SHAPES[purpose](found, DOMAIN) and may_be_ours(found, DOMAIN) for found in mine)


@pytest.mark.parametrize(
    "found",
    [
        ZoneSet(f"www.{DOMAIN}", "CNAME", 300, ("shop.example.net",)),
        ZoneSet(f"www._domainkey.{DOMAIN}", "CNAME", 300, ("shop.example.net",)),
        ZoneSet(DOMAIN, "MX", 300, ("10 mail.example.net",)),
        ZoneSet(DOMAIN, "MX", 300, ("10 feedback-smtp.eu-west-1.amazonses.com",)),
        ZoneSet(f"mx.{DOMAIN}", "MX", 300, ("10 a.example.net", "10 feedback-smtp.eu-west-1.amazonses.com")),
        ZoneSet(DOMAIN, "TXT", 300, ('"v=spf1 include:amazonses.com ~all"',)),
        ZoneSet(f"x.{DOMAIN}", "TXT", 300, ('"google-site-verification=1"',)),
        ZoneSet(f"x.{DOMAIN}", "A", 300, ("192.0.2.1",)),
        ZoneSet(f"_dmarc.x.{DOMAIN}", "TXT", 300, ('"v=DMARC1; p=none"',)),
        ZoneSet(f"a._domainkey.{DOMAIN}", "CNAME", 0, (), routing="an alias of lb.example.net"),
    ],
    ids=str,
)
def test_what_the_operator_never_writes_has_no_such_shape(found: ZoneSet) -> None:
    assert not may_be_ours(found, DOMAIN)


def test_lines_stay_within_one_string_and_keys_do_not_show() -> None:
    longest = f"{'a' * 63}.{'b' * 42}-ap-northeast-1.{DOMAIN}"
    record = RecordId(longest, RecordType.CNAME)
    ledger = Ledger(OWNER, {record: SEAL.line(OWNER, record, digest(ZoneSet.of(WRITTEN[0])))})
    assert all(len(value) <= txt.MAX_STRING_OCTETS for value in ledger.encode(DOMAIN))
    assert repr(KEYS).count("kkk") == 0
    assert len({LedgerKey(new_key()).id for _ in range(50)}) == 50
    assert KEYS.made_at == MADE_AT
