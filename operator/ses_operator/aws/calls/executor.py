"""The only way from the event loop to AWS: a pool of threads behind a gate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

DEFAULT_THREADS = 16

Gate = Callable[[], None]
"""Raises ``Retry`` while this replica may not call AWS; called in a thread, so it reads nothing but a clock and a value."""


def always_open() -> None:
    """Let every call pass: the gate of a process that needs no leader, such as the command line and tests."""


class Executor:
    """Runs blocking calls in threads of its own, each only if the gate lets it pass.

    The gate is asked in the thread, right before the call: a call that had to wait for a free thread must not go out
    after the deadline that it was meant to keep. A cancelled call that has begun is finished by its thread, unseen.
    """

    __slots__ = ("_gate", "_pool", "threads")

    def __init__(self, gate: Gate = always_open, threads: int = DEFAULT_THREADS) -> None:
        self._gate = gate
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="aws")
        self.threads = threads

    async def call(self, function: Callable[[], T]) -> T:
        """Return or raise what ``function`` does; or raise what the gate raises."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._guarded, function)

    def _guarded(self, function: Callable[[], T]) -> T:
        self._gate()
        return function()

    def close(self) -> None:
        """Drop what has not begun, and wait for what has (at most its time-outs)."""
        self._pool.shutdown(wait=True, cancel_futures=True)
