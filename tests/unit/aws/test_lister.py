"""When a region is listed."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.aws.calls.budget import RequestBudget
from ses_operator.aws.calls.calls import Calls
from ses_operator.aws.calls.executor import Executor
from ses_operator.aws.listing.lister import (
    BACKOFF,
    Intervals,
    RegionLister,
    next_tick,
    pending_interval,
)
from ses_operator.aws.ses.identities import SesRegion

HOUR = 3600.0


@pytest.mark.parametrize(("quiet_for", "expected"), [(0.0, 10.0), (400.0, 20.0), (1000.0, 30.0), (2 * HOUR, 60.0)])
def test_a_pending_region_is_listed_less_often_the_longer_nothing_changes(quiet_for: float, expected: float) -> None:
    assert pending_interval(10.0, quiet_for) == expected


@given(last=st.floats(0, 1e6), interval=st.sampled_from([10.0, 20.0, 30.0, 60.0, 300.0]), offset=st.floats(0, 10))
def test_the_next_tick_is_between_half_and_one_and_a_half_intervals_away(
    last: float, interval: float, offset: float
) -> None:
    assert interval / 2 - 1e-6 <= next_tick(last, interval, offset) - last <= 1.5 * interval + 1e-6


@given(st.floats(0, 1000), st.floats(0, 1000), st.sampled_from([10.0, 20.0, 30.0, 60.0]))
def test_regions_of_one_account_are_listed_at_the_same_ticks(one: float, other: float, interval: float) -> None:
    ticks = [next_tick(last, interval, 3.0) for last in (one, other)]
    assert (ticks[0] - ticks[1]) / 10.0 == pytest.approx(round((ticks[0] - ticks[1]) / 10.0), abs=1e-6)


def test_a_region_that_fails_is_tried_less_and_less_often_up_to_five_minutes() -> None:
    delays = [replace(BACKOFF, draw=lambda: 0.0).delay(failures) for failures in range(1, 10)]
    assert delays[:4] == [5.0, 10.0, 20.0, 40.0]
    assert delays[-1] == 300.0


def test_retries_are_spread_by_a_fifth() -> None:
    least, most = replace(BACKOFF, draw=lambda: 0.0), replace(BACKOFF, draw=lambda: 1.0)
    assert (least.delay(1), most.delay(1)) == (5.0, 6.0)


class SilentClient:
    """botocore's client of a region that does not answer until ``answer`` is set."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.answer = threading.Event()

    def list_email_identities(self, **_: Any) -> Any:
        self.asked.set()
        assert self.answer.wait(timeout=60)
        return {}


async def test_nobody_waits_for_the_first_listing_of_a_region_that_is_listed_no_more() -> None:
    client = SilentClient()
    executor = Executor(threads=1)
    calls = Calls(executor, RequestBudget(1000.0))
    region = SesRegion("123456789012", "aws", "eu-west-1", lambda: client, lambda: client, calls)
    lister = RegionLister(region, Intervals(), 0.0, lambda _: None)
    waiting = asyncio.create_task(lister.first_listing())
    await asyncio.to_thread(client.asked.wait, 10)

    await lister.close()

    await asyncio.wait_for(waiting, timeout=60)
    client.answer.set()
    executor.close()
