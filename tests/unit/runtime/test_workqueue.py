"""The work queue, in simulated time."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from ses_operator.api.base.reasons import Reason
from ses_operator.controllers.shared.telemetry import queue_metrics
from ses_operator.core.model.problems import Blocked, Gone, Retry, Stale
from ses_operator.runtime.backoff import Backoff
from ses_operator.runtime.workqueue import Result, Urgency, WorkQueue, current_urgency
from unit.simulated_loop import simulate


def new_queue(registry: CollectorRegistry | None = None) -> WorkQueue[str]:
    metrics = queue_metrics(registry or CollectorRegistry())
    return WorkQueue("test", metrics, backoff=Backoff(first=1, cap=60, spread=0))


@dataclass
class Recorder:
    """A reconcile that takes ``seconds`` and answers ``results`` in turn, then done; it remembers when each key began."""

    seconds: float = 0.0
    results: dict[str, list[Result | Exception]] = field(default_factory=dict)
    starts: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    running: list[str] = field(default_factory=list)
    most: int = 0

    async def __call__(self, key: str) -> Result:
        assert key not in self.running, "a key is never reconciled twice at the same time"
        self.starts[key].append(asyncio.get_running_loop().time())
        self.running.append(key)
        self.most = max(self.most, len(self.running))
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.running.remove(key)
        results = self.results.get(key)
        result = results.pop(0) if results else Result.done()
        if isinstance(result, Exception):
            raise result
        return result


def test_a_key_added_many_times_before_a_worker_is_free_is_reconciled_once() -> None:
    async def scenario() -> None:
        queue, reconcile = new_queue(), Recorder()
        for _ in range(5):
            queue.add("a")
        queue.start(reconcile, workers=2)
        await asyncio.sleep(1)
        assert reconcile.starts == {"a": [0]}

    simulate(scenario())


def test_a_key_added_while_it_runs_is_reconciled_once_more_afterwards() -> None:
    async def scenario() -> None:
        queue, reconcile = new_queue(), Recorder(seconds=10)
        queue.start(reconcile, workers=4)
        queue.add("a")
        await asyncio.sleep(1)
        queue.add("a")
        queue.add("a")
        await asyncio.sleep(60)
        assert reconcile.starts == {"a": [0, 10]}

    simulate(scenario())


def test_an_urgent_key_passes_those_that_wait_and_those_that_hang() -> None:
    async def scenario() -> None:
        queue, reconcile = new_queue(), Recorder(seconds=100)
        queue.start(reconcile, workers=2, urgent_workers=1)
        for number in range(10):
            queue.add(f"blocked-{number}")
        await asyncio.sleep(1)
        assert len(reconcile.running) == 2
        queue.add("person", Urgency.URGENT)
        await asyncio.sleep(1)
        assert reconcile.starts["person"] == [1]
        queue.add("second person", Urgency.URGENT)
        await asyncio.sleep(99.5)
        assert reconcile.starts["second person"] == [100]

    simulate(scenario())


def test_a_waiting_key_that_becomes_urgent_moves_up() -> None:
    async def scenario() -> None:
        queue, reconcile = new_queue(), Recorder(seconds=1)
        for key in "abc":
            queue.add(key, Urgency.LOW)
        queue.add("c", Urgency.URGENT)
        queue.add("c", Urgency.LOW)
        queue.start(reconcile, workers=1)
        await asyncio.sleep(5)
        assert reconcile.starts == {"c": [0], "a": [1], "b": [2]}

    simulate(scenario())


def test_the_urgency_of_a_running_key_can_be_asked() -> None:
    async def scenario() -> None:
        queue = new_queue()
        seen: list[Urgency] = []

        async def reconcile(_: str) -> Result:
            seen.append(current_urgency())
            return Result.done()

        queue.add("a", Urgency.URGENT)
        queue.start(reconcile, workers=1)
        await asyncio.sleep(1)
        queue.add_after("a", 1)
        await asyncio.sleep(2)
        assert seen == [Urgency.URGENT, Urgency.LOW]
        assert current_urgency() is Urgency.NORMAL, "outside of a reconcile"

    simulate(scenario())


def test_an_earlier_time_replaces_a_later_one_and_a_later_one_changes_nothing() -> None:
    async def scenario() -> None:
        queue, reconcile = new_queue(), Recorder()
        queue.start(reconcile, workers=1)
        queue.add_after("a", 50)
        queue.add_after("a", 20)
        queue.add_after("a", 90)
        queue.add_after("b", 10)
        await asyncio.sleep(200)
        assert reconcile.starts == {"b": [10], "a": [20]}

    simulate(scenario())


def test_what_a_reconcile_asks_for_replaces_what_the_one_before_asked_for() -> None:
    async def scenario() -> None:
        queue = new_queue()
        reconcile = Recorder(results={"a": [Result.after(30), Result.after(1000)]})
        queue.start(reconcile, workers=1)
        queue.add("a")
        await asyncio.sleep(10)
        queue.add("a")
        await asyncio.sleep(2000)
        assert reconcile.starts == {"a": [0, 10, 1010]}

    simulate(scenario())


def test_failures_back_off_doubling_until_a_success() -> None:
    async def scenario() -> None:
        queue = new_queue()
        retry = Result.retry()
        reconcile = Recorder(results={"a": [retry, retry, RuntimeError("boom"), Result.after(100), retry]})
        queue.start(reconcile, workers=1)
        queue.add("a")
        await asyncio.sleep(500)
        assert reconcile.starts == {"a": [0, 1, 3, 7, 107, 108]}
        assert queue.failures("a") == 0

    simulate(scenario())


@pytest.mark.parametrize(
    ("error", "starts"),
    [
        (Retry(Reason.THROTTLED, "slow down", retry_after=5), [0, 5]),
        (Retry(Reason.THROTTLED, "slow down"), [0, 1]),
        (Stale(Reason.PROGRESSING, "another was faster"), [0, 1]),
        (Blocked(Reason.ACCESS_DENIED, "no right"), [0, 1]),
    ],
)
def test_a_problem_that_leaves_the_reconcile_is_repeated_when_it_says(error: Exception, starts: list[float]) -> None:
    async def scenario() -> None:
        queue, reconcile = new_queue(), Recorder(results={"a": [error]})
        queue.start(reconcile, workers=1)
        queue.add("a")
        await asyncio.sleep(100)
        assert reconcile.starts == {"a": starts}

    simulate(scenario())


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (Blocked(Reason.ACCESS_DENIED, "no right"), logging.WARNING),
        (Gone(Reason.PROGRESSING, "not found"), logging.INFO),
        (Stale(Reason.PROGRESSING, "another was faster"), logging.DEBUG),
    ],
    ids=["what somebody has to see to worries", "what is gone does not", "nor does a race"],
)
def test_a_problem_is_logged_as_gravely_as_it_is(
    error: Exception, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        queue = new_queue()
        queue.start(Recorder(results={"a": [error]}), workers=1)
        queue.add("a")
        await asyncio.sleep(100)

    with caplog.at_level(logging.DEBUG):
        simulate(scenario())
    assert [record.levelno for record in caplog.records if "to be repeated" in record.message] == [level]


def test_an_unexpected_exception_is_logged_once_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        queue = new_queue()
        queue.start(Recorder(results={"a": [RuntimeError("boom")]}), workers=1)
        queue.add("a")
        await asyncio.sleep(100)

    simulate(scenario())
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert errors[0].exc_info is not None


def test_stop_lets_running_reconciles_end_and_begins_no_other() -> None:
    async def scenario() -> None:
        queue, reconcile = new_queue(), Recorder(seconds=3)
        queue.start(reconcile, workers=1)
        queue.add("runs")
        queue.add("waits")
        queue.add_after("later", 1)
        await asyncio.sleep(1)
        queue.add("runs")
        await queue.stop(grace=10)
        assert asyncio.get_running_loop().time() == 3
        queue.add("too late")
        queue.add_after("too late", 1)
        await asyncio.sleep(100)
        assert reconcile.starts == {"runs": [0]}

    simulate(scenario())


def test_stop_cancels_what_does_not_end_within_the_grace_period() -> None:
    async def scenario() -> None:
        queue, reconcile = new_queue(), Recorder(seconds=1000)
        queue.start(reconcile, workers=1)
        queue.add("a")
        await asyncio.sleep(1)
        await queue.stop(grace=10)
        assert asyncio.get_running_loop().time() == 11
        assert reconcile.running == []

    simulate(scenario())


def test_when_all_is_cancelled_no_further_reconcile_begins() -> None:
    async def scenario() -> None:
        queue, reconcile = new_queue(), Recorder(seconds=1000)
        queue.start(reconcile, workers=1)
        queue.add("runs")
        queue.add("waits")
        await asyncio.sleep(1)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(10_000)
        assert set(reconcile.starts) == {"runs"}

    simulate(scenario())


def test_the_metrics_show_depth_age_and_outcomes() -> None:
    async def scenario(registry: CollectorRegistry) -> None:
        def value(name: str, /, **labels: str) -> float | None:
            return registry.get_sample_value(name, labels)

        queue, reconcile = new_queue(registry), Recorder(seconds=4, results={"a": [Result.retry()]})
        queue.start(reconcile, workers=1)
        queue.add("a")
        queue.add("b")
        queue.add_after("c", 50)
        await asyncio.sleep(3)
        assert value("workqueue_depth", name="test") == 1
        assert value("workqueue_oldest_age_seconds", name="test") == 3
        assert value("workqueue_delayed", name="test") == 1
        assert value("controller_runtime_active_workers", controller="test") == 1
        await asyncio.sleep(100)
        assert value("workqueue_depth", name="test") == 0
        assert value("workqueue_retries_total", name="test") == 1
        assert value("workqueue_work_duration_seconds_sum", name="test") == 16
        assert value("controller_runtime_reconcile_total", controller="test", result="requeue") == 1
        assert value("controller_runtime_reconcile_total", controller="test", result="success") == 3

    simulate(scenario(CollectorRegistry()))


@dataclass(frozen=True)
class Step:
    """Something that happens to the queue, ``pause`` seconds after what came before."""

    pause: int
    key: str
    urgency: Urgency
    delay: int


STEPS = st.lists(
    st.builds(
        Step,
        pause=st.integers(0, 5),
        key=st.sampled_from("abcde"),
        urgency=st.sampled_from(Urgency),
        delay=st.integers(0, 20),
    ),
    max_size=40,
)


@given(
    steps=STEPS,
    workers=st.integers(1, 3),
    urgent_workers=st.integers(0, 2),
    seconds=st.integers(0, 7),
    failures=st.lists(st.sampled_from("abcde"), max_size=6),
)
def test_whatever_is_added_is_looked_at_afterwards_never_twice_at_once_and_not_more_often_than_asked(
    steps: list[Step], workers: int, urgent_workers: int, seconds: int, failures: list[str]
) -> None:
    async def scenario() -> None:
        results: defaultdict[str, list[Result | Exception]] = defaultdict(list)
        for key in failures:
            results[key].append(Result.retry())
        queue, reconcile = new_queue(), Recorder(seconds=seconds, results=dict(results))
        queue.start(reconcile, workers=workers, urgent_workers=urgent_workers)
        last: dict[str, float] = {}
        asked: defaultdict[str, int] = defaultdict(int)
        loop = asyncio.get_running_loop()
        for step in steps:
            await asyncio.sleep(step.pause)
            queue.add_after(step.key, step.delay, step.urgency)
            asked[step.key] += 1
            if step.delay == 0:
                last[step.key] = loop.time()
        await asyncio.sleep(10_000)
        assert len(queue) == queue.running == 0
        assert reconcile.most <= workers + urgent_workers
        for key, times in asked.items():
            assert 1 <= len(reconcile.starts[key]) <= times + failures.count(key)
            assert reconcile.starts[key][-1] >= last.get(key, 0)

    simulate(scenario())


def test_a_key_that_waited_for_what_somebody_else_cancelled_is_reconciled_again_and_so_are_all_others() -> None:
    async def scenario() -> None:
        queue, starts = new_queue(), list[str]()

        async def reconcile(key: str) -> Result:
            starts.append(key)
            if starts == ["a"]:
                cancelled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                cancelled.cancel()
                await cancelled
            return Result.done()

        queue.start(reconcile, workers=1)
        queue.add("a")
        await asyncio.sleep(10)
        queue.add("b")
        await asyncio.sleep(1)
        assert starts == ["a", "a", "b"]

    simulate(scenario())
