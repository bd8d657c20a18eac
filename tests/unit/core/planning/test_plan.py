"""Plans: what is done, in what order, and what is never touched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.base.meta import OWNER_TAG, SETTINGS_MARK
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import AdoptionPolicy, DeletionPolicy
from ses_operator.core.features.configuration_set import CONFIGURATION_SET
from ses_operator.core.features.feedback import FEEDBACK
from ses_operator.core.features.mail_from import MAIL_FROM, MailFromValue
from ses_operator.core.features.settings import SETTINGS
from ses_operator.core.features.signing import KEY_LENGTH
from ses_operator.core.features.topics import TOPIC, TOPIC_HEADERS
from ses_operator.core.model.dkim_source import EasyDkim, OwnKey
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.records import RecordId, RecordType
from ses_operator.core.model.ses import (
    DkimFacts,
    IdentityFacts,
    MailFromFacts,
    NotificationType,
    SigningOrigin,
    Topic,
    VerificationStatus,
)
from ses_operator.core.planning.plan import plan_identity, wanted_records
from ses_operator.core.state.desired import Desired, MailFrom, MailFromBehavior
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Absent, Observed, Present, Remembered, Unread
from ses_operator.core.state.publication import DnsObservation, PublishedRecord, RecordState
from ses_operator.core.state.setting import UNKNOWN, UNMANAGED
from ses_operator.core.state.steps import (
    CreateIdentity,
    DeleteIdentity,
    PublishRecords,
    PutSetting,
    RestartVerification,
    Surplus,
    TagIdentity,
    UntagIdentity,
)
from unit.strategies import DOMAIN, OWNER, desires, wanted
from unit.world import (
    NOW,
    World,
    converge,
    covering,
    fresh_dkim,
    marked_by,
    next_plan,
    steps_of,
    without_mark_tags,
    without_marks,
)

REGION = "eu-west-1"


def standing(**changes: object) -> IdentityFacts:
    base = IdentityFacts(
        VerificationStatus.SUCCESS,
        replace(fresh_dkim(REGION, 2048), status=VerificationStatus.SUCCESS),
        tags={OWNER_TAG: str(OWNER)},
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def of_the_customer() -> DkimFacts:
    """DKIM with a key of the customer's own: the token is the name of its selector (API reference, DkimAttributes)."""
    return replace(fresh_dkim(REGION, 2048), origin=SigningOrigin.EXTERNAL, tokens=("selector1",))


def as_asked(world: World) -> World:
    """The world with each changed key in force: SES takes it over when its records are seen."""
    return replace(
        world,
        identities={
            region: replace(facts, dkim=replace(facts.dkim, key_length=facts.dkim.next_key_length))
            for region, facts in world.identities.items()
        },
    )


@given(desires())
def test_a_plan_applied_to_nothing_gives_what_is_desired(desired: Desired) -> None:
    inventory = covering(desired)
    world = converge(World(), desired, inventory)
    assert set(world.identities) == set(desired.regions)
    for region, facts in world.identities.items():
        assert without_mark_tags(facts.tags) == desired.tags
        assert facts.policies == {policy.name: policy.document for policy in desired.policies[region]}
        for setting in SETTINGS:
            value, found = setting.wanted(desired, region), setting.found(facts)
            has_none = setting == KEY_LENGTH and isinstance(desired.dkim, OwnKey)
            assert found == (UNKNOWN if has_none else setting.reset_to if value is UNMANAGED else value)
    assert world.records == set(wanted_records(desired, world.observed(desired, inventory)))


@given(desires())
def test_planning_twice_plans_nothing(desired: Desired) -> None:
    inventory = covering(desired)
    world = converge(World(), desired, inventory)
    assert next_plan(world, desired, inventory).is_empty


