"""The provider, the zone, the TTL and the regions change, and no record that is needed is missing meanwhile.

The history of the zones tells: each change of whomever is seen, not only what a look happens to meet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cluster.tenant import PATIENCE, ZONE, Records, Tenant
from cluster.zone_watch import ZoneWatch
from devcluster.apiclient import ACCOUNTS
from devcluster.environment import Environment
from devcluster.externaldns import ExternalDns, Settings, dnsendpoint_crd
from devcluster.kubectl import Kubectl
from devcluster.waiting import eventually
from ses_operator.api.base.meta import FINALIZER, WITHDRAW_FROM
from ses_operator.core.status.transitions import RECORDS_RELEASED

pytestmark = pytest.mark.usefixtures("operator")

IRELAND, VIRGINIA, SYDNEY = "eu-west-1", "us-east-1", "ap-southeast-2"
CRD = "crd/dnsendpoints.externaldns.k8s.io"
ROUTE53: dict[str, Any] = {"provider": "Route53", "dnsEndpoint": None}
ENDPOINT: dict[str, Any] = {"provider": "DNSEndpoint", "dnsEndpoint": {"labels": {"dns": "moves"}}}
MANUAL: dict[str, Any] = {"provider": "Manual", "dnsEndpoint": None}


def watch(tenant: Tenant) -> ZoneWatch:
    zones = tenant.environment.sandbox.zones
    return ZoneWatch(tenant.environment.sandbox, tenant.route53, zones, zones[ZONE])


def old_places(tenant: Tenant) -> dict[str, str]:
    """Places where the records went before, and why they are not over with; by status."""
    identity = tenant.identity()
    assert identity is not None
    dns = identity.status.dns
    return {place.place: place.message for place in (dns.former_places or () if dns else ())}


def says(tenant: Tenant, place: str, words: str) -> str:
    """Waits until that is said of a place where the records went before; all that is said of it."""
    eventually(
        lambda: words in old_places(tenant).get(place, ""), timeout=PATIENCE, of=f"{words!r} to be said of {place}"
    )
    return old_places(tenant)[place]


def is_up_to_date(tenant: Tenant, provider: str) -> bool:
    """Whether the records go there now, and no old place is left."""
    identity = tenant.identity()
    dns = identity.status.dns if identity else None
    return dns is not None and dns.provider == provider and not dns.former_places


def needed(tenant: Tenant, *regions: str) -> Records:
    """What SES and receivers need for these regions, as it stands in the zone."""
    identity = tenant.identity()
    assert identity is not None
    assert identity.status.dns is not None
    keys = {(each.name, each.type) for each in identity.status.dns.records if set(regions) & set(each.regions)}
    found = {key: values for key, values in tenant.records().items() if key in keys}
    assert found.keys() == keys
    return found


def ledger(tenant: Tenant) -> tuple[str, ...]:
    return tenant.records().get((f"_ses-operator.{tenant.domain}", "TXT"), ())


def test_regions_are_swapped_and_the_ttl_is_changed_without_a_gap(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, VIRGINIA, mailFrom={"subdomain": "bounce"})
    watched, stays = watch(tenant), needed(tenant, VIRGINIA)

    tenant.change(regions=[VIRGINIA, SYDNEY], dns={"ttl": 60})

    tenant.verified("2/2")
    tenant.ready()
    assert tenant.at_ses().keys() == {VIRGINIA, SYDNEY}
    assert needed(tenant, VIRGINIA).items() == stays.items()
    assert watched.gaps(stays) == []
    assert len(tenant.records()) == 2 * 5 + 1, "nothing of the region that left"


@pytest.fixture
def same_name(environment: Environment, tenant: Tenant) -> Iterator[dict[str, str]]:
    """Two hosted zones of one name, and a SesAccount that names them; ids by what it calls them."""
    name = f"{tenant.namespace}.example.net"
    created = [tenant.route53.create_hosted_zone(Name=name, CallerReference=f"{name} {number}") for number in range(2)]
    ids = dict(zip(("old", "new"), (zone["HostedZone"]["Id"].rpartition("/")[2] for zone in created), strict=True))
    zones = [{"name": entry, "hostedZoneID": zone_id} for entry, zone_id in ids.items()]
    environment.add_account(tenant.namespace, zones=zones)
    yield ids
    tenant.api.delete(f"{ACCOUNTS}/{tenant.namespace}")


def test_a_zone_keeps_its_records_until_the_other_one_is_delegated_to(
    environment: Environment, tenant: Tenant, same_name: dict[str, str]
) -> None:
    moving = replace(tenant, account=tenant.namespace, domain=f"mail.{tenant.namespace}.example.net")
    moving.create_ready(IRELAND, mailFrom={"subdomain": "bounce"}, dns={"route53": {"zoneRef": {"name": "old"}}})
    watched = ZoneWatch(environment.sandbox, tenant.route53, same_name, same_name["old"])
    before = watched.contents(same_name["old"])
    old = f"Route53/{same_name['old']}"

    moving.change(dns={"route53": {"zoneRef": {"name": "new"}}})

    assert same_name["new"] in says(moving, old, "still answer")
    assert watched.contents(same_name["old"]) == watched.contents(same_name["new"]) == before, (
        "both have the records and a ledger"
    )

    environment.sandbox.ask("dns/delegation", {"hostedZoneId": same_name["new"]})
    says(moving, old, "48 hours")
    assert watched.contents(same_name["old"]) == before, "resolvers may still ask it"
    moving.annotate(WITHDRAW_FROM, old)
    eventually(lambda: is_up_to_date(moving, "Route53"), timeout=PATIENCE, of="the old zone to be left")

    assert watched.contents(same_name["old"]) == {}
    assert watched.contents(same_name["new"]) == before
    assert watched.gaps(before) == []
    moving.delete()
    moving.gone()
    assert watched.contents(same_name["new"]) == {}


@pytest.fixture
def external_dns(environment: Environment, tenant: Tenant, kubectl: Kubectl, tmp_path: Path) -> Iterator[ExternalDns]:
    """ExternalDNS for the tenant's namespace, which writes into the zone that the operator writes into."""
    kubectl.apply(dnsendpoint_crd())
    kubectl.await_kinds(CRD)
    arguments = [f"--namespace={tenant.namespace}", f"--domain-filter={ZONE}", "--label-filter=dns=moves"]
    settings = Settings(owner_id=tenant.namespace, arguments=arguments)
    log = tmp_path / "external-dns.log"
    with ExternalDns(environment.plane.kubeconfig, environment.sandbox.aws_url, settings, log=log) as running:
        yield running


