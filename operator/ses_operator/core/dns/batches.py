"""How the changes of many identities share the batches of a zone.

A batch is applied all or nothing. The changes of one identity (its records and its ledger) are therefore never
divided, and a refused batch is halved until the identity that spoils it is alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ses_operator.core.dns.zone_sets import BatchLimits, Change
from ses_operator.core.model.keys import Owner

STALE_SIGNS = (
    "already exists",
    "was not found",
    "do not match the current values",
    "conflicts with other records",
)
"""The words of Route 53 if the zone is not as the plan found it."""


class Sized(Protocol):
    """A part of a batch, by the room that it takes."""

    @property
    def elements(self) -> int:
        """ResourceRecord elements."""

    @property
    def characters(self) -> int:
        """Characters of Value elements."""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """The changes of one identity, which succeed or fail together. All names are within ``domain``."""

    owner: Owner
    domain: str
    changes: tuple[Change, ...]

    @property
    def elements(self) -> int:
        """ResourceRecord elements."""
        return sum(change.elements for change in self.changes)

    @property
    def characters(self) -> int:
        """Characters of Value elements."""
        return sum(change.characters for change in self.changes)


_S = TypeVar("_S", bound=Sized)
_T = TypeVar("_T")


def first_batch(waiting: Sequence[_S], limits: BatchLimits) -> Sequence[_S]:
    """Return as many from the front as fit into one batch; at least one, for Route 53 to judge."""
    elements = characters = 0
    for count, item in enumerate(waiting):
        elements += item.elements
        characters += item.characters
        if count and not limits.admits(elements, characters):
            return waiting[:count]
    return waiting


def halves(batch: Sequence[_T]) -> tuple[Sequence[_T], Sequence[_T]]:
    """Divide a refused batch of two or more."""
    middle = (len(batch) + 1) // 2
    return batch[:middle], batch[middle:]


def is_stale(refusal: str) -> bool:
    """Return True if a refusal says that the zone has changed since it was read, so that a new plan may succeed."""
    return any(sign in refusal for sign in STALE_SIGNS)