@given(desires(), desires(), st.integers(0, 12), st.integers(0, 12))
def test_a_change_of_the_spec_ends_the_same_from_any_crash_in_between(
    first: Desired, second: Desired, at: int, then: int
) -> None:
    inventory = covering(first, second)
    expected = as_asked(converge(World(), second, inventory))
    crashed = converge(World(), first, inventory, most_steps=at)
    assert as_asked(converge(crashed, second, inventory)) == expected, "killed on the way to the first"
    crashed = converge(converge(World(), first, inventory), second, inventory, most_steps=then)
    assert as_asked(converge(crashed, second, inventory)) == expected, "killed on the way to the second"


@given(desires(), st.sampled_from([None, "other/team-b/mail"]))
def test_a_plan_never_touches_an_identity_that_is_not_ours(desired: Desired, owner: str | None) -> None:
    desired = replace(desired, adoption=AdoptionPolicy.NEVER)
    tags = {OWNER_TAG: owner} if owner else {"team": "other"}
    theirs = standing(tags=tags)
    region = desired.regions[0]
    inventory = covering(desired)
    world = converge(World({region: theirs}), desired, inventory)
    assert world.identities[region] is theirs
    assert not any(record.regions == (region,) for record in world.records)


@given(desires(), desires())
def test_the_records_of_a_region_go_after_its_identity(first: Desired, second: Desired) -> None:
    inventory = covering(first, second)
    world = converge(World(), first, inventory)
    while not (plan := next_plan(world, second, inventory)).is_empty:
        deletes = {step.region for step in steps_of(plan) if isinstance(step, DeleteIdentity)}
        assert not deletes or plan.dns is None
        for step in steps_of(plan):
            world = world.do(step)
        if plan.dns is not None:
            world = world.publish(plan.dns)


def test_forwarding_that_we_switched_off_is_switched_on_again_when_the_spec_no_longer_names_it() -> None:
    inventory = covering(wanted(feedback_forwarding=False))
    facts = marked_by(wanted(feedback_forwarding=False), standing(settings={FEEDBACK.key: False}), REGION)
    plan = plan_identity(wanted(), Observed(regions={REGION: Present(facts)}), inventory, NOW)
    assert plan.regions[REGION].steps == (PutSetting(REGION, DOMAIN, FEEDBACK, True),)


def test_topics_that_we_set_go_when_the_spec_no_longer_names_them_and_only_in_that_region() -> None:
    regions, topics = (REGION, "us-east-1"), {NotificationType.BOUNCE: Topic("arn:b")}
    before = wanted(regions=regions, topics={REGION: topics})
    inventory = covering(before)
    views = {region: Present(marked_by(before, standing(topics=topics), region)) for region in regions}
    plan = plan_identity(wanted(regions=regions), Observed(regions=views), inventory, NOW)
    assert plan.ses_steps == {REGION: (PutSetting(REGION, DOMAIN, TOPIC[NotificationType.BOUNCE], None),)}


def test_an_identity_is_created_with_all_that_one_call_can_carry() -> None:
    desired = wanted(configuration_set_name="bulk", tags={"team": "a", OWNER_TAG: str(OWNER)})
    plan = plan_identity(desired, Observed(regions={REGION: Absent()}), covering(desired), NOW)
    create = CreateIdentity(REGION, DOMAIN, EasyDkim(2048), desired.tags, "bulk")
    assert without_marks(plan.regions[REGION].steps) == (create,)


