"""The control API and the command line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import boto3
import dns.message
import dns.query
import pytest
from click.testing import CliRunner

from sandbox.ses_world import SesWorld, ses_world
from ses_sandbox.control.app import ROUTES
from ses_sandbox.main import main


@pytest.fixture(scope="module")
def world() -> Iterator[SesWorld]:
    with ses_world(seed_zones=("seeded.example.com",)) as world:
        yield world


def test_every_route_is_listed_with_what_it_does(world: SesWorld) -> None:
    routes = world.control("GET", "")[1]["routes"]
    assert len(routes) == len(ROUTES)
    assert all(route["does"] for route in routes)


def test_an_unknown_route_answers_what_there_is(world: SesWorld) -> None:
    status, answer = world.control("POST", "/nothing", {})
    assert (status, len(answer["routes"])) == (404, len(ROUTES))


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/faults", {}, "kind"),
        ("/faults", {"kind": "meteor"}, "kind"),
        ("/faults", {"kind": "throttle", "times": 0}, "times"),
        ("/faults", {"kind": "throttle", "times": 1.5}, "times"),
        ("/faults", {"kind": "throttle", "probability": 2}, "probability"),
        ("/faults", {"kind": "throttle", "region": 5}, "region"),
        ("/faults", {"kind": "error", "status": 200}, "status"),
        ("/faults", {"kind": "error", "status": 900}, "status"),
        ("/faults", {"kind": "dns", "rcode": "OK"}, "rcode"),
        ("/faults", {"kind": "throttle", "colour": "red"}, "colour"),
        ("/clock", {}, ""),
        ("/clock", {"speed": 0}, "speed"),
        ("/clock", {"advanceHours": -1}, "advanceHours"),
        ("/clock", {"advanceHours": "73"}, "advanceHours"),
        ("/clock", b"{", ""),
        ("/clock", [], ""),
        ("/throttle", {}, "rate"),
        ("/dns/delegation", {"hostedZoneId": "Z0"}, "hostedZoneId"),
        ("/account", {"region": "eu-west-9"}, "region"),
        ("/identities", {"region": "eu-west-9", "suffix": "example.com"}, "region"),
        ("/identities", {"region": "eu-west-1", "suffix": "me@example.com"}, "suffix"),
        ("/identities", {"region": "eu-west-1", "suffix": "example.com", "count": 10_001}, "count"),
        ("/account", {"enforcementStatus": "FINE"}, "enforcementStatus"),
        ("/account", {"productionAccess": 1}, "productionAccess"),
    ],
)
def test_a_bad_body_is_refused_and_the_field_named(world: SesWorld, path: str, body: Any, field: str) -> None:
    status, answer = world.control("POST", path, body)
    assert (status, answer["field"]) == (400, field)
    assert answer["error"].startswith(field)


def test_time_is_moved_and_made_faster(world: SesWorld) -> None:
    before = datetime.fromisoformat(world.control("GET", "/clock")[1]["now"])
    moved = world.control("POST", "/clock", {"advanceHours": 73, "speed": 10})[1]
    assert datetime.fromisoformat(moved["now"]) - before >= timedelta(hours=73)
    assert moved["speed"] == 10
    world.control("POST", "/clock", {"speed": 1})


def test_the_state_shows_identities_with_their_timers(world: SesWorld) -> None:
    world.client().create_email_identity(EmailIdentity="example.com")
    [region] = world.control("GET", f"/state?account={world.account}&identity=example.com")[1]["regions"]
    timers = region["identities"]["example.com"]["timers"]
    started, fails = (datetime.fromisoformat(timers["dkim"][name]) for name in ("since", "failsAt"))
    assert fails - started == timedelta(hours=72)
    assert timers["nextCheckAt"] is not None


def test_a_zone_file_that_is_none_is_refused(world: SesWorld) -> None:
    status, answer = world.control("PUT", "/dns/zones/example.net", b"what is this")
    assert (status, "zone file" in answer["error"]) == (400, True)
    assert world.control("DELETE", "/dns/zones/example.net")[0] == 404


def test_of_two_zones_of_one_name_the_one_is_served_that_the_parent_delegates_to(world: SesWorld) -> None:
    """Route 53 Developer Guide, "Creating a public hosted zone": zones of one name differ in their name servers."""
    route53 = world.client("route53")
    zones = [
        route53.create_hosted_zone(Name="twin.example.net", CallerReference=str(number))["HostedZone"]["Id"]
        for number in range(2)
    ]
    for zone, text in zip(zones, ('"one"', '"two"'), strict=True):
        record = {"Name": "a.twin.example.net", "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": text}]}
        changes: Any = [{"Action": "CREATE", "ResourceRecordSet": record}]
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
    world.control("POST", "/clock", {"advanceSeconds": 60})
    assert _texts(world, "a.twin.example.net") == ['"one"']

    second = zones[1].rpartition("/")[2]
    assert world.control("POST", "/dns/delegation", {"hostedZoneId": second})[0] == 200

    assert _texts(world, "a.twin.example.net") == ['"two"']
    events = [event for event in world.control("GET", "/dns/changes")[1]["changes"] if event["zone"] == second]
    assert [(event["delegated"], event["sets"]) for event in events] == [
        (False, [{"name": "a.twin.example.net", "type": "TXT", "values": ['"two"']}]),
        (True, []),
    ]
    later = world.control("GET", f"/dns/changes?since={events[0]['number']}")[1]["changes"]
    assert [event["number"] for event in later] == [events[1]["number"]]


def _texts(world: SesWorld, name: str) -> list[str]:
    """What the sandbox's name server answers for TXT."""
    host, port = world.sandbox.dns_address
    answer = dns.query.udp(dns.message.make_query(name, "TXT"), host, port=port, timeout=30).answer
    return [rdata.to_text() for rrset in answer for rdata in rrset]


