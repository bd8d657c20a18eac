"""Addresses: the emails that SES sends them, how many, and what is said while nobody answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import DeletionPolicy
from ses_operator.core.features.verification_email import LIFETIME, MAX_EMAILS, STALENESS
from ses_operator.core.model.dkim_source import NoDkim
from ses_operator.core.model.ses import DkimFacts, VerificationStatus
from ses_operator.core.planning.expected import expected_memory, unverified_address
from ses_operator.core.planning.plan import inventory_of, plan_identity, plan_leaving, wanted_records
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Absent, Observed, Present, RegionView, Remembered
from ses_operator.core.state.publication import DnsObservation
from ses_operator.core.state.steps import CreateIdentity, DeleteIdentity, SendVerificationEmail, TagIdentity
from ses_operator.core.status.report import ReportInput, verdicts
from ses_operator.core.status.requeue import needs_backoff, requeue_after
from unit.strategies import ADDRESS, OWNER, addresses, wanted_address
from unit.world import NOW, World, converge, covering, fresh_dkim, next_plan, without_mark_tags

REGION = "eu-west-1"
TEMPLATE = "welcome-0123456789abcdef"
PENDING, FAILED, SUCCESS = VerificationStatus.PENDING, VerificationStatus.FAILED, VerificationStatus.SUCCESS
AGAIN = SendVerificationEmail(REGION, ADDRESS, None)
A_MOMENT = timedelta(minutes=1)


def standing(status: VerificationStatus, dkim: DkimFacts | None = None) -> Present:
    facts = replace(unverified_address(), verification_status=status, tags={OWNER_TAG: str(OWNER)})
    facts = replace(facts, sending_enabled=status is SUCCESS)
    return Present(replace(facts, dkim=dkim or facts.dkim))


def sent(ago: timedelta, emails: int = 1) -> Remembered:
    return Remembered(pending_since=NOW - ago, emailed_at=NOW - ago, emails=emails)


def case(view: RegionView, known: Remembered, desired: Desired | None = None, **seen: object) -> ReportInput:
    desired = desired or wanted_address()
    observed = Observed({REGION: view}, {REGION: known}, dns=DnsObservation(in_sync=True))
    observed = replace(observed, **seen)  # type: ignore[arg-type]
    plan = plan_identity(desired, observed, covering(desired), NOW)
    return ReportInput.of(desired, observed, plan, account="default", account_id="1", partition="aws", suspended=None)


@given(addresses())
def test_an_address_ends_as_it_is_asked_for_without_dns_and_without_dkim(desired: Desired) -> None:
    inventory = covering(desired)
    world = converge(World(), desired, inventory)
    assert set(world.identities) == set(desired.regions)
    assert all(without_mark_tags(facts.tags) == desired.tags for facts in world.identities.values())
    assert not world.records
    assert next_plan(world, desired, inventory).is_empty


@given(addresses(), addresses(), st.integers(0, 12))
def test_a_change_of_an_address_ends_the_same_from_any_crash_in_between(
    first: Desired, second: Desired, at: int
) -> None:
    inventory = covering(first, second)
    crashed = converge(World(), first, inventory, most_steps=at)
    assert converge(crashed, second, inventory) == converge(World(), second, inventory)


def test_the_domain_of_an_address_shows_dkim_and_none_of_it_is_published() -> None:
    domains = replace(fresh_dkim(REGION, 2048), status=FAILED)
    observed = Observed({REGION: standing(SUCCESS, domains)})
    assert wanted_records(wanted_address(), observed) == ()
    found = verdicts(case(standing(SUCCESS, domains), Remembered()))
    assert found[ConditionType.READY].reason is Reason.SUCCEEDED
    assert not {ConditionType.DNS_PUBLISHED, ConditionType.DKIM_VERIFIED} & found.keys()


@pytest.mark.parametrize(
    ("view", "known", "is_sent"),
    [
        pytest.param(standing(PENDING), sent(A_MOMENT), False, id="not while the link works"),
        pytest.param(standing(PENDING), Remembered(), False, id="not while nothing is known of it"),
        pytest.param(standing(FAILED), sent(A_MOMENT), True, id="when SES says that it has run out"),
        pytest.param(standing(FAILED), Remembered(), True, id="when SES says so, and all else was lost"),
        pytest.param(standing(PENDING), sent(LIFETIME), True, id="after 24 hours, whatever SES says"),
        pytest.param(standing(FAILED), sent(A_MOMENT, 2), False, id="not by what SES may say of the one before"),
        pytest.param(standing(FAILED), sent(STALENESS, 2), True, id="a third time"),
        pytest.param(standing(FAILED), sent(LIFETIME, MAX_EMAILS), False, id="not a fourth time"),
        pytest.param(standing(SUCCESS), sent(LIFETIME), False, id="never to an address that is verified"),
    ],
)
def test_an_email_is_sent_again(view: Present, known: Remembered, is_sent: bool) -> None:
    assert case(view, known).plan.ses_steps == ({REGION: (AGAIN,)} if is_sent else {})


def test_a_person_who_asks_for_a_reconcile_gets_one_more_email_and_no_second() -> None:
    asked = case(standing(FAILED), sent(LIFETIME, MAX_EMAILS), is_requested=True)
    assert asked.plan.ses_steps == {REGION: (AGAIN,)}
    known = expected_memory(AGAIN, sent(LIFETIME, MAX_EMAILS), NOW)
    assert known == Remembered(pending_since=NOW - LIFETIME, emailed_at=NOW, emails=MAX_EMAILS + 1)
    for status in (PENDING, FAILED):
        assert case(standing(status), known, is_requested=True).plan.is_empty


def test_the_email_that_comes_with_the_creation_is_the_first() -> None:
    desired = wanted_address()
    (create, *_) = case(Absent(), Remembered()).plan.ses_steps[REGION]
    assert create == CreateIdentity(REGION, ADDRESS, NoDkim(), desired.tags)
    assert expected_memory(create, Remembered(), NOW).emails == 1


def test_who_has_to_follow_which_link_is_said_and_it_is_looked_again_when_it_runs_out() -> None:
    waiting = case(standing(PENDING), sent(timedelta(hours=1)))
    found = verdicts(waiting)
    assert found[ConditionType.PROVISIONED].reason is Reason.SUCCEEDED
    assert found[ConditionType.RECONCILING].reason is Reason.WAITING_FOR_CLICK
    for words in (REGION, ADDRESS, "24 hours", "junk"):
        assert words in found[ConditionType.READY].message
    assert not needs_backoff(waiting)
    assert requeue_after(waiting, NOW) == timedelta(hours=23).total_seconds()


def test_when_three_emails_found_no_answer_it_is_said_how_to_have_another() -> None:
    found = verdicts(case(standing(FAILED), sent(LIFETIME, MAX_EMAILS)))
    assert found[ConditionType.RECONCILING].reason is Reason.VERIFICATION_EMAIL_EXPIRED
    assert "ses-operator.io/reconcile-requested-at" in found[ConditionType.READY].message
    assert ConditionType.STALLED not in found


def with_template() -> Desired:
    return wanted_address(verification_template=TEMPLATE)


def test_with_a_template_its_email_creates_the_identity_and_the_tags_follow_at_once() -> None:
    (email, tags) = case(Absent(), Remembered(), with_template()).plan.ses_steps[REGION]
    assert email == SendVerificationEmail(REGION, ADDRESS, TEMPLATE)
    assert isinstance(tags, TagIdentity)


@pytest.mark.parametrize(("ago", "emails", "steps"), [(A_MOMENT, 1, 0), (LIFETIME, 1, 2), (LIFETIME, MAX_EMAILS, 0)])
def test_where_ses_shows_no_identity_before_the_click_the_email_is_not_repeated_before_its_time(
    ago: timedelta, emails: int, steps: int
) -> None:
    waiting = case(Absent(), sent(ago, emails), with_template())
    assert len(waiting.plan.ses_steps.get(REGION, ())) == steps
    assert steps or waiting.problems[REGION].reason in {Reason.WAITING_FOR_CLICK, Reason.VERIFICATION_EMAIL_EXPIRED}


UNTAGGED = Present(unverified_address())


def test_an_identity_that_our_email_made_is_ours_before_it_has_its_tag() -> None:
    desired, invited = with_template(), frozenset({REGION})
    (tags,) = case(UNTAGGED, sent(A_MOMENT), desired, invited=invited).plan.ses_steps[REGION]
    assert isinstance(tags, TagIdentity)
    observed = Observed({REGION: UNTAGGED}, invited=invited)
    assert plan_leaving(desired, REGION, observed).steps == (DeleteIdentity(REGION, ADDRESS),)
    retained = replace(desired, deletion=DeletionPolicy.RETAIN)
    assert plan_leaving(retained, REGION, observed).steps == ()


def test_an_identity_that_was_there_before_our_email_is_nobodys() -> None:
    desired = with_template()
    assert case(UNTAGGED, Remembered(), desired).problems[REGION].reason is Reason.NOT_ADOPTED
    assert inventory_of(desired, [], {REGION: UNTAGGED}, Inventory()).invited == frozenset()


@pytest.mark.parametrize(
    ("view", "invited"), [(Absent(), {REGION}), (UNTAGGED, {REGION}), (standing(PENDING), set[str]())]
)
def test_the_inventory_names_a_region_until_the_tag_stands(view: RegionView, invited: set[str]) -> None:
    before = Inventory(invited=frozenset({REGION}))
    assert inventory_of(with_template(), [], {REGION: view}, before).invited == invited
    assert Inventory.decode(before.encode()) == before