Case = tuple[str, Desired, Callable[[], IdentityFacts], tuple[object, ...]]
REPAIRS: list[Case] = [
    (
        "a tag that was changed is set again",
        wanted(tags={"team": "a", OWNER_TAG: str(OWNER)}),
        lambda: standing(tags={"team": "b", OWNER_TAG: str(OWNER)}),
        (TagIdentity(REGION, DOMAIN, {"team": "a"}),),
    ),
    (
        "a tag of somebody else's stays",
        wanted(),
        lambda: standing(tags={"theirs": "x", OWNER_TAG: str(OWNER)}),
        (),
    ),
    (
        "the configuration set of one region is another",
        wanted(configuration_set_name="bulk", configuration_set_overrides={REGION: "eu"}),
        lambda: standing(configuration_set_name="bulk"),
        (PutSetting(REGION, DOMAIN, CONFIGURATION_SET, "eu"),),
    ),
    (
        "the forwarding of bounces is to be off",
        wanted(feedback_forwarding=False),
        standing,
        (PutSetting(REGION, DOMAIN, FEEDBACK, False),),
    ),
    (
        "the forwarding of bounces that somebody else switched off is left when the spec does not name it",
        wanted(),
        lambda: standing(settings={FEEDBACK.key: False}),
        (),
    ),
    (
        "the topics of the region differ",
        wanted(topics={REGION: {NotificationType.BOUNCE: Topic("arn:b", include_headers=True)}}),
        lambda: standing(topics={NotificationType.DELIVERY: Topic("arn:d")}),
        (
            PutSetting(REGION, DOMAIN, TOPIC[NotificationType.BOUNCE], "arn:b"),
            PutSetting(REGION, DOMAIN, TOPIC_HEADERS[NotificationType.BOUNCE], True),
            PutSetting(REGION, DOMAIN, TOPIC[NotificationType.DELIVERY], None),
        ),
    ),
    (
        "the topics are as asked, and defaults are told in full",
        wanted(topics={REGION: {NotificationType.BOUNCE: Topic("arn:b")}}),
        lambda: standing(topics={kind: Topic("arn:b" if kind == "Bounce" else None) for kind in NotificationType}),
        (),
    ),
    (
        "topics that somebody else has set stay when the spec does not name any",
        wanted(),
        lambda: standing(topics={NotificationType.BOUNCE: Topic("arn:b")}),
        (),
    ),
    (
        "topics that have not been read are not guessed",
        wanted(topics={REGION: {NotificationType.BOUNCE: Topic("arn:b")}}),
        standing,
        (),
    ),
    (
        "another key length is asked for",
        wanted(dkim=EasyDkim(1024)),
        standing,
        (PutSetting(REGION, DOMAIN, KEY_LENGTH, 1024),),
    ),
    (
        "a MAIL FROM domain that was set here and is not wanted any more goes",
        wanted(),
        lambda: standing(
            mail_from=MailFromFacts("x.mail.example.com", VerificationStatus.SUCCESS, "USE_DEFAULT_VALUE"),
            tags={OWNER_TAG: str(OWNER), SETTINGS_MARK: "mailFrom"},
        ),
        (PutSetting(REGION, DOMAIN, MAIL_FROM, MailFromValue(None, "USE_DEFAULT_VALUE")),),
    ),
    (
        "a MAIL FROM domain that others have set stays when the spec does not name one",
        wanted(),
        lambda: standing(
            mail_from=MailFromFacts("x.mail.example.com", VerificationStatus.SUCCESS, "USE_DEFAULT_VALUE")
        ),
        (),
    ),
    (
        "a configuration set that others have set stays when the spec does not name one",
        wanted(),
        lambda: standing(configuration_set_name="theirs"),
        (),
    ),
]


@pytest.mark.parametrize(("desired", "facts", "steps"), [case[1:] for case in REPAIRS], ids=[c[0] for c in REPAIRS])
def test_drift_is_repaired(desired: Desired, facts: Callable[[], IdentityFacts], steps: tuple[object, ...]) -> None:
    plan = plan_identity(desired, Observed(regions={REGION: Present(facts())}), covering(desired), NOW)
    assert without_marks(plan.regions[REGION].steps) == steps


def test_a_tag_taken_out_of_the_spec_is_removed_if_it_was_set_here() -> None:
    facts = standing(tags={"team": "a", "theirs": "x", OWNER_TAG: str(OWNER)})
    facts = marked_by(wanted(tags={"team": "a", OWNER_TAG: str(OWNER)}), facts, REGION)
    plan = plan_identity(wanted(), Observed(regions={REGION: Present(facts)}), Inventory(), NOW)
    assert plan.regions[REGION].steps == (UntagIdentity(REGION, DOMAIN, ("team",)),)


