"""Finding the hosted zone of a domain in real accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sandbox.publisher_world import PublisherWorld, publisher_world, records_of
from ses_operator.api.account.kind import Zone as ZoneEntry
from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.problems import Blocked, Gone
from ses_operator.dns.zones import MISS_SECONDS, ZoneDirectory

OTHER_ACCOUNT = "210987654321"
ROLE = f"arn:aws:iam::{OTHER_ACCOUNT}:role/dns"


@pytest.fixture
async def world() -> AsyncIterator[PublisherWorld]:
    async with publisher_world() as opened:
        yield opened


def entry(name: str, zone_id: str, role_arn: str | None = None) -> ZoneEntry:
    return ZoneEntry(name=name, hosted_zone_id=zone_id, role_arn=role_arn)


async def test_the_longest_public_zone_is_found(world: PublisherWorld) -> None:
    world.zone()
    longer = world.zone(f"mail.{world.domain}")
    zone = await world.directory().zone_for(f"a.mail.{world.domain}")
    assert (zone.hosted_zone_id, zone.name, zone.role_arn) == (longer, f"mail.{world.domain}", None)


async def test_a_private_zone_is_passed_over(world: PublisherWorld) -> None:
    public = world.zone()
    vpc = {"VPCRegion": "us-east-1", "VPCId": "vpc-1a2b3c4d"}
    world.zone(f"mail.{world.domain}", VPC=vpc, HostedZoneConfig={"PrivateZone": True})
    assert (await world.directory().zone_for(f"mail.{world.domain}")).hosted_zone_id == public


async def test_a_zone_made_later_is_found_without_waiting_for_the_list_to_grow_old(world: PublisherWorld) -> None:
    now = 0.0
    directory = ZoneDirectory(world.access, (), lambda: now)
    with pytest.raises(Blocked) as missing:
        await directory.zone_for(world.domain)
    assert missing.value.problem.reason is Reason.HOSTED_ZONE_NOT_FOUND
    zone_id = world.zone()
    now += MISS_SECONDS
    assert (await directory.zone_for(world.domain)).hosted_zone_id == zone_id


async def test_many_who_ask_cost_one_list(world: PublisherWorld) -> None:
    world.zone()
    directory = world.directory()
    for number in range(20):
        await directory.zone_for(f"d{number}.{world.domain}")
    assert world.aws.calls()["ListHostedZones"] == 1


async def test_a_zone_of_another_account_is_written_through_its_role(world: PublisherWorld) -> None:
    zone_id = world.zone(account_id=OTHER_ACCOUNT)
    publication = await world.publication("", "mail", entry("corp", zone_id, ROLE))
    assert publication.zone is not None
    assert publication.zone.role_arn == ROLE
    wanted = records_of(world.domain)
    await world.publisher.publish(publication, wanted)
    assert len(world.contents(zone_id, OTHER_ACCOUNT)) == len(wanted) + 1
    await world.publisher.withdraw(publication)
    assert world.contents(zone_id, OTHER_ACCOUNT) == {}


async def test_a_zone_that_is_referred_to_by_name_is_taken_though_another_matches_better(world: PublisherWorld) -> None:
    zone_id = world.zone()
    world.zone(f"mail.{world.domain}")
    zone = await world.directory(entry("corp", zone_id)).zone_for(f"mail.{world.domain}", "corp")
    assert zone.hosted_zone_id == zone_id


async def test_a_reference_to_a_zone_that_is_not_listed_says_so(world: PublisherWorld) -> None:
    with pytest.raises(Blocked, match="names zone corp, which") as refused:
        await world.directory().zone_for(world.domain, "corp")
    assert refused.value.problem.reason is Reason.ZONE_REF_NOT_FOUND


async def test_a_reference_to_a_zone_that_does_not_hold_the_domain_says_so(world: PublisherWorld) -> None:
    zone_id = world.zone(f"not-{world.domain}")
    with pytest.raises(Blocked, match=f"does not hold {world.domain}"):
        await world.directory(entry("corp", zone_id)).zone_for(world.domain, "corp")


async def test_two_zones_of_one_name_must_be_told_apart(world: PublisherWorld) -> None:
    ids = sorted([world.zone(), world.zone()])
    with pytest.raises(Blocked, match=", ".join(ids)) as refused:
        await world.directory().zone_for(world.domain)
    assert refused.value.problem.reason is Reason.HOSTED_ZONE_AMBIGUOUS


async def test_an_entry_that_cannot_be_read_hinders_only_the_domains_that_no_other_zone_holds(
    world: PublisherWorld,
) -> None:
    zone_id = world.zone()
    directory = world.directory(entry("broken", "ZNOSUCHZONE"))
    assert (await directory.zone_for(world.domain)).hosted_zone_id == zone_id
    with pytest.raises(Blocked, match="ZNOSUCHZONE does not exist"):
        await directory.zone_for(f"not-{world.domain}")


async def test_a_zone_of_the_inventory_is_found_by_its_id_or_gone(world: PublisherWorld) -> None:
    zone_id = world.zone(account_id=OTHER_ACCOUNT)
    zone = await world.directory(entry("corp", zone_id, ROLE)).zone_by_id(zone_id)
    assert (zone.name, zone.role_arn) == (world.domain, ROLE)
    with pytest.raises(Gone):
        await world.directory().zone_by_id("ZNOSUCHZONE")


async def test_a_zone_of_another_account_whose_entry_was_taken_out_is_asked_for_again(world: PublisherWorld) -> None:
    zone_id = world.zone(account_id=OTHER_ACCOUNT)
    with pytest.raises(Blocked, match=f"zone {zone_id} is in another AWS account, put its entry") as refused:
        await world.directory().zone_by_id(zone_id)
    assert refused.value.problem.reason is Reason.ACCESS_DENIED
