"""The errors of the operator, typed by what the caller does next.

Adapters (aws, dns, runtime) raise these and nothing else of their own; foreign exceptions are translated where they
arise. Messages are for people and stable from run to run: no request ids, no timestamps; they name the region or the
record and say what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from ses_operator.api.base.reasons import Reason


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a part of the work is not done. ``retry_after`` in seconds: when another try is worthwhile, None for backoff.

    ``region``: where it is so, for a message that does not name a region itself. ``str(problem)`` puts it before the message:
    only what makes words for people does so, and nothing reads them.
    """

    reason: Reason
    message: str
    retry_after: float | None = None
    region: str | None = None

    def __str__(self) -> str:
        return f"{self.region}: {self.message}" if self.region else self.message


class OperatorError(Exception):
    """The base of all that adapters raise."""

    def __init__(
        self, reason: Reason, message: str, retry_after: float | None = None, region: str | None = None
    ) -> None:
        self.problem = Problem(reason, message, retry_after, region)
        super().__init__(str(self.problem))

    @classmethod
    def of(cls, problem: Problem) -> Self:
        """Return the error that raises this problem."""
        return cls(problem.reason, problem.message, problem.retry_after, problem.region)


class Retry(OperatorError):
    """It may work later as it is: throttled, not answering, an answer that was lost, not yet consistent."""


class Blocked(OperatorError):
    """Refused, and so it would be again: a person must act first (permissions, a zone, the spec), or a time must pass."""


class WriteRefused(Blocked):
    """The apiserver refuses a write to the object itself: an admission policy, no room in annotations, a missing right."""


class StatusWriteRefused(Blocked):
    """The apiserver refuses a write to the object's status."""


class Unauthenticated(Blocked):
    """AWS does not accept the credentials, or gives none out: no other call with them will go better."""


class Gone(OperatorError):
    """The thing that the call is about does not exist (any more)."""


class Stale(Retry):
    """What was observed no longer holds (it exists already, another wrote in between): observe again, at once."""
