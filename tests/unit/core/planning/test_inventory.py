"""The inventory: what it says survives the annotation, and what people do to it."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.base.reasons import Reason
from ses_operator.core.admission.acceptance import same_account
from ses_operator.core.state.inventory import Inventory

names = st.lists(st.text(max_size=20), max_size=3).map(frozenset)
REGIONS = ("eu-west-1", "us-gov-east-1", "ap-southeast-12", "x-y-0", "il-central-99", "abcde-f-g-h-3")
regions = st.sampled_from([frozenset(each) for size in range(5) for each in combinations(REGIONS, size)])
places = st.lists(st.from_regex(r"DNSEndpoint|Route53/[A-Z0-9]{1,32}", fullmatch=True), max_size=3).map(frozenset)
inventorys = st.builds(
    Inventory, regions, places, names, names, names, names, names, names, st.sampled_from(["", "111122223333"])
)


@given(inventorys)
def test_the_annotation_says_the_whole_inventory(inventory: Inventory) -> None:
    inventory = replace(inventory, policies=frozenset())  # marks of the identity name them
    assert Inventory.decode(inventory.encode()) == inventory


@given(st.from_regex(r"[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}", fullmatch=True))
def test_the_annotation_says_each_region_whatever_it_is_called(region: str) -> None:
    inventory = Inventory(frozenset({region}))
    assert Inventory.decode(inventory.encode()) == inventory


@given(inventorys, inventorys)
def test_a_inventory_that_grows_covers_what_it_was(before: Inventory, more: Inventory) -> None:
    assert (before | more).regions >= before.regions | more.regions
    assert (before | more).covers(more)


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", "{", "[]", "null", '{"regions": "eu-west-1"}', '{"regions": [1, null]}', '{"account": 5}'),
        pytest.param("[" * 200_000, id="nested too deeply"),
        pytest.param(
            json.dumps({"regions": [f"eu-made-{n}" for n in range(12_000)]}), id="more regions than there are"
        ),
        pytest.param(json.dumps({"places": [f"Route53/Z{n}" for n in range(33)]}), id="more places than are ever used"),
        pytest.param('{"places": ["Route53/", "Route53/../x", "Route53/Z1?x", "Route53/Z1\\n"]}', id="no places"),
        pytest.param(json.dumps({"places": ["Route53/" + "Z" * 600]}), id="a name that is too long"),
        pytest.param(json.dumps({"account": "1" * 600}), id="an account that is too long"),
        pytest.param('{"account": "x"}', id="what can be no account"),
        pytest.param('{"account": ' + "9" * 5000 + "}", id="a number that Python does not convert"),
        pytest.param('{"regions": ["../x", "eu-west-1\\n", "", "EU WEST"]}', id="what can be no region"),
    ],
)
def test_a_damaged_annotation_says_nothing(text: str | None) -> None:
    assert Inventory.decode(text) == Inventory()


def test_an_identity_stays_where_it_stands_when_its_account_leads_elsewhere() -> None:
    inventory = Inventory(frozenset({"eu-west-1"}), account="111122223333")
    assert same_account(inventory, "default", "111122223333") is None
    assert same_account(Inventory(), "default", "444455556666") is None
    problem = same_account(inventory, "default", "444455556666")
    assert problem is not None
    assert problem.reason is Reason.ACCOUNT_CHANGED
    assert "111122223333" in problem.message
    assert "444455556666" in problem.message
