"""A loopback TCP forwarder that can be cut, so that one client loses its server while all others keep it."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from enum import Enum, auto
from types import TracebackType
from typing import Any, Self

_CHUNK = 65_536


class Cut(Enum):
    """The two ways in which a network fails."""

    REFUSED = auto()
    """Connections are reset and new ones closed at once, as when the server's host is there and the server is not."""

    SILENT = auto()
    """Bytes are lost and no side is notified, as when a cable is cut. `restore` delivers what was in flight."""


class TcpProxy:
    """Forwards 127.0.0.1:`port` to 127.0.0.1:`target`, from `with` to its end, in a thread of its own.

    `cut` and `restore` return when the change is in force: no byte passes after `cut` has returned.
    """

    def __init__(self, target: int) -> None:
        self.port = 0
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tcp-proxy", daemon=True)
        self._cut: Cut | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._connections: dict[asyncio.Task[Any], list[asyncio.StreamWriter]] = {}

    @property
    def url(self) -> str:
        """The address to give to a client of the apiserver."""
        return f"https://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self, how: Cut = Cut.REFUSED) -> None:
        """Stop all traffic, of connections open and to come."""
        self._run(self._set(how))

    def restore(self) -> None:
        """Let traffic pass again."""
        self._run(self._set(None))

    def _run(self, change: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(change, self._loop).result()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        self._reset_connections()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _set(self, cut: Cut | None) -> None:
        self._cut = cut
        if cut is None:
            self._flowing.set()
            return
        self._flowing.clear()
        if cut is Cut.REFUSED:
            self._reset_connections()

    def _reset_connections(self) -> None:
        for writers in self._connections.values():
            for writer in writers:
                writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or self._cut is Cut.REFUSED:
            writer.transport.abort()
            return
        self._connections[task] = writers = [writer]
        try:
            await self._flowing.wait()
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
            writers.append(server_writer)
            await asyncio.gather(self._pump(reader, server_writer), self._pump(server_reader, writer))
        except (OSError, asyncio.CancelledError):  # either side closed or reset: so does the other; or all is over
            pass
        finally:
            del self._connections[task]
            for each in writers:
                each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            await self._flowing.wait()
            writer.write(data)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()
