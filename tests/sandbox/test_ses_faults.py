"""Throttling as SES does it, faults on request, and the log of calls."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from sandbox.ses_world import OTHER_REGION, REGION, SesWorld, refused, ses_world


@pytest.fixture
def world() -> Iterator[SesWorld]:
    with ses_world() as world:
        yield world


def fault(world: SesWorld, **fields: Any) -> int:
    """Switches a fault on; its id."""
    status, answer = world.control("POST", "/faults", fields)
    assert status == 201, answer
    return int(answer["id"])


def test_each_action_is_throttled_by_itself_in_each_region_and_account() -> None:
    """Developer Guide, quotas: "All actions except sending are throttled at one request per second"."""
    with ses_world(rate=0.01) as world:
        client = world.client()
        client.get_account()
        with refused("TooManyRequestsException", "Rate exceeded") as _:
            client.get_account()
        client.list_email_identities()
        world.client(region=OTHER_REGION).get_account()
        SesWorld(world.sandbox).client().get_account()
        world.client("ses").get_send_quota()
        with refused("Throttling", "Rate exceeded"):
            world.client("ses").get_send_quota()
        counts = world.control("GET", "/calls?limit=0")[1]["counts"]
    assert {
        "service": "ses",
        "operation": "GetAccount",
        "region": REGION,
        "result": "TooManyRequestsException",
        "count": 1,
    } in counts


def test_a_throttled_answer_is_http_429(world: SesWorld) -> None:
    """botocore's sesv2 model: TooManyRequestsException is 429."""
    fault(world, kind="throttle", operation="GetAccount")
    with pytest.raises(ClientError) as caught:
        world.client().get_account()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429


def test_sending_is_not_throttled_so() -> None:
    """Developer Guide, quotas: sending has limits of its own."""
    with ses_world(rate=0.01) as world:
        for _ in range(3):
            with refused("MessageRejected"):
                world.client().send_email(
                    FromEmailAddress="a@example.com",
                    Destination={"ToAddresses": ["b@example.com"]},
                    Content={"Simple": {"Subject": {"Data": ""}, "Body": {}}},
                )


def test_a_fault_fires_where_it_matches_and_as_often_as_it_was_told(world: SesWorld) -> None:
    """The sandbox's own: matchers and times."""
    fault(world, kind="error", status=503, code="ServiceUnavailable", region=REGION, operation="GetAccount", times=1)
    world.client(region=OTHER_REGION).get_account()
    world.client().list_email_identities()
    with refused("ServiceUnavailable"):
        world.client().get_account()
    world.client().get_account()
    assert world.control("GET", "/faults")[1]["faults"] == []


def test_a_fault_can_mean_one_identity_only(world: SesWorld) -> None:
    """The sandbox's own: the identity matcher reads path, body and ARN."""
    fault(world, kind="error", code="ConcurrentModificationException", identity="example.com")
    world.client().create_email_identity(EmailIdentity="example.org")
    for call in (world.client().create_email_identity, world.client().get_email_identity):
        with refused("ConcurrentModificationException"):
            call(EmailIdentity="example.com")


def test_a_probable_fault_fires_for_its_share_and_repeatably() -> None:
    """The sandbox's own: probability from a seeded generator."""

    def outcomes() -> list[bool]:
        with ses_world(fault_seed=7) as world:
            fault(world, kind="throttle", probability=0.5)
            return [_succeeds(world) for _ in range(20)]

    first = outcomes()
    assert 2 <= sum(first) <= 18
    assert first == outcomes()


def _succeeds(world: SesWorld) -> bool:
    try:
        world.client().get_account()
    except ClientError:
        return False
    return True


def test_a_lost_response_leaves_the_write_behind(world: SesWorld) -> None:
    """The sandbox's own: the write is applied, the connection closes."""
    fault(world, kind="lost-response", operation="CreateEmailIdentity", times=1)
    with pytest.raises(ConnectionClosedError):
        world.client().create_email_identity(EmailIdentity="example.com")
    assert world.client().get_email_identity(EmailIdentity="example.com")["VerificationStatus"] == "PENDING"
    calls = world.control("GET", "/calls?operation=CreateEmailIdentity")[1]["calls"]
    assert [(call["status"], call["error"], call["lost"]) for call in calls] == [(0, "ConnectionClosed", True)]


