"""What Route 53 refuses, and how: through boto3 against the sandbox.

Sources: API reference of ChangeResourceRecordSets; Developer Guide, "Supported DNS record types", "DNS domain name format" and
"Quotas"; the wording of the errors is that of the service in public threads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.route53_world import ACCOUNT_HEADER, Route53World, change, create, delete, route53_world, upsert


@pytest.fixture(scope="module")
def world() -> Iterator[Route53World]:
    with route53_world() as servers:
        yield servers


@pytest.fixture
def zone(world: Route53World) -> str:
    return world.zone("example.com")


def contents(world: Route53World, zone_id: str) -> set[tuple[str, str, tuple[str, ...]]]:
    """Everything in the zone but its own NS and SOA."""
    listed = world.client().list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
    return {
        (found["Name"], found["Type"], tuple(record["Value"] for record in found["ResourceRecords"]))
        for found in listed
        if found["Type"] not in {"NS", "SOA"}
    }


BESIDE = "RRSet of type {} with DNS name a.example.com. is not permitted "

REFUSED = {
    "a TXT without quotes": (
        [create("a.example.com", "TXT", "v=spf1 include:amazonses.com ~all")],
        "InvalidCharacterString (Value should be enclosed in quotation marks) encountered with 'v=spf1",
    ),
    "a TXT with a quote inside that is not escaped": (
        [create("a.example.com", "TXT", '"say "hello""')],
        "InvalidCharacterString",
    ),
    "a TXT with a decimal escape": ([create("a.example.com", "TXT", r'"\999"')], "InvalidCharacterString"),
    "a TXT string of more than 255 characters": (
        [create("a.example.com", "TXT", f'"{"x" * 256}"')],
        "CharacterStringTooLong (Value is too long)",
    ),
    "a CNAME at the apex": (
        [create("example.com", "CNAME", "example.net")],
        "RRSet of type CNAME with DNS name example.com. is not permitted at apex in zone example.com.",
    ),
    "a CNAME and another type at one name in one batch": (
        [create("a.example.com", "CNAME", "example.net"), create("a.example.com", "TXT", '"x"')],
        BESIDE.format("CNAME") + "as it conflicts with other records with the same DNS name in zone example.com.",
    ),
    "a CNAME with two values": ([create("a.example.com", "CNAME", "x.net", "y.net")], "more than one resource record"),
    "a name outside the zone": (
        [create("a.example.org", "TXT", '"x"')],
        "RRSet with DNS name a.example.org. is not permitted in zone example.com.",
    ),
    "a name that only ends like the zone": (
        [create("notexample.com", "TXT", '"x"')],
        "RRSet with DNS name notexample.com. is not permitted in zone example.com.",
    ),
    "a name with an empty label": ([create("a..example.com", "TXT", '"x"')], "DomainLabelEmpty"),
    "a name with a label of 64 octets": ([create(f"{'a' * 64}.example.com", "TXT", '"x"')], "DomainLabelTooLong"),
    "a deletion of what is not there": (
        [delete("a.example.com", "TXT", '"x"')],
        "Tried to delete resource record set [name='a.example.com.', type='TXT'] but it was not found",
    ),
    "the same value twice": (
        [create("a.example.com", "TXT", '"x"', '"x"')],
        "Duplicate Resource Record: '\"x\"'",
    ),
    "an MX without preference": (
        [create("a.example.com", "MX", "feedback-smtp.eu-west-1.amazonses.com")],
        "MXRRDATANotTwoFields (MX record doesn't have 2 fields)",
    ),
    "an MX whose preference is no number": (
        [create("a.example.com", "MX", "ten mail.example.com")],
        "MXRRDATAPriorityRequired",
    ),
    "the same set created twice": (
        [create("a.example.com", "TXT", '"x"'), create("a.example.com", "TXT", '"y"')],
        "The request contains an invalid set of changes for a resource record set 'TXT a.example.com.'",
    ),
    "the same set deleted twice": (
        [delete("a.example.com", "TXT", '"x"'), delete("a.example.com", "TXT", '"x"')],
        "The request contains an invalid set of changes for a resource record set 'TXT a.example.com.'",
    ),
    "1,001 values": (
        [create(f"a{number}.example.com", "TXT", '"x"') for number in range(1001)],
        "Number of records limit of 1000 exceeded.",
    ),
    "501 values by UPSERT, which counts twice": (
        [upsert(f"a{number}.example.com", "TXT", '"x"') for number in range(501)],
        "Number of records limit of 1000 exceeded.",
    ),
    "values of more than 32,000 characters": (
        [create(f"a{number}.example.com", "TXT", f'"{"x" * 249}"') for number in range(128)],
        "RDATA character limit of 32000 exceeded.",
    ),
}


@pytest.mark.parametrize(("changes", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_batch_is_refused_with_route_53s_own_words(
    world: Route53World, zone: str, changes: list[Any], message: str
) -> None:
    with pytest.raises(ClientError, match=re.escape(message)) as refused:
        world.submit(zone, *changes)
    assert refused.value.response["Error"]["Code"] == "InvalidChangeBatch"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert contents(world, zone) == set()


def test_1000_values_and_500_by_upsert_are_within_the_limit(world: Route53World, zone: str) -> None:
    world.submit(zone, *(create(f"a{number}.example.com", "TXT", '"x"') for number in range(1000)))
    world.submit(zone, *(upsert(f"a{number}.example.com", "TXT", '"y"') for number in range(500)))


ACCEPTED = {
    "a TXT of two strings": ("TXT", f'"{"x" * 255}" "{"y" * 100}"'),
    "a TXT with escaped quotes and a backslash": ("TXT", r'"say \"hello\" to C:\\"'),
    "a TXT with an octal escape": ("TXT", r'"caf\303\251"'),
    "an MX with a closing dot": ("MX", "10 feedback-smtp.eu-west-1.amazonses.com."),
    "a CNAME to a name with underscores": ("CNAME", "x._domainkey.example.net"),
}


@pytest.mark.parametrize(("record_type", "value"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_a_well_formed_value_is_listed_as_it_was_sent(
    world: Route53World, zone: str, record_type: str, value: str
) -> None:
    world.submit(zone, create("a.example.com", record_type, value))
    assert contents(world, zone) == {("a.example.com.", record_type, (value,))}


def test_a_set_that_exists_cannot_be_created_again_in_whatever_case(world: Route53World, zone: str) -> None:
    world.submit(zone, create("a.example.com", "TXT", '"x"'))
    expected = "Tried to create resource record set [name='a.example.com.', type='TXT'] but it already exists"
    with pytest.raises(ClientError, match=re.escape(expected)):
        world.submit(zone, create("A.Example.COM.", "TXT", '"y"'))


OTHER_THAN_IT_IS = {
    "another value": delete("a.example.com", "TXT", '"y"'),
    "another TTL": delete("a.example.com", "TXT", '"x"', ttl=60),
    "one value more": delete("a.example.com", "TXT", '"x"', '"y"'),
}


@pytest.mark.parametrize("deletion", OTHER_THAN_IT_IS.values(), ids=OTHER_THAN_IT_IS.keys())
def test_a_deletion_must_name_the_set_as_it_is(world: Route53World, zone: str, deletion: Any) -> None:
    world.submit(zone, create("a.example.com", "TXT", '"x"'))
    with pytest.raises(ClientError, match="but the values provided do not match the current values"):
        world.submit(zone, deletion)
    assert contents(world, zone) == {("a.example.com.", "TXT", ('"x"',))}


def test_the_order_of_values_does_not_matter_for_a_deletion(world: Route53World, zone: str) -> None:
    world.submit(zone, create("a.example.com", "TXT", '"x"', '"y"'))
    world.submit(zone, delete("a.example.com", "TXT", '"y"', '"x"'))
    assert contents(world, zone) == set()


def test_another_type_is_refused_beside_a_cname_that_stands(world: Route53World, zone: str) -> None:
    world.submit(zone, create("a.example.com", "CNAME", "example.net"))
    with pytest.raises(
        ClientError, match=re.escape(BESIDE.format("MX") + "because a conflicting RRSet of type  CNAME")
    ):
        world.submit(zone, create("a.example.com", "MX", "10 mail.example.com"))


def test_a_cname_is_refused_beside_another_type_that_stands(world: Route53World, zone: str) -> None:
    world.submit(zone, create("a.example.com", "MX", "10 mail.example.com"))
    with pytest.raises(ClientError, match=re.escape(BESIDE.format("CNAME") + "as it conflicts with other records")):
        world.submit(zone, create("a.example.com", "CNAME", "example.net"))


def test_a_cname_takes_the_place_of_another_type_in_one_batch(world: Route53World, zone: str) -> None:
    world.submit(zone, create("a.example.com", "MX", "10 mail.example.com"))
    world.submit(
        zone, delete("a.example.com", "MX", "10 mail.example.com"), create("a.example.com", "CNAME", "example.net")
    )
    assert contents(world, zone) == {("a.example.com.", "CNAME", ("example.net",))}


def test_deletion_and_creation_in_one_batch_change_a_set(world: Route53World, zone: str) -> None:
    world.submit(zone, create("a.example.com", "TXT", '"x"'))
    world.submit(zone, delete("a.example.com", "TXT", '"x"'), create("a.example.com", "TXT", '"y"'))
    assert contents(world, zone) == {("a.example.com.", "TXT", ('"y"',))}


def test_one_bad_change_refuses_the_whole_batch_and_every_error_is_told(world: Route53World, zone: str) -> None:
    with pytest.raises(ClientError) as refused:
        world.submit(
            zone,
            create("good.example.com", "TXT", '"x"'),
            create("bad.example.com", "TXT", "x"),
            create("a.example.org", "TXT", '"x"'),
        )
    message = refused.value.response["Error"]["Message"]
    assert message.startswith("[Invalid Resource Record: ")
    assert message.endswith(", RRSet with DNS name a.example.org. is not permitted in zone example.com.]")
    assert contents(world, zone) == set()


def test_the_zones_own_ns_and_soa_stay(world: Route53World, zone: str) -> None:
    listed = world.client().list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    soa = next(found for found in listed if found["Type"] == "SOA")
    with pytest.raises(ClientError, match="exactly one SOA record"):
        world.submit(zone, {"Action": "DELETE", "ResourceRecordSet": soa})


MALFORMED = {
    "a TTL below zero": [create("a.example.com", "TXT", '"x"', ttl=-1)],
    "a TTL of 2^31": [create("a.example.com", "TXT", '"x"', ttl=2**31)],
    "neither values nor an alias": [change("CREATE", "a.example.com", "TXT", [])],
}


@pytest.mark.parametrize("changes", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_request_outside_the_schema_is_invalid_input(world: Route53World, zone: str, changes: list[Any]) -> None:
    with pytest.raises(ClientError) as refused:
        world.submit(zone, *changes)
    assert refused.value.response["Error"]["Code"] == "InvalidInput"


def test_a_zone_that_does_not_exist_is_said_so(world: Route53World) -> None:
    with pytest.raises(ClientError, match="No hosted zone found with ID: ZNONE") as refused:
        world.submit("ZNONE", create("a.example.com", "TXT", '"x"'))
    assert refused.value.response["Error"]["Code"] == "NoSuchHostedZone"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_the_zones_of_another_account_are_invisible(world: Route53World, zone: str) -> None:
    stranger = world.client("999999999999")
    assert zone not in {found["Id"].rpartition("/")[2] for found in stranger.list_hosted_zones()["HostedZones"]}
    with pytest.raises(ClientError, match="not authorized to access this resource") as refused:
        stranger.list_resource_record_sets(HostedZoneId=zone)
    assert refused.value.response["Error"]["Code"] == "AccessDenied"


def test_names_are_returned_with_their_octets_escaped_in_octal(world: Route53World, zone: str) -> None:
    world.submit(zone, create("*.example.com", "TXT", '"x"'), create(r"\137Domainkey.example.com", "TXT", '"y"'))
    names = {name for name, _, _ in contents(world, zone)}
    assert names == {r"\052.example.com.", "_domainkey.example.com."}
    world.submit(zone, delete(r"\052.example.com", "TXT", '"x"'))


def test_a_batch_that_is_no_safe_xml_is_invalid_input(world: Route53World, zone: str) -> None:
    import urllib.error
    import urllib.request

    bomb = b'<!DOCTYPE x [<!ENTITY a "b">]><ChangeResourceRecordSetsRequest>&a;</ChangeResourceRecordSetsRequest>'
    url = f"http://127.0.0.1:{world.port}/2013-04-01/hostedzone/{zone}/rrset/"
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(urllib.request.Request(url, bomb, {ACCOUNT_HEADER: world.account_id}), timeout=30)
