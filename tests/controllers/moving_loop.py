"""An event loop that skips the time in which nothing happens.

It does real work: HTTP to the apiserver and to the sandbox, DNS over UDP, threads. While any of this is on its way it waits as
any loop does. When all that is left are timers, its clock jumps to the next one instead of waiting for it.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class NothingLeftError(RuntimeError):
    """A task waits for what neither a timer nor a request brings."""


class MovingLoop(asyncio.SelectorEventLoop):
    """``on_jump`` is called with the seconds of each jump, in the loop's thread. ``quiet_port``: connections to it are kept
    open by those who use it; what they ask is told by ``busy``."""

    def __init__(self, on_jump: Callable[[float], None], quiet_port: int) -> None:
        self._skipped = 0.0
        self._on_jump = on_jump
        self._under_way = 0
        self._watched = _Selector(self, quiet_port)
        super().__init__(self._watched)

    def time(self) -> float:
        """Seconds: those of the process, and what was skipped."""
        return super().time() + self._skipped

    def jump(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self._skipped += seconds
        self._on_jump(seconds)

    @property
    def is_idle(self) -> bool:
        """Whether nothing but a timer can bring anything."""
        return not self._under_way and not self._watched.open_sockets

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Within the block something is on its way that the loop does not know of."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """As ever; the loop waits for the thread."""
        future = super().run_in_executor(executor, func, *args)
        self._under_way += 1
        future.add_done_callback(self._ended)
        return future

    def _ended(self, _: asyncio.Future[Any]) -> None:
        self._under_way -= 1


class _Selector(selectors.DefaultSelector):
    def __init__(self, loop: MovingLoop, quiet_port: int) -> None:
        super().__init__()
        self._loop = loop
        self._quiet_port = quiet_port
        self.open_sockets: set[int] = set()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = super().register(fileobj, events, data)
        if self._brings_news(key.fd):
            self.open_sockets.add(key.fd)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = super().unregister(fileobj)
        self.open_sockets.discard(key.fd)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if events or timeout == 0:
            return events
        if not self._loop.is_idle:
            return super().select(timeout)
        if timeout is None:
            raise NothingLeftError("a task waits for what neither a timer nor a request brings")
        self._loop.jump(timeout)
        return []

    def _brings_news(self, descriptor: int) -> bool:
        """Whether it is a question to a name server, for one: not the loop's own wake-up, nor a connection kept alive."""
        with socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM) as probe:
            if probe.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN) == socket.AF_UNIX:
                return False
            try:
                return bool(probe.getpeername()[1] != self._quiet_port)
            except OSError:
                return True
