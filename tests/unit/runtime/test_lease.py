"""The Lease elector, in simulated time: two replicas, each with a clock of its own, and an apiserver that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.problems import Gone, Retry, Stale
from ses_operator.runtime.lease.election import Elector, LeaseRecord, LeaseTiming, Seen, may_take, see, taken
from unit.simulated_loop import simulate

TIMING = LeaseTiming(duration=15, renew_deadline=10, retry_period=2)


@dataclass
class Server:
    """What the apiserver does with a Lease: optimistic concurrency."""

    record: LeaseRecord | None = None
    versions: int = 0

    def write(self, record: LeaseRecord) -> LeaseRecord:
        if self.record is None and record.version:
            raise Gone(Reason.PROGRESSING, "not found")
        if self.record is not None and record.version != self.record.version:
            raise Stale(Reason.PROGRESSING, "conflict")
        self.versions += 1
        self.record = replace(record, version=str(self.versions))
        return self.record


@dataclass
class Connection:
    """One replica's way to the server, which can be slow (seconds each way), cut, or lose answers."""

    server: Server
    latency: float = 0.1
    cut: bool = False
    answers_lost: bool = False
    requests: int = 0

    async def read(self) -> LeaseRecord | None:
        await self._travel()
        record = self.server.record
        await self._travel_back()
        return record

    async def write(self, record: LeaseRecord) -> LeaseRecord:
        await self._travel()
        written = self.server.write(record)
        await self._travel_back()
        return written

    def wall_time(self) -> str:
        return ""

    async def _travel(self) -> None:
        self.requests += 1
        if self.cut:
            raise Retry(Reason.PROGRESSING, "refused")
        await asyncio.sleep(self.latency)

    async def _travel_back(self) -> None:
        await asyncio.sleep(3600 if self.answers_lost else self.latency)


@dataclass
class Replica:
    """An elector with its connection, and a clock that starts anywhere and runs a little fast or slow."""

    name: str
    server: Server
    rate: float = 1.0
    connection: Connection = field(init=False)
    elector: Elector = field(init=False)
    lost: bool = False

    def __post_init__(self) -> None:
        self.connection = Connection(self.server)
        self.elector = Elector(self.connection, self.name, TIMING, self.clock)

    def clock(self) -> float:
        return 1_000_000 * len(self.name) + self.rate * asyncio.get_running_loop().time()

    async def run(self) -> None:
        await self.elector.acquire()
        await self.elector.hold()
        self.lost = True


