"""The table of records on a real Route 53 and real name servers: whoever is asked comes to the same verdict."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from sandbox.publisher_world import PublisherWorld, publisher_world
from ses_operator.core.model.record_values import txt
from ses_operator.core.model.records import Purpose, RecordSet, RecordType
from ses_operator.core.state.answers import FindingState
from ses_operator.core.state.publication import RecordState
from ses_operator.core.state.steps import Surplus
from ses_operator.dns.lookup.nameservers import NameServers
from ses_operator.dns.lookup.resolver import Resolver
from unit.served import DMARC, DOMAIN, ELSEWHERE, ROWS, SPF_TEXT, VERIFICATION, Row, wanted


@pytest.fixture
async def world() -> AsyncIterator[PublisherWorld]:
    async with publisher_world() as opened:
        yield opened


def resolver(world: PublisherWorld) -> Resolver:
    host, port = world.aws.sandbox.dns_address
    return Resolver(NameServers([f"{host}:{port}"], timeout=30.0))


def presented(record: RecordSet, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(txt.quote, values)) if record.type is RecordType.TXT else values


def placed(number: int, row: Row, domain: str) -> Row:
    """The row at a name of its own."""
    name = row.record.name.removesuffix(f".{DOMAIN}")
    return replace(row, record=replace(row.record, name=f"{name}.r{number}.{domain}"))


async def test_each_row_is_judged_alike_by_the_publisher_and_by_the_name_servers(world: PublisherWorld) -> None:
    zone_id, elsewhere = world.zone(), world.zone("example.net")
    rows = [placed(number, row, world.domain) for number, row in enumerate(ROWS.values())]
    for number, row in enumerate(rows):
        target = f"r{number}.{ELSEWHERE}"
        if row.alias:
            world.change(zone_id, "CREATE", row.record.name, "CNAME", target)
            if row.behind:
                world.change(elsewhere, "CREATE", target, row.record.type, *presented(row.record, row.behind))
        else:
            world.change(zone_id, "CREATE", row.record.name, row.record.type, *presented(row.record, row.values))
    world.wait()
    publication = await world.publication()
    wanted_records = [row.record for row in rows]

    at_publisher = (await world.publisher.observe(publication, wanted_records, Surplus.KEEP)).records
    states = {entry.record.id: entry for entry in at_publisher}
    findings = {finding.record.id: finding for finding in await resolver(world).examine(wanted_records)}

    for name, row in zip(ROWS, rows, strict=True):
        seen, written = findings[row.record.id], states[row.record.id]
        hidden = row.alias and row.record.type is RecordType.MX
        assert (seen.state is FindingState.PUBLISHED) == row.is_published, name
        assert seen.state is not FindingState.UNREACHABLE, name
        if row.alias:
            assert written.state is (RecordState.CONFLICT if hidden else RecordState.PENDING), name
        else:
            assert (written.state is RecordState.PUBLISHED) == row.is_published, name


async def test_a_text_that_others_add_to_our_set_stays_whatever_becomes_of_ours(world: PublisherWorld) -> None:
    zone_id, publication = world.zone(), await world.publication()
    name = f"_dmarc.{world.domain}"
    before = replace(DMARC, name=name)
    after = replace(before, values=("v=DMARC1; p=reject",))
    await world.publisher.publish(publication, [before])
    (value,) = presented(before, before.values)
    world.change(zone_id, "UPSERT", name, "TXT", value, f'"{VERIFICATION}"')
    world.publisher.forget(publication)

    observed = await world.publisher.observe(publication, [before])
    assert observed.in_sync

    await world.publisher.publish(publication, [after])
    assert set(world.contents(zone_id)[name, "TXT"]) == {'"v=DMARC1; p=reject"', f'"{VERIFICATION}"'}

    await world.publisher.withdraw(publication)
    assert world.contents(zone_id) == {(name, "TXT"): (f'"{VERIFICATION}"',)}


async def test_an_spf_policy_of_ours_that_was_made_stricter_is_left(world: PublisherWorld) -> None:
    zone_id, publication = world.zone(), await world.publication()
    record = wanted("bounce", RecordType.TXT, Purpose.SPF, SPF_TEXT)
    record = replace(record, name=f"bounce.{world.domain}")
    await world.publisher.publish(publication, [record])
    stricter = '"v=spf1 include:amazonses.com include:_spf.google.com -all"'
    world.change(zone_id, "UPSERT", record.name, "TXT", stricter)
    world.publisher.forget(publication)

    observed = await world.publisher.publish(publication, [record])

    assert observed.in_sync
    assert world.contents(zone_id)[record.name, "TXT"] == (stricter,)
