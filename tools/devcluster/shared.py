"""One control plane for all test processes of a run: the first that needs it starts it, and it ends with the run.

A *keeper* owns the processes: a process of its own that belongs to no test process, because each of these may end
before the others do. It ends, and its control plane with it, when the process that runs the tests does, however that
comes about.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from devcluster import binaries
from devcluster.binaries import ENVTEST_PARTS, Part
from devcluster.controlplane import Address, ControlPlane
from devcluster.process import ProcessError
from devcluster.waiting import eventually

_READY_TIMEOUT = 180.0


class Kept(StrEnum):
    """The kinds of keeper, by the processes that each owns."""

    APISERVER = "apiserver"  # with etcd
    CONTROLLER_MANAGER = "controller-manager"


def shared_control_plane(run: Path, own: Path, *, with_controller_manager: bool = False) -> ControlPlane:
    """Return the control plane of all that name the same folder ``run``, ready for use.

    ``own``: a folder for this process alone. To stop what is returned stops nothing. Raises ProcessError with the log
    of the keeper if it does not come up.
    """
    _ensure(Kept.APISERVER, run)
    if with_controller_manager:
        _ensure(Kept.CONTROLLER_MANAGER, run)
    return ControlPlane.at(Address.load(_sign(Kept.APISERVER, run)), own, binaries.control_plane())


def _sign(kept: Kept, run: Path) -> Path:
    """Return the file that exists once it is ready."""
    return run / f"{kept}.json"


def _ensure(kept: Kept, run: Path) -> None:
    log = run / f"{kept}.log"
    try:
        (run / f"{kept}.asked").touch(exist_ok=False)
    except FileExistsError:
        pass  # another process has it started
    else:
        _start_keeper(kept, run, log)
    try:
        eventually(_sign(kept, run).exists, timeout=_READY_TIMEOUT, of=kept)
    except TimeoutError:
        raise ProcessError(f"the shared {kept} did not come up; its log:\n{log.read_text()}") from None


def _start_keeper(kept: Kept, run: Path, log: Path) -> None:
    command = [sys.executable, "-m", __name__, kept, str(run), str(_run_of_tests())]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with log.open("ab") as file:
        # A session of its own: Ctrl-C in a terminal reaches the tests, whose end it waits for.
        subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True)


def _run_of_tests() -> int:
    """Return the process that lives as long as the run: pytest-xdist's controller, if there is one."""
    return os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()


def _keep(kept: Kept, run: Path, pid: int) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    with _running(kept, run):
        select.select([descriptor], [], [])


@contextmanager
def _running(kept: Kept, run: Path) -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="devcluster-") as folder:
        if kept is Kept.APISERVER:
            plane = ControlPlane(binaries.control_plane(ENVTEST_PARTS), folder=Path(folder))
            plane.start()
        else:
            address = Address.load(_sign(Kept.APISERVER, run))
            plane = ControlPlane.at(
                address, Path(folder), binaries.control_plane((*ENVTEST_PARTS, Part.CONTROLLER_MANAGER))
            )
            plane.start_controller_manager()
        try:
            plane.address.save(_sign(kept, run))
            yield
        finally:
            plane.stop()


if __name__ == "__main__":
    _keep(Kept(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
