"""The HTTP server under the AWS endpoint."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from waitress.server import create_server  # type: ignore[import-untyped]

from ses_sandbox.settings import SandboxSettings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

STOP_SECONDS = 5.0
CONNECTIONS = 1000


class HttpServer:
    """waitress in a thread: keep-alive, and a pool of threads for requests."""

    def __init__(self, app: WSGIApplication, settings: SandboxSettings) -> None:
        self._app = app
        self._settings = settings
        self._server: Any = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address that it listens on, once started."""
        if self._server is None:
            raise RuntimeError("the server is not started")
        return f"http://{self._settings.host}:{self._server.effective_port}"

    def start(self) -> None:
        """Listen. Raises OSError if the port is taken."""
        self._server = create_server(
            self._app,
            host=self._settings.host,
            port=self._settings.aws_port,
            threads=self._settings.threads,
            connection_limit=CONNECTIONS,
            asyncore_use_poll=True,  # select() ends at 1024 descriptors
            log_socket_errors=False,  # a HangUp then closes the connection without an answer
            ident="ses-sandbox",
        )
        self._thread = threading.Thread(target=self._server.run, name="aws-endpoint", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the socket, let requests in flight end and wait for the threads."""
        if self._server is None or self._thread is None:
            return
        self._server.task_dispatcher.shutdown(timeout=STOP_SECONDS)
        with contextlib.suppress(
            OSError
        ):  # the loop was awake, has closed all already, and what wakes it with the rest
            self._server.trigger.pull_trigger(self._close_all)
        self._thread.join(STOP_SECONDS)

    def _close_all(self) -> None:
        """Close all sockets in the server's own loop, which then ends: that of the server, and connections kept alive."""
        self._server.asyncore.close_all(self._server._map, ignore_all=True)  # noqa: SLF001  waitress has no other way
