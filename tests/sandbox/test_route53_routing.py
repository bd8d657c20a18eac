"""Which record sets of one name and type Route 53 lets stand side by side, and which of them the name servers send."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.route53_world import Route53World, route53_world

NAME = "a.example.com"


@pytest.fixture(scope="module")
def world() -> Iterator[Route53World]:
    with route53_world() as servers:
        yield servers


@pytest.fixture
def zone(world: Route53World) -> str:
    """A zone of its own, in which the name is free."""
    return world.zone("example.com")


def change(action: str, value: str = "192.0.2.1", ttl: int = 60, kind: str = "A", **more: Any) -> Any:
    records = [{"Value": value}]
    return {
        "Action": action,
        "ResourceRecordSet": {"Name": NAME, "Type": kind, "TTL": ttl, "ResourceRecords": records, **more},
    }


def weighted(identifier: str, weight: int = 1, **more: Any) -> Any:
    return change(more.pop("action", "CREATE"), SetIdentifier=identifier, Weight=weight, **more)


LATENCY: dict[str, Any] = {"Region": "eu-west-1"}
REFUSED = [
    ("a policy without identifier", [], [change("CREATE", Weight=1)], "InvalidInput", "Missing field 'SetIdentifier'"),
    (
        "multivalue false counts as a policy (aws/aws-sdk 75)",
        [],
        [change("UPSERT", MultiValueAnswer=False)],
        "InvalidInput",
        "Missing field 'SetIdentifier'",
    ),
    ("an identifier without policy", [], [change("CREATE", SetIdentifier="x")], "InvalidInput", "but found none"),
    (
        "two policies",
        [],
        [change("CREATE", SetIdentifier="x", Weight=1, Region="eu-west-1")],
        "InvalidInput",
        "but found more than one",
    ),
    ("a weight beyond 255", [], [weighted("x", 256)], "InvalidInput", "'255'"),
    ("an identifier beyond 128", [], [weighted("x" * 129)], "InvalidInput", "128"),
    (
        "simple beside weighted (terraform-provider-aws 15622)",
        [weighted("x")],
        [change("UPSERT")],
        "InvalidChangeBatch",
        "type A cannot be created as other RRSets exist with the same name and type.",
    ),
    (
        "weighted beside simple",
        [change("CREATE")],
        [weighted("x")],
        "InvalidChangeBatch",
        "SetIdentifier x cannot be created as a non-weighted set exists with the same name and type.",
    ),
    (
        "weighted beside latency (external-dns 4345)",
        [change("CREATE", SetIdentifier="x", **LATENCY)],
        [weighted("y")],
        "InvalidChangeBatch",
        "cannot be created as a non-weighted set exists",
    ),
    (
        "multivalue beside simple (cert-manager 5388)",
        [change("CREATE")],
        [change("CREATE", SetIdentifier="x", MultiValueAnswer=True)],
        "InvalidChangeBatch",
        "cannot be created because a non multivalue answer rrset exists with the same name and type.",
    ),
    (
        "weighted sets of two TTLs (aws-sdk-go-v2 518)",
        [weighted("x")],
        [weighted("y", ttl=61)],
        "InvalidChangeBatch",
        "cannot be created as weighted sets must contain the same TTL.",
    ),
    (
        "latency twice in a region (terraform-provider-aws 1668)",
        [change("CREATE", SetIdentifier="x", **LATENCY)],
        [change("CREATE", SetIdentifier="y", **LATENCY)],
        "InvalidChangeBatch",
        "Region Name=eu-west-1 cannot be created because a latency RRSet with the same name, type and region already",
    ),
    (
        "both in one batch",
        [],
        [weighted("x"), change("CREATE")],
        "InvalidChangeBatch",
        "other RRSets exist with the same name and type.",
    ),
]


@pytest.mark.parametrize(
    ("before", "batch", "code", "words"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_route_53_refuses(
    world: Route53World, zone: str, before: list[Any], batch: list[Any], code: str, words: str
) -> None:
    if before:
        world.submit(zone, *before)
    with pytest.raises(ClientError) as caught:
        world.submit(zone, *batch)
    error = caught.value.response["Error"]
    assert (error["Code"], words in error["Message"]) == (code, True), error


ACCEPTED = [
    ("weighted beside weighted", [weighted("x")], [weighted("y", 0)]),
    (
        "another TTL for all of them at once",
        [weighted("x"), weighted("y")],
        [weighted(name, ttl=9, action="UPSERT") for name in "xy"],
    ),
    ("simple in place of weighted", [weighted("x")], [weighted("x", action="DELETE"), change("CREATE")]),
    ("another type beside weighted", [weighted("x")], [change("CREATE", '"text"', kind="TXT")]),
    (
        "weighted CNAMEs",
        [],
        [weighted(name, kind="CNAME", value=f"{name}.example.net") for name in "xy"],
    ),
    ("failover", [], [change("CREATE", SetIdentifier=name, Failover=name) for name in ("PRIMARY", "SECONDARY")]),
]


@pytest.mark.parametrize(("before", "batch"), [case[1:] for case in ACCEPTED], ids=[case[0] for case in ACCEPTED])
def test_route_53_accepts(world: Route53World, zone: str, before: list[Any], batch: list[Any]) -> None:
    if before:
        world.submit(zone, *before)
    world.submit(zone, *batch)


def test_the_heaviest_weighted_set_is_served_and_the_next_when_it_goes(world: Route53World) -> None:
    zone = world.zone("served.example.com")
    name = "a.served.example.com"

    def batch(*changes: Any) -> None:
        for item in changes:
            item["ResourceRecordSet"]["Name"] = name
        world.submit(zone, *changes)
        world.wait(30)

    batch(weighted("x", 0, value="192.0.2.1"), weighted("y", 5, value="192.0.2.2"), weighted("z", 1, value="192.0.2.3"))
    assert world.answers(name, "A") == ["192.0.2.2"]
    batch(weighted("y", 5, value="192.0.2.2", action="DELETE"))
    assert world.answers(name, "A") == ["192.0.2.3"]
    batch(
        *(
            weighted(one, weight, value=f"192.0.2.{at}", action="DELETE")
            for one, weight, at in (("x", 0, 1), ("z", 1, 3))
        )
    )
    assert world.answers(name, "A") == []


def test_a_value_whose_name_has_no_closing_dot_is_served_as_complete(world: Route53World) -> None:
    zone = world.zone("srv.example.com")
    records = [{"Value": "1 1 25 mail.example.net"}]
    name = "_smtp._tcp.srv.example.com"
    record_set: Any = {"Name": name, "Type": "SRV", "TTL": 60, "ResourceRecords": records}
    world.submit(zone, {"Action": "CREATE", "ResourceRecordSet": record_set})
    world.wait(30)
    assert world.answers(name, "SRV") == ["1 1 25 mail.example.net."]
