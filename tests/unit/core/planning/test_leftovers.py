"""What stands in a footprint, and until when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.problems import Problem
from ses_operator.core.planning.leftovers import is_tidy, within_reach
from ses_operator.core.planning.plan import plan_identity
from ses_operator.core.state.inventory import Footprint
from ses_operator.core.state.observed import Absent, Observed, Unread
from unit.strategies import wanted
from unit.world import NOW

REGION = "eu-west-1"


def footprint(*regions: str, places: tuple[str, ...] = ("Route53/Z1",), tags: tuple[str, ...] = ()) -> Footprint:
    return Footprint(frozenset(regions), frozenset(places), frozenset(tags))


def test_a_region_that_cannot_be_read_leaves_no_trace_until_it_can() -> None:
    desired, whole = wanted(regions=(REGION, "me-south-1")), footprint(REGION, "me-south-1")
    switched_off = Unread(Problem(Reason.CREDENTIALS_REJECTED, "me-south-1 is not enabled"))

    observed = Observed({REGION: Absent(), "me-south-1": switched_off})
    assert within_reach(whole, observed) == footprint(REGION)
    assert not plan_identity(desired, observed, Footprint(), NOW).regions["me-south-1"].steps, "nothing is made there"

    assert within_reach(whole, Observed({REGION: Absent(), "me-south-1": Absent()})) == whole


@pytest.mark.parametrize(
    ("standing", "tidy"),
    [
        pytest.param(footprint(REGION), True, id="just what is wanted"),
        pytest.param(footprint(REGION, places=("Route53/Z1", "DNSEndpoint")), False, id="another place"),
        pytest.param(footprint(REGION, "us-east-1"), False, id="another region"),
        pytest.param(footprint(REGION, tags=("team",)), False, id="another tag"),
        pytest.param(
            replace(footprint(REGION), settings=frozenset({"feedbackForwarding"})), False, id="a setting of before"
        ),
        pytest.param(Footprint(), False, id="it was lost"),
    ],
)
def test_an_identity_is_not_left_alone_while_something_is_left_over(standing: Footprint, tidy: bool) -> None:
    assert is_tidy(wanted(), standing) is tidy


def test_records_published_by_hand_are_in_no_place_of_ours() -> None:
    by_hand = wanted(provider=DnsProvider.MANUAL)
    assert is_tidy(by_hand, footprint(REGION, places=()))
    assert not is_tidy(by_hand, footprint(REGION))


def test_an_old_place_that_somebody_else_has_to_clear_the_way_for_does_not_keep_an_identity_busy() -> None:
    standing = footprint(REGION, places=("Route53/Z1", "Route53/Z2"))
    assert is_tidy(wanted(), standing, lasting=frozenset({"Route53/Z1"}))
    assert not is_tidy(wanted(), standing, lasting=frozenset({"DNSEndpoint"}))
