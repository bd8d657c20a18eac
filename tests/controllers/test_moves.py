"""The provider, the zone, the TTL and the regions change, and no record that is needed is missing meanwhile.

The history of the zones shows each change by any client, not only what a look happens to meet.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.moving import ENDPOINT, MANUAL, is_up_to_date, needed, stays, watch
from cluster.tenant import Tenant
from cluster.zone_watch import ZoneWatch
from ses_operator.api.base.meta import FINALIZER, WITHDRAW_FROM
from ses_operator.core.dns.migration import Pending
from ses_operator.core.status.transitions import RECORDS_RELEASED

IRELAND, VIRGINIA, SYDNEY = "eu-west-1", "us-east-1", "ap-southeast-2"


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
def same_name(tenant: Tenant) -> dict[str, str]:
    """Two hosted zones of one name, which the SesAccount names; ids by what it calls them."""
    name = f"{tenant.namespace}.example.net"
    created = [tenant.route53.create_hosted_zone(Name=name, CallerReference=f"{name} {number}") for number in range(2)]
    ids = dict(zip(("old", "new"), (zone["HostedZone"]["Id"].rpartition("/")[2] for zone in created), strict=True))
    zones = [{"name": entry, "hostedZoneID": zone_id} for entry, zone_id in ids.items()]
    tenant.environment.add_account(tenant.account, zones=zones)
    return ids


def test_a_zone_keeps_its_records_until_the_other_one_is_delegated_to(
    tenant: Tenant, same_name: dict[str, str]
) -> None:
    sandbox = tenant.environment.sandbox
    moving = replace(tenant, domain=f"mail.{tenant.namespace}.example.net")
    moving.create_ready(IRELAND, mailFrom={"subdomain": "bounce"}, dns={"route53": {"zoneRef": {"name": "old"}}})
    watched = ZoneWatch(sandbox, tenant.route53, same_name, same_name["old"])
    before = watched.contents(same_name["old"])
    old = f"Route53/{same_name['old']}"

    moving.change(dns={"route53": {"zoneRef": {"name": "new"}}})

    assert same_name["new"] in stays(moving, old, Pending.STILL_DELEGATED)
    assert watched.contents(same_name["old"]) == before
    after = watched.contents(same_name["new"])
    assert _unsigned(after) == _unsigned(before), "both have the records and a ledger"
    assert after != before, "each line is signed for its zone"

    sandbox.ask("dns/delegation", {"hostedZoneId": same_name["new"]})
    assert "48 hours" in stays(moving, old, Pending.CACHED_DELEGATION)
    assert watched.contents(same_name["old"]) == before, "resolvers may still ask it"
    moving.annotate(WITHDRAW_FROM, old)
    tenant.wait(lambda: is_up_to_date(moving, "Route53"), "the old zone to be left")

    assert watched.contents(same_name["old"]) == {}
    assert watched.contents(same_name["new"]) == after
    assert watched.gaps({key: values for key, values in before.items() if "_ses-operator" not in key[0]}) == []
    moving.delete()
    moving.gone()
    assert watched.contents(same_name["new"]) == {}


@pytest.mark.usefixtures("dnsendpoints")
def test_people_who_take_over_find_everything_as_it_was(tenant: Tenant) -> None:
    tenant.create(IRELAND, dns=ENDPOINT)
    endpoints = tenant.wait(tenant.endpoints, "the DNSEndpoint")
    for each in endpoints:
        tenant.add_record(each["dnsName"].removesuffix(f".{tenant.domain}"), each["recordType"], *each["targets"])
    tenant.ready()
    watched, records = watch(tenant), needed(tenant, IRELAND)

    tenant.change(dns=MANUAL)
    tenant.wait(lambda: is_up_to_date(tenant, "Manual"), "the DNSEndpoint to be let go of")

    endpoint = tenant.api.get(f"/apis/externaldns.k8s.io/v1alpha1/namespaces/{tenant.namespace}/dnsendpoints/mail")
    assert endpoint is not None
    assert FINALIZER not in endpoint["metadata"].get("finalizers", [])
    assert "ownerReferences" not in endpoint["metadata"], "it does not go with the identity"
    assert endpoint["metadata"]["labels"] == {"dns": "moves"}, "the ExternalDNS that serves it goes on"
    assert any(reason == RECORDS_RELEASED for _, reason, _ in tenant.events())
    tenant.delete()
    tenant.gone()
    assert tenant.endpoints() == endpoints
    assert watched.gaps(records) == []


def test_records_of_a_zone_are_released_when_people_publish(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, VIRGINIA)
    watched, records = watch(tenant), needed(tenant, VIRGINIA)

    tenant.change(dns=MANUAL, regions=[VIRGINIA])
    tenant.wait(lambda: is_up_to_date(tenant, "Manual"), "the zone to be let go of")

    assert tenant.records() == records, "neither a ledger nor what the other region needed"
    tenant.delete()
    tenant.gone()
    assert tenant.records() == records
    assert watched.gaps(records) == []


def _unsigned(records: dict[tuple[str, str], tuple[str, ...]]) -> dict[tuple[str, str], list[str]]:
    """The same records, with the lines of ledgers as they were without signatures, in order."""
    return {key: sorted(value.partition(":")[0] for value in values) for key, values in records.items()}
