"""The sandbox's time: real time, faster, and moved forward on demand, so that 72 hours pass in seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Condition

Listener = Callable[[], None]


class Clock:
    """Simulated time = real time × speed + what was advanced. Never goes back. Safe for use by several threads.

    ``speed``: simulated seconds per real second, more than 0.
    ``monotonic``: real seconds, for tests to inject.
    """

    __slots__ = ("_base", "_changed", "_listeners", "_mark", "_monotonic", "_speed")

    def __init__(
        self,
        speed: float = 1.0,
        *,
        start: datetime | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if speed <= 0:
            raise ValueError("speed must be more than 0")
        self._monotonic = monotonic
        self._base = start or datetime.now(UTC)
        self._mark = monotonic()
        self._speed = speed
        self._changed = Condition()
        self._listeners: list[Listener] = []

    def now(self) -> datetime:
        """Return the simulated time, UTC."""
        with self._changed:
            return self._now()

    @property
    def speed(self) -> float:
        """Simulated seconds per real second."""
        return self._speed

    def set_speed(self, speed: float) -> None:
        """Let time run at ``speed`` from now on. Raises ValueError for 0 or less."""
        if speed <= 0:
            raise ValueError("speed must be more than 0")
        with self._changed:
            self._rebase(timedelta())
            self._speed = speed
        self._announce()

    def advance(self, by: timedelta) -> None:
        """Move time forward at once. Raises ValueError for a negative duration: SES never sees time go back."""
        if by < timedelta():
            raise ValueError("time cannot be moved back")
        with self._changed:
            self._rebase(by)
        self._announce()

    def real_seconds_until(self, moment: datetime) -> float:
        """Return the real seconds from now to a simulated moment at the present speed; 0 for the past."""
        with self._changed:
            return max(0.0, (moment - self._now()).total_seconds() / self._speed)

    def sleep_until(self, moment: datetime, timeout: float | None = None) -> bool:
        """Block until a simulated moment, whatever makes it come. False if ``timeout`` real seconds passed before it."""
        deadline = None if timeout is None else self._monotonic() + timeout
        with self._changed:
            while (left := (moment - self._now()).total_seconds() / self._speed) > 0:
                if deadline is not None:
                    remaining = deadline - self._monotonic()
                    if remaining <= 0:
                        return False
                    left = min(left, remaining)
                self._changed.wait(left)
        return True

    def subscribe(self, listener: Listener) -> None:
        """Call ``listener`` after every jump and change of speed, from the thread that made it.

        Schedulers use it to look again at what is due; it must return at once.
        """
        self._listeners.append(listener)

    def _now(self) -> datetime:
        return self._base + timedelta(seconds=(self._monotonic() - self._mark) * self._speed)

    def _rebase(self, by: timedelta) -> None:
        self._base = self._now() + by
        self._mark = self._monotonic()

    def _announce(self) -> None:
        with self._changed:
            self._changed.notify_all()
        for listener in tuple(self._listeners):
            listener()
