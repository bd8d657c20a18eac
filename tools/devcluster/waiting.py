"""Waits for what is not announced: polls until a deadline."""

from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

T = TypeVar("T")

_SHORTEST, _LONGEST = 0.05, 0.3
"""Seconds between two questions: the longer it has taken already, the longer."""


def eventually(question: Callable[[], T], *, timeout: float, of: str) -> T:
    """Return the first answer that is true. Raises TimeoutError, naming what was waited for, after `timeout` seconds."""
    begun = monotonic()
    while not (answer := question()):
        waited = monotonic() - begun
        if waited > timeout:
            raise TimeoutError(f"waited {timeout:.0f} s for {of}; the last answer was {answer!r}")
        sleep(min(_LONGEST, max(_SHORTEST, waited / 12)))
    return answer
