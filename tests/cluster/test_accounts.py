"""What a platform team decides in a SesAccount, and that its identities follow: tags, zones, claims, rate, its own end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cluster.tenant import PATIENCE, Records, Tenant, tags
from cluster.verdicts import explains
from devcluster.apiclient import ACCOUNTS
from devcluster.environment import Environment
from devcluster.waiting import eventually
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason

pytestmark = pytest.mark.usefixtures("operator")

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"


@pytest.fixture
def customer(tenant: Tenant, environment: Environment) -> Iterator[Tenant]:
    """A tenant with a SesAccount of its own, which goes when nobody uses it any more."""
    customer = replace(tenant, account=tenant.namespace)
    environment.add_account(customer.account)
    yield customer
    tenant.api.delete(f"{ACCOUNTS}/{customer.account}")


def _change_account(tenant: Tenant, **spec: object) -> None:
    tenant.api.patch(f"{ACCOUNTS}/{tenant.account}", {"spec": spec})


def _tags(tenant: Tenant, domain: str) -> dict[str, str]:
    """The tags at SES, without the owner's."""
    found = tags(tenant.at_ses(domain)[IRELAND])
    found.pop(OWNER_TAG, None)
    return found


def test_default_tags_are_merged_and_every_identity_follows_their_change(customer: Tenant) -> None:
    _change_account(customer, defaultTags={"environment": "staging", "team": "platform"})
    domains = {"mail": customer.domain, "news": f"news.{customer.domain}"}
    customer.create(IRELAND, tags={"team": "payments"})
    customer.create(IRELAND, name="news", domain=domains["news"])
    generations = {name: customer.ready(name).metadata.generation for name in domains}
    assert _tags(customer, domains["mail"]) == {"environment": "staging", "team": "payments"}
    assert _tags(customer, domains["news"]) == {"environment": "staging", "team": "platform"}

    _change_account(customer, defaultTags={"environment": None, "stage": "test"})

    wanted = {"mail": {"stage": "test", "team": "payments"}, "news": {"stage": "test", "team": "platform"}}
    eventually(
        lambda: {name: _tags(customer, domain) for name, domain in domains.items()} == wanted,
        timeout=PATIENCE,
        of="the tags of all identities",
    )
    assert {name: customer.ready(name).metadata.generation for name in domains} == generations


@pytest.fixture
def inner_zone(tenant: Tenant) -> Iterator[str]:
    """The id of a hosted zone for `inner`, below the tenant's domain, beside that of example.com."""
    name = f"inner.{tenant.domain}"
    zone_id = tenant.route53.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"].split("/")[-1]
    yield zone_id
    tenant.route53.delete_hosted_zone(Id=zone_id)


def _records_of(tenant: Tenant, zone_id: str) -> Records:
    found = tenant.route53.list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
    return {
        (record["Name"], record["Type"]): tuple(value["Value"] for value in record["ResourceRecords"])
        for record in found
        if record["Type"] not in ("NS", "SOA")
    }


def test_of_several_zones_the_nearest_holds_the_records(inner_zone: str, customer: Tenant) -> None:
    customer.create(IRELAND, domain=f"mail.inner.{customer.domain}")
    customer.ready()
    customer.create(IRELAND, name="outer")
    customer.ready("outer")

    inside = {name for name, _ in _records_of(customer, inner_zone)}
    assert len(inside) == 3 + 1  # the CNAMEs and the ledger
    assert all(name.endswith(f".mail.inner.{customer.domain}.") for name in inside)
    outside = {name for name, _ in customer.records()}
    assert len(outside) == 3 + 1
    assert not any("inner" in name for name in outside)

    for name in ("mail", "outer"):
        customer.delete(name)
        customer.gone(name)
    assert _records_of(customer, inner_zone) == customer.records() == {}


def test_of_two_accounts_that_lead_to_one_aws_account_the_older_claim_holds(tenant: Tenant, customer: Tenant) -> None:
    tenant.create_ready(IRELAND)

    customer.create(IRELAND, name="rival")

    said = explains(customer, Reason.ALREADY_CLAIMED, customer.domain, IRELAND, name="rival").status
    told = " ".join(condition.message for condition in said.conditions).replace(customer.domain, "")
    assert tenant.namespace not in told, "the loser learns only that it is taken"
    assert said.dns is None
    tenant.delete()

    customer.ready("rival")
    assert customer.owners() == {IRELAND: f"tests/{customer.namespace}/rival"}


def test_an_account_that_is_to_go_serves_its_identities_to_the_last(customer: Tenant) -> None:
    customer.create_ready(IRELAND)
    customer.delete_account()

    customer.change(regions=[IRELAND, VIRGINIA], tags={"team": "payments"})

    eventually(lambda: customer.ready().status.verified_regions == "2/2", timeout=PATIENCE, of="the second region")
    assert _tags(customer, customer.domain) == {"team": "payments"}
    customer.delete()
    customer.gone()
    assert customer.at_ses() == {}
    eventually(
        lambda: customer.api.get(f"{ACCOUNTS}/{customer.account}") is None, timeout=PATIENCE, of="the account to go"
    )
