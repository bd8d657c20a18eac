"""Child processes that write to a log file, stop when told, and never outlive the process that started them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from devcluster.waiting import eventually

_LAUNCH = Path(__file__).with_name("launch.py")


class ProcessError(RuntimeError):
    """A child process ended by itself or did not become ready; the message ends with the tail of its log."""


class Process:
    """One child process.

    On Linux the kernel kills it when the thread that called `start` ends, so start it from a thread that lives as
    long as it should (the main thread does).
    """

    def __init__(
        self, name: str, command: Sequence[str | Path], log: Path, *, env: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.log = log
        self._command = [str(argument) for argument in command]
        self._env = {**os.environ, **(env or {})}
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and returns at once. The log is appended to, for a process may be started again."""
        launcher = [sys.executable, "-I", "-S", str(_LAUNCH), str(os.getpid())]
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C in a terminal reaches only the process that stops the others in order.
            self._popen = subprocess.Popen(
                [*launcher, *self._command],
                env=self._env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        """Its process id; the same before and after it became the program asked for."""
        if self._popen is None:
            raise ProcessError(f"{self.name} was not started")
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    def stop(self, *, grace: float = 10.0) -> int | None:
        """Asks it to end, and kills it after `grace` seconds. Its exit status; None if it was not started."""
        if self._popen is None:
            return None
        self._popen.terminate()
        try:
            return self._popen.wait(grace)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int | None:
        """Ends it as a power failure would. Its exit status; None if it was not started."""
        if self._popen is None:
            return None
        self._popen.send_signal(signal.SIGKILL)
        return self._popen.wait()

    def tail(self, lines: int = 15) -> str:
        """The last lines of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def await_ready(self, ready: Callable[[], bool], *, timeout: float) -> None:
        """Returns as soon as `ready` says so. Raises ProcessError if it ends first, or after `timeout` seconds."""
        try:
            eventually(lambda: ready() or not self.running, timeout=timeout, of=self.name)
        except TimeoutError:
            raise ProcessError(
                f"{self.name} was not ready after {timeout:.0f} s; its log ends:\n{self.tail()}"
            ) from None
        if not self.running:
            raise ProcessError(f"{self.name} ended by itself; its log ends:\n{self.tail()}")