def test_a_reset_forgets_all_but_the_seeded_zones() -> None:
    with ses_world(seed_zones=("seeded.example.org",)) as world:
        world.client().create_email_identity(EmailIdentity="example.com")
        world.client("route53").create_hosted_zone(Name="mine.example.org", CallerReference="1")
        world.control("POST", "/faults", {"kind": "throttle"})
        world.control("POST", "/reset")
        assert world.client().list_email_identities()["EmailIdentities"] == []
        assert world.client("route53").list_hosted_zones()["HostedZones"] == []
        default = world.new_client("route53")
        assert [zone["Name"] for zone in default.list_hosted_zones()["HostedZones"]] == ["seeded.example.org."]


def test_the_command_prints_its_addresses_as_one_line_and_stops_on_a_signal() -> None:
    arguments = ["serve", "--seed-zone", "cli.example.com", "--speed", "60", "--rate", "20"]
    with subprocess.Popen(
        [sys.executable, "-m", "ses_sandbox.main", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        client: Any = boto3.client(
            "sesv2",
            endpoint_url=ready["aws"],
            region_name="eu-west-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
        assert client.get_account()["SendingEnabled"] is True
        assert ready["dns"].startswith("127.0.0.1:")
        assert list(ready["zones"]) == ["cli.example.com"]
        process.terminate()
        assert process.communicate(timeout=90) == ("", "")
        assert process.returncode == 0


@pytest.fixture
def handlers() -> Iterator[None]:
    """Signals do afterwards what they did before: the command takes them for itself."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
def test_the_command_refuses_a_port_that_is_taken(world: SesWorld) -> None:
    port = world.sandbox.aws_url.rpartition(":")[2]
    ended = CliRunner().invoke(main, ["serve", "--aws-port", port])
    assert (ended.exit_code, "cannot listen" in ended.stderr) == (1, True)


def test_an_account_of_old_has_identities_that_nobody_made_here(world: SesWorld) -> None:
    old = {"suffix": "old.example.com", "count": 1200, "status": "FAILED", "hoursAgo": 100}
    old |= {"account": world.account, "region": "eu-west-3"}
    assert world.control("POST", "/identities", old) == (200, {"added": 1200})
    ses = world.client("sesv2", "eu-west-3")
    first = ses.list_email_identities(PageSize=1000)
    second = ses.list_email_identities(PageSize=1000, NextToken=first["NextToken"])
    listed = [*first["EmailIdentities"], *second["EmailIdentities"]]
    assert {each["IdentityName"] for each in listed} == {f"{number}.old.example.com" for number in range(1200)}
    assert {each["VerificationStatus"] for each in listed} == {"FAILED"}
    found = ses.get_email_identity(EmailIdentity="7.old.example.com")
    assert (found["VerificationStatus"], found["DkimAttributes"]["Status"], found["Tags"]) == ("FAILED", "FAILED", [])
