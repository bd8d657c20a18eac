"""DNS questions over UDP, many at once on one socket, and over TCP what does not fit."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rdtypes.ANY.MX
import dns.rdtypes.ANY.TXT
import dns.rrset

from ses_sandbox.ses.state.models import SoaRecord
from ses_sandbox.ses.verifier.lookups import Answer, AnswerKind

Address = tuple[str, int]
ATTEMPTS = 2
MAX_ID = 0xFFFF

# A server that does not have the zone at all answers REFUSED: for the world, such a name does not exist.
FAILURES: Mapping[int, AnswerKind] = {
    dns.rcode.NXDOMAIN: AnswerKind.NO_NAME,
    dns.rcode.REFUSED: AnswerKind.NO_NAME,
}


class DnsClient(asyncio.DatagramProtocol):
    """Queries one server. Made and used within one event loop; ``timeout`` in real seconds per attempt."""

    def __init__(self, server: Address, timeout: float = 2.0) -> None:
        self._server = server
        self._timeout = timeout
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._random = random.SystemRandom()

    async def open(self) -> None:
        """Open the socket."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, remote_addr=self._server)

    def close(self) -> None:
        """Close the socket; what is asked then times out."""
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: Address) -> None:  # noqa: ARG002  of the protocol
        """Take an answer. Called by asyncio."""
        waiting = self._waiting.get(int.from_bytes(data[:2], "big"))
        if waiting is not None and not waiting.done():
            waiting.set_result(data)

    def error_received(self, exc: Exception) -> None:
        """Ignore that no server listens there: the question times out, as for any server that does not answer."""

    async def ask(self, name: str, rdtype: str) -> Answer:
        """Return the answer to one question; never raise for what a server does."""
        query = dns.message.make_query(name, rdtype)
        query.flags |= dns.flags.RD
        for _ in range(ATTEMPTS):
            data = await self._exchange(query)
            if data is not None:
                break
        else:
            return Answer(AnswerKind.SERVER_FAILURE)
        try:
            response = dns.message.from_wire(data, ignore_trailing=True)
            if response.flags & dns.flags.TC:
                host, port = self._server
                response = await dns.asyncquery.tcp(query, host, port=port, timeout=self._timeout)
        except (dns.exception.DNSException, OSError, EOFError):
            return Answer(AnswerKind.SERVER_FAILURE)
        if response.question != query.question:
            return Answer(AnswerKind.SERVER_FAILURE)
        return read_answer(response, query.question[0])

    async def _exchange(self, query: dns.message.Message) -> bytes | None:
        if self._transport is None:
            raise RuntimeError("open() comes first")
        query.id = self._free_id()
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[query.id] = answered
        try:
            self._transport.sendto(query.to_wire())
            async with asyncio.timeout(self._timeout):
                return await answered
        except TimeoutError:
            return None
        finally:
            del self._waiting[query.id]

    def _free_id(self) -> int:
        while (number := self._random.randint(0, MAX_ID)) in self._waiting:
            pass
        return number


def read_answer(response: dns.message.Message, question: dns.rrset.RRset) -> Answer:
    """Return what a response says to a question. Records of other names and types in it do not count."""
    soa = _authority_soa(response)
    if response.rcode() != dns.rcode.NOERROR:
        return Answer(FAILURES.get(response.rcode(), AnswerKind.SERVER_FAILURE), soa=soa)
    found = response.get_rrset(response.answer, question.name, question.rdclass, question.rdtype)
    if found is None:
        return Answer(AnswerKind.NO_TYPE, soa=soa)
    if question.rdtype == dns.rdatatype.SOA:
        return Answer(AnswerKind.FOUND, soa=_soa(found))
    return Answer(AnswerKind.FOUND, tuple(_text(rdata) for rdata in found), soa)


def _text(rdata: dns.rdata.Rdata) -> str:
    if isinstance(rdata, dns.rdtypes.ANY.TXT.TXT):
        return b"".join(rdata.strings).decode("utf-8", "replace")
    if isinstance(rdata, dns.rdtypes.ANY.MX.MX):
        return f"{rdata.preference} {rdata.exchange.to_text(omit_final_dot=True)}"
    return rdata.to_text().rstrip(".")


def _authority_soa(response: dns.message.Message) -> SoaRecord | None:
    for rrset in response.authority:
        if rrset.rdtype == dns.rdatatype.SOA:
            return _soa(rrset)
    return None


def _soa(rrset: dns.rrset.RRset) -> SoaRecord:
    rdata = rrset[0]
    return SoaRecord(
        primary_name_server=rdata.mname.to_text(omit_final_dot=True),
        admin_email=rdata.rname.to_text(omit_final_dot=True),
        serial=rdata.serial,
    )
