"""Child processes that write to a log file, stop when told, and never outlive the process that started them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from devcluster.waiting import eventually

_LAUNCH = Path(__file__).with_name("launch.py")


class ProcessError(RuntimeError):
    """A child process ended by itself or did not become ready; the message ends with the tail of its log."""


class Child(Protocol):
    """A process that was started; ``subprocess.Popen`` is one."""

    pid: int

    def poll(self) -> int | None:
        """Return its exit status, or None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit status. Raises subprocess.TimeoutExpired."""
        ...

    def send_signal(self, number: int, /) -> None:
        """Signal it, if it has not ended."""
        ...


Launch = Callable[[Sequence[str], Mapping[str, str], Path], Child]
"""Starts a command with an environment, its output appended to a log, and returns at once."""


def execute(command: Sequence[str], env: Mapping[str, str], log: Path) -> Child:
    """Run the command itself."""
    launcher = [sys.executable, "-I", "-S", str(_LAUNCH), str(os.getpid())]
    with log.open("ab") as file:
        # A session of its own: Ctrl-C in a terminal reaches only the process that stops the others in order.
        return subprocess.Popen(
            [*launcher, *command],
            env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip


class Process:
    """One child process. ``launch``: how it is started, if not by running the command.

    On Linux the kernel kills it when the thread that called `start` ends, so start it from a thread that lives as
    long as it should (the main thread does).
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        launch: Launch = execute,
    ) -> None:
        self.name = name
        self.log = log
        self._command = [str(argument) for argument in command]
        self._env = {**os.environ, **(env or {})}
        self._launch = launch
        self._child: Child | None = None

    def start(self) -> None:
        """Start it and return at once. The log is appended to, because a process may be started again."""
        self._child = self._launch(self._command, self._env, self.log)

    @property
    def pid(self) -> int:
        """Its process id; the same before and after it became the program asked for."""
        if self._child is None:
            raise ProcessError(f"{self.name} was not started")
        return self._child.pid

    @property
    def running(self) -> bool:
        """True while it runs."""
        return self._child is not None and self._child.poll() is None

    def wait(self, timeout: float) -> int | None:
        """Return its exit status, once it has ended by itself; None if it was not started. Raises subprocess.TimeoutExpired."""
        return None if self._child is None else self._child.wait(timeout)

    def stop(self, *, grace: float = 60.0) -> int | None:
        """Ask it to end, and kill it after `grace` seconds. Returns its exit status; None if it was not started."""
        if self._child is None:
            return None
        self._child.send_signal(signal.SIGTERM)
        try:
            return self._child.wait(grace)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int | None:
        """End it as a power failure would. Returns its exit status; None if it was not started."""
        if self._child is None:
            return None
        self._child.send_signal(signal.SIGKILL)
        return self._child.wait()

    def tail(self, lines: int = 15) -> str:
        """Return the last lines of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def await_ready(self, ready: Callable[[], bool], *, timeout: float) -> None:
        """Wait until `ready` returns true. Raises ProcessError if it ends first, or after `timeout` seconds."""
        try:
            eventually(lambda: ready() or not self.running, timeout=timeout, of=self.name)
        except TimeoutError:
            raise ProcessError(
                f"{self.name} was not ready after {timeout:.0f} s; its log ends:\n{self.tail()}"
            ) from None
        if not self.running:
            raise ProcessError(f"{self.name} ended by itself; its log ends:\n{self.tail()}")
