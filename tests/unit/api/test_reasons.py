"""Reasons and conditions: the words that programs match."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

import ses_operator
from ses_operator.api.base.actors import Actor
from ses_operator.api.base.conditions import Condition, ConditionStatus, ConditionType, find
from ses_operator.api.base.reasons import Reason


def test_every_reason_is_one_word_that_kubernetes_accepts() -> None:
    assert [reason for reason in Reason if not re.fullmatch(r"[A-Z][A-Za-z0-9]{2,63}", reason)] == []


def test_the_word_of_a_reason_is_its_name_in_pascal_case() -> None:
    assert [reason for reason in Reason if reason.value.lower() != reason.name.replace("_", "").lower()] == []


def test_every_reason_is_explained_in_a_sentence() -> None:
    meanings = {reason: reason.meaning for reason in Reason}
    assert {reason: said for reason, said in meanings.items() if len(said.split()) < 4 or not said.endswith(".")} == {}


def test_no_two_reasons_share_a_word() -> None:
    assert len({str(reason) for reason in Reason}) == len(Reason.__members__)


def test_no_two_reasons_mean_the_same() -> None:
    assert len({reason.meaning for reason in Reason}) == len(Reason.__members__)


def test_a_reason_stalls_only_where_the_author_of_the_spec_must_act() -> None:
    assert [reason for reason in Reason if reason.stalls != (reason.actor is Actor.AUTHOR)] == []


def test_what_may_arrive_a_second_later_never_stalls() -> None:
    may_arrive = (
        Reason.SECRET_NOT_FOUND,
        Reason.ACCOUNT_NOT_FOUND,
        Reason.HOSTED_ZONE_NOT_FOUND,
        Reason.DNS_ENDPOINT_CRD_MISSING,
        Reason.ALREADY_CLAIMED,
        Reason.OWNED_BY_ANOTHER,
        Reason.CONFIGURATION_SET_NOT_FOUND,
        Reason.THROTTLED,
    )
    assert [reason for reason in may_arrive if reason.stalls] == []


def test_every_reason_is_given_somewhere_in_the_operator() -> None:
    paths = (path for path in Path(ses_operator.__file__).parent.rglob("*.py") if path.name != "reasons.py")
    given = {name for path in paths for name in re.findall(r"\bReason\.(\w+)", path.read_text(encoding="utf-8"))}
    assert [reason for reason in Reason if reason.name not in given] == []


def test_a_reason_is_its_word_wherever_text_is_wanted() -> None:
    assert f"{Reason.THROTTLED}" == "Throttled"
    assert str(Reason.THROTTLED) == "Throttled"


@pytest.mark.parametrize(("holds", "status"), [(True, "True"), (False, "False"), (None, "Unknown")])
def test_a_condition_status_says_whether_something_holds(holds: bool | None, status: str) -> None:
    assert ConditionStatus.of(holds) == status


READY = Condition(
    type=ConditionType.READY,
    status=ConditionStatus.FALSE,
    reason=Reason.WAITING_FOR_DNS,
    message="eu-west-1: waiting",
    observed_generation=3,
    last_transition_time=datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=2))),
)


def test_a_condition_is_written_as_kubernetes_writes_it() -> None:
    assert READY.to_json() == {
        "type": "Ready",
        "status": "False",
        "reason": "WaitingForDNS",
        "message": "eu-west-1: waiting",
        "observedGeneration": 3,
        "lastTransitionTime": "2030-01-02T01:04:05Z",
    }


def test_a_condition_read_back_is_the_same_to_the_second() -> None:
    again = Condition.model_validate(READY.to_json())
    assert again.last_transition_time == datetime(2030, 1, 2, 1, 4, 5, tzinfo=UTC)
    assert again.to_json() == READY.to_json()


def test_a_condition_is_found_by_its_type() -> None:
    assert find((READY,), ConditionType.READY) is READY
    assert find((READY,), ConditionType.STALLED) is None
