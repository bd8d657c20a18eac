"""The list of records, pasted into a zone that a real server serves: right it is seen, wrong it is recognized."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.route53_world import Route53World, route53_world
from ses_operator.core.dns.record_formats import cloudflare, zone_file
from ses_operator.core.model.records import RecordSet
from ses_operator.core.state.answers import FindingState
from ses_operator.dns.lookup.nameservers import NameServers
from ses_operator.dns.lookup.resolver import Resolver
from unit.served import DKIM, DMARC, KEY, MX, SPF

ZONE = "example.com"
RECORDS = (DKIM, DMARC, KEY, MX, SPF)


@pytest.fixture(scope="module")
def world() -> Iterator[Route53World]:
    with route53_world() as world:
        yield world


def resolver(world: Route53World) -> Resolver:
    host, port = world.dns_server.address
    return Resolver(NameServers([f"{host}:{port}"], timeout=30.0))


@pytest.mark.parametrize("form", [zone_file, cloudflare], ids=["a zone file", "what Cloudflare imports"])
async def test_what_is_pasted_in_its_form_is_published(world: Route53World, form: object) -> None:
    assert callable(form)
    world.dns_server.set_zone(ZONE, f"@ 300 IN NS ns1.example.net.\n{form(RECORDS)}")
    findings = await resolver(world).examine(RECORDS)
    assert [finding.message for finding in findings] == [""] * len(RECORDS)


PLAIN = {
    "a CNAME": (DKIM, "abc._domainkey.example.com. CNAME abc.dkim.amazonses.com."),
    "an MX": (MX, "bounce.example.com. MX 10 feedback-smtp.eu-west-1.amazonses.com."),
    "an SPF policy": (SPF, 'bounce.example.com. TXT "v=spf1 include:amazonses.com ~all"'),
    "a DMARC policy": (DMARC, '_dmarc.example.com. TXT "v=DMARC1; p=quarantine; rua=mailto:d@example.com"'),
}


@pytest.mark.parametrize(("record", "line"), PLAIN.values(), ids=PLAIN.keys())
async def test_a_name_and_a_value_that_were_pasted_without_dots_and_quotes_are_recognized(
    world: Route53World, record: RecordSet, line: str
) -> None:
    world.dns_server.set_zone(ZONE, f"$TTL 300\n{record.name} IN {record.type} {record.values[0]}\n")
    (finding,) = await resolver(world).examine([record])
    assert finding.state is FindingState.MISSING
    assert f"is at {record.name}.{ZONE} instead, with the value" in finding.message
    assert finding.message.endswith(line)


@pytest.mark.parametrize("record", [SPF, DMARC, KEY], ids=["SPF", "DMARC", "a key"])
async def test_a_text_that_was_pasted_without_quotes_is_recognized(world: Route53World, record: RecordSet) -> None:
    world.dns_server.set_zone(ZONE, f"$TTL 300\n{record.name}. IN TXT {record.values[0]}\n")
    (finding,) = await resolver(world).examine([record])
    assert finding.state is FindingState.DIFFERENT
    assert "was published without quotation marks" in finding.message
    assert finding.message.endswith(f'Enter "{record.values[0]}"')


async def test_a_doubled_name_with_the_right_value_is_recognized_as_before(world: Route53World) -> None:
    world.dns_server.set_zone(ZONE, f"$TTL 300\n{DKIM.name} IN CNAME {DKIM.values[0]}.\n")
    (finding,) = await resolver(world).examine([DKIM])
    assert "Enter the name as abc._domainkey" in finding.message