@pytest.mark.usefixtures("external_dns")
def test_external_dns_takes_over_in_the_same_zone_when_it_is_asked_for_and_gives_back(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    watched, records = watch(tenant), needed(tenant, IRELAND)
    zone = f"Route53/{tenant.environment.sandbox.zones[ZONE]}"

    tenant.change(dns=ENDPOINT)
    says(tenant, zone, f"{WITHDRAW_FROM}={zone}")
    assert tenant.endpoints()
    assert ledger(tenant), "the records are still ours, and go with the identity"
    assert watched.gaps(records) == []

    tenant.annotate(WITHDRAW_FROM, zone)
    eventually(lambda: is_up_to_date(tenant, "DNSEndpoint"), timeout=PATIENCE, of="the operator to have withdrawn")
    assert not ledger(tenant)
    eventually(lambda: records.items() <= tenant.records().items(), timeout=PATIENCE, of="ExternalDNS to take over")
    identity = tenant.identity()
    assert identity is not None
    assert WITHDRAW_FROM not in identity.metadata.annotations, "it is no wish for the next time"

    tenant.change(dns=ROUTE53)
    eventually(lambda: is_up_to_date(tenant, "Route53"), timeout=PATIENCE, of="the records to be ours again")
    eventually(lambda: records.items() <= tenant.records().items(), timeout=PATIENCE, of="all of them to stand")
    assert not tenant.endpoints()
    assert len(ledger(tenant)) == 1 + len(records)
    assert all(gap.seconds is not None for gap in watched.gaps(records)), "what ExternalDNS took away is back"


@pytest.mark.usefixtures("external_dns")
def test_people_who_take_over_find_everything_as_it_was(tenant: Tenant, kubectl: Kubectl) -> None:
    tenant.create_ready(IRELAND, dns=ENDPOINT)
    watched, records = watch(tenant), needed(tenant, IRELAND)

    tenant.change(dns=MANUAL)
    eventually(lambda: is_up_to_date(tenant, "Manual"), timeout=PATIENCE, of="the DNSEndpoint to be let go of")

    endpoint = kubectl.get("dnsendpoint", "mail", "-n", tenant.namespace)
    assert FINALIZER not in endpoint["metadata"].get("finalizers", [])
    assert endpoint["metadata"]["labels"] == {"dns": "moves"}, "the ExternalDNS that serves it goes on"
    assert any(reason == RECORDS_RELEASED for _, reason, _ in tenant.events())
    tenant.delete()
    tenant.gone()
    assert watched.gaps(records) == []


def test_records_of_a_zone_are_nobodys_when_people_publish(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, VIRGINIA)
    watched, records = watch(tenant), needed(tenant, VIRGINIA)

    tenant.change(dns=MANUAL, regions=[VIRGINIA])
    eventually(lambda: is_up_to_date(tenant, "Manual"), timeout=PATIENCE, of="the zone to be let go of")

    assert tenant.records() == records, "neither a ledger nor what the other region needed"
    tenant.delete()
    tenant.gone()
    assert tenant.records() == records
    assert watched.gaps(records) == []
