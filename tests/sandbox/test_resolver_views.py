"""Resolvers, delegations and name servers as they are in the world: aliases, broken DNSSEC, other views, IPv6, white labels."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import dns.message
import dns.rcode
import pytest

from sandbox.relay import Relay, serving
from sandbox.route53_world import Route53World, route53_world
from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.records import RecordSet, dkim_records, mail_from_records
from ses_operator.core.state.answers import FindingState, LookupFinding, Outcome, PublishedAt
from ses_operator.dns.lookup.nameservers import NameServers
from ses_operator.dns.lookup.resolver import Resolver

ZONE = "example.com"
PATIENCE = 30.0
(DKIM,) = dkim_records(ZONE, "eu-west-1", ("token",), "dkim.amazonses.com", 300)
MX, SPF = mail_from_records(f"bounce.mail.{ZONE}", "eu-west-1", 300)
SERVERS = "$TTL 300\n@ NS ns1\nns1 A 127.0.0.1\n"


@pytest.fixture(scope="module")
def servers() -> Iterator[Route53World]:
    with route53_world() as world:
        yield world


@pytest.fixture
def world(servers: Route53World) -> Iterator[Route53World]:
    yield servers
    for zone in (ZONE, "elsewhere.example", "public.example"):
        servers.dns_server.delete_zone(zone)


@pytest.fixture
def relay(world: Route53World) -> Relay:
    return Relay(world.dns_server.address)


async def examine(
    world: Route53World, relay: Relay, record: RecordSet, published_at: PublishedAt | None = None
) -> LookupFinding:
    """As an operator does whose resolver is the relay: the zone's own servers are found, and asked."""
    with serving(relay.answer) as (host, port):
        asked = NameServers(
            recursive=[f"{host}:{port}"],
            authoritative_port=world.dns_server.address[1],
            may_be_asked=lambda _: True,
            timeout=PATIENCE,
        )
        (finding,) = await Resolver(asked).examine([record], [published_at] if published_at else [])
    return finding


ALIASES = {
    "the parent name": "mail CNAME www.elsewhere.example.\nbounce.mail MX 10 feedback-smtp.eu-west-1.amazonses.com.",
    "a wildcard": "* CNAME www.elsewhere.example.\nbounce.mail MX 10 feedback-smtp.eu-west-1.amazonses.com.",
}


@pytest.mark.parametrize("records", ALIASES.values(), ids=ALIASES.keys())
async def test_the_search_for_the_zone_does_not_follow_an_alias_whose_target_fails(
    world: Route53World, relay: Relay, records: str
) -> None:
    world.dns_server.set_zone(ZONE, f"{SERVERS}{records}\n")
    relay.broken = ("elsewhere.example",)
    finding = await examine(world, relay, MX)
    assert (finding.state, finding.answer.zone) == (FindingState.PUBLISHED, ZONE)


async def test_the_search_for_the_zone_does_not_end_in_the_zone_of_an_alias(world: Route53World, relay: Relay) -> None:
    world.dns_server.set_zone(ZONE, f"{SERVERS}mail CNAME sub.mail.{ZONE}.\nsub.mail A 192.0.2.1\n")
    finding = await examine(world, relay, MX)
    assert (finding.state, finding.answer.zone) == (FindingState.MISSING, ZONE)


async def test_a_failure_is_not_called_dnssec_unless_that_is_shown(world: Route53World, relay: Relay) -> None:
    world.dns_server.set_zone(ZONE, SERVERS)
    relay.broken = (ZONE,)
    finding = await examine(world, relay, DKIM)
    assert (finding.state, finding.answer.outcome) == (FindingState.UNREACHABLE, Outcome.SERVER_FAILURE)
    assert "DNSSEC" not in finding.message
    assert "spec.dns.nameservers" in finding.message


async def test_broken_dnssec_is_shown_by_an_answer_to_those_who_do_not_check(world: Route53World, relay: Relay) -> None:
    world.dns_server.set_zone(ZONE, SERVERS)
    relay.bogus = (ZONE,)
    finding = await examine(world, relay, DKIM)
    assert (finding.state, finding.answer.outcome) == (FindingState.UNREACHABLE, Outcome.BOGUS)
    assert "DNSSEC is broken" in finding.message
    assert "DS record" in finding.message


async def test_the_soa_of_the_root_is_no_zone_of_the_record(world: Route53World, relay: Relay) -> None:
    relay.root_says_no = ("com",)
    finding = await examine(world, relay, DKIM)
    assert (finding.state, finding.reason) == (FindingState.MISSING, Reason.DNS_NOT_DELEGATED)
    assert "example.com does not exist in DNS" in finding.message
    assert finding.answer.zone == ""


