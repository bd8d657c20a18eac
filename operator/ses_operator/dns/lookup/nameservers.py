"""Finds the name servers that are authoritative for a name, and queries them.

The zone above a name is found by its SOA and the zone's servers by its NS records, through recursive resolvers; from
then on those servers are queried directly, so that no cache is between a change and the answer.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset

from ses_operator.core.state.answers import Outcome
from ses_operator.dns.lookup.addresses import may_be_asked
from ses_operator.dns.lookup.query_slots import TENANT, QuerySlots
from ses_operator.dns.lookup.silence import Silences

DNS_PORT = 53
ZONE_TTL = 120.0
MAX_REMEMBERED = 10_000
MAX_HOSTS = 13
"""Name servers of a zone whose addresses are looked up, as many as the root has: a zone may name a thousand."""
MAX_SERVERS = 4
"""Servers of a zone that are asked one after the other."""
UNREACHABLE = (dns.exception.DNSException, OSError, EOFError, OverflowError)
"""OverflowError: a number that is no port, which Python finds when it is used."""

DEFINITE = frozenset({Outcome.FOUND, Outcome.NO_NAME, Outcome.NO_DATA, Outcome.OTHER_TYPE})


@dataclass(frozen=True, slots=True)
class Server:
    """A name server by IP address. ``name``: the one that people know it by."""

    address: str
    port: int
    name: str


@dataclass(frozen=True, slots=True)
class ZoneServers:
    """A zone and the servers that answer for it.

    ``failure`` says why none does; ``name`` is without the closing dot. ``servers``: those to query. ``delegated``:
    the names in its NS records, which differ from them if servers are configured; ``addresses``: theirs, if these are
    queried.
    """

    name: str = ""
    primary: str = ""
    servers: tuple[Server, ...] = ()
    delegated: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    failure: Outcome | None = None

    @property
    def server_names(self) -> tuple[str, ...]:
        """The names of the servers, for messages."""
        return tuple(sorted({server.name for server in self.servers}))


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply of one of several servers. ``message`` is None if the outcome is no answer."""

    outcome: Outcome
    message: dns.message.Message | None = None

    @property
    def is_referral(self) -> bool:
        """True if the server has delegated the name to others: no authority, no answer, but their NS records."""
        message = self.message
        if message is None or message.answer or message.flags & dns.flags.AA:
            return False
        return any(rrset.rdtype == dns.rdatatype.NS for rrset in message.authority)


