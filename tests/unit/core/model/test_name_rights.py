"""At which names an identity may have records: one rule for all purposes of records, and for the ledger."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.identity.dmarc import DmarcPolicy
from ses_operator.core.dns.ledger import ledger_name
from ses_operator.core.model.name_rights import (
    ANY_NAME,
    NameHolder,
    NameRights,
    NameVerdict,
    Pattern,
    governing_name,
    precision,
)
from ses_operator.core.model.record_values.dmarc import Dmarc
from ses_operator.core.model.records import Purpose
from ses_operator.core.model.ses import MailFromFacts, VerificationStatus
from ses_operator.core.planning.plan import surplus_policy, wanted_records
from ses_operator.core.state.desired import Desired, MailFromBehavior
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.steps import Surplus
from unit.strategies import DOMAIN, desires, mail_from, wanted
from unit.world import World, converge

LABELS = ("bounce", "mx", "team-a", "_domainkey", "_dmarc", "_ses-operator", "x")
HOLDERS = st.sampled_from(NameHolder)

names = st.lists(st.sampled_from(LABELS), max_size=4).map(lambda labels: ".".join([*labels, DOMAIN]))
texts = st.builds(lambda name, wild: f"*.{name}" if wild else name, names, st.booleans())
patterns = st.builds(Pattern, texts, HOLDERS)
"""Of grants at and below the domain of the tests."""


@pytest.mark.parametrize(
    ("name", "judged_as"),
    [
        ("example.com", "example.com"),
        ("Bounce.Example.com.", "bounce.example.com"),
        ("_dmarc.example.com", "example.com"),
        ("abc._domainkey.example.com", "example.com"),
        ("_ses-operator.mail.example.com", "mail.example.com"),
        ("a._b.c._d.example.com", "example.com"),
    ],
)
def test_a_label_with_an_underscore_belongs_to_the_name_above(name: str, judged_as: str) -> None:
    assert governing_name(name) == judged_as


def test_rights_that_no_one_has_worked_out_permit_nothing() -> None:
    assert not NameRights().permits(DOMAIN)


@given(name=names, held=st.lists(patterns, max_size=4))
def test_a_name_that_another_is_granted_more_exactly_is_never_permitted(name: str, held: list[Pattern]) -> None:
    rights = NameRights(DOMAIN, tuple(held))
    place = governing_name(name)
    best = max(held, key=lambda each: precision(each.text, place), default=None)
    if best is None or not precision(best.text, place):
        return
    ours = [each for each in held if each.holder is NameHolder.OURS]
    mine = max((precision(each.text, asked) for each in ours for asked in (place, DOMAIN)), default=0)
    if best.holder is NameHolder.OTHERS and mine < precision(best.text, place):
        assert rights.by_grants(name) is not NameVerdict.ALLOWED


@given(name=names, held=st.lists(patterns, max_size=4), as_holder=st.sampled_from([NameHolder.OURS, NameHolder.OTHERS]))
def test_what_is_not_known_is_allowed_only_if_it_is_so_either_way(
    name: str, held: list[Pattern], as_holder: NameHolder
) -> None:
    known = tuple(replace(each, holder=as_holder) if each.holder is NameHolder.UNKNOWN else each for each in held)
    for kind in ("grants", "zone"):
        judge = {"grants": NameRights.by_grants, "zone": NameRights.by_zone}[kind]
        verdict = judge(NameRights(DOMAIN, **{kind: tuple(held)}), name)
        if verdict is not NameVerdict.UNKNOWN:
            assert judge(NameRights(DOMAIN, **{kind: known}), name) is verdict


@given(name=names)
def test_nothing_outside_of_the_domain_is_permitted(name: str) -> None:
    everything = (Pattern(ANY_NAME, NameHolder.OURS),)
    assert not NameRights(f"other.{DOMAIN}", None, everything).permits(name.removeprefix("x."))
    assert NameRights(DOMAIN, None, everything).permits(name)


@given(desired=desires(), held=st.lists(patterns, max_size=3), drifted=names)
def test_no_record_of_any_purpose_is_written_where_grants_say_no(
    desired: Desired, held: list[Pattern], drifted: str
) -> None:
    """Whatever MAIL FROM domain SES has: another client may have set one that is granted to others."""
    rights = NameRights(DOMAIN, (Pattern(DOMAIN, NameHolder.OURS), *held))
    world = converge(World(), desired, Inventory())
    at_ses = MailFromFacts(drifted, VerificationStatus.SUCCESS, "USE_DEFAULT_VALUE")
    world = replace(world, identities={r: replace(facts, mail_from=at_ses) for r, facts in world.identities.items()})
    everything = wanted_records(desired, world.observed(desired, Inventory()))

    judged = replace(desired, rights=rights)
    observed = world.observed(judged, Inventory())
    written = wanted_records(judged, observed)

    assert written == tuple(record for record in everything if rights.permits(record.name))
    assert all(_is_left_to_us(record.name, rights) for record in written)
    assert rights.permits(ledger_name(DOMAIN)) == rights.permits(DOMAIN)
    if desired.mail_from.keys() >= set(desired.regions) and not rights.permits(
        drifted
    ):  # else it is another client's, and never had ours
        assert surplus_policy(judged, observed) is Surplus.KEEP, "SES may still use what was published there"


def _is_left_to_us(name: str, rights: NameRights) -> bool:
    """No pattern of others names it more exactly than ours name it or the domain."""
    place = governing_name(name)
    held = rights.grants or ()
    ours = [precision(p.text, asked) for p in held if p.holder is NameHolder.OURS for asked in (place, DOMAIN)]
    others = [precision(p.text, place) for p in held if p.holder is not NameHolder.OURS]
    return max(ours) >= max(others, default=0)


@pytest.mark.parametrize("purpose", Purpose)
def test_each_purpose_is_judged(purpose: Purpose) -> None:
    """A record of each purpose is among those that the property above sees, and goes with the right to its name."""
    desired = wanted(
        mail_from=mail_from("bounce", MailFromBehavior.USE_DEFAULT_VALUE, ("eu-west-1",), "eu-west-1"),
        dmarc=Dmarc(DmarcPolicy.NONE),
    )
    observed = converge(World(), desired, Inventory()).observed(desired, Inventory())
    (record, *_) = [each for each in wanted_records(desired, observed) if each.purpose is purpose]
    refused = NameRights(DOMAIN, (Pattern(governing_name(record.name), NameHolder.OTHERS),))
    left = wanted_records(replace(desired, rights=refused), observed)
    assert purpose not in {each.purpose for each in left}
