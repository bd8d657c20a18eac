"""Shows a person that something long is in progress, on a terminal and in the log of a CI run."""

import sys
import threading
import time
from types import TracebackType
from typing import Self, TextIO

_LOG_EVERY = 15.0
_TERMINAL_EVERY = 0.2


class Progress:
    """A line on stderr that says what is being done and for how long.

    On a terminal the line is rewritten in place; anywhere else one is printed every 15 seconds, so that a log stays
    short and a CI system that stops silent jobs does not stop this one.
    """

    def __init__(self, title: str, *, stream: TextIO | None = None) -> None:
        self._title = title
        self._detail = ""
        self._stream = stream or sys.stderr
        self._finished = threading.Event()
        self._started = time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def detail(self, text: str) -> None:
        """Set what exactly is being done at the moment; shown at the next refresh."""
        self._detail = text

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        self._write(f"{self._title} …\n")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finished.set()
        self._thread.join()
        outcome = "done" if error is None else "failed"
        self._write(f"{self._erase}{self._title}: {outcome} after {self._elapsed} s\n")

    @property
    def _elapsed(self) -> int:
        return round(time.monotonic() - self._started)

    @property
    def _erase(self) -> str:
        return "\r\033[K" if self._stream.isatty() else ""

    def _run(self) -> None:
        terminal = self._stream.isatty()
        while not self._finished.wait(_TERMINAL_EVERY if terminal else _LOG_EVERY):
            line = f"  {self._elapsed} s  {self._detail}"
            self._write(f"{self._erase}{line[:100]}" if terminal else f"{line}\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
