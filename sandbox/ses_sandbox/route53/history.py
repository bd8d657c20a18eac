"""The history of the hosted zones, in order: each accepted change batch, and each change of a delegation."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from ses_sandbox.route53.records import RecordKey, ResourceRecordSet

MAX_EVENTS = 20_000


@dataclass(frozen=True, slots=True)
class ZoneEvent:
    """One event of a hosted zone.

    ``edits``: each record set that the batch changed, as it was after it; None if it was deleted. Empty if the zone's
    name was delegated to it. ``at`` is when name servers know of it, on the simulated clock. ``access_key``: of the
    client; empty if the control API did it.
    """

    number: int
    zone_id: str
    zone_name: str
    at: datetime
    edits: Mapping[RecordKey, ResourceRecordSet | None] = field(default_factory=dict)
    access_key: str = ""


class History:
    """The latest events. Not safe for several threads: HostedZones holds the lock."""

    def __init__(self) -> None:
        self._events: deque[ZoneEvent] = deque(maxlen=MAX_EVENTS)
        self._numbers = count(1)

    def note(
        self,
        zone_id: str,
        zone_name: str,
        at: datetime,
        edits: Mapping[RecordKey, ResourceRecordSet | None],
        access_key: str = "",
    ) -> None:
        """Add what was accepted."""
        self._events.append(ZoneEvent(next(self._numbers), zone_id, zone_name, at, edits, access_key))

    def since(self, number: int) -> Iterator[ZoneEvent]:
        """Return the events after this number, oldest first."""
        return (event for event in tuple(self._events) if event.number > number)

    def clear(self) -> None:
        """Forget them; numbers go on."""
        self._events.clear()
