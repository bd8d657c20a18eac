"""Route 53's record sets as the name server sends them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
from dns.exception import DNSException

from ses_sandbox.route53.names import labels_of
from ses_sandbox.route53.records import ResourceRecordSet
from ses_sandbox.route53.values import character_strings, host_name, mail_exchange

IN = dns.rdataclass.IN


def dns_name(name: str) -> dns.name.Name:
    r"""Return the name of a record set, escapes resolved (``\052`` becomes the wildcard label)."""
    return dns.name.Name((*labels_of(name), b""))


def _host(rdtype: dns.rdatatype.RdataType) -> Callable[[str], dns.rdata.Rdata]:
    def convert(value: str) -> dns.rdata.Rdata:
        target = dns.name.Name((*host_name(value), b""))
        return dns.rdata.from_text(IN, rdtype, target.to_text())

    return convert


def _mail_exchange(value: str) -> dns.rdata.Rdata:
    preference, labels = mail_exchange(value)
    return dns.rdata.from_text(IN, dns.rdatatype.MX, f"{preference} {dns.name.Name((*labels, b'')).to_text()}")


def _text(value: str) -> dns.rdata.Rdata:
    """Return a TXT value as octets: Route 53 escapes in octal, master files in decimal, so that the text cannot be copied."""
    wire = b"".join(bytes([len(string)]) + string for string in character_strings(value))
    return dns.rdata.from_wire(IN, dns.rdatatype.TXT, wire, 0, len(wire))


def _rdata(rdtype: dns.rdatatype.RdataType, value: str) -> dns.rdata.Rdata:
    """Return a value as data. Route 53 takes every name in it as complete, with or without its closing dot."""
    convert = CONVERSIONS.get(rdtype)
    if convert is not None:
        return convert(value)
    return dns.rdata.from_text(IN, rdtype, value, origin=dns.name.root, relativize=False)


CONVERSIONS: Mapping[dns.rdatatype.RdataType, Callable[[str], dns.rdata.Rdata]] = {
    dns.rdatatype.CNAME: _host(dns.rdatatype.CNAME),
    dns.rdatatype.MX: _mail_exchange,
    dns.rdatatype.NS: _host(dns.rdatatype.NS),
    dns.rdatatype.PTR: _host(dns.rdatatype.PTR),
    dns.rdatatype.TXT: _text,
}


def rdataset_of(record_set: ResourceRecordSet) -> dns.rdataset.Rdataset | None:
    """Return the record set as it is sent. None for what cannot be sent: an alias, a value that DNS has no form for."""
    if not record_set.values:
        return None
    rdtype = dns.rdatatype.from_text(record_set.type)
    try:
        rdatas = [_rdata(rdtype, value) for value in record_set.values]
    except (DNSException, ValueError):
        return None
    return dns.rdataset.from_rdata_list(record_set.ttl or 0, rdatas)
