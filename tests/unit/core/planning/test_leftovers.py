"""What stands in a inventory, and until when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.problems import Problem
from ses_operator.core.planning.leftovers import has_no_leftovers, within_reach
from ses_operator.core.planning.plan import plan_identity
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Absent, Observed, Unread
from unit.strategies import wanted
from unit.world import NOW

REGION = "eu-west-1"


def inventory(*regions: str, places: tuple[str, ...] = ("Route53/Z1",), tags: tuple[str, ...] = ()) -> Inventory:
    return Inventory(frozenset(regions), frozenset(places), frozenset(tags))


def test_a_region_that_cannot_be_read_leaves_no_trace_until_it_can() -> None:
    desired, whole = wanted(regions=(REGION, "me-south-1")), inventory(REGION, "me-south-1")
    switched_off = Unread(Problem(Reason.CREDENTIALS_REJECTED, "me-south-1 is not enabled"))

    observed = Observed({REGION: Absent(), "me-south-1": switched_off})
    assert within_reach(whole, observed) == inventory(REGION)
    assert not plan_identity(desired, observed, Inventory(), NOW).regions["me-south-1"].steps, "nothing is made there"

    assert within_reach(whole, Observed({REGION: Absent(), "me-south-1": Absent()})) == whole


@pytest.mark.parametrize(
    ("standing", "tidy"),
    [
        pytest.param(inventory(REGION), True, id="just what is wanted"),
        pytest.param(inventory(REGION, places=("Route53/Z1", "DNSEndpoint")), False, id="another place"),
        pytest.param(inventory(REGION, "us-east-1"), False, id="another region"),
        pytest.param(inventory(REGION, tags=("team",)), False, id="another tag"),
        pytest.param(
            replace(inventory(REGION), settings=frozenset({"feedbackForwarding"})), False, id="a setting of before"
        ),
        pytest.param(Inventory(), False, id="it was lost"),
    ],
)
def test_an_identity_is_not_left_alone_while_something_is_left_over(standing: Inventory, tidy: bool) -> None:
    assert has_no_leftovers(wanted(), standing) is tidy


def test_records_published_by_hand_are_in_no_place_of_ours() -> None:
    by_hand = wanted(provider=DnsProvider.MANUAL)
    assert has_no_leftovers(by_hand, inventory(REGION, places=()))
    assert not has_no_leftovers(by_hand, inventory(REGION))


def test_an_old_place_that_somebody_else_has_to_clear_the_way_for_does_not_keep_an_identity_busy() -> None:
    standing = inventory(REGION, places=("Route53/Z1", "Route53/Z2"))
    assert has_no_leftovers(wanted(), standing, lasting=frozenset({"Route53/Z1"}))
    assert not has_no_leftovers(wanted(), standing, lasting=frozenset({"DNSEndpoint"}))
