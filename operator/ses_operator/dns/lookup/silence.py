"""What is known of name servers by the queries that they answered and left unanswered, for each domain apart.

A server is judged for the domain that is asked about, not for others: a resolver that waits in vain for the servers of one
domain answers about the next.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

PATIENCE = 2
"""Queries in a row that a server may leave unanswered: one is lost now and then."""

SILENCE_SECONDS = 60.0
MAX_REMEMBERED = 10_000

Place = tuple[str, str, int]
"""A domain, and the address and port of a server that is asked about it."""


class ServerStanding(Enum):
    """What to expect of a server."""

    ANSWERS = auto()
    NEW = auto()
    FAILS = auto()


@dataclass(frozen=True, slots=True)
class _Known:
    unanswered: int
    until: float


class Silences:
    """Servers that answer, and that do not. When its minute is over, a silent server gets one query."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._known: OrderedDict[Place, _Known] = OrderedDict()

    def is_silent(self, server: Place) -> bool:
        """Return True if the server is not worth querying now."""
        known = self._known.get(server)
        return known is not None and known.unanswered >= PATIENCE and self._monotonic() < known.until

    def standing(self, server: Place) -> ServerStanding:
        """Return what to expect of the server."""
        known = self._known.get(server)
        if known is None:
            return ServerStanding.NEW
        return ServerStanding.FAILS if known.unanswered else ServerStanding.ANSWERS

    def answered(self, server: Place) -> None:
        """Note that the server is there, whatever it said."""
        self._note(server, _Known(0, 0.0))

    def gave_no_answer(self, server: Place) -> None:
        """Note that a query timed out."""
        known = self._known.get(server)
        self._note(server, _Known((known.unanswered if known else 0) + 1, self._monotonic() + SILENCE_SECONDS))

    def _note(self, server: Place, known: _Known) -> None:
        self._known[server] = known
        self._known.move_to_end(server)
        if len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)
