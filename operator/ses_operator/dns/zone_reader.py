"""Reads a zone for all callers: as few pages as possible, each used by all that it concerns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from ses_operator.aws.route53 import RecordStart, Route53
from ses_operator.core.dns.zone_sets import Change, ZoneSet, ZoneView, plain_name
from ses_operator.core.model.name_rights import is_within
from ses_operator.dns.zone_cache import LIFETIME_SECONDS, Stretch, ZoneCache, order_key


class ZoneReader:
    """The record sets of one zone, at most ``lifetime`` seconds old and never older than the operator's own changes to it."""

    def __init__(
        self,
        route53: Route53,
        zone_id: str,
        clock: Callable[[], float] = time.monotonic,
        lifetime: float = LIFETIME_SECONDS,
    ) -> None:
        self._route53 = route53
        self._zone_id = zone_id
        self._lifetime = lifetime
        self._cache = ZoneCache(clock, lifetime)
        self._reading = asyncio.Lock()
        self._changed_meanwhile: list[Change] = []
        self._forgotten_meanwhile: set[str] = set()
        self._expiry: asyncio.TimerHandle | None = None

    async def view(self, domain: str) -> ZoneView:
        """Return all record sets at the domain and below it. Callers that come while a page is read look at it first."""
        async with self._reading:
            view = self._cache.view(domain)
            while view is None:
                await self._read(domain)
                view = self._cache.view(domain)
        return view

    def changed(self, changes: Iterable[Change]) -> None:
        """Apply changes that Route 53 has accepted."""
        changes = tuple(changes)
        self._cache.changed(changes)
        if self._reading.locked():
            # The page in flight may have been made before them.
            self._changed_meanwhile += changes

    def forget(self, domain: str) -> None:
        """Forget the domain, which another client may have changed."""
        self._cache.forget(domain)
        if self._reading.locked():
            # The page in flight may have been made before that.
            self._forgotten_meanwhile.add(domain)

    def close(self) -> None:
        """Stop the timer that forgets what is old."""
        if self._expiry is not None:
            self._expiry.cancel()

    async def _read(self, domain: str) -> None:
        self._changed_meanwhile.clear()
        self._forgotten_meanwhile.clear()
        whole = Stretch.of_domain(domain)
        found: list[ZoneSet] = []
        start: RecordStart | None = RecordStart(f"{domain}.")
        while start is not None and is_within(plain_name(start.name), domain):
            page = await self._route53.list_record_sets(self._zone_id, start)
            found += page.sets
            start = page.next
        end = None
        if start is not None:
            # The name at which the next page begins may be on both.
            beyond = plain_name(start.name)
            end = max(order_key(beyond), whole.end or "")
            found = [standing for standing in found if standing.name != beyond]
        self._cache.remember(Stretch(whole.start, end), found)
        self._cache.changed(self._changed_meanwhile)
        for forgotten in self._forgotten_meanwhile:
            self._cache.forget(forgotten)
        self._schedule_expiry()

    def _schedule_expiry(self) -> None:
        # A zone that is no longer in use shall not stay in memory.
        if self._expiry is not None:
            self._expiry.cancel()
        self._expiry = asyncio.get_running_loop().call_later(self._lifetime, self._cache.expire)
