"""Finds the hosted zone of a domain: from those that the SesAccount and the AWS account have, remembered for some minutes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ses_operator.api.account.kind import Zone as ZoneEntry
from ses_operator.api.base.reasons import Reason
from ses_operator.aws.route53 import Route53Access
from ses_operator.core.dns.zones import HostedZone, choose_zone, zones_in_question
from ses_operator.core.model.name_rights import is_within
from ses_operator.core.model.problems import Blocked, Gone, OperatorError, Problem
from ses_operator.core.state.answers import PublishedAt
from ses_operator.core.state.publication import DnsZone

FRESH_SECONDS = 300.0
MISS_SECONDS = 15.0
"""A domain that has no zone makes the list be read again, but not more often than this: zones are created, after all."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Ledgers:
    """What is known of an identity's ledgers. ``believed``: ids of zones in which it may have one.

    ``is_in``: reads a zone, and returns True if the identity's ledger is there.
    """

    is_in: Callable[[DnsZone], Awaitable[bool]]
    believed: frozenset[str] = frozenset()


async def _not_read(_: DnsZone) -> bool:
    return False


NO_LEDGERS = Ledgers(_not_read)


@dataclass(frozen=True, slots=True)
class PublishedZone:
    """A zone, and where it is served."""

    zone: DnsZone
    at: PublishedAt


@dataclass(frozen=True, slots=True)
class _WithinReach:
    """The public zones within reach. ``failures``: why there may be others."""

    configured: tuple[DnsZone, ...]
    listed: tuple[DnsZone, ...]
    failures: tuple[OperatorError, ...]


