"""What a platform team decides in a SesAccount, and that its identities follow: tags, zones, claims, rate, its own end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cluster.tenant import Records, Tenant, tags
from cluster.verdicts import explains
from controllers.world import World
from devcluster.apiclient import ACCOUNTS
from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.runtime.watch.coverage import Coverage

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"


def _change_account(tenant: Tenant, **spec: object) -> None:
    tenant.api.patch(f"{ACCOUNTS}/{tenant.account}", {"spec": spec})


def _tags(tenant: Tenant, domain: str) -> dict[str, str]:
    """The tags at SES, without the owner's."""
    found = tags(tenant.at_ses(domain)[IRELAND])
    found.pop(OWNER_TAG, None)
    return found


def test_default_tags_are_merged_and_every_identity_follows_their_change(tenant: Tenant) -> None:
    _change_account(tenant, defaultTags={"environment": "staging", "team": "platform"})
    domains = {"mail": tenant.domain, "news": f"news.{tenant.domain}"}
    tenant.create(IRELAND, tags={"team": "payments"})
    tenant.create(IRELAND, name="news", domain=domains["news"])
    generations = {name: tenant.ready(name).metadata.generation for name in domains}
    assert _tags(tenant, domains["mail"]) == {"environment": "staging", "team": "payments"}
    assert _tags(tenant, domains["news"]) == {"environment": "staging", "team": "platform"}

    _change_account(tenant, defaultTags={"environment": None, "stage": "test"})

    wanted = {"mail": {"stage": "test", "team": "payments"}, "news": {"stage": "test", "team": "platform"}}
    tenant.wait(
        lambda: {name: _tags(tenant, domain) for name, domain in domains.items()} == wanted,
        "the tags of all identities",
    )
    assert {name: tenant.ready(name).metadata.generation for name in domains} == generations


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


def test_of_several_zones_the_nearest_holds_the_records(inner_zone: str, tenant: Tenant) -> None:
    tenant.create(IRELAND, domain=f"mail.inner.{tenant.domain}")
    tenant.ready()
    tenant.create(IRELAND, name="outer")
    tenant.ready("outer")

    inside = {name for name, _ in _records_of(tenant, inner_zone)}
    assert len(inside) == 3 + 1  # the CNAMEs and the ledger
    assert all(name.endswith(f".mail.inner.{tenant.domain}.") for name in inside)
    outside = {name for name, _ in tenant.records()}
    assert len(outside) == 3 + 1
    assert not any("inner" in name for name in outside)

    for name in ("mail", "outer"):
        tenant.delete(name)
        tenant.gone(name)
    assert _records_of(tenant, inner_zone) == tenant.records() == {}


def test_of_two_accounts_that_lead_to_one_aws_account_the_older_claim_holds(tenant: Tenant, world: World) -> None:
    other = f"{tenant.namespace}-too"
    tenant.api.create("/api/v1/namespaces", {"metadata": {"name": other}})
    tenant.environment.add_account(other)
    world.namespaces.append(other)
    world.accounts.append(other)
    customer = replace(tenant, namespace=other, account=other)
    tenant.create_ready(IRELAND)

    customer.create(IRELAND, name="rival")

    said = explains(customer, Reason.ALREADY_CLAIMED, customer.domain, IRELAND, name="rival").status
    told = " ".join(condition.message for condition in said.conditions).replace(customer.domain, "")
    assert tenant.namespace not in told, "the loser learns only that it is taken"
    assert said.dns is None
    tenant.delete()

    customer.ready("rival")
    assert customer.owners() == {IRELAND: f"tests/{customer.namespace}/rival"}


def test_an_account_that_is_to_go_serves_its_identities_to_the_last(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    tenant.delete_account()

    tenant.change(regions=[IRELAND, VIRGINIA], tags={"team": "payments"})

    tenant.verified("2/2")
    assert tenant.ready().status.verified_regions == "2/2"
    assert _tags(tenant, tenant.domain) == {"team": "payments"}
    tenant.delete()
    tenant.gone()
    assert tenant.at_ses() == {}
    tenant.wait(lambda: tenant.api.get(f"{ACCOUNTS}/{tenant.account}") is None, "the account to go")


def test_an_account_that_is_being_deleted_says_whom_it_waits_for_and_takes_no_new_identity(
    tenant: Tenant, world: World
) -> None:
    tenant.create_ready("eu-west-1")
    tenant.delete_account()
    tenant.account_not_ready(Reason.ACCOUNT_IN_USE)

    path = f"{ACCOUNTS}/{tenant.account}"
    account = tenant.api.get(path)
    assert account is not None
    (ready,) = (each for each in account["status"]["conditions"] if each["type"] == "Ready")
    assert f"SesIdentity {tenant.namespace}/mail" in ready["message"]
    told = tenant.api.get("/api/v1/namespaces/default/events") or {"items": []}
    assert any(
        event["reason"] == Reason.ACCOUNT_IN_USE and event["involvedObject"]["name"] == tenant.account
        for event in told["items"]
    )

    tenant.create("eu-west-1", name="late", domain=f"late.{tenant.domain}")
    said = tenant.not_ready(Reason.ACCOUNT_DELETING, "late").message
    assert tenant.account in said
    assert tenant.at_ses(f"late.{tenant.domain}") == {}
    ready_still = tenant.condition(ConditionType.READY)
    assert ready_still is not None
    assert ready_still.is_true, "what it has is kept"

    tenant.delete()
    tenant.gone()
    tenant.wait(lambda: tenant.api.get(path) is None, "the account to go, though the late one names it")
    world.look()
    tenant.not_ready(Reason.ACCOUNT_NOT_FOUND, "late")


def test_an_account_that_is_to_go_waits_for_a_namespace_that_cannot_be_read(tenant: Tenant, world: World) -> None:
    tenant.create_ready(IRELAND)
    world.stop()
    world.namespaces.remove(tenant.namespace)
    world.coverage = Coverage((tenant.namespace,))
    world.coverage.note_failure(tenant.namespace, "you may not list sesidentities there")
    world.start()
    tenant.delete_account()
    tenant.account_not_ready(Reason.ACCOUNT_IN_USE)
    world.pass_time(hours=1)
    assert tenant.api.get(f"{ACCOUNTS}/{tenant.account}") is not None, "an identity may need its credentials"

    world.namespaces.append(tenant.namespace)
    world.coverage.note_watched(tenant.namespace)
    world.look()
    tenant.delete()
    tenant.gone()
    assert tenant.at_ses() == {}
    tenant.wait(lambda: tenant.api.get(f"{ACCOUNTS}/{tenant.account}") is None, "the account to go")
