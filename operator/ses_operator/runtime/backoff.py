"""The delay before another attempt: one rule for queues, lists, watches, batches and reports."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from ses_operator.core.model.problems import OperatorError, Retry

T = TypeVar("T")


def _may_pass(error: OperatorError) -> bool:
    return isinstance(error, Retry)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds to wait after the nth failure in a row: ``first``, then ``factor`` times as long each time, up to ``cap``.

    Up to ``spread`` of that is added by chance, so that what failed together does not come back together.
    """

    first: float = 0.1
    cap: float = 300.0
    factor: float = 2.0
    spread: float = 0.2
    draw: Callable[[], float] = field(default=random.random)

    def delay(self, failures: int) -> float:
        """Return the delay after this many failures (1 and up)."""
        grown = self.first * self.factor ** min(failures - 1, 32)
        return min(self.cap, grown) * (1 + self.spread * self.draw())

    async def retry(
        self,
        ask: Callable[[], Awaitable[T]],
        *,
        tries: int | None = None,
        may_pass: Callable[[OperatorError], bool] = _may_pass,
        on_failure: Callable[[OperatorError], None] = lambda _: None,
    ) -> T:
        """Return what ``ask`` answers, asking again while it fails in passing; as long as the error says, if it does.

        ``tries``: how often to ask in all, None for without end. Raises the last error, or one that will not pass.
        """
        for failures in count(1):
            try:
                return await ask()
            except OperatorError as error:
                if failures == tries or not may_pass(error):
                    raise
                on_failure(error)
                pause = error.problem.retry_after or self.delay(failures)
            await asyncio.sleep(pause)
        raise AssertionError("unreachable")
