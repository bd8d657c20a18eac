"""What status lists of changes that are held back: all of them, in words, and none that would not be made."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import AdoptionPolicy, DeletionPolicy
from ses_operator.core.features.configuration_set import CONFIGURATION_SET
from ses_operator.core.features.feedback import FEEDBACK
from ses_operator.core.features.mail_from import MAIL_FROM, MailFromValue
from ses_operator.core.features.signing import KEY_LENGTH, SIGNING
from ses_operator.core.features.topics import TOPIC, TOPIC_HEADERS
from ses_operator.core.model.ses import IdentityFacts, MailFromFacts, NotificationType, Topic, VerificationStatus
from ses_operator.core.planning.drift import current_value
from ses_operator.core.planning.dry_run import dry_run
from ses_operator.core.planning.pending_changes import (
    MAX_CHANGES,
    PendingChange,
    Preview,
    as_if_adopted,
    in_words,
    pending_changes,
    suspension,
    with_preview,
)
from ses_operator.core.planning.plan import plan_identity, surplus_policy, wanted_records
from ses_operator.core.state.desired import Desired, MailFrom, MailFromBehavior
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Absent, Observed, Present, RegionView
from ses_operator.core.state.publication import DnsObservation, PublishedRecord, RecordState
from ses_operator.core.state.steps import (
    PutSetting,
    SesStep,
    Surplus,
    TagIdentity,
)
from unit.strategies import DOMAIN, OWNER, desires, wanted
from unit.world import NOW, World, converge, covering, fresh_dkim, seen_by_ses

REGION, OTHER = "eu-west-1", "us-east-1"
BOUNCE = MailFrom(f"bounce.{DOMAIN}", MailFromBehavior.USE_DEFAULT_VALUE, REGION)


def standing_identity(**changes: object) -> IdentityFacts:
    dkim = replace(fresh_dkim(REGION, 2048), status=VerificationStatus.SUCCESS)
    base = IdentityFacts(VerificationStatus.SUCCESS, dkim, tags={OWNER_TAG: str(OWNER)})
    return replace(base, **changes)  # type: ignore[arg-type]


def changes_of(desired: Desired, observed: Observed, inventory: Inventory | None = None) -> tuple[PendingChange, ...]:
    """With a zone in which nothing stands but what the observation says."""
    rehearsal = dry_run(desired, observed, inventory or covering(desired), NOW)
    stands = {entry.record for entry in observed.dns.records} if observed.dns else set()
    end = wanted_records(desired, rehearsal.outcome)
    states = (PublishedRecord(r, RecordState.PUBLISHED if r in stands else RecordState.MISSING) for r in end)
    surplus = tuple(sorted(str(record) for record in stands - set(end)))
    dns = DnsObservation(tuple(states), surplus)
    return pending_changes(rehearsal, dns, surplus_policy(desired, rehearsal.outcome), known=stands)


@given(desires(), desires())
def test_a_rehearsal_ends_where_the_operator_would(first: Desired, second: Desired) -> None:
    inventory = covering(first, second)
    world = seen_by_ses(converge(World(), first, inventory))
    outcome = dry_run(second, world.observed(second, inventory), inventory, NOW).outcome
    end = converge(seen_by_ses(converge(world, second, inventory)), second, inventory)

    for region, view in outcome.regions.items():
        assert isinstance(view, Present) == (region in end.identities)
        if isinstance(view, Present):
            rehearsed, real = view.facts, end.identities[region]
            assert rehearsed.tags == real.tags
            assert rehearsed.configuration_set_name == real.configuration_set_name
            assert (rehearsed.mail_from and rehearsed.mail_from.domain) == (real.mail_from and real.mail_from.domain)
            assert rehearsed.policies == real.policies


@given(desires())
def test_of_what_is_as_wanted_nothing_is_pending(desired: Desired) -> None:
    inventory = covering(desired)
    world = converge(seen_by_ses(converge(World(), desired, inventory)), desired, inventory)
    assert changes_of(desired, world.observed(desired, inventory), inventory) == ()


def test_of_an_identity_that_is_not_created_yet_calls_and_records_are_listed_as_far_as_they_can_be_known() -> None:
    changes = changes_of(wanted(mail_from={REGION: BOUNCE}), Observed({REGION: Absent()}))

    assert [change.action for change in changes] == ["CreateIdentity", "SetMailFrom", *["CreateRecord"] * 5]
    names = [change.record.name for change in changes if change.record]
    assert names.count(f"bounce.{DOMAIN}") == 2
    assert f"<token 1 of {REGION}>._domainkey.{DOMAIN}" in names
    assert all(change.region == REGION for change in changes if change.record is None)


def test_of_a_region_that_leaves_the_identity_and_its_records_are_listed_with_their_values() -> None:
    views: dict[str, RegionView] = {REGION: Present(standing_identity()), OTHER: Present(standing_identity())}
    both = wanted(regions=(REGION, OTHER))
    other = replace(standing_identity(), dkim=fresh_dkim(OTHER, 2048))
    views[OTHER] = Present(other)
    observed = Observed(views)
    records = tuple(PublishedRecord(r, RecordState.PUBLISHED) for r in wanted_records(both, observed))

    changes = changes_of(wanted(), replace(observed, dns=DnsObservation(records)), covering(both))

    assert [change.action for change in changes] == ["DeleteIdentity", *["DeleteRecord"] * 3]
    assert all(change.record and change.record.values[0] in change.description for change in changes[1:])


def test_under_retain_they_are_let_go() -> None:
    observed = Observed({REGION: Present(standing_identity()), OTHER: Present(standing_identity())})
    desired = wanted(regions=(OTHER,), deletion=DeletionPolicy.RETAIN)
    assert [change.action for change in changes_of(desired, observed)] == ["UntagIdentity", *["CreateRecord"] * 3]


def test_a_record_of_somebody_else_is_no_change_and_is_told() -> None:
    (record, *_) = wanted_records(wanted(), Observed({REGION: Present(standing_identity())}))
    dns = DnsObservation((PublishedRecord(record, RecordState.CONFLICT, "it is x in the zone"),))
    rehearsal = dry_run(wanted(), Observed({REGION: Present(standing_identity())}), Inventory(), NOW)
    (change,) = pending_changes(rehearsal, dns, Surplus.REMOVE)
    assert (change.action, change.is_change) == ("LeaveRecord", False)
    assert "it is x in the zone" in change.description
    assert suspension([change]) is None


def test_the_list_and_the_message_have_an_end() -> None:
    regions = tuple(f"eu-west-{number}" for number in range(1, 33))
    desired = wanted(regions=regions)
    changes = changes_of(desired, Observed({region: Absent() for region in regions}))
    assert len(changes) == MAX_CHANGES
    assert changes[-1] == PendingChange("More", f"{32 * 4 - 99} more changes, which are not listed", count=32 * 4 - 99)
    said = suspension(changes)
    assert said is not None
    assert said.message == f"Suspended. {32 * 4} changes are pending; see status.pendingChanges"


def refused(facts: IdentityFacts, **spec: object) -> tuple[str, tuple[PendingChange, ...]]:
    """What is said of an identity that is not adopted, and the changes that adoption would make."""
    desired, observed = wanted(**spec), Observed({REGION: Present(facts)})
    plan = plan_identity(desired, observed, Inventory(), NOW)
    adopted, problem = as_if_adopted(desired, plan), plan.regions[REGION].problem
    assert adopted is not None
    assert problem is not None
    rehearsal = dry_run(adopted, observed, Inventory(), NOW)
    changes = pending_changes(rehearsal, None, Surplus.KEEP)
    return with_preview(problem, REGION, Preview(changes, rehearsal.left)).message, changes


def test_what_is_as_asked_for_would_change_by_its_tag_alone() -> None:
    message, changes = refused(standing_identity(tags={"made-by": "hand"}))
    assert [change.action for change in changes] == ["TagIdentity"]
    assert message.endswith(f"Adoption would change: set the tags {OWNER_TAG} in {REGION}")


def test_what_differs_is_told_with_the_value_that_stands() -> None:
    found = standing_identity(tags={}, configuration_set_name="old")
    message, changes = refused(found, signing_enabled=False, configuration_set_name="new")
    assert [change.action for change in changes] == ["TagIdentity", "SetSigning", "SetConfigurationSet"]
    assert f"switch DKIM signing off in {REGION} (now: on)" in message
    assert "(now: old)" in message


def test_what_would_not_be_taken_over_is_told_before_anybody_tries() -> None:
    theirs = MailFromFacts(f"theirs.{DOMAIN}", VerificationStatus.SUCCESS, "USE_DEFAULT_VALUE")
    message, changes = refused(standing_identity(tags={}, mail_from=theirs), mail_from={REGION: BOUNCE})
    assert changes == ()
    assert f"It could not be adopted as it is: The existing identity {DOMAIN} has the MAIL FROM domain" in message


def test_adoption_is_not_rehearsed_where_it_is_not_in_the_way() -> None:
    observed = Observed({REGION: Present(standing_identity(tags={OWNER_TAG: "a/b/c"}))})
    desired = wanted(adoption=AdoptionPolicy.NEVER)
    plan = plan_identity(desired, observed, Inventory(), NOW)
    problem = plan.regions[REGION].problem
    assert problem is not None
    assert problem.reason is Reason.OWNED_BY_ANOTHER
    assert as_if_adopted(desired, plan) is None


def test_no_changes_are_no_words() -> None:
    assert in_words(()) == ""


BOUNCES = NotificationType.BOUNCE
STANDING: list[tuple[SesStep, IdentityFacts, str]] = [
    (PutSetting(REGION, DOMAIN, SIGNING, True), standing_identity(), "on"),
    (PutSetting(REGION, DOMAIN, KEY_LENGTH, 1024), standing_identity(), "2048 bits"),
    (PutSetting(REGION, DOMAIN, MAIL_FROM, MailFromValue("a", "REJECT_MESSAGE")), standing_identity(), "none"),
    (
        PutSetting(REGION, DOMAIN, MAIL_FROM, MailFromValue("a", "REJECT_MESSAGE")),
        standing_identity(mail_from=MailFromFacts("a", VerificationStatus.SUCCESS, "USE_DEFAULT_VALUE")),
        "a with USE_DEFAULT_VALUE",
    ),
    (PutSetting(REGION, DOMAIN, CONFIGURATION_SET, "a"), standing_identity(configuration_set_name="b"), "b"),
    (PutSetting(REGION, DOMAIN, FEEDBACK, True), standing_identity(settings={FEEDBACK.key: False}), "off"),
    (
        PutSetting(REGION, DOMAIN, TOPIC[BOUNCES], "arn:a"),
        standing_identity(topics={BOUNCES: Topic("arn:b")}),
        "arn:b",
    ),
    (PutSetting(REGION, DOMAIN, TOPIC_HEADERS[BOUNCES], True), standing_identity(topics={}), "off"),
    (TagIdentity(REGION, DOMAIN, {"team": "a", "new": "b"}), standing_identity(tags={"team": "c"}), "team=c"),
]


@pytest.mark.parametrize(("step", "facts", "words"), STANDING, ids=[case[0].key for case in STANDING])
def test_the_value_that_stands_is_told(step: SesStep, facts: IdentityFacts, words: str) -> None:
    assert current_value(step, Present(facts)) == words
