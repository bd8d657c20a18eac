"""A resolver or name server of a test's own, on loopback: it relays to the sandbox's DNS server, and differs where told to."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset

Answer = Callable[[dns.message.Message], dns.message.Message | None]


@dataclass
class Relay:
    """What it answers with. ``upstream``: the server that holds the zones.

    ``broken``: names at and below which nothing is answered but SERVFAIL; ``bogus``: the same, unless signatures are not
    to be checked. ``root_says_no``: names at and below which the root knows nothing. Of all other names a CNAME is
    followed, as a resolver does. ``asked`` has the queries.
    """

    upstream: tuple[str, int]
    broken: tuple[str, ...] = ()
    bogus: tuple[str, ...] = ()
    root_says_no: tuple[str, ...] = ()
    asked: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        question = query.question[0]
        self.asked.append((question.name.to_text(), dns.rdatatype.to_text(question.rdtype)))
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        name = question.name
        for _ in range(8):
            if _within(name, self.broken) or (_within(name, self.bogus) and not query.flags & dns.flags.CD):
                response.set_rcode(dns.rcode.SERVFAIL)
                return response
            if _within(name, self.root_says_no):
                response.set_rcode(dns.rcode.NXDOMAIN)
                soa = "a.root-servers.net. nstld.verisign-grs.com. 1 1800 900 604800 86400"
                response.authority.append(dns.rrset.from_text(dns.name.root, 300, "IN", "SOA", soa))
                return response
            found = dns.query.udp(dns.message.make_query(name, question.rdtype), *_where(self.upstream))
            response.answer += found.answer
            alias = next((each for each in found.answer if each.rdtype == dns.rdatatype.CNAME), None)
            if alias is None or question.rdtype == dns.rdatatype.CNAME:
                response.authority += found.authority
                response.set_rcode(found.rcode())
                return response
            name = alias[0].target
        return response


def _where(upstream: tuple[str, int]) -> tuple[str, float, int]:
    return upstream[0], 30, upstream[1]


def _within(name: dns.name.Name, suffixes: tuple[str, ...]) -> bool:
    return any(name.is_subdomain(dns.name.from_text(suffix)) for suffix in suffixes)


@contextmanager
def serving(answer: Answer, host: str = "127.0.0.1", port: int = 0) -> Iterator[tuple[str, int]]:
    """The address of a server over UDP, until the block ends."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    udp = socket.socket(family, socket.SOCK_DGRAM)
    udp.bind((host, port))

    def work() -> None:
        while True:
            wire, peer = udp.recvfrom(65535)
            if not wire:
                return
            with contextlib.suppress(dns.exception.DNSException):
                response = answer(dns.message.from_wire(wire))
                if response is not None:
                    udp.sendto(response.to_wire(), peer)

    thread = Thread(target=work, daemon=True)
    thread.start()
    address = udp.getsockname()[:2]
    try:
        yield address
    finally:
        with socket.socket(family, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", address)
        thread.join()
        udp.close()