HINDRANCES = [
    ("it is another's", standing(tags={OWNER_TAG: "a/b/c"}), AdoptionPolicy.IF_UNOWNED, Reason.OWNED_BY_ANOTHER),
    ("it is nobody's and may not be adopted", standing(tags={}), AdoptionPolicy.NEVER, Reason.NOT_ADOPTED),
    (
        "it has another MAIL FROM domain and is not ours yet",
        standing(tags={}, mail_from=MailFromFacts("m.mail.example.com", VerificationStatus.SUCCESS, "REJECT_MESSAGE")),
        AdoptionPolicy.IF_UNOWNED,
        Reason.MAIL_FROM_CONFLICT,
    ),
    (
        "it signs with a key of the customer's",
        standing(dkim=replace(fresh_dkim(REGION, 2048), origin=SigningOrigin.EXTERNAL)),
        AdoptionPolicy.NEVER,
        Reason.DKIM_CONFLICT,
    ),
]


@pytest.mark.parametrize(
    ("facts", "adoption", "reason"), [case[1:] for case in HINDRANCES], ids=[case[0] for case in HINDRANCES]
)
def test_an_existing_identity_is_left_alone_when(
    facts: IdentityFacts, adoption: AdoptionPolicy, reason: Reason
) -> None:
    bounce = MailFrom(f"bounce.{DOMAIN}", MailFromBehavior.USE_DEFAULT_VALUE, REGION)
    desired = wanted(adoption=adoption, mail_from={REGION: bounce} if facts.mail_from else {})
    plan = plan_identity(desired, Observed(regions={REGION: Present(facts)}), covering(desired), NOW)
    assert plan.regions[REGION].steps == ()
    problem = plan.regions[REGION].problem
    assert problem is not None
    assert problem.reason is reason
    assert problem.region == REGION


def test_an_unowned_identity_is_adopted_by_its_tag_alone_where_nothing_differs() -> None:
    desired = wanted(adoption=AdoptionPolicy.IF_UNOWNED)
    plan = plan_identity(desired, Observed(regions={REGION: Present(standing(tags={}))}), covering(desired), NOW)
    assert plan.regions[REGION].steps == (TagIdentity(REGION, DOMAIN, {OWNER_TAG: str(OWNER)}),)


def test_a_longer_key_waits_until_the_last_change_is_a_day_old() -> None:
    dkim = replace(fresh_dkim(REGION, 1024), last_key_generation=NOW - timedelta(hours=23))
    plan = plan_identity(wanted(), Observed(regions={REGION: Present(standing(dkim=dkim))}), covering(wanted()), NOW)
    assert plan.regions[REGION].steps == ()
    problem = plan.regions[REGION].problem
    assert problem is not None
    assert (problem.reason, problem.retry_after) == (Reason.KEY_LENGTH_TOO_SOON, 3600.0)


def failed_with(state: RecordState, restarted: timedelta | None = None) -> Observed:
    dkim = replace(fresh_dkim(REGION, 2048), status=VerificationStatus.FAILED)
    facts = standing(verification_status=VerificationStatus.FAILED, dkim=dkim)
    observed = Observed(regions={REGION: Present(facts)})
    records = tuple(PublishedRecord(record, state) for record in wanted_records(wanted(), observed))
    remembered = Remembered(restarted_at=NOW - restarted) if restarted is not None else Remembered()
    return replace(observed, dns=DnsObservation(records, in_sync=True), remembered={REGION: remembered})


def test_a_failed_verification_is_restarted_once_its_records_are_published() -> None:
    plan = plan_identity(wanted(), failed_with(RecordState.PUBLISHED), covering(wanted()), NOW)
    assert plan.regions[REGION].steps == (RestartVerification(REGION, DOMAIN),)


@pytest.mark.parametrize(
    "state", [RecordState.PENDING, RecordState.MISSING, RecordState.CONFLICT, RecordState.DIFFERENT]
)
def test_a_failed_verification_is_not_restarted_before(state: RecordState) -> None:
    assert plan_identity(wanted(), failed_with(state), covering(wanted()), NOW).regions[REGION].steps == ()