class _Shared(Generic[_T]):
    """One answer for many callers: fetched by the first and remembered, a failure for a moment too.

    What was known once is returned while it cannot be fetched again: zones do not change their names.
    """

    def __init__(self, fetch: Callable[[], Awaitable[_T]], clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = asyncio.Lock()
        self._answer: tuple[_T, float] | None = None
        self._failure: tuple[OperatorError, float] | None = None

    async def get(self, max_age: float) -> _T:
        """Return the answer, at most ``max_age`` seconds old if AWS gives one."""
        async with self._lock:
            if self._answer is None or self._age(self._answer) >= max_age:
                await self._refresh()
            if self._answer is not None:
                return self._answer[0]
            assert self._failure is not None  # noqa: S101 - one of the two is set after a refresh
            problem = self._failure[0].problem
            raise type(self._failure[0]).of(problem)

    async def _refresh(self) -> None:
        if self._failure is not None and self._age(self._failure) < MISS_SECONDS:
            return
        try:
            self._answer, self._failure = (await self._fetch(), self._clock()), None
        except OperatorError as error:
            self._failure = (error, self._clock())

    def _age(self, remembered: tuple[object, float]) -> float:
        return self._clock() - remembered[1]


class ZoneDirectory:
    """The hosted zones within reach of one SesAccount. ``entries`` are its spec.dns.zones."""

    def __init__(
        self, access: Route53Access, entries: Sequence[ZoneEntry], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._access = access
        self._entries = entries
        self._clock = clock
        self._listed = _Shared(access.for_role().list_hosted_zones, clock)
        self._described: dict[tuple[str, str | None, str | None], _Shared[HostedZone]] = {}

    async def zone_for(self, domain: str, zone_ref: str | None = None, ledgers: Ledgers = NO_LEDGERS) -> DnsZone:
        """Return the zone that holds ``domain``: the one that ``zone_ref`` names, else what ``choose_zone`` says.

        If ``zone_ref`` names a zone below the domain, which can hold only some of its records, that of the domain is
        returned all the same. Raises Blocked with ZONE_REF_NOT_FOUND, HOSTED_ZONE_NOT_FOUND, HOSTED_ZONE_AMBIGUOUS or
        what AWS refuses; Retry.
        """
        if zone_ref is not None:
            named = await self._named(domain, zone_ref)
            if is_within(domain, named.name):
                return named
        found = await self._longest_match(domain, FRESH_SECONDS, ledgers)
        if isinstance(found, Problem) and found.reason is Reason.HOSTED_ZONE_NOT_FOUND:
            found = await self._longest_match(domain, MISS_SECONDS, ledgers)
        if isinstance(found, Problem):
            raise Blocked.of(found)
        return found

    async def zones_named(self, name: str) -> tuple[PublishedZone, ...]:
        """Return the zones within reach that have this name, each with its name servers."""
        reach = await self._within_reach(FRESH_SECONDS)
        zones = {zone.hosted_zone_id: zone for zone in (*reach.listed, *reach.configured) if zone.name == name}
        return tuple([PublishedZone(zone, await self.published_at(zone)) for zone in zones.values()])

    async def named_below(self, domain: str, zone_ref: str | None) -> DnsZone | None:
        """Return the zone that ``zone_ref`` names, if its name is below the domain."""
        named = await self._named(domain, zone_ref) if zone_ref is not None else None
        return None if named is None or is_within(domain, named.name) else named

    def forget(self) -> None:
        """Forget everything, so that it is read again: a zone may have been created or a permission granted."""
        self._listed = _Shared(self._access.for_role().list_hosted_zones, self._clock)
        self._described.clear()

    async def zone_by_id(self, zone_id: str) -> DnsZone:
        """Return the zone of this id, with the role that the SesAccount names for it. Gone if it does not exist.

        Another account's zone is refused without its role (Route 53 does not say that it is another's).
        """
        entry = next((entry for entry in self._entries if entry.hosted_zone_id == zone_id), None)
        role_arn, external_id = (entry.role_arn, entry.external_id) if entry else (None, None)
        try:
            hosted_zone = await self._describe(zone_id, role_arn, external_id)
        except Blocked as error:
            if error.problem.reason is Reason.HOSTED_ZONE_NOT_FOUND:
                raise Gone.of(error.problem) from error
            if entry is None and error.problem.reason is Reason.ACCESS_DENIED:
                raise Blocked(error.problem.reason, f"{error}. {_put_back(zone_id)}") from error
            raise
        return DnsZone(zone_id, hosted_zone.name, role_arn, external_id)

    async def published_at(self, zone: DnsZone) -> PublishedAt:
        """Return the zone with its own name servers, to be compared with those that the public DNS names."""
        try:
            described = await self._describe(zone.hosted_zone_id, zone.role_arn, zone.external_id)
        except OperatorError:
            return PublishedAt(zone.name)  # nothing depends on it but the precision of a diagnosis
        return PublishedAt(zone.name, described.name_servers)

    async def _named(self, domain: str, name: str) -> DnsZone:
        entry = next((entry for entry in self._entries if entry.name == name), None)
        if entry is None:
            raise Blocked(
                Reason.ZONE_REF_NOT_FOUND,
                f"spec.dns.route53.zoneRef names zone {name}, which spec.dns.zones of the SesAccount does not list. Add it "
                "there, or name another",
            )
        hosted_zone = await self._describe(entry.hosted_zone_id, entry.role_arn, entry.external_id)
        if hosted_zone.private:
            raise Blocked(
                Reason.HOSTED_ZONE_NOT_FOUND,
                f"Zone {name} ({hosted_zone.name}, {hosted_zone.id}) is private, but SES queries the public DNS. "
                "Name a public zone in spec.dns.route53.zoneRef",
            )
        if not is_within(domain, hosted_zone.name) and not is_within(hosted_zone.name, domain):
            raise Blocked(
                Reason.HOSTED_ZONE_NOT_FOUND,
                f"Zone {name} is {hosted_zone.name} ({hosted_zone.id}), which does not hold {domain}. "
                "Change spec.dns.route53.zoneRef",
            )
        return _reached(entry, hosted_zone)

    async def _longest_match(self, domain: str, max_age: float, ledgers: Ledgers) -> DnsZone | Problem:
        reach = await self._within_reach(max_age)
        questionable = zones_in_question(domain, reach.configured, reach.listed, ledgers.believed)
        ours = [zone.hosted_zone_id for zone in questionable if await ledgers.is_in(zone)]
        found = choose_zone(domain, reach.configured, reach.listed, ours)
        if isinstance(found, Problem) and found.reason is Reason.HOSTED_ZONE_NOT_FOUND and reach.failures:
            raise reach.failures[0]
        return found

    async def _within_reach(self, max_age: float) -> _WithinReach:
        failures: list[OperatorError] = []
        configured = [zone async for zone in self._configured(failures)]
        listed: Iterable[DnsZone] = ()
        try:
            hosted_zones = await self._listed.get(max_age)
            listed = [DnsZone(found.id, found.name) for found in hosted_zones if not found.private]
        except Blocked as error:
            # Without permission to list, each zone has to be named. Other errors pass; till then a nearer zone may be overlooked.
            failures.append(error)
        return _WithinReach(tuple(configured), tuple(listed), tuple(failures))

    async def _configured(self, failures: list[OperatorError]) -> AsyncIterator[DnsZone]:
        for entry in self._entries:
            try:
                hosted_zone = await self._describe(entry.hosted_zone_id, entry.role_arn, entry.external_id)
            except Blocked as error:
                # A person has to repair this entry; meanwhile it blocks only the domains that no other zone holds.
                failures.append(error)
                continue
            if not hosted_zone.private:
                yield _reached(entry, hosted_zone)

    async def _describe(self, zone_id: str, role_arn: str | None, external_id: str | None) -> HostedZone:
        key = (zone_id, role_arn, external_id)
        shared = self._described.get(key)
        if shared is None:
            route53 = self._access.for_role(role_arn, external_id)
            shared = self._described[key] = _Shared(lambda: route53.get_hosted_zone(zone_id), self._clock)
        return await shared.get(FRESH_SECONDS)


def _put_back(zone_id: str) -> str:
    return (
        f"If zone {zone_id} is in another AWS account, put its entry, with its role, back into spec.dns.zones of the "
        "SesAccount until the records in it are gone"
    )


def _reached(entry: ZoneEntry, hosted_zone: HostedZone) -> DnsZone:
    return DnsZone(entry.hosted_zone_id, hosted_zone.name, entry.role_arn, entry.external_id)
