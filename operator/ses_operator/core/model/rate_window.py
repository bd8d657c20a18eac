"""Counts what was done in the last hour, by the minute, and decides if there is room for more. Pure.

The count is in an annotation of a SesAccount and is raised before the thing is done: it survives a restart, and its
size does not depend on the limit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

MINUTE = 60.0
WINDOW_MINUTES = 60
LOOK_AGAIN = 3600.0
"""Seconds until the next check if no amount of time makes room; an event that makes room triggers it earlier."""


@dataclass(frozen=True, slots=True)
class RateWindow:
    """The number granted, by the minute (since 1970, UTC) in which that was."""

    minutes: Mapping[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """The number granted, over all minutes."""
        return sum(self.minutes.values())

    def of_the_last_hour(self, now: datetime) -> RateWindow:
        """Return the window of the last hour, counted from the end of each minute.

        Minutes that a wrong clock wrote far ahead are dropped.
        """
        current = _minute(now)
        near = range(current - WINDOW_MINUTES, current + WINDOW_MINUTES + 1)
        return RateWindow({minute: count for minute, count in self.minutes.items() if minute in near})

    def with_more(self, count: int, now: datetime) -> RateWindow:
        """Return the window with so many more, granted now."""
        current = _minute(now)
        return RateWindow({**self.minutes, current: self.minutes.get(current, 0) + count})

    def encode(self) -> str:
        """Return the annotation's value: ``{"<minute>":<count>}``, in order."""
        return json.dumps({str(minute): self.minutes[minute] for minute in sorted(self.minutes)}, separators=(",", ":"))

    @classmethod
    def decode(cls, text: str | None) -> RateWindow:
        """Read the annotation; a missing or damaged one (a person may edit it) counts nothing."""
        try:
            value: Any = json.loads(text or "{}")
            return cls({int(minute): int(count) for minute, count in value.items() if int(count) > 0})
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
            return cls()


@dataclass(frozen=True, slots=True)
class RateDecision:
    """The number granted now; the count with them in it; the seconds until another try is worthwhile, for those not granted."""

    granted: int
    tally: RateWindow
    wait: float


def decide(tally: RateWindow, limit: int, asked: int, now: datetime) -> RateDecision:
    """Grant as many as the limit leaves room for in the hour that ends now."""
    recent = tally.of_the_last_hour(now)
    granted = min(asked, max(0, limit - recent.total))
    counted = recent.with_more(granted, now) if granted else recent
    return RateDecision(granted, counted, _until_room(counted, limit, now))


def _until_room(tally: RateWindow, limit: int, now: datetime) -> float:
    """Return the seconds until one minute less counts. With a limit of 0 no time helps."""
    if limit == 0 or not tally.minutes:
        return LOOK_AGAIN
    leaves = (min(tally.minutes) + WINDOW_MINUTES + 1) * MINUTE
    return max(1.0, leaves - now.timestamp())


def _minute(moment: datetime) -> int:
    return int(moment.timestamp() // MINUTE)
