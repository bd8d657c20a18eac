"""The lister of one region: a task that lists often while something is pending there, and rarely when nothing is."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from math import ceil, floor, inf

from ses_operator.api.base.reasons import Reason
from ses_operator.aws.calls.budget import Priority
from ses_operator.aws.listing.listing import Knowledge, Listed, ListedState, Listing, canonical
from ses_operator.aws.listing.survey import RegionSurvey
from ses_operator.aws.ses.identities import PAGE_SIZE, SesRegion
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import OperatorError, Problem, Retry
from ses_operator.core.model.ses import ListedIdentity, VerificationStatus
from ses_operator.runtime.backoff import Backoff

LOGGER = logging.getLogger(__name__)

BACKOFF = Backoff(first=5.0, cap=300.0)
"""Between two tries to list a region that fails."""

# While nothing changes, a pending region is listed at every tick, then at every 2nd, 3rd and 6th (10 s become 60 s).
# Multiples, so that the regions of one account go on listing at the same moments.
EASING: tuple[tuple[float, int], ...] = ((300.0, 1), (900.0, 2), (3600.0, 3))
EASED_MULTIPLE = 6


@dataclass(frozen=True, slots=True)
class Intervals:
    """How often to list, in seconds: when nothing is pending, and when something is."""

    idle: float = 300.0
    pending: float = 10.0


def pending_interval(base: float, quiet_for: float) -> float:
    """Return the seconds between two listings of a region where something is pending and nothing changed for ``quiet_for``."""
    multiple = next((multiple for until, multiple in EASING if quiet_for < until), EASED_MULTIPLE)
    return base * multiple


def next_tick(last: float, interval: float, offset: float) -> float:
    """Return the first moment of the form ``offset + n·interval`` that lies at least half an interval after ``last``."""
    return offset + interval * (floor((last + interval / 2 - offset) / interval) + 1)


class RegionLister:
    """Lists one region for the objects that watch identities in it, and notifies them of news.

    Errors are kept, not raised: ``problem`` has the last. Time is that of the running event loop.
    """

    def __init__(
        self, ses: SesRegion, intervals: Intervals, offset: float, on_change: Callable[[ObjectKey], None]
    ) -> None:
        self._ses = ses
        self._intervals = intervals
        self._offset = offset
        self._on_change = on_change
        self._clock = asyncio.get_running_loop().time
        self._knowledge = Knowledge()
        self.survey = RegionSurvey(ses)
        self._surveyed = -inf
        self._watchers: dict[str, tuple[ObjectKey, ...]] = {}
        self._pending: dict[str, tuple[ObjectKey, ...]] = {}
        self._error: OperatorError | None = None
        self._failures = 0
        self._due = -inf
        self._last_complete = -inf
        self._quiet_since = self._clock()
        self._reconsider = asyncio.Event()
        self._tried = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=f"list {ses.region}", context=Context())

    @property
    def problem(self) -> Problem | None:
        """Why the last listing failed; None if it did not."""
        return self._error.problem if self._error else None

    @property
    def is_watched(self) -> bool:
        """True while an object watches an identity in this region."""
        return bool(self._watchers)

    def watch(self, key: ObjectKey, identity: str) -> None:
        """Notify ``key`` of news of this identity (canonical name)."""
        self._watchers[identity] = _with(self._watchers.get(identity, ()), key)

    def expect(self, key: ObjectKey, identity: str) -> None:
        """List often: ``key`` waits for this identity to be verified."""
        if identity not in self._pending:
            self._quiet_since = self._clock()
            self._list_soon()
        self._pending[identity] = _with(self._pending.get(identity, ()), key)

    def settle(self, key: ObjectKey, identity: str) -> None:
        """Note that ``key`` no longer waits for this identity."""
        _leave(self._pending, identity, key)

    def unwatch(self, key: ObjectKey, identity: str) -> None:
        """Stop notifying ``key`` of this identity."""
        self.settle(key, identity)
        self.survey.forget(key)
        _leave(self._watchers, identity, key)
        if identity not in self._watchers:
            self._knowledge.forget(identity)

    def use(self, ses: SesRegion) -> None:
        """List with this client from now on; at once, if the one before did not work."""
        if ses is self._ses:
            return
        self._ses = ses
        self.survey.use(ses)
        if self._error is not None:
            self.wake()

    def wake(self) -> None:
        """List at once."""
        self._due_by(-inf)

    def state(self, identity: str) -> ListedState:
        """Return what is known of the identity."""
        return self._knowledge.state(identity)

    def learn(self, identity: str, status: VerificationStatus | None) -> None:
        """Note the status that a read or a write has shown, if the identity is watched; None: it does not exist."""
        if identity in self._watchers:
            self._knowledge.learn(identity, status, self._clock())

    async def first_listing(self) -> None:
        """Wait for the first attempt. Raises its error as long as no listing ever succeeded."""
        await self._tried.wait()
        if self._knowledge.size is None and self._error is not None:
            problem = self._error.problem  # the same exception raised twice would carry the traces of both
            raise type(self._error).of(problem)

    async def close(self) -> None:
        """Stop listing."""
        self._tried.set()  # callers that wait for the first listing must not wait for ever
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._sleep_until_due()
            self._due = inf  # a caller that needs another listing while this one is in flight makes it due earlier
            try:
                news = await self._list()
            except OperatorError as error:
                self._note_failure(error)
            except Exception:  # a lister that ends would leave all identities of its region waiting for ever
                LOGGER.exception("listing the identities in %s failed unexpectedly", self._ses.region)
                self._note_failure(Retry(Reason.SERVICE_ERROR, f"listing the identities in {self._ses.region} failed"))
            else:
                self._note_success(news)
                self._tried.set()
                await self._look_beside()
            self._tried.set()

    async def _look_beside(self) -> None:
        """Ask for what no list of identities shows, once in an idle poll."""
        now = self._clock()
        if now - self._surveyed >= self._intervals.idle / 2:
            self._surveyed = now
            for key in await self.survey.refresh():
                self._on_change(key)

    async def _sleep_until_due(self) -> None:
        while (delay := self._due - self._clock()) > 0:
            self._reconsider.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._reconsider.wait()

    def _note_failure(self, error: OperatorError) -> None:
        if self.problem != error.problem:
            LOGGER.warning("cannot list the identities in %s: %s", self._ses.region, error)
        self._error = error
        self._failures += 1
        self._due_by(self._clock() + (error.problem.retry_after or BACKOFF.delay(self._failures)))

    def _note_success(self, news: set[str]) -> None:
        if news:
            self._quiet_since = self._clock()
        if self._error is not None:
            LOGGER.info("the identities in %s can be listed again", self._ses.region)
            news = news | self._pending.keys()
        self._error = None
        self._failures = 0
        self._due_by(self._next_due())
        for key in {key for identity in news for key in self._watchers.get(identity, ())}:
            self._on_change(key)

    def _list_soon(self) -> None:
        """Let the next listing come earlier if what became pending needs it, unless a failure holds it back."""
        if self._error is None:
            self._due_by(next_tick(self._clock(), self._intervals.pending, self._offset))

    def _due_by(self, moment: float) -> None:
        if moment < self._due:
            self._due = moment
            self._reconsider.set()

    def _next_due(self) -> float:
        interval = self._intervals.idle
        if self._unverified():
            quiet_for = self._clock() - self._quiet_since
            interval = min(interval, pending_interval(self._intervals.pending, quiet_for))
        return next_tick(self._clock(), interval, self._offset)

    def _unverified(self) -> Counter[VerificationStatus]:
        """Count the identities that are waited for, by the status with which SES lists them."""
        expected = Counter(_listed_status(self._knowledge.state(identity)) for identity in self._pending)
        del expected[VerificationStatus.SUCCESS]
        return expected

    async def _list(self) -> set[str]:
        """List everything, or only what is waited for if that takes fewer calls; return what is news."""
        started_at = self._clock()
        unverified = self._unverified()
        pages_of_some = sum(ceil(number / PAGE_SIZE) for number in unverified.values())
        pages_of_all = ceil((self._knowledge.size or 1) / PAGE_SIZE)
        if 0 < pages_of_some < pages_of_all and started_at - self._last_complete < self._intervals.idle:
            return await self._list_some(started_at, unverified.keys())
        return await self._list_all(started_at, Priority.PENDING if unverified else Priority.SWEEP)

    async def _list_all(self, started_at: float, priority: Priority) -> set[str]:
        listing = Listing([identity async for identity in self._pages(None, priority)])
        recovered = self._knowledge.size is None and self._error is not None
        news = self._knowledge.take_complete(listing, started_at, self._watchers.keys())
        self._last_complete = started_at
        return set(self._watchers) if recovered else news

    async def _list_some(self, started_at: float, statuses: Iterable[VerificationStatus]) -> set[str]:
        asked = tuple(sorted(statuses))
        found: dict[str, ListedIdentity] = {}
        for status in asked:
            async for identity in self._pages(status, Priority.PENDING):
                found[canonical(identity.name)] = identity
        return self._knowledge.take_partial(found, asked, started_at, self._pending.keys())

    async def _pages(self, status: VerificationStatus | None, priority: Priority) -> AsyncIterator[ListedIdentity]:
        token: str | None = None
        while True:
            page, token = await self._ses.list_page(token, status, priority)
            for identity in page:
                yield identity
            if token is None:
                return


def _listed_status(state: ListedState) -> VerificationStatus:
    """Return the status with which SES will list an identity; one that is not listed was just created."""
    return state.identity.verification_status if isinstance(state, Listed) else VerificationStatus.PENDING


def _with(keys: tuple[ObjectKey, ...], key: ObjectKey) -> tuple[ObjectKey, ...]:
    return keys if key in keys else (*keys, key)


def _leave(watchers: dict[str, tuple[ObjectKey, ...]], identity: str, key: ObjectKey) -> None:
    remaining = tuple(other for other in watchers.get(identity, ()) if other != key)
    if remaining:
        watchers[identity] = remaining
    else:
        watchers.pop(identity, None)
