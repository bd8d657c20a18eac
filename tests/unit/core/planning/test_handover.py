"""Handing over: nothing changes but whose it is, from whatever point it is taken up again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.base.meta import HAND_OVER_TO, INVENTORY, OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.core.model.keys import Installation, ObjectKey, Owner
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import IdentityFacts, VerificationStatus
from ses_operator.core.planning.handover import (
    handed_over,
    invalid_new_owner,
    is_handed_over,
    plan_handover,
    possessions,
    requested_new_owner,
)
from ses_operator.core.planning.plan import plan_identity
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Observed, Present, Unread
from ses_operator.core.state.steps import HandOverRecords, TagIdentity
from ses_operator.core.status.status import handover_status, refused_status
from unit.strategies import DOMAIN, OWNER, desires, wanted
from unit.world import NOW, World, converge, covering, fresh_dkim, seen_by_ses, steps_of

REGION, OTHER = "eu-west-1", "us-east-1"
NEW_OWNER = OWNER.new_owner("new")


def ours(**changes: object) -> IdentityFacts:
    base = IdentityFacts(VerificationStatus.SUCCESS, fresh_dkim(REGION, 2048), tags={OWNER_TAG: str(OWNER)})
    return replace(base, **changes)  # type: ignore[arg-type]


def hand_over(world: World, desired: Desired, most_steps: int = 100) -> tuple[World, bool]:
    """The world after handing over, or after so many calls; and whether the records were handed over too."""
    inventory = covering(desired)
    for _ in range(most_steps):
        plan = plan_handover(desired, world.observed(desired, inventory), NEW_OWNER)
        if plan.dns is not None:
            return world, True
        world = world.do(steps_of(plan)[0])
    return world, False


@given(desires(), st.integers(0, 5))
def test_nothing_changes_but_the_owner_from_whatever_point_it_is_taken_up_again(desired: Desired, at: int) -> None:
    before = seen_by_ses(converge(World(), desired, covering(desired)))
    interrupted, _ = hand_over(before, desired, most_steps=at)
    world, complete = hand_over(interrupted, desired)

    assert complete
    assert world.records == before.records
    for region, facts in world.identities.items():
        tags = {**(before.identities[region].tags or {}), OWNER_TAG: str(NEW_OWNER)}
        assert facts == replace(before.identities[region], tags=tags)


@given(desires())
def test_the_heir_of_what_was_handed_over_or_inherited_has_nothing_to_change_but_the_tag(desired: Desired) -> None:
    inventory = covering(desired)
    world = converge(seen_by_ses(converge(World(), desired, inventory)), desired, inventory)
    handed, _ = hand_over(world, desired)
    for owner, stands in ((NEW_OWNER, handed), (replace(NEW_OWNER, inherits=(OWNER.installation_id,)), world)):
        new_owner = replace(desired, owner=owner, tags={**desired.tags, OWNER_TAG: str(NEW_OWNER)})
        plan = plan_identity(new_owner, stands.observed(new_owner, inventory), inventory, NOW)
        changes = (
            [] if stands is handed else [TagIdentity(r, DOMAIN, {OWNER_TAG: str(NEW_OWNER)}) for r in desired.regions]
        )
        assert steps_of(plan) == changes


def test_the_records_wait_until_every_region_names_the_new_owner() -> None:
    silent = Unread(Problem(Reason.REGION_UNREACHABLE, "it does not answer"))
    observed = Observed({REGION: Present(ours()), OTHER: silent})
    plan = plan_handover(wanted(), observed, NEW_OWNER)
    assert steps_of(plan) == [TagIdentity(REGION, DOMAIN, {OWNER_TAG: str(NEW_OWNER)})]
    done = replace(observed, regions={REGION: Present(ours(tags={OWNER_TAG: str(NEW_OWNER)})), OTHER: silent})
    assert plan_handover(wanted(), done, NEW_OWNER).is_empty
    assert plan_handover(wanted(), done, NEW_OWNER).regions[OTHER].problem == silent.problem


@pytest.mark.parametrize("owner", [None, "other/team-b/mail"])
def test_what_is_not_ours_is_not_ours_to_give(owner: str | None) -> None:
    observed = Observed({REGION: Present(ours(tags={OWNER_TAG: owner} if owner else {}))})
    plan = plan_handover(wanted(), observed, NEW_OWNER)
    assert (steps_of(plan), plan.dns) == ([], HandOverRecords(NEW_OWNER))


HEIRS = [
    ("nobody asked for it", {}, None),
    ("another installation is asked for", {HAND_OVER_TO: "new"}, "new"),
    ("it has come to the one that was asked for", {HAND_OVER_TO: "here"}, None),
]


@pytest.mark.parametrize(("annotations", "new_owner"), [case[1:] for case in HEIRS], ids=[case[0] for case in HEIRS])
def test_it_is_handed_over_when(annotations: dict[str, str], new_owner: str | None) -> None:
    assert requested_new_owner(annotations, Installation("here")) == new_owner


def test_what_is_no_installation_id_is_refused_in_words() -> None:
    problem = invalid_new_owner("New Cluster")
    assert problem is not None
    assert problem.reason is Reason.INVALID_SPEC
    assert "Set it to the installationID of the other installation" in problem.message
    assert invalid_new_owner("new") is None


def test_status_says_to_whom_it_was_handed_over() -> None:
    identity = SesIdentity.model_validate(
        {"metadata": {"name": "mail", "namespace": "team-a"}, "spec": {"domain": DOMAIN, "regions": [REGION]}}
    )
    over = handed_over("new")
    told = identity.model_copy(update={"status": handover_status(identity, "new", over, NOW, completed=True)})
    assert is_handed_over(told, "new")
    assert not is_handed_over(told, "newer")
    assert not is_handed_over(identity, "new")
    waits = identity.model_copy(update={"status": handover_status(identity, "new", over, NOW, completed=False)})
    assert not is_handed_over(waits, "new")
    assert refused_status(told, over, NOW).handover is None, "it is asked for no longer"


def test_an_owner_holds_what_carries_its_mark_or_one_that_it_inherits_and_nothing_else() -> None:
    key = ObjectKey("team-a", "mail")
    owner = Installation("new", ("old", "older")).owner(key)
    assert all(owner.holds(Owner(installation, key)) for installation in ("new", "old", "older"))
    assert not owner.holds(Owner("other", key))
    assert not owner.holds(Owner("old", ObjectKey("team-b", "mail")))
    assert not owner.holds(None)


def test_an_identity_that_an_email_of_ours_made_without_a_tag_is_handed_over_too() -> None:
    untagged, desired = ours(tags={}), wanted(regions=(REGION,))
    invited = Observed({REGION: Present(untagged)}, invited=frozenset({REGION}))

    assert plan_handover(desired, invited, NEW_OWNER).ses_steps == {
        REGION: (TagIdentity(REGION, DOMAIN, {OWNER_TAG: str(NEW_OWNER)}),)
    }
    assert plan_handover(desired, replace(invited, invited=frozenset()), NEW_OWNER).dns == HandOverRecords(NEW_OWNER)


def owning(spec: dict[str, Any], inventory: Inventory) -> SesIdentity:
    metadata = {"name": "mail", "annotations": {INVENTORY: inventory.encode()}}
    return SesIdentity.model_validate({"metadata": metadata, "spec": {"regions": [REGION], **spec}})


def test_what_is_handed_over_is_told_before_and_what_is_not() -> None:
    both = Inventory(regions=frozenset({OTHER, REGION}), places=frozenset({"Route53/Z1"}))
    assert possessions(owning({"domain": DOMAIN}, both)) == (
        f"the identity {DOMAIN} in {REGION}, {OTHER}; its DNS records in Route53/Z1"
    )
    assert "nothing is known to be owned" in possessions(owning({"domain": DOMAIN}, Inventory()))
    address = {"email": "billing@example.com", "verificationTemplateRef": {"name": "welcome"}}
    said = possessions(owning(address, replace(both, places=frozenset())))
    assert said.startswith(f"the identity billing@example.com in {REGION}, {OTHER}; ")
    assert "SesVerificationTemplate welcome, which its emails use, is not handed over: apply it there as well" in said
