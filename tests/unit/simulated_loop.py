"""An event loop whose clock jumps to the next timer instead of waiting for it."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("nothing will ever happen: a task waits for what no timer brings")
        self.now += timeout
        events: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        return events


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Time is that of its timers: sleeping an hour takes no time and moves ``time()`` by 3,600 seconds."""

    def __init__(self) -> None:
        self._clock = _JumpingSelector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


def simulate(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run the coroutine to its end in simulated time."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(coroutine)
