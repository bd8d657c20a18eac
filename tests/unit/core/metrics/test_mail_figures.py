"""What became of mail: the queries, and what follows from their answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.core.metrics.identity_metrics import ABSENT, Standing, Unverified
from ses_operator.core.metrics.mail_figures import (
    QUERIES_PER_CALL,
    AccountMail,
    MailEvent,
    MailQuery,
    RegionMail,
    Window,
    by_identity,
    calls_for,
    history_queries,
    queries,
    send_history,
    total,
)
from ses_operator.core.metrics.mail_samples import Senders, mail_samples
from ses_operator.core.model.keys import ObjectKey

NOW = datetime(2026, 3, 31, 15, 30, tzinfo=UTC)
MONTH = Window.of_days(30, NOW)
FIRST_DAY = datetime(2026, 3, 1, tzinfo=UTC)
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
WHOLE = MailQuery(MailEvent.SENT)
SHOP = MailQuery(MailEvent.SENT, "shop.example.com")


def test_a_window_begins_with_a_day_of_utc() -> None:
    assert Window(FIRST_DAY, NOW) == MONTH


@given(st.lists(st.text(min_size=1), unique=True, max_size=60))
def test_every_query_is_asked_once_and_no_call_is_too_large(names: list[str]) -> None:
    asked = list(queries(names))
    calls = list(calls_for(asked))
    assert [query for call in calls for query in call] == asked
    assert len(set(asked)) == len(names) * len(MailEvent)
    assert all(1 <= len(call) <= QUERIES_PER_CALL for call in calls)
    assert len(calls) == -(-len(asked) // QUERIES_PER_CALL)


@pytest.mark.parametrize(
    ("whole", "own", "created_at", "unused"),
    [
        pytest.param({FIRST_DAY: 7}, {}, LONG_AGO, True, id="nothing, while others sent from the first day on"),
        pytest.param({FIRST_DAY: 7}, {FIRST_DAY: 0}, LONG_AGO, True, id="days without mail told as nought"),
        pytest.param(
            {FIRST_DAY + timedelta(days=1): 7}, {}, None, True, id="one whose age nobody knows is taken for old"
        ),
        pytest.param({FIRST_DAY: 7}, {NOW: 1}, LONG_AGO, False, id="one mail is use"),
        pytest.param({FIRST_DAY: 7}, {}, NOW - timedelta(days=29), False, id="younger than the window"),
        pytest.param({FIRST_DAY + timedelta(days=5): 7}, {}, LONG_AGO, False, id="counted since later only"),
        pytest.param({FIRST_DAY: 0, NOW: 7}, {}, LONG_AGO, False, id="an empty first day proves no counting"),
        pytest.param({}, {}, LONG_AGO, False, id="an account that sends nothing proves nothing"),
        pytest.param(None, {}, LONG_AGO, False, id="the account's sum could not be had"),
        pytest.param({FIRST_DAY: 7}, None, LONG_AGO, False, id="its own sum could not be had"),
    ],
)
def test_an_identity_is_unused_only_where_silence_proves_it(
    whole: Mapping[datetime, int] | None,
    own: Mapping[datetime, int] | None,
    created_at: datetime | None,
    unused: bool,
) -> None:
    history = send_history(MONTH, {WHOLE: whole, SHOP: own})
    assert history.is_unused("shop.example.com", created_at) is unused
    assert not history.is_unused("never-asked.example.com", created_at)


def test_a_history_costs_one_query_for_each_identity_and_one_more() -> None:
    assert list(history_queries(["shop.example.com"])) == [WHOLE, SHOP]


def test_quarter_hours_outside_of_the_window_are_left_out() -> None:
    points = [
        (FIRST_DAY - timedelta(minutes=15), AccountMail(100, 100, 100, 100)),
        (FIRST_DAY, AccountMail(10, 1, 0, 2)),
        (NOW, AccountMail(20, 2, 1, 0)),
    ]
    assert total(points, MONTH) == AccountMail(30, 3, 1, 2)


MAIL, LOSER = ObjectKey("team", "mail"), ObjectKey("other", "mail")
PLACE = ("default", "eu-west-1")
SENDERS = Senders.of(
    [
        (Standing(*PLACE, "SUCCESS"), [MAIL]),
        (Standing(*PLACE, ABSENT), [LOSER]),
        (Unverified(*PLACE, None), [LOSER]),
        (Standing("default", "us-east-1", "FAILED"), [MAIL]),
    ],
    [("mail.example.com", [MAIL, LOSER])],
)
FIGURES = by_identity(
    {
        MailQuery(MailEvent.SENT, "mail.example.com"): {FIRST_DAY: 60, NOW: 40},
        MailQuery(MailEvent.PERMANENT_BOUNCE, "mail.example.com"): {NOW: 5},
        MailQuery(MailEvent.COMPLAINT, "mail.example.com"): None,
    }
)


def told(mail: RegionMail) -> dict[tuple[str, ...], float]:
    samples = mail_samples({PLACE: mail}, SENDERS)
    return {(each.metric.name.removeprefix("ses_operator_"), *each.labels): each.value for each in samples}


def test_who_has_an_identity_at_ses_is_asked_about_and_who_was_refused_is_not() -> None:
    assert SENDERS.at == {PLACE: {MAIL}, ("default", "us-east-1"): {MAIL}}
    assert SENDERS.names_at(PLACE) == ["mail.example.com"]


def test_figures_are_told_of_whoever_holds_the_identity_and_what_is_unknown_is_left_out() -> None:
    assert told(RegionMail(AccountMail(1000, 30, 2, 1), FIGURES)) == {
        ("account_counts_by_identity", *PLACE): 1,
        ("account_messages", *PLACE, "SEND"): 1000,
        ("account_messages", *PLACE, "BOUNCE"): 30,
        ("account_messages", *PLACE, "COMPLAINT"): 2,
        ("account_messages", *PLACE, "REJECT"): 1,
        ("identity_messages", "team", "mail", *PLACE, "SEND"): 100,
        ("identity_messages", "team", "mail", *PLACE, "PERMANENT_BOUNCE"): 5,
    }


@pytest.mark.parametrize(
    ("figures", "counted"),
    [(None, 0), ({}, 1), ({"mail.example.com": {MailEvent.SENT: 0, MailEvent.COMPLAINT: 0}}, 1)],
    ids=["nobody counts", "nothing was counted", "nothing was sent"],
)
def test_an_identity_without_mail_has_no_series(
    figures: Mapping[str, Mapping[MailEvent, int]] | None, counted: int
) -> None:
    samples = told(RegionMail(AccountMail(), figures))
    assert samples["account_counts_by_identity", *PLACE] == counted
    assert not [name for name, *_ in samples if name == "identity_messages"]