async def until(condition: Callable[[], bool], *, within: float) -> float:
    """Wait for the condition; the time it took."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    while not condition():
        assert loop.time() - start <= within, "it did not happen in time"
        await asyncio.sleep(0.05)
    return loop.time() - start


@dataclass(frozen=True)
class Stage:
    """A leader, a standby and the server that they talk to."""

    server: Server
    leader: Replica
    standby: Replica


def scenario(script: Callable[[Stage], Awaitable[None]]) -> None:
    """Run the script with a leader and a standby; at no moment may both write."""

    replicas: list[Replica] = []

    async def play() -> None:
        server = Server()
        leader, standby = Replica("leader", server), Replica("standby", server)
        replicas.extend((leader, standby))
        tasks = [asyncio.create_task(leader.run())]
        await until(lambda: leader.elector.may_write, within=1)
        tasks.append(asyncio.create_task(standby.run()))
        await script(Stage(server, leader, standby))
        for task in tasks:
            task.cancel()

    simulate(play(), always=lambda: never_two(replicas))


def never_two(replicas: list[Replica]) -> bool:
    """Whether at most one may write: by time alone a gate only closes, so it is enough to ask after what happens."""
    return sum(replica.elector.may_write for replica in replicas) <= 1


def test_two_that_may_write_are_seen() -> None:
    both = [Replica("one", Server()), Replica("two", Server())]

    async def play() -> None:
        for replica in both:
            await replica.elector.acquire()
        await asyncio.sleep(1)

    with pytest.raises(AssertionError, match=r"did not hold after 0\.\d+ s"):
        simulate(play(), always=lambda: never_two(both))


def test_one_of_two_leads_and_goes_on_leading() -> None:
    async def script(on: Stage) -> None:
        await asyncio.sleep(3600)
        assert on.leader.elector.may_write
        assert not on.standby.elector.may_write
        assert on.server.record is not None
        assert (on.server.record.holder, on.server.record.transitions) == ("leader", 0)

    scenario(script)


def test_renewing_takes_one_request() -> None:
    async def script(on: Stage) -> None:
        before = on.leader.connection.requests
        await asyncio.sleep(220)
        assert on.leader.connection.requests - before <= 220 / TIMING.retry_period

    scenario(script)


def test_a_leader_that_is_cut_off_stops_before_the_standby_begins() -> None:
    async def script(on: Stage) -> None:
        on.leader.connection.cut = True
        stopped = await until(lambda: not on.leader.elector.may_write, within=TIMING.renew_deadline)
        with pytest.raises(Retry):
            on.leader.elector.check()
        began = stopped + await until(lambda: on.standby.elector.may_write, within=60)
        assert began - stopped >= (TIMING.duration - TIMING.renew_deadline) - TIMING.retry_period
        assert began <= TIMING.duration + 2 * TIMING.retry_period
        assert on.leader.lost

    scenario(script)


def test_a_leader_whose_answers_are_lost_stops_and_the_standby_takes_over() -> None:
    async def script(on: Stage) -> None:
        on.leader.connection.answers_lost = True
        await until(lambda: on.leader.lost, within=TIMING.renew_deadline + 1)
        await until(lambda: on.standby.elector.may_write, within=60)

    scenario(script)


def test_one_lost_answer_does_not_cost_the_lease() -> None:
    async def script(on: Stage) -> None:
        on.leader.connection.answers_lost = True
        await asyncio.sleep(TIMING.retry_period + 1)
        on.leader.connection.answers_lost = False
        await asyncio.sleep(600)
        assert on.leader.elector.may_write
        assert not on.leader.lost

    scenario(script)


def test_a_leader_that_stands_still_has_its_gate_closed_when_it_wakes() -> None:
    async def play() -> None:
        now = 0.0
        server = Server()
        elector = Elector(Connection(server, latency=0), "leader", TIMING, lambda: now)
        await elector.acquire()
        assert elector.may_write
        now = TIMING.renew_deadline + 0.001
        assert not elector.may_write

    simulate(play())


def test_a_released_lease_is_taken_at_the_next_look() -> None:
    async def script(on: Stage) -> None:
        await on.leader.elector.release()
        assert not on.leader.elector.may_write
        await until(lambda: on.standby.elector.may_write, within=TIMING.retry_period + 1)

    scenario(script)


def test_a_lease_is_released_even_if_the_last_renewal_was_cut_short() -> None:
    async def play() -> None:
        server = Server()
        leader = Replica("leader", server)
        running = asyncio.create_task(leader.run())
        await until(lambda: leader.elector.may_write, within=1)
        leader.connection.answers_lost = True
        version = server.versions
        await until(lambda: server.versions > version, within=10)
        running.cancel()
        leader.connection.answers_lost = False
        await leader.elector.release()
        assert server.record is not None
        assert server.record.holder == ""

    simulate(play())


def test_an_error_that_nobody_thought_of_is_a_failed_renewal_too() -> None:
    async def script(on: Stage) -> None:
        async def broken() -> LeaseRecord | None:
            raise KeyError("spec")

        on.leader.connection.cut = True
        on.standby.connection.read = broken  # type: ignore[method-assign]
        await until(lambda: on.leader.lost, within=TIMING.renew_deadline + 1)
        await asyncio.sleep(60)
        assert not on.standby.elector.may_write

    scenario(script)


def test_a_deleted_lease_is_made_again_by_the_leader_and_not_taken_by_the_standby() -> None:
    async def script(on: Stage) -> None:
        await asyncio.sleep(10)
        on.server.record = None
        await asyncio.sleep(600)
        assert on.leader.elector.may_write
        assert on.server.record is not None

    scenario(script)


def test_a_leader_that_finds_another_in_its_place_stops_at_once() -> None:
    async def script(on: Stage) -> None:
        assert on.server.record is not None
        on.server.write(replace(on.server.record, holder="somebody"))
        await until(lambda: on.leader.lost, within=3 * TIMING.retry_period)

    scenario(script)


@dataclass(frozen=True)
class Trouble:
    """For some seconds, this happens on a replica's way to the server."""

    replica: int
    seconds: float
    cut: bool
    answers_lost: bool
    latency: float


