"""The errors of the operator, typed by what the caller does next.

Adapters (aws, dns, runtime) raise these and nothing else of their own; foreign exceptions are translated where they
arise. Messages are for people and stable from run to run: no request ids, no timestamps; they name the region or the
record and say what to do.
"""

from __future__ import annotations

from dataclasses import dataclass

from ses_operator.api.base.reasons import Reason


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a part of the work is not done. ``retry_after`` in seconds: when another try is worthwhile, None for backoff."""

    reason: Reason
    message: str
    retry_after: float | None = None


class OperatorError(Exception):
    """The base of all that adapters raise."""

    def __init__(self, reason: Reason, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.problem = Problem(reason, message, retry_after)


class Retry(OperatorError):
    """It may work later as it is: throttled, not answering, an answer that was lost, not yet consistent."""


class Blocked(OperatorError):
    """A person must act first: permissions, credentials, a zone, the spec."""


class Gone(OperatorError):
    """The thing that the call is about does not exist (any more)."""


class Stale(Retry):
    """What was observed no longer holds (it exists already, another wrote in between): observe again, at once."""
