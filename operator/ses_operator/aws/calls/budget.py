"""The request budget: how many calls AWS allows, shared fairly among those that wait.

SES throttles every action but sending at one request per second, for each action, account and region. Each of these
has a bucket of its own here, which lets calls out one by one at that pace.

Source: SES Developer Guide, "Service quotas"; additive increase, multiplicative decrease as in TCP (RFC 5681).
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from itertools import count

DEFAULT_RATE = 1.0
MARGIN = 0.97  # of the limit: what clocks and networks shift must not add up to a throttled call
SWEEP_SHARE = 0.7  # of the bucket: Terraform and the console have to get through
CATCH_UP_SECONDS = 0.1  # of lateness are made up for, or each delay of the event loop would be lost for good
DECREASE = 0.7
INCREASE_PER_SECOND = 0.03  # of the full rate, for each second of successful calls
LOWEST_FACTOR = 0.1
TIMER_RESOLUTION = 1e-6  # seconds; what comes earlier by less is on time
REACTION_SECONDS = 1.0  # calls that were in flight when AWS refused one say nothing new


class Priority(IntEnum):
    """The order in which waiting calls are served."""

    PERSON = 0  # a person changed something and waits
    PENDING = 1  # an identity that is not verified yet
    SWEEP = 2  # a resync of what is done
    AUDIT = 3  # an audit, which no one waits for


@dataclass(frozen=True, slots=True)
class Bucket:
    """The calls that AWS counts together."""

    account_id: str
    region: str
    action: str


class Pace:
    """The arithmetic of one bucket; the caller brings the clock (seconds, monotonic)."""

    __slots__ = ("_eased_at", "_next", "_next_sweep", "factor", "rate")

    def __init__(self, rate: float) -> None:
        self.rate = rate  # requests per second that AWS allows
        self.factor = 1.0  # the part of it that AWS is believed to allow at present
        self._next = float("-inf")
        self._next_sweep = float("-inf")
        self._eased_at = float("-inf")

    @property
    def interval(self) -> float:
        """Seconds between two calls."""
        return 1.0 / (self.rate * self.factor * MARGIN)

    @property
    def _catch_up(self) -> float:
        """Seconds of lateness to make up for. A bucket of one request has no room for two that come close together."""
        return min(CATCH_UP_SECONDS, max(0.0, self.rate - 1.0) / self.rate)

    def ready_at(self, priority: Priority) -> float:
        """Return when the next call of this priority may go out."""
        return max(self._next, self._next_sweep) if priority >= Priority.SWEEP else self._next

    def take(self, priority: Priority, now: float) -> None:
        """Count a call that goes out now."""
        earliest = now - self._catch_up
        self._next = max(self._next, earliest) + self.interval
        if priority >= Priority.SWEEP:
            self._next_sweep = max(self._next_sweep, earliest) + self.interval / SWEEP_SHARE

    def give_back(self, priority: Priority) -> None:
        """Undo ``take`` for a call that was let out and did not go."""
        self._next -= self.interval
        if priority >= Priority.SWEEP:
            self._next_sweep -= self.interval / SWEEP_SHARE

    @property
    def last(self) -> float:
        """When about the last call went out, or was refused."""
        return max(self._next - self.interval, self._eased_at)

    def throttled(self, now: float) -> None:
        """Pause for one interval more, and go slower: AWS refused a call."""
        if now - self._eased_at < REACTION_SECONDS:
            return
        self._eased_at = now
        self.factor = max(LOWEST_FACTOR, self.factor * DECREASE)
        self._next = max(self._next, now + self.interval)

    def succeeded(self) -> None:
        """Go a little faster again, up to the full rate: AWS accepted a call."""
        if self.factor < 1.0:
            self.factor = min(1.0, self.factor + INCREASE_PER_SECOND / self.rate)


class _Line:
    """The calls that wait at one bucket: by priority, then first come first served. One timer, for the one at the head."""

    __slots__ = ("_timer", "_waiting", "pace")

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self._waiting: list[tuple[Priority, int, asyncio.Future[None]]] = []
        self._timer: asyncio.TimerHandle | None = None

    def join(self, priority: Priority, number: int) -> asyncio.Future[None]:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, number, turn))
        self.serve()
        return turn

    @property
    def is_waited_for(self) -> bool:
        """True if calls wait."""
        return bool(self._waiting)

    def serve(self) -> None:
        """Let out every call whose time has come, and set the timer for the next."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._waiting:
            priority, _, turn = self._waiting[0]
            if turn.done():  # the waiter was cancelled
                heapq.heappop(self._waiting)
                continue
            ready_at = self.pace.ready_at(priority)
            if ready_at > now + TIMER_RESOLUTION:
                self._timer = loop.call_at(ready_at, self.serve)
                return
            heapq.heappop(self._waiting)
            self.pace.take(priority, now)
            turn.set_result(None)


class RequestBudget:
    """One bucket for each action, account and region; each call waits here for its turn.

    Time is that of the running event loop. ``on_wait`` receives how long each call waited, in seconds.
    """

    __slots__ = ("_default_rate", "_lines", "_numbers", "_on_wait", "_rates")

    def __init__(
        self, default_rate: float = DEFAULT_RATE, on_wait: Callable[[Bucket, float], None] | None = None
    ) -> None:
        self._default_rate = default_rate
        self._on_wait = on_wait
        self._rates: dict[str, float] = {}
        self._lines: dict[Bucket, _Line] = {}
        self._numbers = count()

    def set_rate(self, account_id: str, rate: float) -> None:
        """Set how many requests per second AWS allows this account, for each action and region."""
        self._rates[account_id] = rate
        for bucket, line in self._lines.items():
            if bucket.account_id == account_id:
                line.pace.rate = rate
                line.serve()

    def rate(self, bucket: Bucket) -> float:
        """Return the requests per second that are planned at present: less than allowed for a while after throttling."""
        pace = self._line(bucket).pace
        return pace.rate * pace.factor

    async def acquire(self, bucket: Bucket, priority: Priority) -> None:
        """Wait for a turn to make one call. A waiter that is cancelled leaves its turn to the next."""
        line = self._line(bucket)
        clock = asyncio.get_running_loop().time
        joined_at = clock()
        turn = line.join(priority, next(self._numbers))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                line.pace.give_back(priority)
            turn.cancel()
            line.serve()
            raise
        if self._on_wait is not None:
            self._on_wait(bucket, clock() - joined_at)

    def throttled(self, bucket: Bucket) -> None:
        """Slow the bucket down: AWS refused one of its calls as one too many."""
        line = self._line(bucket)
        line.pace.throttled(asyncio.get_running_loop().time())
        line.serve()

    def succeeded(self, bucket: Bucket) -> None:
        """Let the bucket recover a little: AWS accepted one of its calls."""
        self._line(bucket).pace.succeeded()

    @property
    def buckets(self) -> frozenset[Bucket]:
        """The buckets that calls were taken from lately."""
        return frozenset(self._lines)

    def forget_idle(self, seconds: float) -> None:
        """Forget the buckets from which no call has gone out for so long, and for which none waits."""
        since = asyncio.get_running_loop().time() - seconds
        self._lines = {
            bucket: line for bucket, line in self._lines.items() if line.pace.last > since or line.is_waited_for
        }

    def _line(self, bucket: Bucket) -> _Line:
        line = self._lines.get(bucket)
        if line is None:
            pace = Pace(self._rates.get(bucket.account_id, self._default_rate))
            line = self._lines[bucket] = _Line(pace)
        return line
