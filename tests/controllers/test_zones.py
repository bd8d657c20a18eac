"""Which zone a record goes to: that of its own name, and the one that has the ledger rather than another that appears."""

from __future__ import annotations

import pytest

from cluster.tenant import ZONE, Tenant
from cluster.verdicts import explains
from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.base.reasons import Reason

IRELAND = "eu-west-1"
MAIL_FROM = {"subdomain": "bounce"}


def make_zone(tenant: Tenant, name: str) -> tuple[str, tuple[str, ...]]:
    """A public hosted zone; its id, and its name servers."""
    made = tenant.route53.create_hosted_zone(Name=name, CallerReference=f"{name} {tenant.namespace}")
    return made["HostedZone"]["Id"].rpartition("/")[2], tuple(made["DelegationSet"]["NameServers"])


def contents(tenant: Tenant, zone_id: str) -> dict[str, str]:
    """Types by name; but SOA and NS."""
    found = tenant.route53.list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
    return {each["Name"].rstrip("."): each["Type"] for each in found if each["Type"] not in ("SOA", "NS")}


@pytest.fixture
def delegated(tenant: Tenant) -> tuple[str, str]:
    """``_domainkey`` below the domain is a zone of its own, which the zone delegates to; its name and id."""
    name = f"_domainkey.{tenant.domain}"
    zone_id, servers = make_zone(tenant, name)
    tenant.add_record("_domainkey", "NS", *servers)
    return name, zone_id


def test_the_dkim_records_go_to_the_zone_that_their_names_are_delegated_to(
    tenant: Tenant, delegated: tuple[str, str]
) -> None:
    name, zone_id = delegated
    tenant.create_ready(IRELAND, mailFrom=MAIL_FROM)

    there = contents(tenant, zone_id)
    assert sorted(there.values()) == ["CNAME", "CNAME", "CNAME", "TXT"], "and the ledger of what is there"
    assert f"_ses-operator.{name}" in there
    here = {kind for _, kind in tenant.records()}
    assert here == {"MX", "TXT", "NS"}
    tenant.settled()

    tenant.delete()
    tenant.gone()
    assert contents(tenant, zone_id) == {}
    assert {kind for _, kind in tenant.records()} == {"NS"}


def test_a_zone_of_some_of_the_records_may_be_named_where_it_serves(tenant: Tenant, delegated: tuple[str, str]) -> None:
    _, zone_id = delegated
    tenant.environment.add_account(tenant.account, zones=[{"name": "keys", "hostedZoneID": zone_id}])

    tenant.create_ready(IRELAND, mailFrom=MAIL_FROM, dns={"route53": {"zoneRef": {"name": "keys"}}})

    assert "CNAME" in contents(tenant, zone_id).values()
    assert ("MX") in {kind for _, kind in tenant.records()}


def test_a_zone_of_some_of_the_records_that_is_not_delegated_is_refused_with_what_to_do(tenant: Tenant) -> None:
    name = f"_domainkey.{tenant.domain}"
    zone_id, _ = make_zone(tenant, name)
    tenant.environment.add_account(tenant.account, zones=[{"name": "keys", "hostedZoneID": zone_id}])

    tenant.create(IRELAND, dns={"route53": {"zoneRef": {"name": "keys"}}})

    explains(tenant, Reason.HOSTED_ZONE_NOT_FOUND, f"Add NS records for {name}", zone_id, "spec.dns.route53.zoneRef")


def test_names_that_are_delegated_from_now_on_are_published_there(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    zone_id, servers = make_zone(tenant, f"_domainkey.{tenant.domain}")

    tenant.add_record("_domainkey", "NS", *servers)
    tenant.request_reconcile()

    tenant.wait(lambda: len(contents(tenant, zone_id)) == 4, "the records to be published where they are looked for")
    tenant.settled()
    assert {kind for _, kind in tenant.records()} == {"NS"}, "what no one asks here any more is removed"


def test_names_that_are_delegated_out_of_reach_are_left_to_people_and_the_others_are_published(tenant: Tenant) -> None:
    tenant.add_record("_domainkey", "NS", "ns1.elsewhere.example.", "ns2.elsewhere.example.")

    tenant.create(IRELAND, mailFrom=MAIL_FROM)

    tenant.wait(lambda: {"MX", "TXT"} <= {kind for _, kind in tenant.records()}, "the others to be published")
    tenant.says(ConditionType.DNS_PUBLISHED, "_domainkey")
    assert "CNAME" not in {kind for _, kind in tenant.records()}


def test_a_second_zone_of_the_same_name_changes_nothing_for_an_identity_that_has_its_ledger_in_the_first(
    tenant: Tenant,
) -> None:
    tenant.create_ready(IRELAND)
    before = tenant.records()
    twin, _ = make_zone(tenant, ZONE)
    key = next(key for key in before if key[1] == "CNAME")
    tenant.remove_record(key[0] + ".", key[1], before[key][0])

    tenant.reconciled()

    tenant.settled()
    assert tenant.records() == before, "the record that was deleted is published again"
    assert contents(tenant, twin) == {}


def test_a_nearer_zone_that_is_not_delegated_changes_nothing_either(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    before = tenant.records()
    nearer, _ = make_zone(tenant, tenant.domain)

    tenant.reconciled()

    assert contents(tenant, nearer) == {}
    assert tenant.records() == before


def test_two_zones_of_one_name_of_which_none_has_a_ledger_are_left_to_the_author(tenant: Tenant) -> None:
    twin, _ = make_zone(tenant, ZONE)
    tenant.create(IRELAND)
    explains(tenant, Reason.HOSTED_ZONE_AMBIGUOUS, twin, tenant.environment.sandbox.zones[ZONE])
