"""The log of calls: the caller, the service and operation, and the result."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from threading import Lock

KEPT = 100_000
"""The number of calls that are kept one by one; the counts are of all."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the AWS endpoint.

    ``number``: grows by one with every call. ``at``: simulated time of arrival. ``seconds``: real time it took.
    ``caller``: ARN of the user or the role session, None if none was admitted.
    ``status``: HTTP status, 0 if the connection was closed without an answer. ``error``: AWS error code, None for
    success.
    ``lost``: carried out, but the answer was withheld by a fault.
    """

    number: int
    at: datetime
    account: str
    region: str
    service: str
    operation: str
    identity: str | None
    access_key: str
    caller: str | None
    status: int
    error: str | None
    seconds: float
    lost: bool = False

    @property
    def result(self) -> str:
        """``ok``, or the error code."""
        return self.error or "ok"


@dataclass(frozen=True, slots=True)
class CallFilter:
    """A selection of calls; None for all. ``since``: only those with a greater number."""

    since: int | None = None
    service: str | None = None
    operation: str | None = None
    region: str | None = None
    identity: str | None = None
    result: str | None = None

    def admits(self, call: Call) -> bool:
        """Return True if a call is selected."""
        wanted = (self.service, self.operation, self.region, self.identity, self.result)
        actual = (call.service, call.operation, call.region, call.identity, call.result)
        return (self.since is None or call.number > self.since) and all(
            want is None or want == have for want, have in zip(wanted, actual, strict=True)
        )


@dataclass(frozen=True, slots=True)
class CallCount:
    """The number of calls of one operation in one region with one result."""

    service: str
    operation: str
    region: str
    result: str
    count: int


class CallLog:
    """All calls since the last reset. Safe for use by several threads."""

    def __init__(self, kept: int = KEPT) -> None:
        self._lock = Lock()
        self._calls: deque[Call] = deque(maxlen=kept)
        self._counts: Counter[tuple[str, str, str, str]] = Counter()
        self._number = 0

    def next_number(self) -> int:
        """Return the number for the next call."""
        with self._lock:
            self._number += 1
            return self._number

    def record(self, call: Call) -> None:
        """Add a call that has ended."""
        with self._lock:
            self._calls.append(call)
            self._counts[call.service, call.operation, call.region, call.result] += 1

    def calls(self, wanted: CallFilter, limit: int) -> list[Call]:
        """Return the newest ``limit`` calls that are selected, oldest first."""
        with self._lock:
            newest_first: Iterator[Call] = (call for call in reversed(self._calls) if wanted.admits(call))
            return list(islice(newest_first, limit))[::-1]

    def counts(self) -> list[CallCount]:
        """Return counts per service, operation, region and result, sorted; also of calls that are no longer kept."""
        with self._lock:
            return [CallCount(*key, count) for key, count in sorted(self._counts.items())]

    def reset(self) -> None:
        """Forget all; the numbers go on."""
        with self._lock:
            self._calls.clear()
            self._counts.clear()
