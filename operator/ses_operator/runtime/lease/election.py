"""Elects the replica that may act: a ``coordination.k8s.io`` Lease, held by renewing it in time.

The promise: of all replicas at most one may write at any moment, provided that their clocks run at about the same
rate (they need not show the same time). The holder counts its deadline from *before* it sent a renewal that
succeeded; another waits for the whole duration from *after* it first saw that renewal. The deadline is shorter than
the duration, so the holder's gate is closed before another can acquire. Source:
k8s.io/client-go/tools/leaderelection, whose algorithm this is, except that it does not depend on a leader that
notices in time. ``kubernetes.aio.leaderelection`` cancels a task when the Lease is lost and has no such gate for each
write.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.problems import Gone, OperatorError, Retry, Stale

logger = logging.getLogger(__name__)

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class LeaseTiming:
    """The timing of a Lease, in seconds.

    A holder renews every ``retry_period``, may act for ``renew_deadline`` after a renewal, and is considered dead
    after ``duration``.
    """

    duration: float = 15.0
    renew_deadline: float = 10.0
    retry_period: float = 2.0

    def __post_init__(self) -> None:
        if not self.duration > self.renew_deadline > self.retry_period > 0:
            raise ValueError("a lease needs duration > renew deadline > retry period > 0")

    @property
    def request_timeout(self) -> float:
        """The time-out of one request: two of them fit before the deadline."""
        return self.renew_deadline / 2


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """The contents of the Lease.

    ``holder`` is empty once it was released; ``version`` is its resourceVersion, empty before it exists; ``duration``
    in seconds.
    """

    holder: str
    duration: float
    transitions: int = 0
    acquired_at: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """An observation of the Lease.

    ``record`` None: it does not exist. ``since``: since when, by this process's own clock, it is known to be so.
    ``patience``: for how many seconds from then its holder may still be alive.
    """

    record: LeaseRecord | None
    since: float
    patience: float


def see(before: Seen | None, record: LeaseRecord | None, now: float) -> Seen:
    """Return what is known after reading the Lease. Any change of it counts as a sign of life of its holder.

    If the Lease was deleted, its holder need not be gone: it is waited for as if the Lease existed.
    """
    if before is not None and before.record == record:
        return before
    if record is None:
        return Seen(None, now, before.patience if before else 0.0)
    return Seen(record, now, record.duration if record.holder else 0.0)


def may_take(seen: Seen, identity: str, now: float) -> bool:
    """Return True if the Lease is free, this replica's, or was not renewed for its whole duration."""
    return (seen.record is not None and seen.record.holder == identity) or now >= seen.since + seen.patience


def taken(record: LeaseRecord | None, identity: str, duration: float, wall_time: str) -> LeaseRecord:
    """Return the record to write in order to take the Lease, or to renew it."""
    if record is None:
        return LeaseRecord(identity, duration, 0, wall_time)
    if record.holder == identity:
        return replace(record, duration=duration)
    return LeaseRecord(identity, duration, record.transitions + 1, wall_time, record.version)


class LeaseStorage(Protocol):
    """The place where the Lease is kept."""

    async def read(self) -> LeaseRecord | None:
        """Return the Lease as it is, None if there is none."""

    async def write(self, record: LeaseRecord) -> LeaseRecord:
        """Create it (no version) or replace exactly that version; return it with its new version. Stale if another was faster."""

    def wall_time(self) -> str:
        """Return the time of day, for people who read the Lease."""


def boot_time() -> float:
    """Return the seconds on a clock that never goes back and also counts the time that the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Elector:
    """Acquires the Lease, renews it, and says at any moment whether this replica may act."""

    def __init__(
        self, storage: LeaseStorage, identity: str, timing: LeaseTiming | None = None, clock: Clock = boot_time
    ) -> None:
        """Take an ``identity`` that is this process's alone: another of the same identity would share the Lease."""
        self.identity = identity
        self.timing = timing or LeaseTiming()
        self._storage = storage
        self._clock = clock
        self._seen: Seen | None = None
        self._deadline = float("-inf")

    @property
    def may_write(self) -> bool:
        """True if the last renewal that succeeded is recent enough. It does not wait for anything to notice."""
        return self._clock() < self._deadline

    def check(self) -> None:
        """Raise Retry if this replica may not write: the write gate, to be called before each external write."""
        if not self.may_write:
            raise Retry(Reason.PROGRESSING, "this replica does not hold the lease")

    async def acquire(self) -> None:
        """Return as soon as this replica holds the Lease."""
        while True:
            if await self._attempt():
                logger.info("lease acquired", extra={"holder": self.identity})
                return
            await asyncio.sleep(self.timing.retry_period)

    async def hold(self) -> None:
        """Renew the Lease as long as possible; return when it is lost. The gate is closed then."""
        due = self._clock() + self.timing.retry_period
        while self.may_write and not self._held_by_another():
            await asyncio.sleep(max(0.0, min(due, self._deadline) - self._clock()))
            if self.may_write:
                due = self._clock() + self.timing.retry_period
                await self._attempt()
        self._deadline = float("-inf")
        logger.error("lease lost", extra={"holder": self.identity})

    async def release(self) -> None:
        """Close the gate and give the Lease up, so that another replica need not wait. Best effort."""
        self._deadline = float("-inf")
        if self._seen is None:
            return
        try:
            async with asyncio.timeout(self.timing.request_timeout):
                # Read first: a renewal may have been cut short after it was applied.
                record = await self._storage.read()
                if record is None or record.holder != self.identity:
                    return
                await self._storage.write(replace(record, holder="", duration=1.0))
        except (OperatorError, TimeoutError) as error:
            logger.warning("lease not released, it will expire: %s", error)
        else:
            logger.info("lease released", extra={"holder": self.identity})

    async def _attempt(self) -> bool:
        """Try once to take or to renew the Lease. Whatever goes wrong, it was not renewed."""
        limit = self.timing.request_timeout
        if self.may_write:
            limit = min(limit, self._deadline - self._clock())
        try:
            async with asyncio.timeout(limit):
                try:
                    return await self._take()
                except (Stale, Gone):
                    # Another's, or this replica's own after an answer that was lost: a read shows which.
                    self._seen = None
                    return await self._take()
        except (OperatorError, TimeoutError) as error:
            problem = str(error) or "no answer in time"
            logger.warning("lease not renewed: %s", problem, extra={"holder": self.identity})
        except Exception:
            logger.exception("lease not renewed", extra={"holder": self.identity})
        return False

    async def _take(self) -> bool:
        # The holder knows what it wrote last, so that one request renews.
        if self._seen is None or not self.may_write:
            self._seen = see(self._seen, await self._storage.read(), self._clock())
        sent = self._clock()
        if not may_take(self._seen, self.identity, sent):
            return False
        wanted = taken(self._seen.record, self.identity, self.timing.duration, self._storage.wall_time())
        self._seen = see(None, await self._storage.write(wanted), self._clock())
        self._deadline = sent + self.timing.renew_deadline
        return True

    def _held_by_another(self) -> bool:
        record = self._seen.record if self._seen else None
        return record is not None and record.holder not in ("", self.identity)
