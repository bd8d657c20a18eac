"""Where an identity is looked for when it goes."""

from __future__ import annotations

from typing import Any

from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import IdentityFacts, VerificationStatus
from ses_operator.core.planning.deletion import CandidateRegions
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Absent, Present, Unread
from unit.world import fresh_dkim

OUT = Unread(Problem(Reason.REGION_UNREACHABLE, "it does not answer"))
THERE = Present(IdentityFacts(VerificationStatus.PENDING, fresh_dkim("eu-west-1", 2048)))


def identity(*regions: str, told: tuple[str, ...] = ()) -> SesIdentity:
    reported: list[dict[str, Any]] = [
        {"region": region, **({"arn": f"arn:aws:ses:{region}:1:identity/example.com"} if region in told else {})}
        for region in sorted({*regions, *told})
    ]
    return SesIdentity.model_validate(
        {
            "metadata": {"name": "mail", "namespace": "team-a"},
            "spec": {"domain": "example.com", "regions": list(regions)},
            "status": {"regions": reported},
        }
    )


def test_it_is_looked_for_where_the_inventory_and_status_say_whatever_the_spec_says_now() -> None:
    candidates = CandidateRegions.of(identity("eu-west-1", told=("us-east-1",)), Inventory(frozenset({"ap-south-2"})))
    assert candidates.known == {"ap-south-2", "us-east-1"}
    assert candidates.regions == ("ap-south-2", "eu-west-1", "us-east-1")


def test_without_its_inventory_it_is_looked_for_where_the_spec_says() -> None:
    candidates = CandidateRegions.of(identity("eu-west-1", "us-east-1"), Inventory())
    assert candidates.known == {"eu-west-1", "us-east-1"}
    assert candidates.relevant({"eu-west-1": OUT, "us-east-1": Absent()}) == {"eu-west-1": OUT, "us-east-1": Absent()}


def test_a_region_in_which_nothing_was_made_does_not_hold_up_its_deletion() -> None:
    candidates = CandidateRegions.of(identity("eu-west-1", "me-south-1"), Inventory(frozenset({"eu-west-1"})))
    assert candidates.relevant({"eu-west-1": OUT, "me-south-1": OUT}) == {"eu-west-1": OUT}
    assert candidates.relevant({"eu-west-1": Absent(), "me-south-1": THERE})["me-south-1"] == THERE