class NameServers:
    """Queries name servers, and finds those of a zone. Zones are remembered for two minutes, silent servers for one.

    What a domain costs others is bounded: ``QuerySlots``. Addresses to which a zone's own NS records lead are asked only if
    ``may_be_asked``.

    ``configured``: addresses as ``host``, ``host:port`` or ``[v6]:port`` that are queried for every name in place of
    the zone's own servers. ``recursive``: resolvers to find zones and servers with; if empty, those of the system.
    ``authoritative_port``: of the zones' own servers. ``timeout``: seconds for each query. ``slots``: shared
    with others that query. ``on_query`` is called after each query with its outcome.
    """

    def __init__(
        self,
        configured: Sequence[str] = (),
        recursive: Sequence[str] = (),
        *,
        authoritative_port: int = DNS_PORT,
        timeout: float = 3.0,
        slots: QuerySlots | None = None,
        may_be_asked: Callable[[str], bool] = may_be_asked,
        monotonic: Callable[[], float] = time.monotonic,
        on_query: Callable[[Outcome], None] = lambda _: None,
    ) -> None:
        self._configured = tuple(configured)
        self._recursive = tuple(recursive)
        self._authoritative_port = authoritative_port
        self._timeout = timeout
        self._slots = slots or QuerySlots()
        self._may_be_asked = may_be_asked
        self._monotonic = monotonic
        self._on_query = on_query
        self._silences = Silences(monotonic)
        self._searches: dict[dns.name.Name, tuple[float, asyncio.Task[ZoneServers]]] = {}
        self._zones: dict[dns.name.Name, tuple[float, ZoneServers]] = {}

    async def ask(
        self, servers: Sequence[Server], name: dns.name.Name, rdtype: dns.rdatatype.RdataType, domain: str
    ) -> Reply:
        """Return the first answer of the servers, in their order; else the failure of the last.

        ``domain``: what the query is for, and is counted with.
        """
        reply = Reply(Outcome.TIMEOUT)
        for server in servers:
            reply = await self._ask(server, name, rdtype, domain)
            if reply.outcome in DEFINITE:
                return reply
        return reply

    async def _ask(self, server: Server, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, domain: str) -> Reply:
        """Return the answer of one server. Of a failure, the same query without a check of signatures shows if that is why."""
        reply = await self._query(server, dns.message.make_query(name, rdtype, use_edns=0, payload=1232), domain)
        if reply.outcome is not Outcome.SERVER_FAILURE:
            return reply
        unchecked = dns.message.make_query(name, rdtype, use_edns=0, payload=1232)
        unchecked.flags |= dns.flags.CD
        is_bogus = (await self._query(server, unchecked, domain)).outcome in DEFINITE
        return Reply(Outcome.BOGUS) if is_bogus else reply

    async def _query(self, server: Server, query: dns.message.QueryMessage, domain: str) -> Reply:
        name, rdtype = query.question[0].name, query.question[0].rdtype
        where = (domain, server.address, server.port)
        async with self._slots.place(domain, self._silences.standing(where)):
            if self._silences.is_silent(where):
                return Reply(Outcome.TIMEOUT)
            try:
                response, _ = await dns.asyncquery.udp_with_fallback(
                    query, server.address, self._timeout, server.port, ignore_unexpected=True
                )
                reply = Reply(_outcome(response, name, rdtype), response)
                self._silences.answered(where)
            except UNREACHABLE:
                reply = Reply(Outcome.TIMEOUT)
                self._silences.gave_no_answer(where)
        self._on_query(reply.outcome)
        return reply

    async def zone_of(self, name: dns.name.Name) -> ZoneServers:
        """Return the zone that holds the name, and its servers. Concurrent queries for the same name share one search."""
        known = self._searches.get(name)
        if known is None or known[0] < self._monotonic():
            while len(self._searches) >= MAX_REMEMBERED:
                del self._searches[next(iter(self._searches))]
            context = Context()
            context.run(TENANT.set, TENANT.get())
            search = asyncio.create_task(self._find_zone(name), context=context)
            known = self._searches[name] = (self._monotonic() + ZONE_TTL, search)
        found = await asyncio.shield(known[1])
        if found.failure is not None:
            self._searches.pop(name, None)
        return found

    def forget(self, name: dns.name.Name) -> None:
        """Forget the servers of the zone of a name, so that they are looked up again."""
        self._searches.pop(name, None)
        self._zones = {apex: known for apex, known in self._zones.items() if not name.is_subdomain(apex)}

    async def _find_zone(self, name: dns.name.Name) -> ZoneServers:
        asked, domain = await self._servers(self._configured or self._recursive or _system_resolvers()), _plain(name)
        apex, primary, failure = await self._start_of_authority(asked, name, domain)
        if failure is not None or apex is None:
            return ZoneServers(servers=asked if self._configured else (), failure=failure or Outcome.NO_NAME)
        known = self._zones.get(apex)
        if known is not None and known[0] >= self._monotonic():
            return known[1]
        zone = await self._describe(asked, apex, primary)
        if zone.failure is None:
            while len(self._zones) >= MAX_REMEMBERED:
                del self._zones[next(iter(self._zones))]
            self._zones[apex] = (self._monotonic() + ZONE_TTL, zone)
        return zone

    async def _describe(self, asked: tuple[Server, ...], apex: dns.name.Name, primary: str) -> ZoneServers:
        hosts = await self._name_server_hosts(asked, apex)
        found = asked if self._configured else await self._all_addresses(asked, hosts, _plain(apex))
        servers = tuple(server for server in found if self._configured or self._may_be_asked(server.address))
        addresses = () if self._configured else tuple(sorted({server.address for server in servers}))
        delegated = tuple(sorted(map(_plain, hosts)))
        failure = Outcome.NOT_ASKED if found else Outcome.TIMEOUT
        return ZoneServers(_plain(apex), primary, servers, delegated, addresses, None if servers else failure)

    async def addresses_of(self, hosts: Sequence[str]) -> tuple[str, ...]:
        """Return the addresses of name servers, by which the same ones are known under other names."""
        if self._configured:
            return ()
        asked = await self._servers(self._recursive or _system_resolvers())
        names = [dns.name.from_text(host) for host in hosts]
        found = await self._all_addresses(asked, names, _plain(names[0]) if names else "")
        return tuple(sorted({server.address for server in found}))

    async def _start_of_authority(
        self, servers: Sequence[Server], name: dns.name.Name, domain: str
    ) -> tuple[dns.name.Name | None, str, Outcome | None]:
        """Return the apex of the zone above a name and its primary server, or the failure.

        The query is for a CNAME, because a resolver would follow one to answer any other: to a zone that says nothing of
        the name, and may fail. Whoever has no CNAME there says so with the SOA of the zone (RFC 2308, 3); some leave it
        out, and are asked for it.
        """
        while name != dns.name.root:
            reply = await self.ask(servers, name, dns.rdatatype.CNAME, domain)
            if reply.outcome is Outcome.NO_DATA and _start_above(reply, name) is None:
                reply = await self.ask(servers, name, dns.rdatatype.SOA, domain)
            if reply.message is None or reply.outcome not in DEFINITE:
                return None, "", reply.outcome
            if (found := _start_above(reply, name)) is not None:
                # A resolver that knows no top-level domain of this name says so with the SOA of the root.
                return (None, "", None) if found.name == dns.name.root else (found.name, _plain(found[0].mname), None)
            name = name.parent()
        return None, "", None

    async def _name_server_hosts(self, resolvers: Sequence[Server], apex: dns.name.Name) -> list[dns.name.Name]:
        reply = await self.ask(resolvers, apex, dns.rdatatype.NS, _plain(apex))
        return sorted(dns.name.from_text(rdata.to_text()) for rdata in _rdatas(reply, dns.rdatatype.NS))

    async def _all_addresses(
        self, resolvers: Sequence[Server], hosts: Sequence[dns.name.Name], domain: str
    ) -> tuple[Server, ...]:
        hosts = hosts[:MAX_HOSTS]
        found = await asyncio.gather(*(self._addresses(resolvers, host, domain) for host in hosts))
        return tuple(
            Server(address, self._authoritative_port, _plain(host))
            for host, addresses in zip(hosts, found, strict=True)
            for address in addresses
        )

    async def _addresses(self, resolvers: Sequence[Server], host: dns.name.Name, domain: str) -> list[str]:
        """Return the addresses of a host, IPv4 and IPv6."""
        types = (dns.rdatatype.A, dns.rdatatype.AAAA)
        replies = await asyncio.gather(*(self.ask(resolvers, host, rdtype, domain) for rdtype in types))
        return [
            address
            for reply, rdtype in zip(replies, types, strict=True)
            for address in sorted(rdata.to_text() for rdata in _rdatas(reply, rdtype))
        ]

    async def _servers(self, written: Sequence[str]) -> tuple[Server, ...]:
        found = await asyncio.gather(*(_resolved(text) for text in written))
        return tuple(server for servers in found for server in servers)


