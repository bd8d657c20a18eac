"""Name servers that have not answered lately: they are not waited for again and again, because all queries share one queue."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

PATIENCE = 2
"""Queries in a row that a server may leave unanswered: one is lost now and then."""

SILENCE_SECONDS = 60.0
MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Silence:
    questions: int
    until: float


class Silences:
    """Silent servers, as (address, port). When its minute is over, a server gets one query."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._silences: dict[tuple[str, int], _Silence] = {}

    def is_silent(self, server: tuple[str, int]) -> bool:
        """Return True if the server is not worth querying now."""
        known = self._silences.get(server)
        return known is not None and known.questions >= PATIENCE and self._monotonic() < known.until

    def answered(self, server: tuple[str, int]) -> None:
        """Note that the server is there, whatever it said."""
        self._silences.pop(server, None)

    def gave_no_answer(self, server: tuple[str, int]) -> None:
        """Note that a query timed out."""
        if len(self._silences) >= MAX_REMEMBERED:
            self._silences.clear()
        known = self._silences.get(server)
        self._silences[server] = _Silence((known.questions if known else 0) + 1, self._monotonic() + SILENCE_SECONDS)
