"""The last readings of each identity, kept while it is not verified yet. Losing one costs a read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ses_operator.core.state.observed import RegionView


@dataclass(frozen=True, slots=True)
class Reading:
    """A view of one identity in one region, and when it was read (monotonic seconds)."""

    view: RegionView
    read_at: float


@dataclass(frozen=True, slots=True)
class FactsKey:
    """One identity in one region of one AWS account."""

    account_id: str
    region: str
    identity: str


class Facts:
    """Readings by identity. A reading is dropped when it is known to hold no longer."""

    __slots__ = ("_clock", "_distrusted", "_readings")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._readings: dict[FactsKey, Reading] = {}
        self._distrusted: set[FactsKey] = set()

    def get(self, key: FactsKey) -> Reading | None:
        """Return the reading, None if there is none."""
        return self._readings.get(key)

    def put(self, key: FactsKey, view: RegionView) -> None:
        """Keep a view that was read just now."""
        self._readings[key] = Reading(view, self._clock())
        self._distrusted.discard(key)

    def drop(self, key: FactsKey) -> None:
        """Drop a reading that no longer holds, or is no longer needed."""
        self._readings.pop(key, None)

    def distrust(self, key: FactsKey) -> None:
        """Require a read: a write was lost or refused, and no list is newer than that."""
        self._readings.pop(key, None)
        self._distrusted.add(key)

    def is_distrusted(self, key: FactsKey) -> bool:
        """Return True if a read is required."""
        return key in self._distrusted

    def age(self, reading: Reading) -> float:
        """Return the seconds since it was read."""
        return self._clock() - reading.read_at
