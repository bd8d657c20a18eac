"""What was violated, with the calls that show it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Invariant(StrEnum):
    """What must hold, at any time or in the end."""

    OTHERS = "nothing of others was touched"
    ONE_WRITER = "no two lives wrote at once"
    CONVERGED = "SES, DNS and status are as the specs say"
    TRUE_STATUS = "status is never greener than the truth"
    QUIET = "nothing is written when nothing changes"
    ALIVE = "the operator lives, and does not end by itself"
    MEMORY = "memory does not grow"
    NOTHING_LEFT = "nothing is left after deletion"


@dataclass(frozen=True)
class Violation:
    """``evidence``: calls, record sets or conditions, one a line."""

    invariant: Invariant
    subject: str
    words: str
    evidence: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """What makes it another one: what is said of it may grow."""
        return self.invariant, self.subject, self.words

    def __str__(self) -> str:
        lines = "".join(f"\n        {line}" for line in self.evidence[:12])
        return f"[{self.invariant}] {self.subject}: {self.words}{lines}"