def test_a_failed_verification_is_restarted_once_an_hour_at_the_most() -> None:
    observed = failed_with(RecordState.PUBLISHED, restarted=timedelta(minutes=59))
    assert plan_identity(wanted(), observed, covering(wanted()), NOW).regions[REGION].steps == ()


def test_a_region_that_cannot_be_read_keeps_its_records_and_those_of_nobody_go() -> None:
    desired = wanted(regions=(REGION, "us-east-1"))
    observed = Observed(
        regions={REGION: Present(standing()), "us-east-1": Unread(Problem(Reason.REGION_UNREACHABLE, "no answer"))},
        remembered={"us-east-1": Remembered(("t1", "t2", "t3"), "dkim.amazonses.com")},
        dns=DnsObservation(surplus=("CNAME old",)),
    )
    plan = plan_identity(desired, observed, covering(desired), NOW)
    assert isinstance(plan.dns, PublishRecords)
    assert plan.dns.surplus is Surplus.KEEP
    assert {record.regions for record in plan.dns.records} == {(REGION,)}, "no ledger says that they are the object's"
    held = replace(observed, held=frozenset(RecordId(f"t{n}._domainkey.{DOMAIN}", RecordType.CNAME) for n in (1, 2, 3)))
    plan = plan_identity(desired, held, covering(desired), NOW)
    assert isinstance(plan.dns, PublishRecords)
    assert {record.regions for record in plan.dns.records} == {(REGION,), ("us-east-1",)}


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(lambda: standing(tags={}), id="somebody took its owner tag away"),
        pytest.param(lambda: standing(tags={OWNER_TAG: "test/another/one"}), id="somebody handed it over"),
        pytest.param(lambda: standing(dkim=of_the_customer()), id="somebody gave it a key of their own"),
    ],
)
def test_records_that_an_identity_may_still_need_stay_when_it_no_longer_is_what_we_made(
    facts: Callable[[], IdentityFacts],
) -> None:
    in_use = DnsObservation(surplus=("CNAME aaa._domainkey.mail.example.com",))
    plan = plan_identity(wanted(), Observed({REGION: Present(facts())}, dns=in_use), Inventory(), NOW)

    assert plan.dns == PublishRecords((), Surplus.KEEP), "nothing is taken away, nothing new is published"


def test_under_retain_a_region_that_leaves_is_let_go_and_not_deleted() -> None:
    desired = wanted(regions=("us-east-1",), deletion=DeletionPolicy.RETAIN)
    observed = Observed(regions={REGION: Present(standing()), "us-east-1": Present(standing())})
    plan = plan_identity(desired, observed, covering(desired), NOW)
    assert plan.regions[REGION].steps == (UntagIdentity(REGION, DOMAIN, (OWNER_TAG,)),)


@pytest.mark.parametrize(
    ("remembered", "waits"),
    [
        pytest.param(Remembered(), False, id="one that never told anything is a mistake of the spec"),
        pytest.param(Remembered(("t1", "t2", "t3")), True, id="one that did is only new, and out of reach for now"),
    ],
)
def test_a_region_that_is_not_known_and_no_longer_wanted(remembered: Remembered, waits: bool) -> None:
    desired = wanted(regions=("us-east-1",))
    unknown = Unread(Problem(Reason.REGION_NOT_SUPPORTED, "there is no such region"))
    observed = Observed(
        regions={REGION: unknown, "us-east-1": Present(standing())},
        remembered={REGION: remembered},
        dns=DnsObservation(surplus=("CNAME old",)),
    )
    plan = plan_identity(desired, observed, covering(desired), NOW)
    assert (plan.regions[REGION].problem is not None) is waits
    assert isinstance(plan.dns, PublishRecords)
    assert plan.dns.surplus is (Surplus.KEEP if waits else Surplus.REMOVE)
