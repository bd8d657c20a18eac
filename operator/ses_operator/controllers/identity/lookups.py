"""Queries the name servers for records that are waited for, ever less often, and remembers their answers.

Name servers that are silent hold no reconcile: a lookup that takes longer than a moment goes on beside it, and wakes the
identity when it is done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime

from ses_operator.core.dns.lookup.record_evidence import Findings, is_awaited, with_findings, worth_a_look
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.records import RecordSet
from ses_operator.core.model.schedule import lookup_interval
from ses_operator.core.state.answers import Outcome, PublishedAt
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.observed import Observed
from ses_operator.core.status.requeue import is_early
from ses_operator.core.status.waits import record_waited
from ses_operator.dns.lookup.nameservers import NameServers
from ses_operator.dns.lookup.query_slots import TENANT, QuerySlots
from ses_operator.dns.lookup.resolver import Resolver
from ses_operator.runtime.source import Source

LOGGER = logging.getLogger(__name__)

PATIENCE = 2.0
"""Seconds for which a reconcile waits for a lookup. Name servers that answer do so in a fraction of a second."""

ResolverFor = Callable[[Sequence[str]], Resolver]
"""A resolver that queries these name servers (``host:port``), or without any those of each zone."""


class Resolvers:
    """One resolver for each set of name servers, so that zones are found once."""

    def __init__(self, on_query: Callable[[Outcome], None], clock: Callable[[], float]) -> None:
        self._on_query = on_query
        self._clock = clock
        self._slots = QuerySlots()
        self._resolvers: dict[tuple[str, ...], Resolver] = {}

    def __call__(self, nameservers: Sequence[str]) -> Resolver:
        """Return the resolver of these name servers."""
        key = tuple(nameservers)
        if key not in self._resolvers:
            asked = NameServers(key, slots=self._slots, monotonic=self._clock, on_query=self._on_query)
            self._resolvers[key] = Resolver(asked)
        return self._resolvers[key]


@dataclass(frozen=True, slots=True)
class _Look:
    at: float
    findings: Findings = field(default_factory=dict)


class Lookups:
    """Lookups by identity. Losing what is remembered costs another lookup.

    ``finished`` emits the key of an identity whose lookup has ended after a reconcile had stopped waiting for it.
    """

    def __init__(self, resolver_for: ResolverFor, clock: Callable[[], float]) -> None:
        self._resolver_for = resolver_for
        self._clock = clock
        self._looks: dict[ObjectKey, _Look] = {}
        self._running: dict[ObjectKey, asyncio.Task[None]] = {}
        self._left: set[ObjectKey] = set()
        self.finished: Source[ObjectKey] = Source()

    async def refine(
        self,
        desired: Desired,
        observed: Observed,
        nameservers: Sequence[str],
        published_at: Callable[[], Awaitable[Sequence[PublishedAt]]],
        now: datetime,
    ) -> Observed:
        """Return the observation with the answers of the name servers, from a recent enough lookup, or from one made now.

        None is waited for longer than PATIENCE: until it is done, the answers of the one before count, or none.
        ``published_at`` is called, only then, for the zones that were written to.
        """
        key = desired.owner.key
        records = worth_a_look(desired, observed)
        if not records:
            self._looks.pop(key, None)
            return with_findings(desired, observed, {})
        look = self._looks.get(key)
        if look is not None and not _is_about(look, records):
            look = None
        seconds = min(record_waited(observed, record, now) for record in records)
        early = is_early(desired.provider, seconds) and not any(is_awaited(observed, record) for record in records)
        if not early and self._is_due(look, seconds):
            running = self._running.get(key)
            if running is None:
                running = self._begin(key, records, nameservers, await published_at())
            done, _ = await asyncio.wait({running}, timeout=PATIENCE)
            if not done:
                self._left.add(key)
            elif (made := self._looks.get(key)) is not None and _is_about(made, records):
                look = made
        return with_findings(desired, observed, look.findings if look else {})

    async def findings(self, records: Iterable[RecordSet], nameservers: Sequence[str]) -> Findings:
        """Return the answers of name servers about the records, queried just now, delegations included."""
        records = tuple(records)
        resolver = self._resolver_for(nameservers)
        resolver.forget(records)
        found = await resolver.examine(records)
        return {finding.record.id: finding for finding in found}

    async def with_addresses(self, place: PublishedAt, nameservers: Sequence[str]) -> PublishedAt:
        """Return a zone with the addresses of its name servers, by which they are known whatever their names."""
        return await self._resolver_for(nameservers).with_addresses(place)

    def forget(self, key: ObjectKey) -> None:
        """Forget an object that is gone, or is to be looked up again."""
        self._looks.pop(key, None)
        if (running := self._running.pop(key, None)) is not None:
            running.cancel()

    async def close(self) -> None:
        """End the lookups that are under way."""
        running = tuple(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _begin(
        self,
        key: ObjectKey,
        records: Sequence[RecordSet],
        nameservers: Sequence[str],
        published_at: Sequence[PublishedAt],
    ) -> asyncio.Task[None]:
        async def look() -> None:
            findings = await self._resolver_for(nameservers).examine(records, published_at)
            self._looks[key] = _Look(self._clock(), {finding.record.id: finding for finding in findings})

        def ended(task: asyncio.Task[None]) -> None:
            if self._running.get(key) is task:
                del self._running[key]
            if not task.cancelled() and (error := task.exception()) is not None:
                LOGGER.error("the lookup of records failed unexpectedly", exc_info=error, extra={"object": str(key)})
            if key in self._left:
                self._left.discard(key)
                self.finished.emit(key)

        context = Context()
        context.run(TENANT.set, key.namespace)
        task = self._running[key] = asyncio.create_task(look(), name=f"lookup {key}", context=context)
        task.add_done_callback(ended)
        return task

    def _is_due(self, look: _Look | None, seconds: float) -> bool:
        """Return True if it is time for a lookup, after ``seconds`` of waiting: by how long it was at the one before."""
        if look is None:
            return True
        age = self._clock() - look.at
        return age >= lookup_interval(max(seconds - age, 0.0))


def _is_about(look: _Look, records: Iterable[RecordSet]) -> bool:
    """Return True if these records, with these values, are what was looked up."""
    found = (look.findings.get(record.id) for record in records)
    return all(
        finding is not None and finding.record.values == record.values
        for finding, record in zip(found, records, strict=True)
    )
