"""The sandbox's DNS server: what an authoritative server answers (RFC 1034, RFC 2308, RFC 4592, RFC 6891)."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from sandbox.route53_world import Route53World, create, route53_world
from ses_sandbox.faults import DnsFailure, Fault, FaultKind

ZONE = "example.com"


@pytest.fixture(scope="module")
def world() -> Iterator[Route53World]:
    with route53_world() as servers:
        zone = servers.zone(ZONE)
        servers.publish(
            zone,
            create(f"token._domainkey.{ZONE}", "CNAME", "token.dkim.amazonses.com"),
            create(f"bounce.{ZONE}", "MX", "10 feedback-smtp.eu-west-1.amazonses.com"),
            create(f"bounce.{ZONE}", "TXT", '"v=spf1 include:amazonses.com ~all"'),
            create(f"long.{ZONE}", "TXT", *(f'"{number} {"x" * 200}"' for number in range(5))),
            create(f"huge.{ZONE}", "TXT", *(f'"{number} {"x" * 200}"' for number in range(20))),
            create(f"octal.{ZONE}", "TXT", r'"caf\303\251 \"quoted\""'),
            create(f"*.wild.{ZONE}", "TXT", '"anything"'),
            create(f"there.wild.{ZONE}", "MX", "10 mail.example.com"),
            create(f"child.{ZONE}", "NS", "ns1.example.net", "ns2.example.net"),
        )
        yield servers


def test_an_answer_is_authoritative_and_a_cname_is_not_chased(world: Route53World) -> None:
    for record_type in ("CNAME", "A"):
        response = world.ask(f"token._domainkey.{ZONE}", record_type)
        assert response.flags & dns.flags.AA
        assert [rrset.to_text() for rrset in response.answer] == [
            f"token._domainkey.{ZONE}. 300 IN CNAME token.dkim.amazonses.com."
        ]


def test_names_are_found_in_whatever_case_and_the_question_is_echoed(world: Route53World) -> None:
    response = world.ask(f"Token._DomainKey.{ZONE}", "CNAME")
    assert response.question[0].name.to_text() == f"Token._DomainKey.{ZONE}."
    assert len(response.answer) == 1


def test_a_name_that_is_not_there_is_nxdomain_with_the_soa(world: Route53World) -> None:
    response = world.ask(f"nowhere.{ZONE}", "TXT")
    assert response.rcode() == dns.rcode.NXDOMAIN
    assert response.authority[0].rdtype == dns.rdatatype.SOA


NO_DATA = {
    "another type at a name that is there": (f"bounce.{ZONE}", "CNAME"),
    "a name with something only beneath it": (f"_domainkey.{ZONE}", "TXT"),
    "a name that is there beside a wildcard": (f"there.wild.{ZONE}", "TXT"),
}


@pytest.mark.parametrize(("name", "record_type"), NO_DATA.values(), ids=NO_DATA.keys())
def test_no_data_is_no_error_and_has_the_soa(world: Route53World, name: str, record_type: str) -> None:
    response = world.ask(name, record_type)
    assert response.rcode() == dns.rcode.NOERROR
    assert response.answer == []
    assert response.authority[0].rdtype == dns.rdatatype.SOA


def test_the_soa_names_a_primary_server_of_the_zones_own(world: Route53World) -> None:
    other = world.zone("example.net")
    delegation = world.client().get_hosted_zone(Id=other)["DelegationSet"]["NameServers"]
    assert world.answers("example.net", "SOA")[0].split()[0] == f"{delegation[0]}."
    assert sorted(world.answers("example.net", "NS")) == sorted(f"{server}." for server in delegation)
    assert world.answers("example.net", "SOA") != world.answers(ZONE, "SOA")


def test_the_addresses_of_the_name_servers_are_the_dns_servers_own(world: Route53World) -> None:
    for server in world.answers(ZONE, "NS"):
        assert world.answers(server, "A") == ["127.0.0.1"]


def test_a_wildcard_answers_for_names_that_are_not_there_at_any_depth(world: Route53World) -> None:
    assert world.answers(f"x.wild.{ZONE}", "TXT") == ['"anything"']
    assert world.answers(f"x.y.wild.{ZONE}", "TXT") == ['"anything"']
    assert world.ask(f"x.there.wild.{ZONE}", "TXT").rcode() == dns.rcode.NXDOMAIN


def test_a_delegated_name_is_referred_to_its_own_servers(world: Route53World) -> None:
    response = world.ask(f"a.child.{ZONE}", "TXT")
    assert response.answer == []
    assert not response.flags & dns.flags.AA
    assert sorted(rdata.to_text() for rdata in response.authority[0]) == ["ns1.example.net.", "ns2.example.net."]


def test_octal_escapes_of_route_53_are_octets_on_the_wire(world: Route53World) -> None:
    rdata = world.ask(f"octal.{ZONE}", "TXT").answer[0][0]
    assert rdata.strings == ('café "quoted"'.encode(),)


def test_a_zone_of_nobody_is_refused(world: Route53World) -> None:
    assert world.ask("example.org", "SOA").rcode() == dns.rcode.REFUSED


def test_a_long_answer_is_truncated_over_udp_and_whole_over_tcp(world: Route53World) -> None:
    response = world.ask(f"huge.{ZONE}", "TXT", use_edns=0)
    assert response.flags & dns.flags.TC
    host, port = world.dns_server.address
    whole = dns.query.tcp(dns.message.make_query(f"huge.{ZONE}", "TXT"), host, port=port, timeout=30)
    assert len(whole.answer[0]) == 20
    assert not whole.flags & dns.flags.TC


def test_edns_allows_answers_over_512_octets(world: Route53World) -> None:
    assert world.ask(f"long.{ZONE}", "TXT").flags & dns.flags.TC
    with_edns = world.ask(f"long.{ZONE}", "TXT", use_edns=0)
    assert (with_edns.edns, len(with_edns.answer[0])) == (0, 5)


def test_a_message_that_is_none_gets_a_format_error(world: Route53World) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(30)
        asker.sendto(b"\x12\x34\x00\x00\x00\x01" + bytes(6) + b"\xff", world.dns_server.address)
        assert asker.recv(512)[:4] == b"\x12\x34\x80\x01"


@pytest.mark.parametrize(
    ("failure", "rcode"),
    [(DnsFailure.SERVFAIL, dns.rcode.SERVFAIL), (DnsFailure.NXDOMAIN, dns.rcode.NXDOMAIN)],
    ids=["SERVFAIL", "NXDOMAIN"],
)
def test_a_fault_holds_for_a_name_and_all_beneath_it_until_it_is_removed(
    world: Route53World, failure: DnsFailure, rcode: dns.rcode.Rcode
) -> None:
    fault = world.faults.add(Fault(FaultKind.DNS, suffix=f"_domainkey.{ZONE}", rcode=failure))
    assert world.ask(f"token._DomainKey.{ZONE}", "CNAME").rcode() == rcode
    assert world.ask(f"bounce.{ZONE}", "MX").rcode() == dns.rcode.NOERROR
    world.faults.remove(fault.id)
    assert world.ask(f"token._DomainKey.{ZONE}", "CNAME").rcode() == dns.rcode.NOERROR


def test_a_timeout_is_silence(world: Route53World) -> None:
    fault = world.faults.add(Fault(FaultKind.DNS, suffix=ZONE, rcode=DnsFailure.TIMEOUT))
    host, port = world.dns_server.address
    with pytest.raises(dns.exception.Timeout):
        dns.query.udp(dns.message.make_query(ZONE, "SOA"), host, port=port, timeout=0.2)
    world.faults.remove(fault.id)


def test_a_zone_set_as_text_stands_in_for_route_53s_until_it_is_deleted(world: Route53World) -> None:
    world.dns_server.set_zone(ZONE, "@ 300 IN NS ns1.other-provider.example.\nbounce 300 IN MX 10 wrong.example.net.\n")
    assert world.answers(f"bounce.{ZONE}", "MX") == ["10 wrong.example.net."]
    assert world.answers(ZONE, "SOA")[0].startswith(f"ns1.{ZONE}. ")
    assert world.dns_server.delete_zone(ZONE)
    assert world.answers(f"bounce.{ZONE}", "MX") == ["10 feedback-smtp.eu-west-1.amazonses.com."]
    assert not world.dns_server.delete_zone(ZONE)


def test_a_zone_that_is_no_zone_is_refused(world: Route53World) -> None:
    with pytest.raises(dns.exception.DNSException):
        world.dns_server.set_zone("broken.example", "@ 300 IN MX not-a-number mail.example.com.\n")


def test_a_deleted_zone_is_no_longer_served_and_a_private_one_never(world: Route53World) -> None:
    client = world.client()
    gone = world.zone("gone.example")
    assert world.answers("gone.example", "NS")
    client.delete_hosted_zone(Id=gone)
    assert world.ask("gone.example", "NS").rcode() == dns.rcode.REFUSED
    client.create_hosted_zone(
        Name="private.example",
        CallerReference="private",
        HostedZoneConfig={"PrivateZone": True},
        VPC={"VPCRegion": "us-east-1", "VPCId": "vpc-1"},
    )
    assert world.ask("private.example", "NS").rcode() == dns.rcode.REFUSED
