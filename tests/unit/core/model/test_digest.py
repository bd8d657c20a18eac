"""The digest by which status tells which configuration it is about."""

from __future__ import annotations

from dataclasses import asdict, make_dataclass, replace
from typing import Any

import pytest

from ses_operator.core.model.digest import configuration_digest
from unit.core.planning.test_contention import BOTH


@pytest.mark.parametrize("unset", [None, "", (), [], {}, {"inner": None}], ids=repr)
def test_what_a_later_version_can_set_and_nobody_has_set_changes_nothing(unset: Any) -> None:
    assert configuration_digest({**asdict(BOTH), "invented": unset}) == configuration_digest(asdict(BOTH))


def test_a_member_that_is_added_at_any_depth_and_not_set_changes_nothing() -> None:
    today = make_dataclass("Inner", [("ttl", int)])
    later = make_dataclass("Inner", [("ttl", int), ("extra", str | None, None)])
    assert configuration_digest({"all": (asdict(today(300)),)}) == configuration_digest({"all": (asdict(later(300)),)})


@pytest.mark.parametrize("value", [False, 0, True, "x", ("",), {"inner": 1}], ids=repr)
def test_whatever_is_set_counts(value: Any) -> None:
    assert configuration_digest({**asdict(BOTH), "invented": value}) != configuration_digest(asdict(BOTH))


def test_what_is_taken_away_again_counts() -> None:
    forwarded = replace(BOTH, feedback_forwarding=False)
    assert len({BOTH.digest(), forwarded.digest(), replace(forwarded, feedback_forwarding=True).digest()}) == 3
