"""Looks wanted records up directly, at the name servers of their zone, and diagnoses what is wrong with them.

Directly: a CNAME by a query for the CNAME (its target need not exist, because SES compares the record itself), an MX,
and a TXT with its strings joined. Only if a record is missing or different, further queries are made, one for each
known mistake.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

import dns.name
import dns.rdata
import dns.rdatatype
from dns.exception import DNSException
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT

from ses_operator.core.dns.judge import FOLLOWED, matches
from ses_operator.core.dns.lookup.diagnosis import diagnose, diagnose_all
from ses_operator.core.dns.lookup.record_case import RecordCase
from ses_operator.core.dns.record_formats import misread
from ses_operator.core.model.outer_text import clean, cut
from ses_operator.core.model.records import RecordSet, RecordType
from ses_operator.core.state.answers import Answer, FindingState, LookupFinding, Outcome, Probes, PublishedAt, zone_of
from ses_operator.dns.lookup.nameservers import DEFINITE, NameServers, Reply, ZoneServers, worth_asking

MAX_VALUE = 4096
"""Characters of a TXT value: what is wanted is a fifth of it at the most, and others may publish 64 KB."""
DEADLINE = 20.0
"""Seconds for all queries about a record, those for its zone and its servers included."""
RDTYPES = {
    RecordType.CNAME: dns.rdatatype.CNAME,
    RecordType.MX: dns.rdatatype.MX,
    RecordType.TXT: dns.rdatatype.TXT,
}
PROBE_LABEL = "ses-operator-wildcard-probe"
DOMAINKEY = "._domainkey."
MAX_ALIASES = 8
"""CNAMEs that are followed one after the other: more are taken for a circle."""


class Resolver:
    """Sees records as the name servers answer them. Holds no state but what NameServers remembers."""

    def __init__(self, name_servers: NameServers) -> None:
        self._name_servers = name_servers

    async def examine(
        self, records: Iterable[RecordSet], published_at: Sequence[PublishedAt] = ()
    ) -> tuple[LookupFinding, ...]:
        """Return the diagnosis of each record, in their order. What name servers fail to answer is a finding, never an exception.

        ``published_at``: the zones that were written to, to find a wrong delegation; none if that is not known.
        """
        places = await asyncio.gather(*(self.with_addresses(place) for place in published_at))
        cases = await asyncio.gather(*(self._case_in_time(record, zone_of(record.name, places)) for record in records))
        return diagnose_all(cases)

    async def with_addresses(self, place: PublishedAt) -> PublishedAt:
        """Return the zone with the addresses of its name servers."""
        try:
            async with asyncio.timeout(DEADLINE):
                return replace(place, addresses=await self._name_servers.addresses_of(place.servers))
        except TimeoutError:
            return place

    def forget(self, records: Iterable[RecordSet]) -> None:
        """Forget the servers of these records' zones, which may be delegated to others by now."""
        for record in records:
            self._name_servers.forget(_name(record.name).parent())

    async def look_up(self, record: RecordSet) -> Answer:
        """Return what the zone's name servers answer for the record's name and type."""
        answer, _ = await self._look_up(record)
        return answer

    async def _case_in_time(self, record: RecordSet, published_at: PublishedAt | None) -> RecordCase:
        """Return the case of a record; that no server answers, if it is not known in time."""
        try:
            async with asyncio.timeout(DEADLINE):
                return await self._case(record, published_at)
        except TimeoutError:
            return RecordCase(record, Answer(Outcome.TIMEOUT), published_at=published_at)

    async def _case(self, record: RecordSet, published_at: PublishedAt | None) -> RecordCase:
        answer, zone = await self._look_up(record)
        if answer.outcome is Outcome.OTHER_TYPE and record.type in FOLLOWED:
            answer = replace(answer, behind=await self._behind(record, answer))
        case = RecordCase(record, answer, published_at=published_at)
        if diagnose(case).state in {FindingState.PUBLISHED, FindingState.UNREACHABLE}:
            return case
        return RecordCase(record, answer, await self._probes(record, zone), published_at)

    async def _behind(self, record: RecordSet, answer: Answer) -> tuple[str, ...] | None:
        """Return the values of the record's type at the end of a CNAME; None if no server tells."""
        for _ in range(MAX_ALIASES):
            try:
                _name(answer.values[0])
            except DNSException:
                return ()
            answer, _ = await self._look_up(replace(record, name=answer.values[0].lower()))
            match answer.outcome:
                case Outcome.FOUND:
                    return answer.values
                case Outcome.NO_NAME | Outcome.NO_DATA:
                    return ()
                case Outcome.SERVER_FAILURE | Outcome.BOGUS | Outcome.TIMEOUT | Outcome.REFUSED | Outcome.NOT_ASKED:
                    return None
                case Outcome.OTHER_TYPE:
                    continue
        return ()

    async def _look_up(self, record: RecordSet) -> tuple[Answer, ZoneServers]:
        """Return the answer, and the zone that gave it.

        That is the zone of the name above, which many records share and where a CNAME is not followed; unless its
        servers say that the record's name is a zone of its own.
        """
        name = _name(record.name)
        zone = await self._name_servers.zone_of(name.parent())
        reply = await self._best_reply(record, zone)
        if reply.is_referral:
            zone = await self._name_servers.zone_of(name)
            reply = await self._best_reply(record, zone)
        answer = Answer(
            reply.outcome,
            _values(reply, record.name, record.type),
            zone=zone.name,
            primary=zone.primary,
            servers=zone.delegated if reply.outcome in {*DEFINITE, Outcome.NOT_ASKED} else zone.server_names,
            addresses=zone.addresses,
        )
        return answer, zone

    async def _best_reply(self, record: RecordSet, zone: ZoneServers) -> Reply:
        """Return the first definite answer; but if the record is not found, ask another server, which may already have it."""
        if zone.failure is not None:
            return Reply(zone.failure)
        servers = worth_asking(zone.servers)
        name, rdtype = _name(record.name), RDTYPES[record.type]
        reply = await self._name_servers.ask(servers, name, rdtype, zone.name)
        if reply.outcome not in {Outcome.NO_NAME, Outcome.NO_DATA} or len(servers) < 2:
            return reply
        second = await self._name_servers.ask(servers[1:], name, rdtype, zone.name)
        return second if second.outcome is Outcome.FOUND else reply

    async def _probes(self, record: RecordSet, zone: ZoneServers) -> Probes:
        """Make one query for each mistake that leaves a trace elsewhere than at the record's own name."""
        doubled = f"{record.name}.{zone.name}"
        stripped = record.name.replace(DOMAINKEY, ".domainkey.", 1).removeprefix("_")
        exchanged = f"{record.values[0].rpartition(' ')[2]}.{zone.name}"
        unmade = f"{PROBE_LABEL}.{record.name.partition('.')[2]}"
        at_doubled, at_stripped, at_exchanged, wildcard, addresses, wildcard_addresses = await asyncio.gather(
            self._seen(doubled, record.type, zone),
            self._seen(stripped, record.type, zone),
            self._seen(exchanged, record.type, zone),
            self._seen(unmade, record.type, zone),
            self._addresses(record.name, record.type, zone),
            self._addresses(unmade, record.type, zone),
        )
        was_misread = _lowered(at_doubled) == _lowered(misread(record, zone.name))
        return Probes(
            doubled_suffix=doubled if was_misread or matches(record, at_doubled) else "",
            doubled_value=", ".join(at_doubled) if was_misread else "",
            without_underscore=stripped if stripped != record.name and matches(record, at_stripped) else "",
            value_as_name=exchanged if _names(at_exchanged, record) else "",
            wildcard=wildcard,
            addresses=addresses,
            wildcard_addresses=wildcard_addresses,
        )

    async def _seen(self, name: str, record_type: RecordType, zone: ZoneServers) -> tuple[str, ...]:
        """Return the values of this type at a name; none if it is no valid name or not in the zone."""
        try:
            asked = _name(name)
        except DNSException:
            return ()
        if not zone.name or not asked.is_subdomain(_name(zone.name)):
            return ()
        reply = await self._name_servers.ask(worth_asking(zone.servers), asked, RDTYPES[record_type], zone.name)
        return _values(reply, name, record_type)

    async def _addresses(self, at: str, record_type: RecordType, zone: ZoneServers) -> tuple[str, ...]:
        """Return the addresses that are in the place of a wanted CNAME."""
        if record_type is not RecordType.CNAME:
            return ()
        name, servers = _name(at), worth_asking(zone.servers)
        replies = await asyncio.gather(
            *(
                self._name_servers.ask(servers, name, rdtype, zone.name)
                for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
            )
        )
        return tuple(
            sorted(
                rdata.to_text()
                for reply in replies
                if reply.outcome is Outcome.FOUND and reply.message is not None
                for rrset in reply.message.answer
                if rrset.rdtype in {dns.rdatatype.A, dns.rdatatype.AAAA}
                for rdata in rrset
            )
        )


