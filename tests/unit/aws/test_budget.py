"""The request budget: as fast as AWS allows, never faster, in the right order, and slower when AWS asks for it."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.aws.calls.budget import CATCH_UP_SECONDS, MARGIN, Bucket, Pace, Priority, RequestBudget
from unit.simulated_loop import simulate

CREATE = Bucket("123456789012", "eu-west-1", "CreateEmailIdentity")
GET = Bucket("123456789012", "eu-west-1", "GetEmailIdentity")


def now() -> float:
    return asyncio.get_running_loop().time()


async def calls_made(budget: RequestBudget, bucket: Bucket, priority: Priority, number: int) -> list[float]:
    """When each of so many calls, all asked for at once, was let out."""
    times: list[float] = []

    async def call() -> None:
        await budget.acquire(bucket, priority)
        times.append(now())

    await asyncio.gather(*(call() for _ in range(number)))
    return times


def test_the_first_call_does_not_wait() -> None:
    assert simulate(calls_made(RequestBudget(1.0), CREATE, Priority.PERSON, 1)) == [0.0]


@pytest.mark.parametrize("rate", [1.0, 5.0, 20.0])
def test_waiting_calls_use_at_least_95_percent_of_the_rate_and_never_all_of_it(rate: float) -> None:
    times = simulate(calls_made(RequestBudget(rate), CREATE, Priority.PENDING, 200))
    achieved = 199 / (times[-1] - times[0])
    assert 0.95 * rate <= achieved < rate


def test_sweeps_leave_thirty_percent_of_a_bucket_to_others() -> None:
    times = simulate(calls_made(RequestBudget(10.0), GET, Priority.SWEEP, 100))
    achieved = 99 / (times[-1] - times[0])
    assert 6.5 <= achieved <= 7.0


def test_what_sweeps_leave_is_there_for_persons() -> None:
    async def scenario() -> int:
        budget, persons = RequestBudget(10.0), 0
        sweeps = asyncio.ensure_future(calls_made(budget, GET, Priority.SWEEP, 1000))
        while now() < 20.0:
            await budget.acquire(GET, Priority.PERSON)
            persons += 1
        sweeps.cancel()
        return persons

    assert simulate(scenario()) >= 0.95 * 10.0 * 20.0


def test_actions_regions_and_accounts_have_buckets_of_their_own() -> None:
    async def scenario() -> float:
        budget = RequestBudget(1.0)
        buckets = [CREATE, GET, Bucket("123456789012", "us-east-1", "GetEmailIdentity"), Bucket("2", "eu-west-1", "x")]
        await asyncio.gather(*(budget.acquire(bucket, Priority.PERSON) for bucket in buckets))
        return now()

    assert simulate(scenario()) == 0.0


def test_a_person_goes_before_pending_identities_and_those_before_sweeps() -> None:
    async def scenario() -> list[str]:
        budget, order = RequestBudget(1.0), list[str]()

        async def call(name: str, priority: Priority) -> None:
            await budget.acquire(CREATE, priority)
            order.append(name)

        asked = [
            ("first come", Priority.SWEEP),
            ("sweep", Priority.SWEEP),
            ("pending 1", Priority.PENDING),
            ("person 1", Priority.PERSON),
            ("pending 2", Priority.PENDING),
            ("person 2", Priority.PERSON),
        ]
        await asyncio.gather(*(call(*one) for one in asked))
        return order

    assert simulate(scenario()) == ["first come", "person 1", "person 2", "pending 1", "pending 2", "sweep"]


def test_a_cancelled_waiter_leaves_its_place_to_the_next() -> None:
    async def scenario() -> list[float]:
        budget = RequestBudget(1.0)
        await budget.acquire(CREATE, Priority.PERSON)
        impatient = asyncio.ensure_future(budget.acquire(CREATE, Priority.PERSON))
        patient = asyncio.ensure_future(calls_made(budget, CREATE, Priority.PERSON, 1))
        await asyncio.sleep(0.5)
        impatient.cancel()
        return await patient

    assert simulate(scenario())[0] == pytest.approx(1.0, rel=0.05)


def test_a_turn_whose_holder_is_cancelled_before_it_runs_is_given_back() -> None:
    async def scenario() -> float:
        budget = RequestBudget(1.0)
        await budget.acquire(CREATE, Priority.PERSON)
        waiter = asyncio.ensure_future(budget.acquire(CREATE, Priority.PERSON))
        # Right after the timer that lets it out, before the task itself goes on.
        asyncio.get_running_loop().call_at(1 / MARGIN + 1e-10, waiter.cancel)
        await asyncio.gather(waiter, return_exceptions=True)
        assert waiter.cancelled()
        await budget.acquire(CREATE, Priority.PERSON)
        return now()

    assert simulate(scenario()) == pytest.approx(1 / MARGIN)


def test_a_throttled_bucket_slows_down_pauses_and_comes_back_to_the_full_rate() -> None:
    async def scenario() -> tuple[float, float, float]:
        budget = RequestBudget(10.0)
        await calls_made(budget, CREATE, Priority.PERSON, 10)
        throttled_at = now()
        budget.throttled(CREATE)
        slow = budget.rate(CREATE)
        await budget.acquire(CREATE, Priority.PERSON)
        pause = now() - throttled_at
        for _ in range(200):
            await budget.acquire(CREATE, Priority.PERSON)
            budget.succeeded(CREATE)
        return slow, pause, budget.rate(CREATE)

    slow, pause, recovered = simulate(scenario())
    assert slow == pytest.approx(7.0)
    assert pause > 1 / 7.0
    assert recovered == 10.0


def test_calls_that_were_on_their_way_when_one_was_throttled_count_once() -> None:
    async def scenario() -> float:
        budget = RequestBudget(10.0)
        for _ in range(5):
            budget.throttled(CREATE)
        return budget.rate(CREATE)

    assert simulate(scenario()) == pytest.approx(7.0)


def test_where_aws_allows_half_of_what_is_configured_few_calls_are_throttled() -> None:
    """AWS as a token bucket of 5 requests per second, where the account says 10."""

    async def scenario() -> tuple[int, int]:
        budget, level, since, throttled, made = RequestBudget(10.0), 5.0, 0.0, 0, 0
        while now() < 300.0:
            await budget.acquire(CREATE, Priority.PERSON)
            level, since = min(5.0, level + (now() - since) * 5.0), now()
            made += 1
            if level < 1.0:
                throttled += 1
                budget.throttled(CREATE)
            else:
                level -= 1.0
                budget.succeeded(CREATE)
        return made, throttled

    made, throttled = simulate(scenario())
    assert made - throttled >= 0.85 * 5.0 * 300.0
    assert throttled <= 0.03 * made


def test_another_rate_of_the_account_counts_from_the_next_call_on() -> None:
    async def scenario() -> float:
        budget = RequestBudget(0.1)
        budget.set_rate("123456789012", 0.1)
        calls = asyncio.ensure_future(calls_made(budget, CREATE, Priority.PERSON, 30))
        await asyncio.sleep(1.0)
        budget.set_rate("123456789012", 10.0)
        await calls
        return now()

    assert simulate(scenario()) == pytest.approx(10.3 + 28 / 9.7, rel=0.02)


def test_the_hook_is_told_how_long_each_call_waited() -> None:
    waits: list[float] = []
    budget = RequestBudget(1.0, on_wait=lambda _, seconds: waits.append(seconds))
    simulate(calls_made(budget, CREATE, Priority.PERSON, 3))
    assert waits == pytest.approx([0.0, 1 / MARGIN, 2 / MARGIN])


@given(
    rate=st.floats(0.1, 1000.0),
    arrivals=st.lists(st.tuples(st.floats(0.0, 5.0), st.sampled_from(Priority)), min_size=2, max_size=60),
)
def test_over_any_stretch_of_time_no_more_calls_go_out_than_the_rate_allows(
    rate: float, arrivals: list[tuple[float, Priority]]
) -> None:
    pace, clock, sent = Pace(rate), 0.0, list[float]()
    for gap, priority in arrivals:
        clock = max(clock + gap, pace.ready_at(priority))
        pace.take(priority, clock)
        sent.append(clock)
    for first, start in enumerate(sent):
        for last in range(first + 1, len(sent)):
            assert last - first <= rate * (sent[last] - start + CATCH_UP_SECONDS) + 1e-6


@given(st.lists(st.floats(0.0, 3.0), min_size=2, max_size=40))
def test_at_one_request_per_second_two_calls_are_never_less_than_a_second_apart(gaps: list[float]) -> None:
    pace, clock, sent = Pace(1.0), 0.0, list[float]()
    for gap in gaps:
        clock = max(clock + gap, pace.ready_at(Priority.PERSON))
        pace.take(Priority.PERSON, clock)
        sent.append(clock)
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(sent))
