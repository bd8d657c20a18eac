"""Who may work on an identity when others ask for it, too."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.core.admission.acceptance import OwnershipRequest, judge
from ses_operator.core.features.ownership import Claimant, changes_hands
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import IdentityFacts, VerificationStatus
from ses_operator.core.planning.expected import unverified_address
from ses_operator.core.planning.plan import owns_any
from ses_operator.core.state.observed import Absent, Observed, Present, RegionView, Unread
from ses_operator.core.state.steps import TagIdentity
from unit.strategies import DOMAIN, OWNER, wanted, wanted_address
from unit.world import NOW, fresh_dkim

REGION = "eu-west-1"
OLDER = Claimant(ObjectKey("team-b", "mail"), NOW - timedelta(days=1), "123456789012", DOMAIN, frozenset({REGION}))
OURS = Claimant(OWNER.key, NOW, "123456789012", DOMAIN, frozenset({REGION}))


def tagged(owner: str) -> Present:
    return Present(IdentityFacts(VerificationStatus.SUCCESS, fresh_dkim(REGION, 2048), tags={OWNER_TAG: owner}))


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        pytest.param(Absent(), Reason.ALREADY_CLAIMED, id="an older object is to make it"),
        pytest.param(tagged("test/team-b/mail"), Reason.ALREADY_CLAIMED, id="an older object has it"),
        pytest.param(tagged(str(OWNER)), None, id="it is ours"),
        pytest.param(Unread(Problem(Reason.THROTTLED, "later")), None, id="it cannot be read, and may be ours"),
    ],
)
def test_an_older_object_goes_first_but_for_what_is_or_may_be_ours(view: RegionView, reason: Reason | None) -> None:
    problem = judge(OwnershipRequest(wanted(), OURS, (OLDER,), {REGION: view}))
    assert (problem.reason if problem else None) == reason


@pytest.mark.parametrize(
    ("namespaces", "words"),
    [
        pytest.param(["team-a"], "belongs to SesIdentity team-a/older. ", id="it is in the same namespace"),
        pytest.param(["team-b"], "belongs to a SesIdentity of another namespace. ", id="it is in another"),
        pytest.param(
            ["team-a", "team-b"],
            "belongs to SesIdentity team-a/older and a SesIdentity of another namespace. ",
            id="there is one in each",
        ),
    ],
)
def test_the_holder_is_named_to_its_own_namespace_alone(namespaces: list[str], words: str) -> None:
    others = tuple(replace(OLDER, key=ObjectKey(namespace, "older")) for namespace in namespaces)
    problem = judge(OwnershipRequest(wanted(), OURS, others, {REGION: Absent()}))
    assert problem is not None
    assert words in problem.message
    assert "team-b" not in problem.message


def test_an_address_that_an_email_of_ours_made_is_held_before_it_is_tagged() -> None:
    untagged = Present(replace(unverified_address(), tags={}))
    for invited, reason in ((frozenset({REGION}), None), (frozenset({"us-east-1"}), Reason.ALREADY_CLAIMED)):
        problem = judge(OwnershipRequest(wanted_address(), OURS, (OLDER,), {REGION: untagged}, invited))
        assert (problem.reason if problem else None) == reason
    observed = Observed({REGION: untagged}, invited=frozenset({REGION}))
    assert owns_any(wanted_address(), observed)
    assert not owns_any(wanted_address(), replace(observed, invited=frozenset()))
    problem = judge(OwnershipRequest(wanted_address(), OURS, (OLDER,), {REGION: Absent()}, frozenset({REGION})))
    assert problem is not None, "an email that was sent, or was to be, makes no claim"


def test_an_object_in_another_aws_account_is_no_rival() -> None:
    elsewhere = Claimant(OLDER.key, OLDER.created, "210987654321", DOMAIN, OLDER.regions)
    assert judge(OwnershipRequest(wanted(), OURS, (elsewhere,), {REGION: Absent()})) is None


def test_what_gets_another_owner_or_a_first_one_changes_hands() -> None:
    step = TagIdentity(REGION, DOMAIN, {OWNER_TAG: str(OWNER)})
    nobodys = Present(IdentityFacts(VerificationStatus.SUCCESS, fresh_dkim(REGION, 2048), tags={"team": "a"}))
    assert changes_hands(step, nobodys)
    assert changes_hands(step, tagged("other/team-a/mail"))
    assert not changes_hands(step, tagged(str(OWNER)))
    assert not changes_hands(TagIdentity(REGION, DOMAIN, {"team": "b"}), nobodys)