def worth_asking(servers: Sequence[Server]) -> tuple[Server, ...]:
    """Return the few of a zone's servers that are asked, one after the other: IPv4 first, then IPv6.

    Many clusters have a route by one of the two only: neither is left out.
    """
    v4 = [server for server in servers if ":" not in server.address]
    v6 = [server for server in servers if ":" in server.address]
    count = MAX_SERVERS - min(len(v6), MAX_SERVERS // 2)
    return tuple((*v4[:count], *v6)[:MAX_SERVERS])


def _start_above(reply: Reply, name: dns.name.Name) -> dns.rrset.RRset | None:
    """Return the SOA in a reply that is of a zone that holds the name."""
    message = reply.message
    found = (*message.answer, *message.authority) if message is not None else ()
    return next((rrset for rrset in found if rrset.rdtype == dns.rdatatype.SOA and name.is_subdomain(rrset.name)), None)


def _outcome(response: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Outcome:
    match response.rcode():
        case dns.rcode.NXDOMAIN:
            # An NXDOMAIN after a CNAME is about its target, which SES never requires to exist.
            return _found(response, name, rdtype, Outcome.NO_NAME)
        case dns.rcode.NOERROR:
            return _found(response, name, rdtype, Outcome.NO_DATA)
        case dns.rcode.REFUSED | dns.rcode.NOTAUTH:
            return Outcome.REFUSED
        case _:
            return Outcome.SERVER_FAILURE


def _found(
    response: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, otherwise: Outcome
) -> Outcome:
    types = {rrset.rdtype for rrset in response.answer if rrset.name == name}
    if rdtype in types:
        return Outcome.FOUND
    return Outcome.OTHER_TYPE if dns.rdatatype.CNAME in types else otherwise


def _rdatas(reply: Reply, rdtype: dns.rdatatype.RdataType) -> list[dns.rdata.Rdata]:
    """Return all records of the type in the answer, behind any CNAMEs."""
    answer = reply.message.answer if reply.message is not None else []
    return [rdata for rrset in answer if rrset.rdtype == rdtype for rdata in rrset]


def _plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _system_resolvers() -> tuple[str, ...]:
    """Return the resolvers of /etc/resolv.conf."""
    return tuple(str(server) for server in dns.resolver.get_default_resolver().nameservers)


async def _resolved(written: str) -> tuple[Server, ...]:
    """Return the servers that ``host``, ``host:port`` or ``[v6]:port`` names; none if the host has no address."""
    host, port = _host_and_port(written)
    try:
        return (Server(str(ipaddress.ip_address(host)), port, written),)
    except ValueError:
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port)
    except (OSError, OverflowError, UnicodeError):
        return ()
    return tuple(Server(address, port, written) for address in dict.fromkeys(str(entry[4][0]) for entry in found))


def _host_and_port(written: str) -> tuple[str, int]:
    if written.startswith("["):
        host, _, rest = written[1:].partition("]")
        return host, int(rest.removeprefix(":") or DNS_PORT)
    if written.count(":") > 1:
        return written, DNS_PORT
    host, _, port = written.partition(":")
    return host, int(port or DNS_PORT)