TROUBLES = st.lists(
    st.builds(
        Trouble,
        replica=st.integers(0, 1),
        seconds=st.floats(0.1, 30),
        cut=st.booleans(),
        answers_lost=st.booleans(),
        latency=st.sampled_from([0.0, 0.05, 1.0, 2.4, 4.0]),
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(troubles=TROUBLES, fast=st.floats(1.0, 1.15))
def test_whatever_happens_never_two_may_write_and_afterwards_one_leads(troubles: list[Trouble], fast: float) -> None:
    server = Server()
    replicas = [Replica("first", server), Replica("second", server, rate=fast)]

    async def play() -> None:

        async def restarted_for_ever(replica: Replica) -> None:
            while True:
                await replica.run()
                replica.elector = Elector(replica.connection, replica.name, TIMING, replica.clock)

        tasks = [asyncio.create_task(restarted_for_ever(replica)) for replica in replicas]
        for trouble in troubles:
            connection = replicas[trouble.replica].connection
            connection.cut, connection.answers_lost = trouble.cut, trouble.answers_lost
            connection.latency = trouble.latency
            await asyncio.sleep(trouble.seconds)
        for replica in replicas:
            replica.connection.cut = replica.connection.answers_lost = False
            replica.connection.latency = 0.05
        await until(lambda: any(replica.elector.may_write for replica in replicas), within=60)
        for task in tasks:
            if task.done():
                task.result()
            task.cancel()

    simulate(play(), always=lambda: never_two(replicas))


HELD = LeaseRecord("other", 15, version="1")


@pytest.mark.parametrize(
    ("seen", "now", "free"),
    [
        pytest.param(Seen(None, 0, 0), 0, True, id="there is none"),
        pytest.param(see(None, replace(HELD, holder=""), 0), 0, True, id="it was released"),
        pytest.param(see(None, replace(HELD, holder="me"), 0), 0, True, id="it is ours already"),
        pytest.param(see(None, HELD, 0), 14.9, False, id="another renewed it less than its duration ago"),
        pytest.param(see(None, HELD, 0), 15, True, id="another has not renewed it for its duration"),
        pytest.param(see(see(None, HELD, 0), replace(HELD, version="2"), 10), 20, False, id="it was renewed meanwhile"),
        pytest.param(see(see(None, HELD, 0), HELD, 10), 15, True, id="reading the same again is no sign of life"),
        pytest.param(see(see(None, HELD, 0), None, 10), 20, False, id="it was deleted under a holder that may live"),
    ],
)
def test_the_lease_is_taken_only_when(seen: Seen, now: float, free: bool) -> None:
    assert may_take(seen, "me", now) is free


def test_transitions_count_changes_of_holder_only() -> None:
    first = taken(None, "me", 15, "t0")
    assert (first.transitions, first.acquired_at) == (0, "t0")
    renewed = taken(first, "me", 15, "t1")
    assert (renewed.transitions, renewed.acquired_at) == (0, "t0")
    assert taken(renewed, "you", 15, "t2").transitions == 1


@pytest.mark.parametrize("timing", [(10, 10, 2), (15, 2, 2), (15, 10, 0)])
def test_timings_that_would_not_be_safe_are_refused(timing: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="duration > renew deadline"):
        LeaseTiming(*timing)