def _lowered(values: Iterable[str]) -> list[str]:
    return sorted(value.lower() for value in values)


def _names(values: Iterable[str], record: RecordSet) -> bool:
    """Return True if one of the values is the record's name, in whole or relative to its zone."""
    label = record.name.partition(".")[0]
    return any(value.lower().rpartition(" ")[2].startswith(f"{label}.") for value in values)


def _name(text: str) -> dns.name.Name:
    return dns.name.from_text(text)


def _values(reply: Reply, name: str, record_type: RecordType) -> tuple[str, ...]:
    """Return the values at exactly this name, in the form of RecordSet.values; of a CNAME in its place, the target."""
    if reply.message is None or reply.outcome not in {Outcome.FOUND, Outcome.OTHER_TYPE}:
        return ()
    rdtype = RDTYPES[record_type] if reply.outcome is Outcome.FOUND else dns.rdatatype.CNAME
    owner = _name(name)
    return tuple(
        sorted(
            _value(rdata)
            for rrset in reply.message.answer
            if rrset.rdtype == rdtype and rrset.name == owner
            for rdata in rrset
        )
    )


def _value(rdata: dns.rdata.Rdata) -> str:
    match rdata:
        case TXT():
            return cut(clean(b"".join(rdata.strings).decode("utf-8", "backslashreplace")), MAX_VALUE)
        case MX():
            return f"{rdata.preference} {rdata.exchange.to_text(omit_final_dot=True)}"
        case _:
            return rdata.to_text().removesuffix(".")
