"""The fate of mail, by identity and for the account: which queries to make, and what follows from the answers. Pure.

By identity it is counted by SES's Virtual Deliverability Manager alone, if the account has it enabled, and there only
mail with one recipient that is not the mailbox simulator. For the account SES keeps statistics in any case.

Sources: API reference v2, BatchGetMetricData, BatchGetMetricDataQuery; API reference (2010-12-01), GetSendStatistics.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice

QUERIES_PER_CALL = 10
"""The most queries that BatchGetMetricData takes."""

WINDOW_DAYS = 7
"""Days before today that metrics are about: enough mail to judge by, and recent."""


class MailEvent(StrEnum):
    """The possible fates of mail.

    COMPLAINT_ELIGIBLE: delivered to a provider that reports complaints to SES.
    """

    SENT = "SEND"
    DELIVERED = "DELIVERY"
    PERMANENT_BOUNCE = "PERMANENT_BOUNCE"
    TRANSIENT_BOUNCE = "TRANSIENT_BOUNCE"
    COMPLAINT = "COMPLAINT"
    COMPLAINT_ELIGIBLE = "DELIVERY_COMPLAINT"


@dataclass(frozen=True, slots=True)
class Window:
    """From the beginning of a day (UTC) up to a moment."""

    start: datetime
    end: datetime

    @classmethod
    def of_days(cls, days: int, now: datetime) -> Window:
        """Return the last ``days`` whole days, and what there is of today."""
        today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return cls(today - timedelta(days=days), now)


@dataclass(frozen=True, slots=True)
class MailQuery:
    """One sum by day. ``identity`` None: of the whole account in the region."""

    event: MailEvent
    identity: str | None = None


DailyCounts = Mapping[datetime, int]
"""Messages by the beginning of the day (UTC). SES may leave out days without any."""

Counted = Mapping[MailQuery, DailyCounts | None]
"""The answers; None, or no entry, if SES could not process the query."""


def queries(identities: Iterable[str], events: Sequence[MailEvent] = tuple(MailEvent)) -> Iterator[MailQuery]:
    """Return one query for each event of each identity."""
    return (MailQuery(event, identity) for identity in identities for event in events)


def calls_for(asked: Iterable[MailQuery]) -> Iterator[tuple[MailQuery, ...]]:
    """Yield the queries in batches, as many in a call as SES takes."""
    rest = iter(asked)
    while batch := tuple(islice(rest, QUERIES_PER_CALL)):
        yield batch


@dataclass(frozen=True, slots=True)
class SendHistory:
    """The identities that have sent, as far as SES counts it.

    ``sent``: messages by identity; those that could not be learned are absent. ``covers_window``: True if SES is
    known to have counted from the beginning: the account's first counted mail is of the first day or the one after.
    If the manager was enabled later, or the account as a whole hardly sends, silence proves nothing.
    """

    window: Window
    sent: Mapping[str, int] = field(default_factory=dict)
    covers_window: bool = False

    def is_unused(self, identity: str, created_at: datetime | None) -> bool:
        """Return True if the identity existed for the whole window and nothing was counted for it.

        ``created_at`` None: not known, because SES does not report it; it is assumed to be old. Mail to several
        recipients at once is not counted: an identity that sends nothing else looks unused.
        """
        if not self.covers_window or (created_at is not None and created_at > self.window.start):
            return False
        return self.sent.get(identity) == 0


def history_queries(identities: Iterable[str]) -> Iterator[MailQuery]:
    """Yield the queries for a ``SendHistory``: the account as a whole, and each identity."""
    yield MailQuery(MailEvent.SENT)
    yield from queries(identities, (MailEvent.SENT,))


def send_history(window: Window, counted: Counted) -> SendHistory:
    """Make the history of the answers to ``history_queries``."""
    whole = counted.get(MailQuery(MailEvent.SENT)) or {}
    days = [day for day, messages in whole.items() if messages]
    return SendHistory(
        window,
        {query.identity: sum(days.values()) for query, days in counted.items() if query.identity and days is not None},
        covers_window=bool(days) and min(days) <= window.start + timedelta(days=1),
    )


@dataclass(frozen=True, slots=True)
class AccountMail:
    """The account's mail in one region over two weeks at most. ``bounced``: for good. ``rejected``: by SES, for a virus."""

    attempted: int = 0
    bounced: int = 0
    complained: int = 0
    rejected: int = 0


def total(points: Iterable[tuple[datetime, AccountMail]], window: Window) -> AccountMail:
    """Return the sum of the quarter-hours that are within the window."""
    within = [mail for at, mail in points if window.start <= at <= window.end]
    return AccountMail(
        sum(mail.attempted for mail in within),
        sum(mail.bounced for mail in within),
        sum(mail.complained for mail in within),
        sum(mail.rejected for mail in within),
    )


@dataclass(frozen=True, slots=True)
class RegionMail:
    """The fate of mail in one region of an account.

    ``by_identity``: messages by event, for the identities that SES counted for; None if it counts none, because the
    Virtual Deliverability Manager is off.
    """

    account: AccountMail
    by_identity: Mapping[str, Mapping[MailEvent, int]] | None = None


def by_identity(counted: Counted) -> Mapping[str, Mapping[MailEvent, int]]:
    """Return the sums over the whole window; what SES could not process is left out."""
    sums: dict[str, dict[MailEvent, int]] = {}
    for query, days in counted.items():
        if query.identity is not None and days is not None:
            sums.setdefault(query.identity, {})[query.event] = sum(days.values())
    return sums
