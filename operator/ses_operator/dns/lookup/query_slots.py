"""How many queries to name servers are under way at a time: shares for each domain and tenant, and pools by standing.

A query that is not answered holds its place for seconds. Queries to servers that are known not to answer wait for one
another only, and those to servers that are new do not hold up those to servers that answer. No tenant takes more than a
share of what is left for servers that are new, or fail.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from contextvars import ContextVar
from typing import Generic, TypeVar

from ses_operator.dns.lookup.silence import ServerStanding

K = TypeVar("K")

PER_DOMAIN = 4
PER_TENANT = 32
POOLS: Mapping[ServerStanding, int] = {ServerStanding.ANSWERS: 64, ServerStanding.NEW: 256, ServerStanding.FAILS: 64}
"""Queries at a time, by what is known of the servers. Each is a socket, and waits without a thread."""

TENANT: ContextVar[str] = ContextVar("tenant", default="")
"""The namespace for whose objects this task queries name servers."""


class Shares(Generic[K]):
    """A number of places for each of any keys; what has no user takes no room."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._used: dict[K, tuple[asyncio.Semaphore, int]] = {}

    @asynccontextmanager
    async def of(self, key: K) -> AsyncIterator[None]:
        """Wait for a place of this key, and keep it within the block."""
        share, users = self._used.get(key, (asyncio.Semaphore(self._size), 0))
        self._used[key] = (share, users + 1)
        try:
            async with share:
                yield
        finally:
            _, users = self._used[key]
            if users == 1:
                del self._used[key]
            else:
                self._used[key] = (share, users - 1)

    def __len__(self) -> int:
        return len(self._used)


class QuerySlots:
    """Places for queries. Shared by all that query name servers in a process."""

    def __init__(
        self,
        pools: Mapping[ServerStanding, int] = POOLS,
        *,
        per_domain: int = PER_DOMAIN,
        per_tenant: int = PER_TENANT,
    ) -> None:
        self._pools = {standing: asyncio.Semaphore(size) for standing, size in pools.items()}
        self.domains: Shares[str] = Shares(per_domain)
        self.tenants: Shares[str] = Shares(per_tenant)

    @asynccontextmanager
    async def place(self, domain: str, standing: ServerStanding) -> AsyncIterator[None]:
        """Wait for a place for a query about a domain to a server of this standing, and keep it within the block."""
        tenant = nullcontext() if standing is ServerStanding.ANSWERS else self.tenants.of(TENANT.get())
        async with self.domains.of(domain), tenant, self._pools[standing]:
            yield
