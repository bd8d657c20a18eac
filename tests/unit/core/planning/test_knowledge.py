"""What overwrites, deletes, adopts or publishes takes knowledge: mypy refuses a belief, and SES alone gives knowledge."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ses_operator
from ses_operator.api.base.reasons import Reason
from ses_operator.aws.ses.identities import SesRegion
from ses_operator.controllers.identity.dns import DnsSide
from ses_operator.core.features.marks import (
    POLICY_DIGEST,
    TAG_DIGEST,
    first_marks,
    is_marked,
    marked,
    surplus_marks,
    wanted_marks,
)
from ses_operator.core.model.mark_tags import MOST_CHARACTERS, digest, names_in, value_of
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import IdentityFacts, VerificationStatus
from ses_operator.core.planning.grounds import Grounds, grounds
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.observed import (
    Absent,
    Observed,
    Present,
    Read,
    Recalled,
    RegionView,
    Unlisted,
    Unread,
    recalled,
)
from ses_operator.core.state.steps import Change
from unit.strategies import desires
from unit.world import World, converge, covering, fresh_dkim

ROOT = Path(ses_operator.__file__).parent
FACTS = IdentityFacts(VerificationStatus.SUCCESS, fresh_dkim("eu-west-1", 2048))
UNREAD = Unread(Problem(Reason.SERVICE_ERROR, "503"))
MAKES_KNOWLEDGE = {
    "controllers/identity/regions.py",  # GetEmailIdentity answers
    "core/planning/expected.py",  # a write of this run has made the identity
}


def test_only_an_answer_of_ses_makes_knowledge() -> None:
    makers = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Read", "Present")
    }
    assert makers == MAKES_KNOWLEDGE


def test_each_write_to_an_identity_that_exists_takes_knowledge_of_it() -> None:
    hints = get_type_hints(SesRegion.change)
    assert hints["known"] is Read
    assert set(get_args(hints["step"])) == set(get_args(Change))
    assert get_type_hints(DnsSide.carry_out)["known"] == Grounds
    assert not issubclass(Recalled, Read)


@pytest.mark.parametrize("view", [Read(FACTS), Recalled(FACTS), Absent(), Unlisted(), UNREAD])
def test_in_a_later_run_all_is_a_belief(view: RegionView) -> None:
    assert isinstance(recalled(view), Recalled | Unlisted | Unread)


def test_nothing_is_published_on_the_ground_of_what_was_read_in_an_earlier_run() -> None:
    known: dict[str, RegionView] = {"eu-west-1": Read(FACTS), "us-east-1": Absent(), "us-west-2": UNREAD}
    assert grounds(Observed(known)) == known
    assert grounds(Observed({**known, "eu-north-1": Recalled(FACTS)})) is None


@given(st.lists(st.text(min_size=1), max_size=80))
def test_marks_fit_into_a_tag_and_are_found_again(names: list[str]) -> None:
    digests = [digest(name, POLICY_DIGEST) for name in names]
    value = value_of(digests)
    assert len(value) <= MOST_CHARACTERS
    assert names_in({"t": value}, "t") == set(list(dict.fromkeys(digests))[: len(value.split())])
    assert len(set(names)) > 28 or names_in({"t": value}, "t") == set(digests)


def test_all_policies_and_all_tags_that_ses_allows_fit() -> None:
    assert 20 * (POLICY_DIGEST + 1) - 1 <= MOST_CHARACTERS
    assert 50 * (TAG_DIGEST + 1) - 1 <= MOST_CHARACTERS


@given(desires())
def test_what_is_created_has_its_marks_from_the_start_and_keeps_just_these(desired: Desired) -> None:
    world = converge(World(), desired, covering(desired))
    for region, facts in world.identities.items():
        assert is_marked(desired, region, facts)
        assert surplus_marks(desired, region, facts) == ()
        assert wanted_marks(desired, region, facts).items() <= (facts.tags or {}).items()
        assert set(first_marks(desired, region)) == set(wanted_marks(desired, region, facts))
        named = {policy.name for policy in desired.policies.get(region, ())}
        assert {entry.partition("/")[2] for entry in marked(region, facts).policies} <= named
        assert marked(region, facts).tag_keys == desired.user_tags.keys()
    assert all(
        isinstance(view, Present | Absent) for view in world.observed(desired, covering(desired)).regions.values()
    )
