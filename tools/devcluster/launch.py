"""Becomes another program that the kernel kills when the process that started it dies.

Run as `python -I -S launch.py PARENT_PID PROGRAM [ARGUMENT …]`; the process id stays the same. It is a program of its
own, and not a `preexec_fn`, because Python code between fork and exec may deadlock in a process that has threads.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2); the setting survives execve


def die_with_parent(parent: int) -> None:
    """Let the kernel kill this process when its parent dies; exit if it has died already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        sys.exit(1)


def _main() -> None:
    die_with_parent(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    _main()
