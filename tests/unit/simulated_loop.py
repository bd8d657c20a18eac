"""An event loop whose clock jumps to the next timer instead of waiting for it."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, always: Callable[[], bool]) -> None:
        super().__init__()
        self.now = 0.0
        self.always = always
        self.broken_at: float | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("nothing will ever happen: a task waits for what no timer brings")
        if self.broken_at is None and not self.always():
            self.broken_at = self.now
        self.now += timeout
        events: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        return events


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Time is that of its timers: sleeping an hour takes no time and moves ``time()`` by 3,600 seconds."""

    def __init__(self, always: Callable[[], bool] = lambda: True) -> None:
        self.clock = _JumpingSelector(always)
        super().__init__(self.clock)

    def time(self) -> float:
        return self.clock.now


def simulate(coroutine: Coroutine[Any, Any, T], always: Callable[[], bool] = lambda: True) -> T:
    """Run the coroutine to its end in simulated time. ``always``: what must hold after everything that happens."""
    loop = SimulatedLoop(always)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        result = runner.run(coroutine)
    assert loop.clock.broken_at is None, f"it did not hold after {loop.clock.broken_at} s"
    return result
