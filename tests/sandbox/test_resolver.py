"""The resolver against a real DNS server: each mistake that keeps identities pending, made for real.

The wrong zones are set as text, as another DNS provider would serve them; the right ones come from Route 53.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from sandbox.route53_world import Route53World, create, route53_world
from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.records import SPF_VALUE, Purpose, RecordSet, RecordType, dkim_records, mail_from_records
from ses_operator.core.state.answers import FindingState, LookupFinding, Outcome, PublishedAt
from ses_operator.dns.lookup.nameservers import NameServers
from ses_operator.dns.lookup.query_slots import TENANT, QuerySlots
from ses_operator.dns.lookup.resolver import Resolver
from ses_sandbox.dnsserver import DnsServer
from ses_sandbox.faults import DnsFailure, Fault, FaultKind

ZONE = "example.com"
PATIENCE = 30.0
"""Seconds for a question to a server that answers."""
DKIM = dkim_records(ZONE, "eu-west-1", ("token",), "dkim.amazonses.com", 300)[0]
MX, SPF = mail_from_records(f"bounce.{ZONE}", "eu-west-1", 300)


@pytest.fixture(scope="module")
def servers() -> Iterator[Route53World]:
    with route53_world() as world:
        yield world


@pytest.fixture
def world(servers: Route53World) -> Iterator[Route53World]:
    yield servers
    servers.dns_server.delete_zone(ZONE)
    servers.faults.clear()


def name_servers(*dns_servers: DnsServer, timeout: float = PATIENCE) -> NameServers:
    """Configured name servers, as for split-horizon DNS."""
    return NameServers([f"{host}:{port}" for host, port in (server.address for server in dns_servers)], timeout=timeout)


async def examine(world: Route53World, record: RecordSet, published_at: PublishedAt | None = None) -> LookupFinding:
    places = [published_at] if published_at else []
    (finding,) = await Resolver(name_servers(world.dns_server)).examine([record], places)
    return finding


MISTAKES = {
    "the zone's name stands twice": (
        DKIM,
        "token._domainkey.example.com CNAME token.dkim.amazonses.com.",
        (
            "is at token._domainkey.example.com.example.com instead: the DNS provider appends the zone's name itself. Enter the "
            "name as token._domainkey"
        ),
    ),
    "the zone's name stands twice in an MX": (
        MX,
        "bounce.example.com MX 10 feedback-smtp.eu-west-1.amazonses.com.",
        "is at bounce.example.com.example.com instead",
    ),
    "the underscore was stripped": (
        DKIM,
        "token.domainkey CNAME token.dkim.amazonses.com.",
        "is at token.domainkey.example.com instead, without the underscore",
    ),
    "name and value were exchanged": (
        DKIM,
        "token.dkim.amazonses.com CNAME token._domainkey.example.com.",
        "has name and value swapped: its value is the name (token.dkim.amazonses.com.example.com)",
    ),
    "the MX is that of another region": (
        MX,
        "bounce MX 10 feedback-smtp.us-east-1.amazonses.com.",
        "has the value of another region, us-east-1",
    ),
    "the target is in another region's signing zone": (
        DKIM,
        "token._domainkey CNAME token.dkim.af-south-1.amazonses.com.",
        "points to the signing zone of another region",
    ),
    "the quotation marks were kept": (
        SPF,
        rf'bounce TXT "\"{SPF_VALUE}\""',
        "published with quotation marks in its value",
    ),
    "the quotation marks were kept in a target": (
        DKIM,
        r"token._domainkey CNAME \"token.dkim.amazonses.com\".",
        "published with quotation marks in its value",
    ),
    "a key was lower-cased": (
        RecordSet(f"s1._domainkey.{ZONE}", RecordType.TXT, ("p=MIGfMA0GCSq",), 300, Purpose.DKIM, ("eu-west-1",)),
        's1._domainkey TXT "p=migfma0gcsq"',
        "upper and lower case count",
    ),
    "the CNAME is proxied": (
        DKIM,
        "token._domainkey A 192.0.2.1\ntoken._domainkey AAAA 2001:db8::1",
        "is answered with addresses (192.0.2.1, 2001:db8::1)",
    ),
    "a wildcard answers": (
        DKIM,
        "* CNAME parking.example.net.",
        "a wildcard record answers parking.example.net in its place",
    ),
    "a wildcard answers with addresses": (
        DKIM,
        "* A 192.0.2.1",
        "a wildcard record answers 192.0.2.1 in its place",
    ),
    "the closing dot was kept": (
        DKIM,
        r"token._domainkey CNAME token.dkim.amazonses.com\..",
        "published with the closing dot as part of its value",
    ),
    "the zone's name was appended to the target": (
        DKIM,
        "token._domainkey CNAME token.dkim.amazonses.com",
        "the DNS provider appended the zone's name",
    ),
    "the MX has two values": (
        MX,
        "bounce MX 10 feedback-smtp.eu-west-1.amazonses.com.\nbounce MX 20 mail.example.com.",
        "has 2 values",
    ),
    "a CNAME stands where the MX should": (
        MX,
        "bounce CNAME mail.example.net.",
        "is hidden by a CNAME to mail.example.net",
    ),
    "nothing is there": (DKIM, "www A 192.0.2.1", "is missing in example.com. Publish it with the value"),
}


@pytest.mark.parametrize(("record", "zone", "sentence"), MISTAKES.values(), ids=MISTAKES.keys())
async def test_a_mistake_in_the_zone_is_recognized(
    world: Route53World, record: RecordSet, zone: str, sentence: str
) -> None:
    world.dns_server.set_zone(ZONE, f"$TTL 300\n{zone}\n")
    finding = await examine(world, record)
    assert finding.message.startswith(f"{record} ")
    assert sentence in finding.message


async def test_silence_is_unreachable_and_not_missing(world: Route53World) -> None:
    world.faults.add(Fault(FaultKind.DNS, suffix=ZONE, rcode=DnsFailure.TIMEOUT))
    (finding,) = await Resolver(name_servers(world.dns_server, timeout=0.1)).examine([DKIM])
    assert (finding.state, finding.answer.outcome) == (FindingState.UNREACHABLE, Outcome.TIMEOUT)


async def test_a_zone_that_is_delegated_elsewhere_is_told_with_both_sets_of_servers(world: Route53World) -> None:
    world.dns_server.set_zone(ZONE, "@ 300 IN NS ns1.other-provider.example.")
    finding = await examine(world, DKIM, PublishedAt(ZONE, ("ns-1.awsdns-01.com",)))
    assert finding.reason is Reason.DNS_NOT_DELEGATED
    assert "is delegated to (ns1.other-provider.example)" in finding.message
    assert "(ns-1.awsdns-01.com)" in finding.message


async def test_a_zone_of_a_subdomain_that_is_not_delegated_is_told(world: Route53World) -> None:
    world.dns_server.set_zone(ZONE, "@ 300 IN NS ns1.example.net.")
    (record,) = dkim_records(f"mail.{ZONE}", "eu-west-1", ("token",), "dkim.amazonses.com", 300)
    finding = await examine(world, record, PublishedAt(f"mail.{ZONE}", ("ns-1.awsdns-01.com",)))
    assert finding.reason is Reason.DNS_NOT_DELEGATED
    assert f"Add NS records for mail.{ZONE} with its name servers (ns-1.awsdns-01.com) to {ZONE}" in finding.message


async def test_a_private_zone_is_not_seen_from_outside(world: Route53World) -> None:
    world.client().create_hosted_zone(
        Name="private.example",
        CallerReference="private",
        HostedZoneConfig={"PrivateZone": True},
        VPC={"VPCRegion": "us-east-1", "VPCId": "vpc-1"},
    )
    (record,) = dkim_records("private.example", "eu-west-1", ("token",), "dkim.amazonses.com", 300)
    finding = await examine(world, record)
    assert (finding.state, finding.reason) == (FindingState.UNREACHABLE, Reason.DNS_NOT_DELEGATED)


async def test_only_one_regions_records_are_there(world: Route53World) -> None:
    here = dkim_records(ZONE, "eu-west-1", ("a", "b", "c"), "dkim.amazonses.com", 300)
    elsewhere = dkim_records(ZONE, "us-east-1", ("d", "e", "f"), "dkim.amazonses.com", 300)
    lines = (f"{record.name}. 300 IN CNAME {record.values[0]}." for record in here)
    world.dns_server.set_zone(ZONE, "\n".join(lines) + "\n")
    findings = await Resolver(name_servers(world.dns_server)).examine([*here, *elsewhere])
    assert [finding.state for finding in findings[:3]] == [FindingState.PUBLISHED] * 3
    for finding in findings[3:]:
        assert (
            "only the records of eu-west-1 are published, but us-east-1 has DKIM tokens of its own" in finding.message
        )


async def test_what_route_53_serves_is_published_though_its_targets_do_not_exist(world: Route53World) -> None:
    zone = world.zone("good.example")
    dkim = dkim_records("good.example", "eu-west-1", ("a", "b", "c"), "dkim.amazonses.com", 300)
    mx, spf = mail_from_records("bounce.good.example", "eu-west-1", 300)
    long_key = RecordSet("s1._domainkey.good.example", RecordType.TXT, ("p=" + "x" * 400,), 300, Purpose.DKIM, ("r",))
    await asyncio.to_thread(
        world.publish,
        zone,
        *(create(record.name, "CNAME", record.values[0]) for record in dkim),
        create(mx.name, "MX", mx.values[0]),
        create(spf.name, "TXT", f'"{SPF_VALUE}"'),
        create(long_key.name, "TXT", f'"p={"x" * 250}" "{"x" * 150}"'),
    )
    findings = await Resolver(name_servers(world.dns_server)).examine([*dkim, mx, spf, long_key])
    assert [finding.state for finding in findings] == [FindingState.PUBLISHED] * 6
    (primary,) = {finding.answer.primary for finding in findings}
    assert primary == world.answers("good.example", "SOA")[0].split()[0].removesuffix(".")


async def test_an_answer_too_long_for_udp_is_fetched_over_tcp(world: Route53World) -> None:
    texts = "\n".join(f'bounce TXT "{number} {"x" * 200}"' for number in range(20))
    world.dns_server.set_zone(ZONE, f'$TTL 300\n{texts}\nbounce TXT "{SPF_VALUE}"\n')
    finding = await examine(world, SPF)
    assert finding.state is FindingState.PUBLISHED
    assert len(finding.answer.values) == 21


async def test_a_server_that_is_silent_is_passed_over(world: Route53World) -> None:
    world.dns_server.set_zone(ZONE, f"{DKIM.name}. 300 IN CNAME {DKIM.values[0]}.")
    with route53_world() as dead:
        dead.faults.add(Fault(FaultKind.DNS, rcode=DnsFailure.TIMEOUT))
        resolver = Resolver(name_servers(dead.dns_server, world.dns_server, timeout=0.5))
        async with asyncio.timeout(PATIENCE):  # a busy machine may leave the other one's answer out, too, once
            while (await resolver.examine([DKIM]))[0].state is not FindingState.PUBLISHED:
                pass


async def test_a_record_that_one_of_the_servers_has_already_is_published(world: Route53World) -> None:
    with route53_world() as behind:
        behind.dns_server.set_zone(ZONE, "@ 300 IN NS ns1.example.net.")
        world.dns_server.set_zone(ZONE, f"{DKIM.name}. 300 IN CNAME {DKIM.values[0]}.")
        (finding,) = await Resolver(name_servers(behind.dns_server, world.dns_server)).examine([DKIM])
    assert finding.state is FindingState.PUBLISHED


async def test_without_configured_servers_the_zones_own_are_found_and_asked(world: Route53World) -> None:
    """From a recursive resolver to the SOA, the NS records, their addresses and the servers themselves."""
    zone = world.zone("public.example")
    (record,) = dkim_records("public.example", "eu-west-1", ("token",), "dkim.amazonses.com", 300)
    await asyncio.to_thread(world.publish, zone, create(record.name, "CNAME", record.values[0]))
    host, port = world.dns_server.address
    asked = NameServers(
        recursive=[f"{host}:{port}"], authoritative_port=port, may_be_asked=lambda _: True, timeout=PATIENCE
    )
    (finding,) = await Resolver(asked).examine([record])
    delegation = world.client().get_hosted_zone(Id=zone)["DelegationSet"]["NameServers"]
    assert finding.state is FindingState.PUBLISHED
    assert finding.answer.servers == tuple(sorted(delegation))
    assert finding.answer.primary == delegation[0]


async def test_a_record_at_the_top_of_a_zone_of_its_own_is_asked_for_there(world: Route53World) -> None:
    """The parent's servers only refer to it: its own are found and asked."""
    elsewhere = "127.0.0.2"
    with route53_world() as child_world:
        child = DnsServer(child_world.zones, child_world.faults, elsewhere, world.dns_server.address[1])
        child.start()
        child.set_zone(MX.name, f"@ 300 IN MX {MX.values[0]}.\n@ 300 IN NS ns1.{MX.name}.\nns1 300 IN A {elsewhere}\n")
        host, port = world.dns_server.address
        delegation = f"bounce NS ns1.{MX.name}.\n"
        world.dns_server.set_zone(ZONE, f"$TTL 300\n@ NS ns1\nns1 A {host}\n{delegation}")
        resolvers = [f"{elsewhere}:{port}", f"{host}:{port}"]
        recursive = NameServers(
            recursive=resolvers, authoritative_port=port, may_be_asked=lambda _: True, timeout=PATIENCE
        )
        (finding,) = await Resolver(recursive).examine([MX])
        child.stop()
    assert finding.state is FindingState.PUBLISHED
    assert finding.answer.zone == MX.name


