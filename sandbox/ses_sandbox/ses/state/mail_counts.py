"""Counts of mail: for the Virtual Deliverability Manager by identity and day, for the account by quarter-hour.

Sources: API reference v2, BatchGetMetricDataQuery; API reference (2010-12-01), GetSendStatistics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

SIMULATOR = "simulator.amazonses.com"
STATISTICS_KEPT = timedelta(days=14)
QUARTER = timedelta(minutes=15)


class MailEvent(StrEnum):
    """The events that are counted, in the words of BatchGetMetricData; only GetSendStatistics has REJECT."""

    SEND = "SEND"
    DELIVERY = "DELIVERY"
    PERMANENT_BOUNCE = "PERMANENT_BOUNCE"
    TRANSIENT_BOUNCE = "TRANSIENT_BOUNCE"
    COMPLAINT = "COMPLAINT"
    DELIVERY_COMPLAINT = "DELIVERY_COMPLAINT"
    REJECT = "REJECT"


class QueryError(StrEnum):
    """QueryErrorCode: why one query of a batch has no result."""

    INTERNAL_FAILURE = "INTERNAL_FAILURE"
    ACCESS_DENIED = "ACCESS_DENIED"


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of mail: what the dimensions of a query choose by."""

    identity: str
    configuration_set: str | None = None


@dataclass(frozen=True, slots=True)
class _Daily:
    day: datetime
    origin: Origin
    event: str


@dataclass(slots=True)
class MailCounts:
    """The counts of one account in one region. ``failing``: identities whose queries are answered by an error."""

    failing: dict[str, QueryError] = field(default_factory=dict)
    _daily: Counter[_Daily] = field(default_factory=Counter)
    _quarters: dict[datetime, Counter[str]] = field(default_factory=dict)

    def track(self, at: datetime, origin: Origin, events: Mapping[MailEvent, int]) -> None:
        """Count what the Virtual Deliverability Manager sees."""
        day = at.replace(hour=0, minute=0, second=0, microsecond=0)
        for event, count in events.items():
            self._daily[_Daily(day, origin, event)] += count

    def tally(self, at: datetime, events: Mapping[MailEvent, int]) -> None:
        """Count what GetSendStatistics reports."""
        begun = at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)
        self._quarters.setdefault(begun, Counter()).update(events)

    def by_day(self, event: str, chosen: Origins, start: datetime, end: datetime) -> Sequence[tuple[datetime, int]]:
        """Return the sum of each day with any, in order; by the beginning of the day (UTC), which is within the interval."""
        days: Counter[datetime] = Counter()
        for key, count in self._daily.items():
            if key.event == event and count and start <= key.day <= end and chosen.include(key.origin):
                days[key.day] += count
        return sorted(days.items())

    def statistics(self, now: datetime) -> Iterator[tuple[datetime, Mapping[str, int]]]:
        """Return the quarter-hours of the last two weeks."""
        for begun in [begun for begun in self._quarters if begun + QUARTER <= now - STATISTICS_KEPT]:
            del self._quarters[begun]
        yield from self._quarters.items()


@dataclass(frozen=True, slots=True)
class Origins:
    """The dimensions of a query; None: any. ``known`` False: one by which nothing is counted here (ISP, tenant)."""

    identity: str | None = None
    configuration_set: str | None = None
    known: bool = True

    def include(self, origin: Origin) -> bool:
        """Return True if the query counts mail of this origin."""
        return (
            self.known
            and self.identity in (None, origin.identity)
            and self.configuration_set in (None, origin.configuration_set)
        )

    @classmethod
    def of(cls, dimensions: Mapping[str, str]) -> Origins:
        """Read the dimensions, in which ``*`` means all values."""
        chosen = cls()
        for name, value in dimensions.items():
            if value == "*":
                continue
            if name == "EMAIL_IDENTITY":
                chosen = replace(chosen, identity=value)
            elif name == "CONFIGURATION_SET":
                chosen = replace(chosen, configuration_set=value)
            else:
                chosen = replace(chosen, known=False)
        return chosen


def tracked(recipients: Sequence[str]) -> bool:
    """Return True if the Virtual Deliverability Manager counts a mail: not with several recipients, nor to the simulator."""
    return len(recipients) == 1 and not recipients[0].lower().endswith(f"@{SIMULATOR}")
