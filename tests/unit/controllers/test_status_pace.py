"""How often the status of a SesAccount is written, while somebody else writes it too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ses_operator.api.account.kind import AccountRegionStatus, SesAccountStatus
from ses_operator.api.base.conditions import Condition, ConditionStatus
from ses_operator.controllers.shared.status_pace import LONGEST_PAUSE, REPORT_INTERVAL, StatusPace

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def status(region: str = "eu-west-1", identities: int = 1, ready: bool = True, minute: int = 0) -> SesAccountStatus:
    condition = Condition(
        type="Ready",
        status=ConditionStatus.TRUE if ready else ConditionStatus.FALSE,
        reason="Succeeded" if ready else "SecretNotFound",
        message="",
        observed_generation=1,
        last_transition_time=NOON + timedelta(minutes=minute),
    )
    regions = (AccountRegionStatus(region=region),)
    return SesAccountStatus(observed_generation=1, conditions=(condition,), regions=regions, identities=identities)


OURS, THEIRS = status("eu-west-1"), status("us-east-1")


def written(*, at: float = 100.0) -> StatusPace:
    """We have written OURS in place of nothing."""
    pace = StatusPace()
    pace.wrote("default", SesAccountStatus(), OURS, at)
    return pace


@pytest.mark.parametrize(
    ("current", "new", "seconds"),
    [
        pytest.param(OURS, status(identities=2), REPORT_INTERVAL - 1, id="numbers alone can wait"),
        pytest.param(OURS, status("sa-east-1"), 0.0, id="news cannot"),
        pytest.param(THEIRS, OURS, REPORT_INTERVAL - 1, id="what somebody wrote over it stands for a while"),
        pytest.param(
            status(ready=False), status(minute=7), REPORT_INTERVAL - 1, id="the time of a transition is no news"
        ),
        pytest.param(THEIRS, status(ready=False), 0.0, id="news go over what somebody wrote"),
    ],
)
def test_what_can_wait_waits(current: SesAccountStatus, new: SesAccountStatus, seconds: float) -> None:
    pace = written(at=100.0)
    assert pace.wait("default", current, new, now=101.0) == seconds
    assert pace.wait("other", current, new, now=101.0) == 0


def test_what_is_changed_back_again_and_again_is_written_less_and_less_often(caplog: pytest.LogCaptureFixture) -> None:
    pace, now, pauses = written(at=0.0), 0.0, []
    for _ in range(14):
        wait = pace.wait("default", THEIRS, OURS, now)
        pauses.append(wait)
        now += wait
        pace.wrote("default", THEIRS, OURS, now)
    assert pauses[:4] == [REPORT_INTERVAL * factor for factor in (1, 2, 4, 8)]
    assert pauses[-1] == LONGEST_PAUSE
    assert [record.message for record in caplog.records if "spec.installationID" in record.message] == [
        caplog.records[0].message
    ]


def test_when_something_changes_it_begins_anew() -> None:
    pace = written(at=0.0)
    for now in (5.0, 15.0, 35.0):
        pace.wrote("default", THEIRS, OURS, now)
    pace.wrote("default", THEIRS, status("sa-east-1"), 40.0)
    assert pace.wait("default", THEIRS, status("sa-east-1"), 40.0) == REPORT_INTERVAL
    pace.forget("default")
    assert pace.wait("default", THEIRS, OURS, 40.0) == 0