async def test_a_change_is_seen_at_the_next_look_though_the_zone_is_remembered(world: Route53World) -> None:
    resolver = Resolver(name_servers(world.dns_server))
    world.dns_server.set_zone(ZONE, "@ 300 IN NS ns1.example.net.")
    (before,) = await resolver.examine([DKIM])
    world.dns_server.set_zone(ZONE, f"{DKIM.name}. 300 IN CNAME {DKIM.values[0]}.")
    (after,) = await resolver.examine([DKIM])
    assert (before.state, after.state) == (FindingState.MISSING, FindingState.PUBLISHED)


async def test_messages_are_the_same_from_run_to_run(world: Route53World) -> None:
    world.dns_server.set_zone(ZONE, "$TTL 300\nbounce MX 20 b.example.com.\nbounce MX 10 a.example.com.\n")
    first, second = await examine(world, MX), await examine(world, replace(MX, ttl=60))
    assert first.message == second.message


async def test_servers_of_a_zone_that_lead_to_the_operators_own_machine_are_not_asked(world: Route53World) -> None:
    """A tenant publishes NS records for its zone; the resolver that finds them is the platform's choice, and is asked."""
    host, port = world.dns_server.address
    world.dns_server.set_zone(ZONE, f"$TTL 300\n@ NS ns1\nns1 A {host}\n{DKIM.name}. CNAME {DKIM.values[0]}.\n")
    asked = NameServers(recursive=[f"{host}:{port}"], authoritative_port=port, timeout=PATIENCE)
    (finding,) = await Resolver(asked).examine([DKIM])
    assert (finding.state, finding.reason) == (FindingState.UNREACHABLE, Reason.DNS_NOT_DELEGATED)
    assert f"ns1.{ZONE}" in finding.message
    assert "spec.dns.nameservers of the SesAccount" in finding.message


