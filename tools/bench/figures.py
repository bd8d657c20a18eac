"""The figures, computed from what was recorded: the sandbox's log of calls, the apiserver's audit log, the process. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil, sqrt

LISTS = frozenset({"ListEmailIdentities", "ListConfigurationSets", "GetIdentityMailFromDomainAttributes", "GetAccount"})
"""The calls that follow the idle poll: a page, or a hundred, of many identities each, and one for the account."""
THROTTLES = frozenset({"TooManyRequestsException", "Throttling", "ThrottlingException"})
CREATE = "CreateEmailIdentity"


@dataclass(frozen=True, slots=True)
class Call:
    """One request that the sandbox answered. ``at`` is the sandbox's time; ``error`` AWS's code, empty for success."""

    at: datetime
    service: str
    operation: str
    region: str
    error: str = ""

    @property
    def is_ses(self) -> bool:
        """True for a call of SES, by either version of its API."""
        return self.service == "ses"

    @property
    def is_throttled(self) -> bool:
        """True if it was refused for the number of calls."""
        return self.error in THROTTLES


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a run. ``rate``: SES requests per second, action and region; ``speed``: of the sandbox's clock."""

    identities: int
    regions: int
    rate: float
    speed: float

    @property
    def identity_regions(self) -> int:
        """The number of identities, each counted once for each of its regions."""
        return self.identities * self.regions


@dataclass(frozen=True, slots=True)
class Usage:
    """The resources that a process has used: CPU in seconds since its start, memory at its peak in bytes."""

    cpu: float
    peak_memory: int


@dataclass(frozen=True, slots=True)
class Recording:
    """Everything that was recorded in one run."""

    size: Size
    way_up: Sequence[Call]
    quiet: Sequence[Call]
    restart: Sequence[Call]
    writes: int
    quiet_writes: int
    quiet_minutes: float
    before: Usage
    after: Usage
    seconds_to_ready: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. ``met`` None: it has no target."""

    name: str
    value: str
    target: str
    met: bool | None = None
    number: float | None = None
    details: Mapping[str, float] = field(default_factory=dict)


def figures(recording: Recording) -> tuple[Figure, ...]:
    """Return all figures, in the order of the table."""
    return (*_creation(recording), *_calls(recording), *_writes(recording), *_process(recording), *_restart(recording))


def _creation(recording: Recording) -> Iterable[Figure]:
    share, throttled = creation_share(recording.way_up, recording.size), throttled_share(recording.way_up)
    yield Figure("creates, of what the limit allows meanwhile", f"{share:.1%}", ">= 90 %", share >= 0.9, share)
    yield Figure("SES calls that were throttled", f"{throttled:.2%}", "<= 1 %", throttled <= 0.01, throttled)


def creation_share(calls: Iterable[Call], size: Size) -> float:
    """Return successful creates as a share of rate × time, from the first create of a region to its last, over all regions.

    The first create of a region is the beginning of the time and not counted in it.
    """
    created: dict[str, list[datetime]] = {}
    for call in calls:
        if call.operation == CREATE and not call.error:
            created.setdefault(call.region, []).append(call.at)
    done = allowed = 0.0
    for moments in created.values():
        seconds = (max(moments) - min(moments)).total_seconds() / size.speed
        done += len(moments) - 1
        allowed += seconds * size.rate
    return done / allowed if allowed else 0.0


def throttled_share(calls: Iterable[Call]) -> float:
    """Return the share of SES requests that were refused for their number."""
    throttled = [call.is_throttled for call in calls if call.is_ses]
    return sum(throttled) / len(throttled) if throttled else 0.0


def _calls(recording: Recording) -> Iterable[Figure]:
    per = recording.size.identity_regions
    by_operation = Counter(call.operation for call in recording.way_up if call.is_ses)
    count = sum(number for operation, number in by_operation.items() if operation not in LISTS) / per
    details = {operation: round(number / per, 3) for operation, number in sorted(by_operation.items())}
    name = "SES calls per identity-region to verified, lists apart"
    yield Figure(name, f"{count:.2f}", "<= 4", count <= 4, count, details)
    quiet = Counter(call.operation for call in recording.quiet if call.is_ses)
    others = sum(number for operation, number in quiet.items() if operation not in LISTS)
    name = f"SES calls in {recording.quiet_minutes:g} quiet minutes, lists apart"
    most = sweep_share(recording.size, recording.quiet_minutes)
    target = f"<= {most}, the sweep's share"
    yield Figure(name, str(others), target, others <= most, others, {k: float(v) for k, v in quiet.items()})


def sweep_share(size: Size, minutes: float) -> int:
    """Return the most calls that a resync of each identity once a day may make in so many minutes.

    Turns are spread by a hash: their number is a random one, and four standard deviations above its mean are allowed.
    """
    turns = size.identities * minutes / (24 * 60)
    return ceil(turns + 4 * sqrt(turns)) * size.regions


def _writes(recording: Recording) -> Iterable[Figure]:
    writes = recording.writes / recording.size.identities
    yield Figure("Kubernetes writes per identity, apply to Ready", f"{writes:.2f}", "<= 7", writes <= 7, writes)
    quiet = recording.quiet_writes
    name = f"Kubernetes writes in {recording.quiet_minutes:g} quiet minutes, the Lease apart"
    yield Figure(name, str(quiet), "0", quiet == 0, quiet)


def _process(recording: Recording) -> Iterable[Figure]:
    cpu = (recording.after.cpu - recording.before.cpu) / recording.size.identity_regions * 1000
    yield Figure("CPU per identity-region, apply to Ready", f"{cpu:.1f} ms", "<= 16 ms", cpu <= 16, cpu)
    memory, limit = recording.after.peak_memory / 1e6, 150 if recording.size.identities <= 200 else 250
    yield Figure("peak memory of the operator", f"{memory:.0f} MB", f"<= {limit} MB", memory <= limit, memory)
    yield Figure("from apply to all Ready", f"{recording.seconds_to_ready:.1f} s", "", None, recording.seconds_to_ready)


def _restart(recording: Recording) -> Iterable[Figure]:
    by_operation = Counter(call.operation for call in recording.restart if call.is_ses)
    others = sum(number for operation, number in by_operation.items() if operation not in LISTS)
    details = {operation: float(number) for operation, number in by_operation.items()}
    pages = sum(number for operation, number in by_operation.items() if operation in LISTS)
    value = f"{pages} list pages, {others} others"
    met = others == 0 and pages > 0
    yield Figure("SES calls of a restart with all verified", value, "list pages only", met, others, details)
