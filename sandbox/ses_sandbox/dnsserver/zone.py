"""A zone as a name server holds it: record sets by name, answers by the rules of RFC 1034."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum

import dns.name
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.zone

WILDCARD = b"*"
Name = dns.name.Name
RdataSets = dict[dns.rdatatype.RdataType, dns.rdataset.Rdataset]


class Verdict(Enum):
    """The kinds of answer that a zone has to a question."""

    ANSWER = "answer"
    NO_DATA = "no data"
    NO_NAME = "no name"
    REFERRAL = "referral"


@dataclass(frozen=True, slots=True)
class Lookup:
    """The verdict with the record sets that go into the answer section (ANSWER) or the authority section (REFERRAL)."""

    verdict: Verdict
    rrsets: tuple[dns.rrset.RRset, ...] = ()


class ServedZone:
    """Record sets of one zone, ready to be sent. Names are compared without regard to case.

    ``version`` grows with every change, so that what was made from the zone can be dropped. Not safe for use by several
    threads at once: the caller holds a lock.
    """

    __slots__ = ("_cuts", "_names", "_sets", "origin", "version")

    def __init__(self, origin: Name) -> None:
        self.origin = origin
        self.version = 0
        self._sets: dict[Name, RdataSets] = {}
        self._names: Counter[Name] = Counter()  # how many record sets are at or beneath each name
        self._cuts = 0  # how many names beneath the origin are delegated

    @classmethod
    def from_text(cls, origin: str, text: str) -> ServedZone:
        """Read a zone from BIND's text format. Without an SOA one is made, so that fragments are enough for tests.

        Raises dns.exception.DNSException for text that is not a zone.
        """
        name = dns.name.from_text(origin)
        parsed = dns.zone.from_text(text, origin=name, relativize=False, check_origin=False)
        zone = cls(name)
        for owner, node in parsed.nodes.items():
            for rdataset in node:
                zone.put(owner, rdataset)
        if zone.get(name, dns.rdatatype.SOA) is None:
            soa = f"ns1.{name} hostmaster.{name} 1 7200 900 1209600 60"
            zone.put(name, dns.rdataset.from_text("IN", "SOA", 300, soa))
        return zone

    def get(self, name: Name, rdtype: dns.rdatatype.RdataType) -> dns.rdataset.Rdataset | None:
        """Return the record set at exactly this name."""
        return self._sets.get(name, {}).get(rdtype)

    def put(self, name: Name, rdataset: dns.rdataset.Rdataset) -> None:
        """Add a record set, or replace the one with its name and type."""
        at_name = self._sets.setdefault(name, {})
        if rdataset.rdtype not in at_name:
            self._count(name, rdataset.rdtype, 1)
        at_name[rdataset.rdtype] = rdataset
        self.version += 1

    def remove(self, name: Name, rdtype: dns.rdatatype.RdataType) -> None:
        """Remove a record set; a missing one is no error."""
        at_name = self._sets.get(name, {})
        if at_name.pop(rdtype, None) is None:
            return
        if not at_name:
            del self._sets[name]
        self._count(name, rdtype, -1)
        self.version += 1

    def _count(self, name: Name, rdtype: dns.rdatatype.RdataType, by: int) -> None:
        if rdtype == dns.rdatatype.NS and name != self.origin:
            self._cuts += by
        while True:
            self._names[name] += by
            if name == self.origin:
                return
            name = name.parent()

    @property
    def soa(self) -> dns.rrset.RRset:
        """The SOA for the authority section: its TTL is that of negative answers (RFC 2308, 5)."""
        rdataset = self._sets[self.origin][dns.rdatatype.SOA]
        ttl = min(rdataset.ttl, rdataset[0].minimum)
        return dns.rrset.from_rdata_list(self.origin, ttl, list(rdataset))

    def lookup(self, name: Name, rdtype: dns.rdatatype.RdataType) -> Lookup:
        """Return what the zone answers. A CNAME is returned as such, and the client looks its target up."""
        cut = self._cut_above(name)
        if cut is not None:
            return Lookup(Verdict.REFERRAL, (_rrset(cut, self._sets[cut][dns.rdatatype.NS]),))
        if self._names[name] > 0:
            return _answer(name, self._sets.get(name, {}), rdtype)
        source = self._wildcard_for(name)
        if source is None:
            return Lookup(Verdict.NO_NAME)
        return _answer(name, self._sets[source], rdtype)

    def _cut_above(self, name: Name) -> Name | None:
        if not self._cuts:
            return None
        found = None
        while name != self.origin:
            if dns.rdatatype.NS in self._sets.get(name, {}):
                found = name
            name = name.parent()
        return found

    def _wildcard_for(self, name: Name) -> Name | None:
        """Return the wildcard that covers a missing name: beneath its closest encloser (RFC 4592, 3.3.1)."""
        encloser = name.parent()
        while self._names[encloser] <= 0:
            encloser = encloser.parent()
        wildcard = dns.name.Name((WILDCARD, *encloser.labels))
        return wildcard if wildcard in self._sets else None


def _answer(name: Name, at_name: RdataSets, rdtype: dns.rdatatype.RdataType) -> Lookup:
    if rdtype == dns.rdatatype.ANY and at_name:
        return Lookup(Verdict.ANSWER, tuple(_rrset(name, rdataset) for rdataset in at_name.values()))
    rdataset = at_name.get(rdtype) or at_name.get(dns.rdatatype.CNAME)
    if rdataset is None:
        return Lookup(Verdict.NO_DATA)
    return Lookup(Verdict.ANSWER, (_rrset(name, rdataset),))


def _rrset(name: Name, rdataset: dns.rdataset.Rdataset) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset))
