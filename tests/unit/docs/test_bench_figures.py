"""The bench's figures are what they say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bench.audit_figures import AuditRecording, AuditSize, audit_figures
from bench.figures import CREATE, Call, Recording, Size, Usage, creation_share, figures, throttled_share

START = datetime(2026, 1, 1, tzinfo=UTC)
SIZE = Size(identities=10, regions=1, rate=2.0, speed=60.0)


def call(seconds: float, operation: str = CREATE, region: str = "eu-west-1", error: str = "") -> Call:
    """A call so many real seconds after the start."""
    return Call(START + timedelta(seconds=seconds * SIZE.speed), "ses", operation, region, error)


def test_creating_at_just_the_limit_is_the_whole_of_it() -> None:
    assert creation_share([call(number / SIZE.rate) for number in range(10)], SIZE) == 1.0


def test_creating_at_half_the_limit_in_every_region_is_half() -> None:
    calls = [call(number, region=region) for number in range(10) for region in ("eu-west-1", "us-east-1")]
    assert creation_share(calls, SIZE) == 0.5


def test_creates_that_failed_do_not_count() -> None:
    calls = [
        call(number / SIZE.rate, error="" if number % 3 == 0 else "TooManyRequestsException") for number in range(10)
    ]
    assert creation_share(calls, SIZE) == 3 / 9


def test_throttled_calls_are_counted_among_those_to_ses() -> None:
    calls = [call(0), call(1, error="Throttling"), Call(START, "route53", "GetChange", "", "Throttling")]
    assert throttled_share(calls) == 0.5


def test_a_target_that_is_missed_says_so() -> None:
    recording = Recording(
        size=SIZE,
        way_up=[call(number) for number in range(10)] * 5,
        quiet=[call(0, "GetEmailIdentity")] * 20,
        restart=[call(0, "ListEmailIdentities"), call(0, "GetEmailIdentity")],
        writes=100,
        quiet_writes=1,
        quiet_minutes=5,
        before=Usage(0.0, 0),
        after=Usage(1.0, 200_000_000),
        seconds_to_ready=9.0,
    )
    assert [figure.met for figure in figures(recording)] == [
        True, True, False, False, False, False, False, False, None, False,
    ]  # fmt: skip


def test_an_audit_that_reads_twice_or_writes_again_what_is_the_same_misses_its_targets() -> None:
    usage = Usage(cpu=1.0, peak_memory=100_000_000)
    flawless = AuditRecording(
        size=AuditSize(identities=100, regions=2, rate=0.0),
        calls={"GetEmailIdentity": 200, "ListEmailIdentities": 2, "GetAccount": 2},
        before=usage,
        after=Usage(cpu=1.2, peak_memory=110_000_000),
        seconds=3.0,
        findings=400,
        status_bytes=5_000,
        report_bytes=[80_000, 70_000],
        rewritten=0,
    )
    assert not any(figure.met is False for figure in audit_figures(flawless))
    wasteful = replace(flawless, calls={"GetEmailIdentity": 400, "ListEmailIdentities": 9, "GetAccount": 200})
    heavy = replace(
        wasteful, after=Usage(9.0, 500_000_000), status_bytes=200_000, report_bytes=[1_600_000], rewritten=1
    )
    missed = [figure.name for figure in audit_figures(heavy) if figure.met is False]
    assert len(missed) == len([figure for figure in audit_figures(heavy) if figure.met is not None])
