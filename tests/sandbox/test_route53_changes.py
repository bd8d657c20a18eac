"""When changes of Route 53 take effect, what else hinders them, and how zones and record sets are listed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from sandbox.route53_world import Route53World, create, delete, route53_world
from ses_sandbox.route53 import Route53Settings


@pytest.fixture(scope="module")
def world() -> Iterator[Route53World]:
    with route53_world() as servers:
        yield servers


@pytest.fixture
def zone(world: Route53World) -> str:
    return world.zone("example.com")


def status(world: Route53World, change_id: str) -> str:
    return world.client().get_change(Id=change_id)["ChangeInfo"]["Status"]


def test_a_change_is_pending_until_it_has_propagated(world: Route53World, zone: str) -> None:
    """API reference, GetChange."""
    change_id = world.submit(zone, create("a.example.com", "TXT", '"x"'))
    assert status(world, change_id) == "PENDING"
    world.wait(29)
    assert status(world, change_id) == "PENDING"
    world.wait(1)
    assert status(world, change_id) == "INSYNC"


def test_the_name_servers_know_of_a_change_once_it_is_in_sync(world: Route53World) -> None:
    zone = world.zone("in-sync.example.com")
    world.submit(zone, create("a.in-sync.example.com", "TXT", '"x"'))
    assert world.answers("a.in-sync.example.com", "TXT") == []
    world.wait(30)
    assert world.answers("a.in-sync.example.com", "TXT") == ['"x"']
    world.submit(zone, delete("a.in-sync.example.com", "TXT", '"x"'))
    assert world.answers("a.in-sync.example.com", "TXT") == ['"x"']
    world.wait(30)
    assert world.answers("a.in-sync.example.com", "TXT") == []


def test_lists_show_what_is_still_pending(world: Route53World, zone: str) -> None:
    """API reference, ListResourceRecordSets: "This includes records that are PENDING"."""
    world.submit(zone, create("a.example.com", "TXT", '"x"'))
    listed = world.client().list_resource_record_sets(HostedZoneId=zone, StartRecordName="a.example.com")
    assert listed["ResourceRecordSets"][0]["Name"] == "a.example.com."


def test_an_unknown_change_is_said_so(world: Route53World) -> None:
    with pytest.raises(ClientError, match="Could not find resource with ID: CNONE") as refused:
        status(world, "CNONE")
    assert refused.value.response["Error"]["Code"] == "NoSuchChange"


def test_a_batch_right_after_another_to_the_same_zone_is_refused() -> None:
    """Developer Guide, "Quotas": PriorRequestNotComplete. Another zone is not concerned."""
    settings = Route53Settings(requests_per_second=0, propagation_seconds=0, processing_seconds=30)
    with route53_world(settings) as world:
        zone, other = world.zone("example.com"), world.zone("example.net")
        world.submit(zone, create("a.example.com", "TXT", '"x"'))
        with pytest.raises(ClientError, match="was still processing a prior request") as refused:
            world.submit(zone, create("b.example.com", "TXT", '"x"'))
        assert refused.value.response["Error"]["Code"] == "PriorRequestNotComplete"
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        world.submit(other, create("a.example.net", "TXT", '"x"'))


def test_an_account_is_throttled_by_all_its_requests_together() -> None:
    """Developer Guide, "Quotas": code Throttling, HTTP 400, "Rate exceeded"; per account."""
    with route53_world(Route53Settings(requests_per_second=0.001)) as world:
        client = world.client()
        client.list_hosted_zones()
        for refused_call in (client.list_hosted_zones, client.get_hosted_zone_count):
            with pytest.raises(ClientError, match="Rate exceeded") as refused:
                refused_call()
            assert refused.value.response["Error"]["Code"] == "Throttling"
            assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        world.client("999999999999").list_hosted_zones()


def test_record_sets_are_listed_by_reversed_labels_then_type(world: Route53World, zone: str) -> None:
    """API reference, ListResourceRecordSets, "Sort order": the closing dot counts, so ``a-b`` comes before ``a.``."""
    world.submit(
        zone,
        create("b.example.com", "TXT", '"x"'),
        create("z.a.example.com", "TXT", '"x"'),
        create("a-b.example.com", "TXT", '"x"'),
        create("a.example.com", "TXT", '"x"'),
        create("a.example.com", "MX", "10 mail.example.com"),
    )
    listed = world.client().list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert [(found["Name"], found["Type"]) for found in listed] == [
        ("example.com.", "NS"),
        ("example.com.", "SOA"),
        ("a-b.example.com.", "TXT"),
        ("a.example.com.", "MX"),
        ("a.example.com.", "TXT"),
        ("z.a.example.com.", "TXT"),
        ("b.example.com.", "TXT"),
    ]


def test_record_sets_come_in_pages_of_at_most_300(world: Route53World, zone: str) -> None:
    world.submit(zone, *(create(f"a{number:03}.example.com", "TXT", '"x"') for number in range(400)))
    client = world.client()
    first = client.list_resource_record_sets(HostedZoneId=zone, MaxItems="1000")
    assert (len(first["ResourceRecordSets"]), first["IsTruncated"]) == (300, True)
    assert (first["NextRecordName"], first["NextRecordType"]) == ("a298.example.com.", "TXT")
    paged = client.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
    assert len({found["Name"] for page in paged for found in page["ResourceRecordSets"]}) == 401


def test_a_list_of_record_sets_begins_where_it_is_told_to(world: Route53World, zone: str) -> None:
    world.submit(zone, create("a.example.com", "MX", "10 mail.example.com"), create("a.example.com", "TXT", '"x"'))
    listed = world.client().list_resource_record_sets(
        HostedZoneId=zone, StartRecordName="A.example.com", StartRecordType="TXT", MaxItems="1"
    )
    assert [(found["Name"], found["Type"]) for found in listed["ResourceRecordSets"]] == [("a.example.com.", "TXT")]
    with pytest.raises(ClientError, match="The input is not valid"):
        world.client().list_resource_record_sets(HostedZoneId=zone, StartRecordType="TXT")


def test_zones_are_listed_by_reversed_labels_from_the_name_asked_for() -> None:
    """API reference, ListHostedZonesByName: from the name on, not that name alone."""
    with route53_world() as world:
        for name in ("example.net", "example.com", "b.example.com", "a.example.com"):
            world.zone(name)
        client = world.client()
        names = [zone["Name"] for zone in client.list_hosted_zones_by_name()["HostedZones"]]
        assert names == ["example.com.", "a.example.com.", "b.example.com.", "example.net."]
        later = client.list_hosted_zones_by_name(DNSName="b.example.com", MaxItems="1")
        assert [zone["Name"] for zone in later["HostedZones"]] == ["b.example.com."]
        assert (later["IsTruncated"], later["NextDNSName"]) == (True, "example.net.")


def test_zones_come_in_pages() -> None:
    with route53_world() as world:
        ids = {world.zone(f"zone{number}.example.com") for number in range(5)}
        pages = list(world.client().get_paginator("list_hosted_zones").paginate(PaginationConfig={"PageSize": 2}))
        assert [len(page["HostedZones"]) for page in pages] == [2, 2, 1]
        assert {zone["Id"].rpartition("/")[2] for page in pages for zone in page["HostedZones"]} == ids


def test_each_zone_has_name_servers_of_its_own_and_a_repeated_reference_is_refused(world: Route53World) -> None:
    client = world.client()
    one = client.create_hosted_zone(Name="one.example", CallerReference="one")
    two = client.create_hosted_zone(Name="two.example", CallerReference="two")
    assert one["DelegationSet"]["NameServers"] != two["DelegationSet"]["NameServers"]
    listed = client.get_hosted_zone(Id=one["HostedZone"]["Id"])
    assert listed["DelegationSet"]["NameServers"] == one["DelegationSet"]["NameServers"]
    with pytest.raises(ClientError, match="already been created with the specified caller reference"):
        client.create_hosted_zone(Name="one.example", CallerReference="one")


def test_a_zone_goes_only_when_it_is_empty(world: Route53World, zone: str) -> None:
    world.submit(zone, create("a.example.com", "TXT", '"x"'))
    with pytest.raises(ClientError) as refused:
        world.client().delete_hosted_zone(Id=zone)
    assert refused.value.response["Error"]["Code"] == "HostedZoneNotEmpty"
    world.submit(zone, delete("a.example.com", "TXT", '"x"'))
    world.client().delete_hosted_zone(Id=zone)


def test_tags_of_zones_are_motos(world: Route53World, zone: str) -> None:
    """ExternalDNS filters zones by their tags."""
    client = world.client()
    tags = [{"Key": "team", "Value": "mail"}]
    client.change_tags_for_resource(ResourceType="hostedzone", ResourceId=zone, AddTags=tags)  # type: ignore[arg-type]
    found = client.list_tags_for_resources(ResourceType="hostedzone", ResourceIds=[zone])
    assert found["ResourceTagSets"][0]["Tags"] == tags
