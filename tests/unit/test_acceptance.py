"""Who may work on an identity when others ask for it, too."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ses_operator.api.meta import OWNER_TAG
from ses_operator.api.reasons import Reason
from ses_operator.core.acceptance import Application, judge
from ses_operator.core.claims import Claimant, changes_hands
from ses_operator.core.keys import ObjectKey
from ses_operator.core.observed import Absent, Present, RegionView, Unread
from ses_operator.core.problems import Problem
from ses_operator.core.ses import IdentityFacts, VerificationStatus
from ses_operator.core.steps import TagIdentity
from unit.strategies import DOMAIN, OWNER, wanted
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
    problem = judge(Application(wanted(), OURS, (OLDER,), {REGION: view}))
    assert (problem.reason if problem else None) == reason


def test_an_object_in_another_aws_account_is_no_rival() -> None:
    elsewhere = Claimant(OLDER.key, OLDER.created, "210987654321", DOMAIN, OLDER.regions)
    assert judge(Application(wanted(), OURS, (elsewhere,), {REGION: Absent()})) is None


def test_what_gets_another_owner_or_a_first_one_changes_hands() -> None:
    step = TagIdentity(REGION, DOMAIN, {OWNER_TAG: str(OWNER)})
    nobodys = Present(IdentityFacts(VerificationStatus.SUCCESS, fresh_dkim(REGION, 2048), tags={"team": "a"}))
    assert changes_hands(step, nobodys)
    assert changes_hands(step, tagged("other/team-a/mail"))
    assert not changes_hands(step, tagged(str(OWNER)))
    assert not changes_hands(TagIdentity(REGION, DOMAIN, {"team": "b"}), nobodys)
