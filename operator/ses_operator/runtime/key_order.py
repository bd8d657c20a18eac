"""The two orders in which keys wait: those that are ready, by urgency, and those that are due later, by time.

Both are plain data structures: no clock, no event loop.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Urgency(IntEnum):
    """The urgency of a key: the lower goes first."""

    URGENT = 0  # a person has just changed something
    NORMAL = 1  # something that was waited for may have come
    LOW = 2  # a periodic resync


@dataclass(frozen=True, slots=True)
class Ready(Generic[K]):
    """A key taken from the queue: how urgent it was, and since when it waited (loop time, seconds)."""

    key: K
    urgency: Urgency
    since: float


class ReadyKeys(Generic[K]):
    """Keys that wait for a worker, each once: the most urgent first, then the longest waiting."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[Urgency, OrderedDict[K, float]] = {urgency: OrderedDict() for urgency in Urgency}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def put(self, key: K, urgency: Urgency, now: float) -> bool:
        """Add a key; True if it was not waiting yet. One that waits is moved up if this is more urgent, never down."""
        for known, keys in self._waiting.items():
            if key in keys:
                if urgency < known:
                    self._waiting[urgency][key] = keys.pop(key)
                return False
        self._waiting[urgency][key] = now
        return True

    def take(self, least: Urgency = Urgency.LOW) -> Ready[K] | None:
        """Return the next key that is at least as urgent as ``least``, or None."""
        for urgency, keys in self._waiting.items():
            if keys and urgency <= least:
                key, since = keys.popitem(last=False)
                return Ready(key, urgency, since)
        return None

    def oldest(self) -> float | None:
        """Return since when the longest waiting key waits."""
        return min((next(iter(keys.values())) for keys in self._waiting.values() if keys), default=None)


@dataclass(frozen=True, slots=True, order=True)
class _Due(Generic[K]):
    at: float
    sequence: int
    key: K
    urgency: Urgency


class DelayedKeys(Generic[K]):
    """Keys that are due later, each once: an earlier time replaces a later one, a later one changes nothing."""

    __slots__ = ("_due", "_heap", "_sequence")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, _Due[K]]] = []
        self._due: dict[K, _Due[K]] = {}
        self._sequence = 0

    def __len__(self) -> int:
        return len(self._due)

    def put(self, key: K, at: float, urgency: Urgency) -> None:
        """Make the key due at this time, or earlier if it is so already."""
        known = self._due.get(key)
        if known is not None and known.at <= at:
            return
        self._sequence += 1
        due = _Due(at, self._sequence, key, urgency)
        self._due[key] = due
        heapq.heappush(self._heap, (at, due.sequence, due))
        self._compact()

    def discard(self, key: K) -> None:
        """Forget the key, which is not due any more."""
        self._due.pop(key, None)

    def next_due(self) -> float | None:
        """Return when the next key is due."""
        while self._heap and not self._stands(self._heap[0][2]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take_due(self, now: float) -> Iterator[tuple[K, Urgency]]:
        """Remove and yield the keys that are due, in the order of their times."""
        while (at := self.next_due()) is not None and at <= now:
            due = heapq.heappop(self._heap)[2]
            del self._due[due.key]
            yield due.key, due.urgency

    def _stands(self, due: _Due[K]) -> bool:
        return self._due.get(due.key) is due

    def _compact(self) -> None:
        # What was replaced or discarded stays in the heap until it comes up, which for a daily resync is a day.
        if len(self._heap) > 2 * len(self._due) + 64:
            self._heap = [entry for entry in self._heap if self._stands(entry[2])]
            heapq.heapify(self._heap)