def test_a_lost_response_may_look_like_an_internal_failure(world: SesWorld) -> None:
    """The sandbox's own: HTTP 500 after the write."""
    fault(world, kind="lost-response", operation="CreateEmailIdentity", lost="error")
    with refused("InternalFailure"):
        world.client().create_email_identity(EmailIdentity="example.com")
    assert world.client().get_email_identity(EmailIdentity="example.com")


def test_a_region_that_is_down_closes_the_connection(world: SesWorld) -> None:
    """The sandbox's own: no answer at all; other regions go on."""
    number = fault(world, kind="region-down", region=REGION)
    with pytest.raises(ConnectionClosedError):
        world.client().get_account()
    world.client(region=OTHER_REGION).get_account()
    world.control("DELETE", f"/faults/{number}")
    world.client().get_account()


@pytest.mark.parametrize("region", ["eu-west-9", "cn-north-1"])
def test_a_region_without_ses_does_not_answer(world: SesWorld, region: str) -> None:
    """botocore's endpoints: no SES there, so nothing listens."""
    with pytest.raises(ConnectionClosedError):
        world.client(region=region).get_account()


def test_a_region_that_the_account_has_not_switched_on_knows_no_key(world: SesWorld) -> None:
    """AWS Account Management guide, "Enable or disable AWS Regions"; UnrecognizedClientException of "Common errors"."""
    world.control("POST", "/account", {"account": world.account, "region": "af-south-1", "optedIn": False})
    with refused("UnrecognizedClientException", "security token"):
        world.client(region="af-south-1").get_account()
    with refused("InvalidClientTokenId"):
        world.client("ses", region="af-south-1").get_send_quota()
    world.client().get_account()


def test_latency_is_real_time(world: SesWorld) -> None:
    """The sandbox's own: the answer comes later."""
    fault(world, kind="latency", seconds=0.2, operation="GetAccount")
    started = time.monotonic()
    world.client().get_account()
    assert time.monotonic() - started >= 0.2


def test_route_53_meets_faults_in_its_own_words(world: SesWorld) -> None:
    """Route 53 API reference, "Common errors": Throttling; XML."""
    fault(world, kind="throttle", service="route53", operation="ListHostedZones", times=1)
    with refused("Throttling", "Rate exceeded"):
        world.client("route53").list_hosted_zones()
    world.client("route53").list_hosted_zones()
    counts = world.control("GET", "/calls?limit=0")[1]["counts"]
    route53 = {
        (count["operation"], count["result"]): count["count"] for count in counts if count["service"] == "route53"
    }
    assert route53 == {("ListHostedZones", "Throttling"): 1, ("ListHostedZones", "ok"): 1}


def test_the_call_log_tells_who_asked_what_and_forgets_on_demand(world: SesWorld) -> None:
    """The sandbox's own: GET and DELETE /_sandbox/calls."""
    world.client().create_email_identity(EmailIdentity="example.com")
    with refused("NotFoundException"):
        world.client().get_email_identity(EmailIdentity="example.org")
    world.client("sts").get_caller_identity()
    calls = world.control("GET", "/calls")[1]["calls"]
    assert [
        (call["service"], call["operation"], call["identity"], call["status"], call["error"]) for call in calls
    ] == [
        ("ses", "CreateEmailIdentity", "example.com", 200, None),
        ("ses", "GetEmailIdentity", "example.org", 404, "NotFoundException"),
        ("sts", "GetCallerIdentity", None, 200, None),
    ]
    assert (calls[0]["account"], calls[0]["region"], calls[0]["accessKey"]) == (world.account, REGION, "test")
    later = world.control("GET", f"/calls?since={calls[1]['number']}")[1]["calls"]
    assert [call["operation"] for call in later] == ["GetCallerIdentity"]
    assert world.control("GET", "/calls?result=NotFoundException")[1]["calls"] == [calls[1]]
    world.control("DELETE", "/calls")
    assert world.control("GET", "/calls")[1] == {"calls": [], "counts": []}
