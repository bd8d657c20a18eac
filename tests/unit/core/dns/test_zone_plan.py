"""What is changed in a zone, and above all what is not."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.base.reasons import Reason
from ses_operator.core.dns.ledger import Ledger, digest
from ses_operator.core.dns.zone_plan import (
    holdings,
    names_concerned,
    plan_handover,
    plan_publication,
    plan_release,
    plan_retention,
    plan_withdrawal,
)
from ses_operator.core.dns.zone_sets import BatchLimits, ChangeAction, ZoneSet, ZoneView, apply, zone_view
from ses_operator.core.model.keys import Owner
from ses_operator.core.model.record_values import txt
from ses_operator.core.model.records import RecordId, RecordSet, RecordType, dkim_records, mail_from_records, merge
from ses_operator.core.state.publication import RecordState
from ses_operator.core.state.steps import Surplus
from unit.zones import ANOTHER, DOMAIN, LEDGER, OWNER, SEAL, change, contents, record, records, zones

NEW_OWNER = OWNER.new_owner("new")
TOKEN = f"abc._domainkey.{DOMAIN}"
DKIM = record(TOKEN, RecordType.CNAME, ("abc.dkim.amazonses.com",))
SPF = record(f"bounce.{DOMAIN}", RecordType.TXT, ("v=spf1 include:amazonses.com ~all",))
EMPTY: ZoneView = {}
SMALL = BatchLimits(elements=6, characters=700)


def publish(
    view: ZoneView, wanted: tuple[RecordSet, ...], *, owner: Owner = OWNER, limits: BatchLimits | None = None
) -> ZoneView:
    """The zone once nothing is left to do; every batch must be one that Route 53 takes."""
    while changes := plan_publication(owner, SEAL, wanted, view, limits=limits).changes:
        view = change(view, changes)
    return view


def withdraw(view: ZoneView, *, owner: Owner = OWNER) -> ZoneView:
    return change(view, plan_withdrawal(owner, SEAL, view).changes)


def states(view: ZoneView, wanted: tuple[RecordSet, ...]) -> list[RecordState]:
    return [published.state for published in plan_publication(OWNER, SEAL, wanted, view).records]


def ours(view: ZoneView) -> frozenset[RecordId]:
    """What the ledger in the zone names."""
    lines = next((found.meaning for found in view.get(LEDGER, ())), ())
    ledger = Ledger.decode(lines, DOMAIN)
    return frozenset(ledger.lines) if ledger else frozenset()


@given(zones(), records())
def test_the_plan_applied_gives_every_wanted_record_that_nobody_else_stands_in_the_way_of(
    zone: ZoneView, wanted: tuple[RecordSet, ...]
) -> None:
    records = plan_publication(OWNER, SEAL, wanted, publish(zone, wanted)).records
    settled = {RecordState.PUBLISHED, RecordState.CONFLICT}
    assert {record.state for record in records if not record.alias} <= settled


@given(zones(), records(), records())
def test_planning_twice_plans_nothing(
    zone: ZoneView, before: tuple[RecordSet, ...], wanted: tuple[RecordSet, ...]
) -> None:
    zone = publish(zone, before)
    once = change(zone, plan_publication(OWNER, SEAL, wanted, zone).changes)
    assert plan_publication(OWNER, SEAL, wanted, once).changes == ()


@given(zones(), records(), records())
def test_only_what_the_ledger_names_is_ever_deleted(
    zone: ZoneView, before: tuple[RecordSet, ...], wanted: tuple[RecordSet, ...]
) -> None:
    zone = publish(zone, before)
    deleted = [
        one.set for one in plan_publication(OWNER, SEAL, wanted, zone).changes if one.action is ChangeAction.DELETE
    ]
    assert {RecordId(found.name, RecordType(found.type)) for found in deleted if found.name != LEDGER} <= ours(zone)


@given(zones(), records(), records())
def test_withdrawing_after_publishing_restores_the_zone_exactly(
    zone: ZoneView, before: tuple[RecordSet, ...], wanted: tuple[RecordSet, ...]
) -> None:
    assert contents(withdraw(publish(publish(zone, before), wanted))) == contents(zone)


@given(zones(), records(), records(), st.integers(0, 5))
def test_withdrawing_in_the_middle_of_publishing_in_parts_restores_the_zone_exactly(
    zone: ZoneView, before: tuple[RecordSet, ...], wanted: tuple[RecordSet, ...], parts: int
) -> None:
    changed = publish(zone, before, limits=SMALL)
    for _ in range(parts):
        changed = change(changed, plan_publication(OWNER, SEAL, wanted, changed, limits=SMALL).changes)
    assert contents(withdraw(changed)) == contents(zone)


@given(zones(), records(), records())
def test_a_zone_that_records_moved_away_from_keeps_what_is_wanted_right_and_gets_nothing_new(
    zone: ZoneView, before: tuple[RecordSet, ...], wanted: tuple[RecordSet, ...]
) -> None:
    held = holdings(OWNER, SEAL, published := publish(zone, before))
    kept = change(published, plan_retention(OWNER, SEAL, wanted, published).changes)
    assert holdings(OWNER, SEAL, kept) <= held & {record.id for record in wanted}
    assert contents(kept) <= contents(publish(published, wanted)) | contents(zone) | set(kept.get(LEDGER, ()))
    assert plan_retention(OWNER, SEAL, wanted, kept).changes == ()
    assert contents(withdraw(kept)) == contents(zone)


@given(zones(), records())
def test_what_somebody_removed_where_records_were_before_is_not_put_back(
    zone: ZoneView, before: tuple[RecordSet, ...]
) -> None:
    published = publish(zone, before)
    emptied = {name: sets for name, sets in published.items() if name == LEDGER}
    assert holdings(OWNER, SEAL, emptied) == frozenset()
    assert contents(change(emptied, plan_retention(OWNER, SEAL, before, emptied).changes)) == frozenset()


@given(zones(), records(), records())
def test_publishing_in_parts_ends_where_publishing_at_once_ends(
    zone: ZoneView, before: tuple[RecordSet, ...], wanted: tuple[RecordSet, ...]
) -> None:
    zone = publish(zone, before)
    assert contents(publish(zone, wanted, limits=SMALL)) == contents(publish(zone, wanted))


@given(zones(), records(), records())
def test_the_ledger_names_exactly_what_stands_of_ours(
    zone: ZoneView, before: tuple[RecordSet, ...], wanted: tuple[RecordSet, ...]
) -> None:
    after = publish(publish(zone, before), wanted)
    written = {RecordId(found.name, RecordType(found.type)) for found in contents(after) - contents(zone)}
    assert ours(after) == {record_id for record_id in written if record_id.name != LEDGER}


@given(zones(), records(), records(), st.sampled_from([Surplus.KEEP, Surplus.RELEASE]))
def test_surplus_that_is_not_to_be_removed_stays(
    zone: ZoneView, before: tuple[RecordSet, ...], wanted: tuple[RecordSet, ...], surplus: Surplus
) -> None:
    zone = publish(zone, before)
    plan = plan_publication(OWNER, SEAL, wanted, zone, surplus)
    after = change(zone, plan.changes)
    names = {record.id for record in wanted}
    extra = {found for found in contents(zone) if RecordId(found.name, RecordType(found.type)) not in names}
    assert {found for found in extra if found.name != LEDGER} <= contents(after)
    surplus_ids = ours(zone) - names
    assert ours(after) & surplus_ids == (surplus_ids if surplus is Surplus.KEEP else frozenset())
    assert plan_publication(OWNER, SEAL, wanted, after, surplus).changes == ()


@given(zones(), records())
def test_release_takes_the_ledger_and_nothing_else(zone: ZoneView, wanted: tuple[RecordSet, ...]) -> None:
    published = publish(zone, wanted)
    released = change(published, plan_release(OWNER, SEAL, published).changes)
    assert contents(released) == {found for found in contents(published) if found.name != LEDGER}
    assert contents(withdraw(released)) == contents(released)


@given(zones(), records(), records())
def test_what_is_handed_over_stands_as_it_was_and_is_the_heir_s_in_everything(
    zone: ZoneView, wanted: tuple[RecordSet, ...], next_: tuple[RecordSet, ...]
) -> None:
    published = publish(zone, wanted)
    handed = change(published, plan_handover(OWNER, NEW_OWNER, SEAL, published).changes)

    assert _but_for_the_ledger(handed) == _but_for_the_ledger(published)
    assert plan_handover(OWNER, NEW_OWNER, SEAL, handed).changes == ()
    if LEDGER in published:
        assert contents(withdraw(handed)) == contents(handed), "it is no longer the first one's to take away"
    assert _but_for_the_ledger(publish(handed, next_, owner=NEW_OWNER)) == _but_for_the_ledger(
        publish(published, next_)
    )


@given(zones(), records(), records())
def test_what_is_inherited_is_the_heir_s_at_once(
    zone: ZoneView, theirs: tuple[RecordSet, ...], wanted: tuple[RecordSet, ...]
) -> None:
    new_owner = replace(NEW_OWNER, inherits=(OWNER.installation_id,))
    left = publish(zone, theirs)
    inherited = publish(left, wanted, owner=new_owner)
    assert _but_for_the_ledger(inherited) == _but_for_the_ledger(publish(left, wanted))
    assert contents(withdraw(inherited)) == contents(inherited) or LEDGER not in inherited


def _but_for_the_ledger(zone: ZoneView) -> frozenset[ZoneSet]:
    return frozenset(found for found in contents(zone) if found.name != LEDGER)


@given(zones(), records(), records())
def test_another_owner_s_ledger_stops_everything(
    zone: ZoneView, theirs: tuple[RecordSet, ...], wanted: tuple[RecordSet, ...]
) -> None:
    zone = publish(zone, theirs, owner=ANOTHER)
    plan = plan_publication(OWNER, SEAL, wanted, zone)
    if LEDGER in zone:
        assert plan.changes == ()
        assert plan.problem is not None
        assert plan.problem.reason is Reason.LEDGER_CONFLICT
    assert contents(withdraw(zone)) == contents(zone)


@given(zones(), records(), records())
def test_the_names_concerned_are_all_that_a_plan_looks_at(
    zone: ZoneView, before: tuple[RecordSet, ...], wanted: tuple[RecordSet, ...]
) -> None:
    zone = publish(zone, before)
    names = names_concerned(DOMAIN, wanted, zone)
    part = {name: sets for name, sets in zone.items() if name in names}
    assert plan_publication(OWNER, SEAL, wanted, part) == plan_publication(OWNER, SEAL, wanted, zone)


def test_the_ledger_is_written_in_the_same_batch_as_the_records() -> None:
    changes = plan_publication(OWNER, SEAL, (DKIM, SPF), EMPTY).changes
    assert [str(one) for one in changes] == [
        f"CREATE CNAME {TOKEN}",
        f"CREATE TXT bounce.{DOMAIN}",
        f"CREATE TXT {LEDGER}",
    ]
    assert changes[1].set.values == ('"v=spf1 include:amazonses.com ~all"',)


def test_a_record_that_stood_there_already_with_our_values_is_satisfied_and_never_ours() -> None:
    zone = zone_view([ZoneSet(TOKEN, "CNAME", 3600, ("ABC.dkim.amazonses.com.",))])
    plan = plan_publication(OWNER, SEAL, (DKIM,), zone)
    assert plan.changes == ()
    assert states(zone, (DKIM,)) == [RecordState.PUBLISHED]


def test_a_different_record_of_another_is_a_conflict_that_names_both_values_and_lets_the_others_go_on() -> None:
    zone = zone_view([ZoneSet(TOKEN, "CNAME", 300, ("old.example.net",))])
    plan = plan_publication(OWNER, SEAL, (DKIM, SPF), zone)
    conflict = plan.records[0]
    assert conflict.state is RecordState.CONFLICT
    assert '"old.example.net"' in conflict.message
    assert '"abc.dkim.amazonses.com"' in conflict.message
    assert ours(change(zone, plan.changes)) == {SPF.id}


def test_a_cname_wanted_beside_other_types_is_a_conflict_in_words() -> None:
    zone = zone_view([ZoneSet(TOKEN, "A", 300, ("192.0.2.1",))])
    (conflict,) = plan_publication(OWNER, SEAL, (DKIM,), zone).records
    assert conflict.state is RecordState.CONFLICT
    assert conflict.message == (
        f'A "192.0.2.1" is at {TOKEN}, where CNAME "abc.dkim.amazonses.com" is needed, and DNS allows no other record beside a '
        "CNAME. Remove one of them"
    )


def test_a_record_wanted_beside_a_cname_is_a_conflict_in_words() -> None:
    zone = zone_view([ZoneSet(SPF.name, "CNAME", 300, ("shop.example.net",))])
    mx = record(SPF.name, RecordType.MX, ("10 feedback-smtp.eu-west-1.amazonses.com",))
    (conflict,) = plan_publication(OWNER, SEAL, (mx,), zone).records
    assert conflict.state is RecordState.CONFLICT
    assert 'CNAME "shop.example.net" is at' in conflict.message


def test_a_cname_of_ours_makes_room_for_another_type_in_one_batch() -> None:
    key = record(TOKEN, RecordType.TXT, ("v=DKIM1; k=rsa; p=YQ==",))
    zone = publish(EMPTY, (DKIM,))
    assert states(publish(zone, (key,)), (key,)) == [RecordState.PUBLISHED]


def test_an_alias_or_weighted_record_at_the_name_is_a_conflict() -> None:
    zone = zone_view([ZoneSet(TOKEN, "CNAME", 0, (), routing="an alias of lb.example.net")])
    (conflict,) = plan_publication(OWNER, SEAL, (DKIM,), zone).records
    assert conflict.state is RecordState.CONFLICT
    assert "an alias of lb.example.net" in conflict.message


def test_a_record_of_ours_that_was_changed_behind_our_back_is_put_right_while_it_is_wanted() -> None:
    zone = publish(EMPTY, (DKIM,))
    drifted = dict(zone) | {TOKEN: [ZoneSet(TOKEN, "CNAME", 60, ("wrong.example.net",))]}
    assert states(drifted, (DKIM,)) == [RecordState.DIFFERENT]
    assert contents(publish(drifted, (DKIM,))) == contents(zone)


def test_a_record_of_ours_that_was_deleted_behind_our_back_comes_back() -> None:
    zone = publish(EMPTY, (DKIM, SPF))
    drifted = {name: sets for name, sets in zone.items() if name != TOKEN}
    assert states(drifted, (DKIM, SPF)) == [RecordState.MISSING, RecordState.PUBLISHED]
    assert contents(publish(drifted, (DKIM, SPF))) == contents(zone)


def test_a_record_that_was_changed_since_is_left_when_it_is_no_longer_wanted() -> None:
    theirs = ZoneSet(TOKEN, "CNAME", 300, ("theirs.example.net",))
    zone = dict(publish(EMPTY, (DKIM, SPF))) | {TOKEN: [theirs]}
    plan = plan_withdrawal(OWNER, SEAL, zone)
    assert contents(change(zone, plan.changes)) == {theirs}
    assert plan.released == (
        (
            f'CNAME {TOKEN} was changed by another client and is left as it is: "theirs.example.net". '
            "Remove it by hand if it is not needed"
        ),
    )


def test_another_ttl_is_a_change_of_ours() -> None:
    slow = record(TOKEN, RecordType.CNAME, DKIM.values, ttl=3600)
    zone = publish(EMPTY, (DKIM,))
    assert states(zone, (slow,)) == [RecordState.DIFFERENT]
    assert states(publish(zone, (slow,)), (slow,)) == [RecordState.PUBLISHED]


def test_a_damaged_ledger_is_neither_overwritten_nor_trusted() -> None:
    zone = zone_view([ZoneSet(LEDGER, "TXT", 300, ('"heritage=ses-operator,owner=?"',))])
    plan = plan_publication(OWNER, SEAL, (DKIM,), zone)
    assert plan.changes == ()
    assert plan.problem is not None
    assert LEDGER in plan.problem.message


def test_withdrawal_says_so_where_the_ledger_cannot_be_read() -> None:
    zone = zone_view([ZoneSet(LEDGER, "TXT", 300, ('"heritage=ses-operator,owner=?"',))])
    plan = plan_withdrawal(OWNER, SEAL, zone)
    assert plan.changes == ()
    assert f"Records of {DOMAIN} may be left" in plan.released[0]


def test_a_cname_at_the_ledger_s_name_stops_everything() -> None:
    zone = zone_view([ZoneSet(LEDGER, "CNAME", 300, ("elsewhere.example.net",))])
    plan = plan_publication(OWNER, SEAL, (DKIM,), zone)
    assert plan.changes == ()
    assert plan.problem is not None
    assert "Remove the CNAME" in plan.problem.message


def test_a_ledger_that_somebody_reformatted_is_still_ours_and_replaced_exactly() -> None:
    lines = Ledger(OWNER, {DKIM.id: SEAL.line(OWNER, DKIM.id, digest(ZoneSet.of(DKIM)))}).encode(DOMAIN)
    values = tuple(txt.quote(line)[:8] + '" "' + txt.quote(line)[8:] for line in reversed(lines))
    zone = apply(publish(EMPTY, (DKIM,)), [])
    reformatted = dict(zone) | {LEDGER: [ZoneSet(LEDGER, "TXT", 60, values)]}
    assert plan_publication(OWNER, SEAL, (DKIM,), reformatted).changes == ()
    assert contents(withdraw(reformatted)) == frozenset()


def test_an_identity_in_every_region_is_published_and_changed_within_the_limits_of_a_batch() -> None:
    regions = [f"us-gov-northeast-{number}" for number in range(32)]

    def wanted(ttl: int) -> tuple[RecordSet, ...]:
        tokens = {region: [f"{region}{n}".replace("-", "").ljust(32, "x") for n in range(3)] for region in regions}
        dkim = (found for r in regions for found in dkim_records(DOMAIN, r, tokens[r], f"dkim.{r}.amazonses.com", ttl))
        mail_from = (
            found
            for n, r in enumerate(regions)
            for found in mail_from_records(f"{'b' * 42}-{r[:-3]}{n:02}.{DOMAIN}", r, ttl)
        )
        return merge([*dkim, *mail_from])

    zone, limits = EMPTY, BatchLimits()
    for ttl in (300, 60):
        while changes := plan_publication(OWNER, SEAL, wanted(ttl), zone).changes:
            assert limits.admits(sum(one.elements for one in changes), sum(one.characters for one in changes))
            zone = change(zone, changes)
        assert set(states(zone, wanted(ttl))) == {RecordState.PUBLISHED}
    assert contents(withdraw(zone)) == frozenset()