async def test_silent_servers_of_many_domains_hold_up_no_other(world: Route53World) -> None:
    """Each waits for the time-outs of its own servers; what is asked of a server that answers is answered meanwhile."""
    with route53_world() as dead:
        dead.faults.add(Fault(FaultKind.DNS, rcode=DnsFailure.TIMEOUT))
        slots = QuerySlots()
        addresses = [[f"{host}:{port}" for host, port in (each.dns_server.address,)] for each in (dead, world)]
        silent, answering = (Resolver(NameServers(each, slots=slots, timeout=30.0)) for each in addresses)
        records = [
            record
            for number in range(300)
            for record in dkim_records(f"silent-{number}.example", "eu-west-1", ("t",), "dkim.amazonses.com", 300)
        ]
        TENANT.set("evil")
        waiting = asyncio.create_task(silent.examine(records))
        await asyncio.sleep(0)
        TENANT.set("good")
        world.dns_server.set_zone(ZONE, f"@ 300 IN NS ns1.example.net.\n{DKIM.name}. 300 IN CNAME {DKIM.values[0]}.")
        (finding,) = await answering.examine([DKIM])
        assert finding.state is FindingState.PUBLISHED
        assert not waiting.done()
        waiting.cancel()


async def test_a_lookup_ends_though_no_server_answers(world: Route53World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ses_operator.dns.lookup.resolver.DEADLINE", 0.05)
    world.faults.add(Fault(FaultKind.DNS, rcode=DnsFailure.TIMEOUT))
    (finding,) = await Resolver(name_servers(world.dns_server, timeout=600.0)).examine([DKIM])
    assert finding.state is FindingState.UNREACHABLE
