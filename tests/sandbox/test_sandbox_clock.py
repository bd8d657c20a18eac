"""The simulated clock, the faults and the throttle, without a server."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_sandbox.clock import Clock
from ses_sandbox.faults import DnsFailure, Fault, FaultKind, Faults, Request
from ses_sandbox.throttle import Throttle

START = datetime(2026, 1, 1, tzinfo=UTC)


class RealTime:
    """Real seconds, moved by the test."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_simulated_time_runs_at_its_speed_and_jumps_when_told() -> None:
    real = RealTime()
    clock = Clock(60, start=START, monotonic=real)
    real.seconds = 2
    assert clock.now() == START + timedelta(minutes=2)
    clock.advance(timedelta(hours=72))
    clock.set_speed(1)
    real.seconds = 3
    assert clock.now() == START + timedelta(hours=72, minutes=2, seconds=1)


def test_time_neither_stops_nor_goes_back() -> None:
    with pytest.raises(ValueError, match="speed"):
        Clock(0)
    clock = Clock(start=START, monotonic=RealTime())
    with pytest.raises(ValueError, match="back"):
        clock.advance(timedelta(seconds=-1))
    with pytest.raises(ValueError, match="speed"):
        clock.set_speed(-1)


def test_waiting_is_counted_in_real_seconds() -> None:
    clock = Clock(60, start=START, monotonic=RealTime())
    assert clock.real_seconds_until(START + timedelta(hours=1)) == 60
    assert clock.real_seconds_until(START - timedelta(hours=1)) == 0


def test_a_jump_wakes_sleepers_and_tells_listeners() -> None:
    clock = Clock(start=START)
    told = threading.Event()
    clock.subscribe(told.set)
    woken: list[bool] = []
    sleeper = threading.Thread(target=lambda: woken.append(clock.sleep_until(START + timedelta(hours=72), timeout=60)))
    sleeper.start()
    clock.advance(timedelta(hours=73))
    sleeper.join(timeout=60)
    assert woken == [True]
    assert told.is_set()


def test_a_sleeper_gives_up_after_its_timeout() -> None:
    assert Clock(start=START).sleep_until(START + timedelta(hours=1), timeout=0.01) is False


@given(st.lists(st.floats(0, 0.5), max_size=60), st.sampled_from([1.0, 4.0, 20.0]))
def test_no_more_requests_are_admitted_than_the_rate_and_its_burst_allow(waits: list[float], rate: float) -> None:
    """Developer Guide, quotas."""
    real = RealTime()
    throttle = Throttle(rate, real)
    admitted = 0
    for wait in waits:
        real.seconds += wait
        admitted += throttle.admits("1", "eu-west-1", "GetAccount")
    assert admitted <= max(1.0, rate) + real.seconds * rate + 1e-6


def test_a_bucket_refills_at_the_rate() -> None:
    real = RealTime()
    throttle = Throttle(1, real)
    assert [throttle.admits("1", "eu-west-1", "GetAccount") for _ in range(2)] == [True, False]
    real.seconds = 0.9
    assert not throttle.admits("1", "eu-west-1", "GetAccount")
    real.seconds = 1.0
    assert throttle.admits("1", "eu-west-1", "GetAccount")


@pytest.mark.parametrize(
    ("fault", "fires"),
    [
        (Fault(FaultKind.THROTTLE), True),
        (Fault(FaultKind.THROTTLE, service="ses", operation="GetAccount", region="eu-west-1"), True),
        (Fault(FaultKind.THROTTLE, region="us-east-1"), False),
        (Fault(FaultKind.THROTTLE, identity="example.com"), False),
        (Fault(FaultKind.DNS), False),
        (Fault(FaultKind.THROTTLE, probability=0), False),
    ],
)
def test_a_fault_fires_on_what_it_matches(fault: Fault, fires: bool) -> None:
    faults = Faults()
    faults.add(fault)
    assert bool(faults.fire(Request("ses", "GetAccount", "eu-west-1"))) is fires


@pytest.mark.parametrize(
    ("suffix", "name", "fails"),
    [
        ("example.com", "example.com.", True),
        ("example.com.", "A.EXAMPLE.com", True),
        ("example.com", "notexample.com", False),
        ("", "anything.net", True),
    ],
)
def test_a_dns_fault_covers_a_name_and_all_beneath_it(suffix: str, name: str, fails: bool) -> None:
    faults = Faults()
    faults.add(Fault(FaultKind.DNS, suffix=suffix, rcode=DnsFailure.TIMEOUT))
    assert faults.fire_dns(name) is (DnsFailure.TIMEOUT if fails else None)


def test_a_fault_is_gone_after_its_times() -> None:
    faults = Faults()
    faults.add(Fault(FaultKind.DNS, times=2))
    assert [faults.fire_dns("a.com") is not None for _ in range(3)] == [True, True, False]
    assert faults.active() == ()
