"""MAIL FROM domains: one for each region or one that all share, and the way from one name to another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentitySpec
from ses_operator.core.dns.lookup.record_evidence import seen_by_ses as seen
from ses_operator.core.features.mail_from import MAIL_FROM, MailFromValue
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.records import RecordSet, RecordType
from ses_operator.core.model.ses import MailFromFacts, VerificationStatus
from ses_operator.core.planning.plan import surplus_policy, wanted_records
from ses_operator.core.state.desired import Desired, MailFromBehavior
from ses_operator.core.state.observed import Present, RegionView, Remembered, Unread
from ses_operator.core.state.steps import PutSetting, Surplus
from unit.strategies import DOMAIN, MAIL_FROM_STYLES, mail_from, wanted
from unit.world import World, converge, covering, marked_by, next_plan, seen_by_ses, steps_of

REGIONS = ("eu-west-1", "us-east-1", "us-west-2")
DEFAULT, REJECT = MailFromBehavior.USE_DEFAULT_VALUE, MailFromBehavior.REJECT_MESSAGE


def desired(
    style: str, regions: tuple[str, ...] = REGIONS, first: str = "", behavior: MailFromBehavior = DEFAULT
) -> Desired:
    """What is wanted with MAIL FROM in a style; the MX of a shared name is that of ``first``, else of the first region."""
    first = first or regions[0]
    return wanted(
        regions=tuple(sorted(regions)), first_region=first, mail_from=mail_from(style, behavior, regions, first)
    )


@st.composite
def styles(draw: st.DrawFn) -> Desired:
    regions = tuple(sorted(draw(st.sets(st.sampled_from(REGIONS), min_size=1))))
    first = draw(st.sampled_from(regions))
    return desired(draw(st.sampled_from(MAIL_FROM_STYLES)), regions, first, draw(st.sampled_from(MailFromBehavior)))


def standing(region: str, domain: str | None, status: VerificationStatus = VerificationStatus.SUCCESS) -> Present:
    """A verified identity of ours with this MAIL FROM domain."""
    world = seen_by_ses(converge(World(), wanted(regions=(region,)), covering(wanted(regions=(region,)))))
    found = MailFromFacts(domain, status, DEFAULT) if domain else None
    return Present(replace(world.identities[region], mail_from=found))


def exchanges(records: Iterable[RecordSet]) -> dict[str, tuple[str, ...]]:
    """The values of each MX record, by name."""
    return {record.name: record.values for record in records if record.type is RecordType.MX}


def mx(region: str) -> tuple[str, ...]:
    return (f"10 feedback-smtp.{region}.amazonses.com",)


@given(styles(), styles())
def test_each_mail_from_domain_in_use_has_just_one_mx_at_every_moment_of_a_move(
    first: Desired, second: Desired
) -> None:
    inventory = covering(first, second)
    before = world = seen_by_ses(converge(World(), first, inventory))
    while not (plan := next_plan(world, second, inventory)).is_empty:
        steps = steps_of(plan)
        world = seen_by_ses(world.do(steps[0]) if steps else world.publish(plan.dns) if plan.dns else world)
        found = exchanges(world.records)
        assert all(len(values) == 1 for values in found.values())
        for region, facts in world.identities.items():
            was_in_use = region in before.identities and before.identities[region].mail_from
            assert not was_in_use or facts.mail_from is None or facts.mail_from.domain in found
    assert world == seen_by_ses(converge(World(), second, inventory))


def test_a_shared_name_has_one_mx_that_of_the_first_region_and_says_who_shares_it() -> None:
    spec = desired("bounce", REGIONS, first="us-east-1")
    world = converge(World(), spec, covering(spec))
    shared = [record for record in world.records if record.name == f"bounce.{DOMAIN}"]
    assert sorted((record.type, record.regions) for record in shared) == [("MX", REGIONS), ("TXT", REGIONS)]
    assert exchanges(shared) == {f"bounce.{DOMAIN}": mx("us-east-1")}


def test_when_the_first_region_leaves_a_shared_name_its_mx_becomes_that_of_the_next_in_one_change() -> None:
    before, after = desired("bounce", ("us-east-1", "eu-west-1")), desired("bounce", ("eu-west-1",))
    inventory = covering(before, after)
    world = seen_by_ses(converge(World(), before, inventory))
    assert exchanges(world.records) == {f"bounce.{DOMAIN}": mx("us-east-1")}
    assert exchanges(wanted_records(after, world.observed(after, inventory))) == {f"bounce.{DOMAIN}": mx("eu-west-1")}
    assert exchanges(converge(world, after, inventory).records) == {f"bounce.{DOMAIN}": mx("eu-west-1")}


def test_a_region_that_ses_did_not_let_us_change_keeps_the_records_of_the_name_that_it_has() -> None:
    spec = desired("mx-{region}", ("eu-west-1",))
    world = World({"eu-west-1": standing("eu-west-1", f"old.{DOMAIN}").facts})
    observed = world.observed(spec, covering(spec))
    assert exchanges(wanted_records(spec, observed)) == {
        f"mx-eu-west-1.{DOMAIN}": mx("eu-west-1"),
        f"old.{DOMAIN}": mx("eu-west-1"),
    }


def test_switched_off_the_records_go_only_after_ses_has_let_go() -> None:
    on, off = desired("bounce-{region}", ("eu-west-1",)), desired("", ("eu-west-1",))
    inventory = covering(on, off)
    world = seen_by_ses(converge(World(), on, inventory))
    plan = next_plan(world, off, inventory)
    assert (steps_of(plan), plan.dns) == (
        [PutSetting("eu-west-1", DOMAIN, MAIL_FROM, MailFromValue(None, DEFAULT))],
        None,
    )
    assert exchanges(wanted_records(off, world.observed(off, inventory))), "still wanted"
    assert not exchanges(converge(world, off, inventory).records)


def test_a_region_that_cannot_be_read_keeps_all_that_stands() -> None:
    spec = desired("bounce", ("eu-west-1", "us-east-1"))
    silent = Unread(Problem(Reason.REGION_UNREACHABLE, "no answer"))
    observed = World().observed(spec, covering(spec))
    observed = replace(
        observed,
        regions={"eu-west-1": standing("eu-west-1", f"bounce.{DOMAIN}"), "us-east-1": silent},
        remembered={"us-east-1": Remembered(("t1", "t2", "t3"), "dkim.amazonses.com")},
    )
    assert exchanges(wanted_records(spec, observed)) == {f"bounce.{DOMAIN}": mx("eu-west-1")}
    assert surplus_policy(spec, observed) is Surplus.KEEP


def test_a_first_region_that_does_not_exist_does_not_get_the_bounces_of_the_others() -> None:
    spec = desired("bounce", ("eu-west-9", "us-east-1"))
    unknown = Unread(Problem(Reason.REGION_NOT_SUPPORTED, "there is no such region"))
    observed = World().observed(spec, covering(spec))
    views: dict[str, RegionView] = {"eu-west-9": unknown, "us-east-1": standing("us-east-1", f"bounce.{DOMAIN}")}
    found = exchanges(wanted_records(spec, replace(observed, regions=views)))
    assert found == {f"bounce.{DOMAIN}": mx("us-east-1")}


MOVES = [
    ("another name waits for its MX", f"old.{DOMAIN}", VerificationStatus.SUCCESS, DEFAULT, True),
    ("a name that never worked is replaced at once", f"old.{DOMAIN}", VerificationStatus.FAILED, DEFAULT, False),
    ("a first name is set at once where mail goes out without it", None, VerificationStatus.SUCCESS, DEFAULT, False),
    ("a first name waits for its MX where mail is refused without it", None, VerificationStatus.SUCCESS, REJECT, True),
    ("the name that stands is only told how to fail", f"new.{DOMAIN}", VerificationStatus.SUCCESS, REJECT, False),
]


@pytest.mark.parametrize(("found", "status", "behavior", "waits"), [m[1:] for m in MOVES], ids=[m[0] for m in MOVES])
def test_ses_is_told_of_a_name(
    found: str | None, status: VerificationStatus, behavior: MailFromBehavior, waits: bool
) -> None:
    spec = desired("new", ("eu-west-1",), behavior=behavior)
    world = World({"eu-west-1": marked_by(spec, standing("eu-west-1", found, status).facts, "eu-west-1")})
    told = PutSetting("eu-west-1", DOMAIN, MAIL_FROM, MailFromValue(f"new.{DOMAIN}", behavior))
    plan = next_plan(world, spec, covering(spec))
    assert plan.regions["eu-west-1"].steps == (() if waits else (told,))
    problem = plan.regions["eu-west-1"].problem
    assert (problem is not None and problem.reason is Reason.WAITING_FOR_MAIL_FROM) is waits
    if waits:
        assert plan.dns is not None
        assert next_plan(world.publish(plan.dns), spec, covering(spec)).regions["eu-west-1"].steps == (told,)


SPEC = {"domain": DOMAIN, "regions": ["us-east-1", "eu-west-1"]}


def test_the_scope_of_a_mail_from_domain_decides_its_names_and_whose_mx_they_have() -> None:
    own = SesIdentitySpec.model_validate({**SPEC, "mailFrom": {"subdomain": "bounce"}})
    shared = SesIdentitySpec.model_validate({**SPEC, "mailFrom": {"subdomain": "bounce", "scope": "Shared"}})
    told = [(spec.mail_from_domain("eu-west-1"), spec.mail_from_mx_region("eu-west-1")) for spec in (own, shared)]
    assert told == [(f"bounce-eu-west-1.{DOMAIN}", "eu-west-1"), (f"bounce.{DOMAIN}", "us-east-1")]


def test_that_ses_has_found_the_old_name_says_nothing_of_the_new_one() -> None:
    spec = desired("new", ("eu-west-1",))
    observed = replace(
        World().observed(spec, covering(spec)), regions={"eu-west-1": standing("eu-west-1", f"old.{DOMAIN}")}
    )
    found = {record.name: seen(observed, record) for record in wanted_records(spec, observed) if record.type == "MX"}
    assert found == {f"new.{DOMAIN}": False, f"old.{DOMAIN}": True}
