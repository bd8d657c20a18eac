"""From a query in wire format to the answer in wire format."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass

from ses_sandbox.dnsserver.sources import ZoneSource
from ses_sandbox.dnsserver.zone import ServedZone, Verdict
from ses_sandbox.faults import DnsFailure, Faults

log = logging.getLogger(__name__)

PLAIN_UDP_OCTETS = 512
EDNS_UDP_OCTETS = 1232
TCP_OCTETS = 65535
MAX_KEPT = 20_000
HEADER_OCTETS = 12

FAILURES = {DnsFailure.SERVFAIL: dns.rcode.SERVFAIL, DnsFailure.NXDOMAIN: dns.rcode.NXDOMAIN}


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer without its id, and the state of the zone that it was made from."""

    zone: ServedZone
    version: int
    wire: bytes


class Responder:
    """Answers with authority for the zones of its sources, and refuses everything else.

    Of several sources the one with the nearest zone counts, and of equals the first: a static zone replaces a zone of
    the same name. Answers are kept until their zone changes.
    """

    def __init__(self, sources: Sequence[ZoneSource], faults: Faults) -> None:
        self._sources = tuple(sources)
        self._faults = faults
        self._kept: dict[tuple[int, bytes], _Kept] = {}

    def respond_udp(self, wire: bytes) -> bytes | None:
        """Return the answer to a datagram, truncated (TC) if it is too long for the client. None: silence."""
        return self._respond(wire, PLAIN_UDP_OCTETS)

    def respond_tcp(self, wire: bytes) -> bytes | None:
        """Return the answer to a message over TCP, whole. None: silence."""
        return self._respond(wire, TCP_OCTETS)

    def _respond(self, wire: bytes, limit: int) -> bytes | None:
        """Return the answer, whatever happens: a question must not end the thread that serves all others."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return _format_error(wire)
        try:
            return self._respond_to(query, wire, limit)
        except Exception:
            log.exception("a question about %s failed", [str(question.name) for question in query.question])
            return _failure(query, dns.rcode.SERVFAIL)

    def _respond_to(self, query: dns.message.Message, wire: bytes, limit: int) -> bytes | None:
        if query.flags & dns.flags.QR:
            return None
        if query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
            return _failure(query, dns.rcode.NOTIMP)
        question = query.question[0]
        fault = self._faults.fire_dns(question.name.to_text(omit_final_dot=True))
        if fault is DnsFailure.TIMEOUT:
            return None
        if fault is not None:
            return _failure(query, FAILURES[fault])
        return self._answer(query, wire, limit)

    def _answer(self, query: dns.message.Message, wire: bytes, limit: int) -> bytes:
        name = query.question[0].name
        source, zone = self._zone_for(name)
        if source is None or zone is None or query.question[0].rdclass != dns.rdataclass.IN:
            return _failure(query, dns.rcode.REFUSED)
        with source.lock:
            kept = self._kept.get((limit, wire[2:]))
            if kept is None or kept.zone is not zone or kept.version != zone.version:
                kept = _Kept(zone, zone.version, _rendered(_from_zone(query, zone), query, limit)[2:])
                if len(self._kept) >= MAX_KEPT:
                    self._kept.clear()
                self._kept[limit, wire[2:]] = kept
        return wire[:2] + kept.wire

    def _zone_for(self, name: dns.name.Name) -> tuple[ZoneSource | None, ServedZone | None]:
        best: tuple[ZoneSource | None, ServedZone | None] = (None, None)
        depth = -1
        for source in self._sources:
            zone = source.zone_for(name)
            if zone is not None and len(zone.origin) > depth:
                best, depth = (source, zone), len(zone.origin)
        return best


def _from_zone(query: dns.message.Message, zone: ServedZone) -> dns.message.Message:
    question = query.question[0]
    found = zone.lookup(question.name, question.rdtype)
    response = dns.message.make_response(query, our_payload=EDNS_UDP_OCTETS)
    if found.verdict is Verdict.REFERRAL:
        response.authority.extend(found.rrsets)
        return response
    response.flags |= dns.flags.AA
    if found.verdict is Verdict.ANSWER:
        response.answer.extend(found.rrsets)
        return response
    response.authority.append(zone.soa)
    if found.verdict is Verdict.NO_NAME:
        response.set_rcode(dns.rcode.NXDOMAIN)
    return response


def _rendered(response: dns.message.Message, query: dns.message.Message, limit: int) -> bytes:
    if limit != TCP_OCTETS and query.edns >= 0:
        limit = max(limit, min(query.payload, EDNS_UDP_OCTETS))
    try:
        return response.to_wire(max_size=limit)
    except dns.exception.TooBig:
        response.flags |= dns.flags.TC
        response.answer.clear()
        response.authority.clear()
        return response.to_wire(max_size=limit)


def _failure(query: dns.message.Message, rcode: dns.rcode.Rcode) -> bytes:
    response = dns.message.make_response(query, our_payload=EDNS_UDP_OCTETS)
    response.set_rcode(rcode)
    return response.to_wire()


def _format_error(wire: bytes) -> bytes | None:
    """Return a bare header with FORMERR; None for a message without id, or that is itself an answer."""
    if len(wire) < HEADER_OCTETS or wire[2] & 0x80:
        return None
    return wire[:2] + b"\x80\x01" + bytes(HEADER_OCTETS - 4)
