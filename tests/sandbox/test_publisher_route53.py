"""Publication through Route 53: what is written, and what is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from sandbox.publisher_world import UNHURRIED, PublisherWorld, change, publisher_restarted, publisher_world, records_of
from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.keys import ObjectKey, Owner
from ses_operator.core.model.problems import Blocked, Retry
from ses_operator.core.model.records import Purpose, RecordSet, RecordType
from ses_operator.core.state.publication import RecordState
from ses_operator.core.state.steps import Surplus
from ses_sandbox.calls import CallFilter
from ses_sandbox.faults import Fault, FaultKind
from ses_sandbox.route53 import Route53Settings

WRITES = "ChangeResourceRecordSets"
READS = "ListResourceRecordSets"


@pytest.fixture
async def world() -> AsyncIterator[PublisherWorld]:
    async with publisher_world() as opened:
        yield opened


async def test_every_record_and_the_ledger_arrive_in_one_change(world: PublisherWorld) -> None:
    zone_id, publication = world.zone(), await world.publication()
    wanted = records_of(world.domain)
    await world.publisher.publish(publication, wanted)
    written = world.contents(zone_id)
    assert written[f"euwest10._domainkey.{world.domain}", "CNAME"] == ("euwest10.dkim.eu-west-1.amazonses.com",)
    assert written[f"bounce-us-east-1.{world.domain}", "MX"] == ("10 feedback-smtp.us-east-1.amazonses.com",)
    assert written[f"bounce-us-east-1.{world.domain}", "TXT"] == ('"v=spf1 include:amazonses.com ~all"',)
    assert '"heritage=ses-operator,owner=test/team-a/mail"' in written[f"_ses-operator.{world.domain}", "TXT"]
    assert len(written) == len(wanted) + 1
    assert world.aws.calls()[WRITES] == 1


async def test_records_are_pending_until_route_53_serves_them_and_the_owner_is_told(world: PublisherWorld) -> None:
    world.zone()
    publication, wanted = await world.publication(), records_of(world.domain)
    accepted = await world.publisher.publish(publication, wanted)
    assert accepted.in_sync
    assert {record.state for record in accepted.records} == {RecordState.PENDING}
    world.wait()
    assert await asyncio.wait_for(world.served.get(), 90) == publication.owner
    observed = await world.publisher.observe(publication, wanted)
    assert {record.state for record in observed.records} == {RecordState.PUBLISHED}


async def test_publishing_again_writes_nothing(world: PublisherWorld) -> None:
    world.zone()
    publication, wanted = await world.publication(), records_of(world.domain)
    await world.publisher.publish(publication, wanted)
    before = world.aws.calls()
    assert (await world.publisher.publish(publication, wanted)).in_sync
    assert world.aws.calls()[WRITES] == before[WRITES]


async def test_another_s_record_is_left_and_told_with_both_values_while_the_others_are_published(
    world: PublisherWorld,
) -> None:
    zone_id = world.zone()
    wanted = records_of(world.domain)
    taken = next(record for record in wanted if record.type is RecordType.MX)
    world.change(zone_id, "CREATE", taken.name, "MX", "5 mx.example.net")
    answer = await world.publisher.publish(await world.publication(), wanted)
    conflict = next(record for record in answer.records if record.record == taken)
    assert conflict.state is RecordState.CONFLICT
    assert '"5 mx.example.net"' in conflict.message
    assert taken.values[0] in conflict.message
    assert answer.in_sync
    written = world.contents(zone_id)
    assert written[taken.name, "MX"] == ("5 mx.example.net",)
    assert len(written) == len(wanted) + 1


async def test_withdrawal_leaves_the_zone_as_it_was_before(world: PublisherWorld) -> None:
    zone_id = world.zone()
    wanted = records_of(world.domain)
    world.change(zone_id, "CREATE", wanted[0].name, wanted[0].type, *wanted[0].values)
    world.change(zone_id, "CREATE", f"www.{world.domain}", "A", "192.0.2.1")
    before = world.contents(zone_id)
    publication = await world.publication()
    await world.publisher.publish(publication, wanted)
    assert await world.publisher.withdraw(publication) == ()
    assert world.contents(zone_id) == before


async def test_withdrawal_leaves_a_record_that_somebody_changed_since_and_says_so(world: PublisherWorld) -> None:
    zone_id, publication = world.zone(), await world.publication()
    wanted = records_of(world.domain)
    await world.publisher.publish(publication, wanted)
    changed = next(record for record in wanted if record.type is RecordType.TXT)
    world.change(zone_id, "UPSERT", changed.name, "TXT", '"v=spf1 -all"')
    async with publisher_restarted(world) as publisher:
        (sentence,) = await publisher.withdraw(publication)
    assert sentence.startswith(f"{changed} was changed by another client and is left as it is")
    assert world.contents(zone_id) == {(changed.name, "TXT"): ('"v=spf1 -all"',)}


async def test_release_takes_the_ledger_and_leaves_the_records(world: PublisherWorld) -> None:
    zone_id, publication = world.zone(), await world.publication()
    wanted = records_of(world.domain)
    await world.publisher.publish(publication, wanted)
    await world.publisher.release(publication)
    assert set(world.contents(zone_id)) == {(record.name, record.type) for record in wanted}


async def test_a_region_no_longer_wanted_loses_its_records_unless_they_are_to_be_kept(world: PublisherWorld) -> None:
    zone_id, publication = world.zone(), await world.publication()
    fewer = records_of(world.domain, ["eu-west-1"])
    await world.publisher.publish(publication, records_of(world.domain))
    assert (await world.publisher.observe(publication, fewer, Surplus.KEEP)).in_sync
    observed = await world.publisher.observe(publication, fewer)
    assert not observed.in_sync
    assert f"MX bounce-us-east-1.{world.domain}" in observed.surplus
    await world.publisher.publish(publication, fewer)
    assert len(world.contents(zone_id)) == len(fewer) + 1


async def test_withdrawing_from_a_zone_that_is_gone_is_no_error(world: PublisherWorld) -> None:
    zone_id, publication = world.zone(), await world.publication()
    world.others().delete_hosted_zone(Id=zone_id)
    assert await world.publisher.withdraw(publication) == ()
    await world.publisher.release(publication)


async def test_publishing_into_a_zone_that_is_gone_says_so(world: PublisherWorld) -> None:
    zone_id, publication = world.zone(), await world.publication()
    world.others().delete_hosted_zone(Id=zone_id)
    with pytest.raises(Blocked, match=f"{zone_id} does not exist"):
        await world.publisher.publish(publication, records_of(world.domain))


async def test_another_identity_s_ledger_stops_publication_and_its_records_are_safe(world: PublisherWorld) -> None:
    zone_id, publication = world.zone(), await world.publication()
    wanted = records_of(world.domain)
    await world.publisher.publish(publication, wanted)
    before = world.contents(zone_id)
    other = replace(publication, owner=Owner("test", ObjectKey("team-b", "mail")))
    answer = await world.publisher.publish(other, records_of(world.domain, ["eu-west-1"]))
    assert answer.problem is not None
    assert answer.problem.reason is Reason.LEDGER_CONFLICT
    assert not answer.in_sync
    await world.publisher.withdraw(other)
    assert world.contents(zone_id) == before


async def test_a_record_that_appears_after_the_zone_was_read_is_noticed_and_not_overwritten(
    world: PublisherWorld,
) -> None:
    zone_id, publication = world.zone(), await world.publication()
    wanted = records_of(world.domain)
    await world.publisher.observe(publication, wanted)
    world.change(zone_id, "CREATE", wanted[0].name, "CNAME", "elsewhere.example.net")
    answer = await world.publisher.publish(publication, wanted)
    assert answer.records[0].state is RecordState.CONFLICT
    written = world.contents(zone_id)
    assert written[wanted[0].name, "CNAME"] == ("elsewhere.example.net",)
    assert len(written) == len(wanted) + 1


async def test_a_lost_answer_leaves_nothing_doubled(world: PublisherWorld) -> None:
    zone_id, publication = world.zone(), await world.publication()
    wanted = records_of(world.domain)
    world.aws.sandbox.faults.add(Fault(FaultKind.LOST_RESPONSE, operation=WRITES, times=1))
    with pytest.raises(Retry):
        await world.publisher.publish(publication, wanted)
    assert (await world.publisher.publish(publication, wanted)).in_sync
    assert world.aws.calls()[WRITES] == 1
    await world.publisher.withdraw(publication)
    assert world.contents(zone_id) == {}


async def test_long_text_with_quotes_and_umlauts_survives(world: PublisherWorld) -> None:
    zone_id, publication = world.zone(), await world.publication()
    text = 'k="rsa"; p=' + "x" * 400 + "ü\\"
    record = RecordSet(f"s1._domainkey.{world.domain}", RecordType.TXT, (text,), 300, Purpose.DKIM, ("eu-west-1",))
    await world.publisher.publish(publication, (record,))
    async with publisher_restarted(world) as publisher:
        assert (await publisher.observe(publication, (record,))).in_sync
    (value,) = world.contents(zone_id)[record.name, "TXT"]
    assert value.startswith(r'"k=\"rsa\"; p=x')
    assert value.endswith(r'x\303\274\\"')


async def test_many_identities_share_batches_and_pages(world: PublisherWorld) -> None:
    world.zone()
    publications = [await world.publication(f"d{number:02}.{world.domain}", f"i{number}") for number in range(40)]
    answers = await asyncio.gather(*(world.publisher.publish(p, records_of(p.domain)) for p in publications))
    assert all(answer.in_sync for answer in answers)
    calls = world.aws.calls()
    assert calls[WRITES] <= 6
    assert calls[READS] <= 3
    world.wait()
    served = {await asyncio.wait_for(world.served.get(), 90) for _ in publications}
    assert served == {publication.owner for publication in publications}


async def test_a_zone_that_records_have_moved_away_from_keeps_what_is_wanted_right_and_gets_nothing_new(
    world: PublisherWorld,
) -> None:
    zone_id, publication = world.zone(), await world.publication()
    wanted = records_of(world.domain, ["eu-west-1", "us-east-1"])
    await world.publisher.publish(publication, wanted)
    assert await world.publisher.holdings(publication) == {record.id for record in wanted}
    before = world.aws.calls()[WRITES]

    moved = [replace(record, ttl=60) for record in records_of(world.domain, ["us-east-1", "ap-south-2"])]
    await world.publisher.retain(publication, moved)
    await world.publisher.retain(publication, moved)

    assert world.aws.calls()[WRITES] == before + 1
    kept = {record.id for record in records_of(world.domain, ["us-east-1"])}
    assert await world.publisher.holdings(publication) == kept
    assert world.contents(zone_id).keys() == {(i.name, i.type.value) for i in kept} | {
        (f"_ses-operator.{world.domain}", "TXT")
    }
    await world.publisher.withdraw(publication)
    assert world.contents(zone_id) == {}
    assert await world.publisher.holdings(publication) == frozenset()


async def test_one_bad_record_refuses_only_its_own_identity(world: PublisherWorld) -> None:
    zone_id = world.zone()
    publications = [await world.publication(f"d{number}.{world.domain}", f"i{number}") for number in range(5)]
    wanted = [records_of(publication.domain) for publication in publications]
    bad = next(record for record in wanted[2] if record.type is RecordType.MX)
    wanted[2] = (replace(bad, values=("ten mx.example.net",)),)
    answers = await asyncio.gather(
        *(world.publisher.publish(p, records) for p, records in zip(publications, wanted, strict=True)),
        return_exceptions=True,
    )
    refused = answers.pop(2)
    assert isinstance(refused, Blocked)
    assert refused.problem.reason is Reason.DNS_RECORD_REFUSED
    assert "ten mx.example.net" in str(refused)
    assert not any(isinstance(answer, BaseException) for answer in answers)
    assert len(world.contents(zone_id)) == sum(len(records) + 1 for records in wanted) - 2


async def test_a_zone_that_is_busy_is_waited_for() -> None:
    busy = replace(UNHURRIED, processing_seconds=0.5)
    async with publisher_world(busy) as world:
        world.zone()
        publications = [await world.publication(f"d{number:02}.{world.domain}", f"i{number}") for number in range(20)]
        answers = await asyncio.gather(*(world.publisher.publish(p, records_of(p.domain)) for p in publications))
    assert all(answer.in_sync for answer in answers)


async def test_route_53_s_own_rate_is_kept() -> None:
    async with publisher_world(Route53Settings(requests_per_second=20, processing_seconds=0), rate=20) as world:
        world.zone()
        publications = [await world.publication(f"d{number:02}.{world.domain}", f"i{number}") for number in range(30)]
        await asyncio.gather(*(world.publisher.publish(p, records_of(p.domain)) for p in publications))
        throttled = world.aws.sandbox.calls.calls(CallFilter(result="Throttling"), limit=1)
    assert throttled == []


async def test_of_a_large_zone_only_the_page_with_the_domain_is_read(world: PublisherWorld) -> None:
    zone_id = world.zone()
    for letter in ("a", "z"):
        others = [(f"{letter}{number:03}.{world.domain}", "TXT", '"x"') for number in range(400)]
        for start in range(0, len(others), 100):
            changes = [change(*other) for other in others[start : start + 100]]
            batch = {"Changes": changes}
            world.others().change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch=batch)  # type: ignore[arg-type]
    publication = await world.publication(f"mail.{world.domain}")
    assert not (await world.publisher.observe(publication, records_of(publication.domain))).in_sync
    assert world.aws.calls()[READS] == 1


async def test_a_domain_that_fills_several_pages_is_read_whole(world: PublisherWorld) -> None:
    world.zone()
    publication = await world.publication()
    wanted = records_of(world.domain, [f"eu-west-{number}" for number in range(32)])
    below = await world.publication(f"a.{world.domain}", "other")
    for place, name in ((publication, world.domain), (below, below.domain)):
        records = records_of(name, [f"eu-west-{number}" for number in range(32)])
        while not (await world.publisher.publish(place, records)).in_sync:
            pass
    async with publisher_restarted(world) as publisher:
        observed = await publisher.observe(publication, wanted)
    assert observed.in_sync
    assert {record.state for record in observed.records} == {RecordState.PUBLISHED}