async def test_a_name_without_records_between_others_is_not_said_to_be_there(world: Route53World, relay: Relay) -> None:
    """NODATA: an empty non-terminal, or a server that never answers NXDOMAIN."""
    world.dns_server.set_zone(ZONE, f"{SERVERS}below.token._domainkey TXT note\n")
    finding = await examine(world, relay, DKIM)
    assert finding.answer.outcome is Outcome.NO_DATA
    assert finding.message == (
        "CNAME token._domainkey.example.com is missing in example.com. Publish it with the value token.dkim.amazonses.com"
    )


async def test_the_same_servers_under_other_names_are_the_same(world: Route53World, relay: Relay) -> None:
    """White-label name servers: NS records name ns1.example.com, with the address of a server of the hosted zone."""
    world.dns_server.set_zone(ZONE, SERVERS)
    finding = await examine(world, relay, DKIM, PublishedAt(ZONE, ("ns-1.awsdns-01.com", "ns-2.awsdns-02.net")))
    assert (finding.state, finding.reason) == (FindingState.MISSING, Reason.DNS_RECORD_MISSING)


async def test_servers_of_another_address_are_others(world: Route53World, relay: Relay) -> None:
    world.dns_server.set_zone(ZONE, SERVERS)
    world.dns_server.set_zone("public.example", "ns1 300 IN A 192.0.2.53\n")
    finding = await examine(world, relay, DKIM, PublishedAt(ZONE, ("ns1.public.example",)))
    assert finding.reason is Reason.DNS_NOT_DELEGATED
    assert "split-horizon DNS" in finding.message
    assert "spec.dns.nameservers" in finding.message


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
            udp.bind(("::1", 0))
    except OSError:
        return False
    return True


async def test_name_servers_that_have_ipv6_only_are_asked(world: Route53World, relay: Relay) -> None:
    assert _has_ipv6()
    world.dns_server.set_zone(ZONE, f"$TTL 300\n@ NS ns1\nns1 AAAA ::1\n{DKIM.name}. CNAME {DKIM.values[0]}.\n")
    with serving(relay.answer, "::1", world.dns_server.address[1]):
        finding = await examine(world, relay, DKIM)
    assert finding.state is FindingState.PUBLISHED
    assert finding.answer.addresses == ("::1",)


async def test_a_server_that_fails_by_ipv4_is_asked_by_ipv6(world: Route53World, relay: Relay) -> None:
    world.dns_server.set_zone(
        ZONE, f"$TTL 300\n@ NS ns1\nns1 A 127.0.0.9\nns1 AAAA ::1\n{DKIM.name}. CNAME {DKIM.values[0]}.\n"
    )

    def refuse(query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.set_rcode(dns.rcode.REFUSED)
        return response

    port = world.dns_server.address[1]
    with serving(refuse, "127.0.0.9", port), serving(relay.answer, "::1", port):
        finding = await examine(world, relay, DKIM)
    assert finding.state is FindingState.PUBLISHED


WILDCARDS = {
    "a CNAME": (DKIM, "* CNAME parking.elsewhere.example.", "a wildcard record answers parking.elsewhere.example"),
    "a CNAME nearer to the record": (
        DKIM,
        "*._domainkey CNAME parking.elsewhere.example.",
        "a wildcard record answers",
    ),
    "an address": (DKIM, "* A 192.0.2.1", "a wildcard record answers 192.0.2.1"),
    "another MX": (MX, "* MX 10 mail.elsewhere.example.", "a wildcard record answers 10 mail.elsewhere.example"),
    "another text": (SPF, '* TXT "v=spf1 -all"', "a wildcard record answers v=spf1 -all"),
    "a CNAME where a text is wanted": (SPF, "* CNAME parking.elsewhere.example.", "a wildcard record answers parking"),
}


@pytest.mark.parametrize(("record", "zone", "words"), WILDCARDS.values(), ids=WILDCARDS.keys())
async def test_a_wildcard_is_no_record_of_the_identity(
    world: Route53World, relay: Relay, record: RecordSet, zone: str, words: str
) -> None:
    world.dns_server.set_zone(ZONE, f"{SERVERS}{zone}\n")
    world.dns_server.set_zone("elsewhere.example", f"{SERVERS}parking A 192.0.2.9\n")
    finding = await examine(world, relay, record)
    assert finding.state is FindingState.MISSING
    assert words in finding.message


async def test_a_wildcard_that_serves_the_purpose_is_as_good(world: Route53World, relay: Relay) -> None:
    world.dns_server.set_zone(ZONE, f'{SERVERS}* TXT "v=spf1 include:amazonses.com -all"\n')
    assert (await examine(world, relay, SPF)).state is FindingState.PUBLISHED
