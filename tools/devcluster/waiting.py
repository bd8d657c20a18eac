"""Waits for what nothing announces: asks again and again, until a deadline."""

from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

T = TypeVar("T")

_POLL = 0.05


def eventually(question: Callable[[], T], *, timeout: float, of: str) -> T:
    """The first answer that is true. Raises TimeoutError, naming what was waited for, after `timeout` seconds."""
    deadline = monotonic() + timeout
    while not (answer := question()):
        if monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:.0f} s for {of}; the last answer was {answer!r}")
        sleep(_POLL)
    return answer
