"""Starts the operator from a process that has imported it already: a fraction of the CPU time that its command takes.

For tests, which start it hundreds of times. What runs is the same entry point with the same arguments, in a process of its
own; what is left out is the interpreter's start, the imports, and the reading of AWS's service models. Programs of tests that
are made of the operator's parts are started in the same way.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import NoReturn

from devcluster.launch import die_with_parent

_PRELOADED = "devcluster.preloaded"


class ForkedChild:
    """A child of the fork server, in the form of ``subprocess.Popen``."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        self.pid = process.pid or 0

    def poll(self) -> int | None:
        """Return its exit status, or None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit status. Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            raise subprocess.TimeoutExpired("ses-operator", timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        """Signal it, if it has not ended."""
        if self._process.exitcode is None:
            os.kill(self.pid, number)


def fork_operator(command: Sequence[str], env: Mapping[str, str], log: Path) -> ForkedChild:
    """Run ``ses-operator ARGUMENTS``: ``command`` without its first word. Output is appended to ``log``."""
    return _fork(_run_operator, command[1:], env, log)


def fork_module(command: Sequence[str], env: Mapping[str, str], log: Path) -> ForkedChild:
    """Run ``python -m MODULE ARGUMENTS``. Output is appended to ``log``."""
    return _fork(_run_module, command[2:], env, log)


def _fork(run: Callable[[list[str]], None], arguments: Sequence[str], env: Mapping[str, str], log: Path) -> ForkedChild:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_PRELOADED])
    _ensure_server()
    process = context.Process(target=_become, args=(run, list(arguments), dict(env), str(log)), daemon=True)
    process.start()
    return ForkedChild(process)


def _ensure_server() -> None:
    """Start the fork server, which finds what to preload by PYTHONPATH alone, and says nothing if it cannot."""
    path = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(Path(__file__).parents[1]), path)))
    try:
        forkserver.ensure_running()
    finally:
        if path is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = path


def _become(run: Callable[[list[str]], None], arguments: list[str], env: Mapping[str, str], log: str) -> NoReturn:
    die_with_parent(os.getppid())
    os.setsid()
    os.environ.clear()
    os.environ.update(env)
    with open(log, "ab") as file, open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    run(arguments)
    sys.exit(0)


def _run_operator(arguments: list[str]) -> None:
    from ses_operator.cli.main import main

    main(args=arguments, prog_name="ses-operator")


def _run_module(arguments: list[str]) -> None:
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
