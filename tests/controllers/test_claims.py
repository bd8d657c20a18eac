"""One identity at SES, several who want it: the owner tag decides, then age."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from cluster.tenant import Tenant
from controllers.host import Host
from controllers.world import World
from devcluster.apiclient import ACCOUNTS
from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.base.reasons import Reason

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"


def test_the_older_of_two_claims_holds(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)

    tenant.create(IRELAND, name="rival")

    refused = tenant.not_ready(Reason.ALREADY_CLAIMED, "rival")
    assert IRELAND in refused.message
    assert f"SesIdentity {tenant.namespace}/mail" in refused.message
    tenant.ready()
    assert tenant.owners() == {IRELAND: f"tests/{tenant.namespace}/mail"}


def test_the_next_claim_takes_over_when_the_holder_lets_go(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    tenant.create(IRELAND, name="rival")
    tenant.not_ready(Reason.ALREADY_CLAIMED, "rival")

    tenant.delete()
    tenant.gone()

    tenant.ready("rival")
    assert tenant.owners() == {IRELAND: f"tests/{tenant.namespace}/rival"}


def test_the_same_domain_in_other_regions_is_no_rival(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)

    tenant.create(VIRGINIA, name="rival", dns={"provider": "Manual"})

    tenant.not_ready(Reason.MANUAL_RECORDS_PENDING, "rival")
    tenant.ready()


@pytest.fixture
def second_cluster(host: Host, tenant: Tenant) -> Iterator[Tenant]:
    """The same domain as another installation sees it, which shares the AWS account."""
    name = f"{tenant.namespace}-twin"
    host.api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    host.environment.add_account(name)
    host.api.patch(f"{ACCOUNTS}/{name}", {"spec": {"installationID": "twin"}})
    world = World(host, [name], [name], installation_id="twin")
    yield Tenant(host.environment, host.api, name, account=name, domain=tenant.domain, wait=world.until)
    world.stop()


def test_two_clusters_from_the_same_git_do_not_share_an_identity(tenant: Tenant, second_cluster: Tenant) -> None:
    tenant.create_ready(IRELAND)

    second_cluster.create(IRELAND, adoptionPolicy="IfUnowned")

    second_cluster.not_ready(Reason.OWNED_BY_ANOTHER)
    second_cluster.delete()
    second_cluster.gone()
    tenant.reconciled()
    tenant.ready()
    assert tenant.owners() == {IRELAND: f"tests/{tenant.namespace}/mail"}


@pytest.mark.parametrize("idle", ["suspended", "refused"])
def test_who_does_nothing_and_owns_nothing_keeps_the_domain_for_an_hour(
    tenant: Tenant, world: World, idle: str
) -> None:
    if idle == "refused":  # there is an identity of no one's, which the older object does not want to adopt
        tenant.ses(IRELAND).create_email_identity(EmailIdentity=tenant.domain)
    tenant.create(IRELAND, name="older", suspend=idle == "suspended")
    tenant.not_ready(Reason.SUSPENDED if idle == "suspended" else Reason.NOT_ADOPTED, "older")
    tenant.create(IRELAND, name="younger", adoptionPolicy="IfUnowned")
    tenant.not_ready(Reason.ALREADY_CLAIMED, "younger")
    world.pass_time(50 * 60)
    tenant.not_ready(Reason.ALREADY_CLAIMED, "younger")

    tenant.ready("younger")

    assert tenant.owners() == {IRELAND: _owner(tenant, "younger")}
    tenant.change("older", suspend=False, adoptionPolicy="IfUnowned")
    tenant.not_ready(Reason.OWNED_BY_ANOTHER, "older")
    tenant.delete("older")
    tenant.gone("older")
    assert tenant.ready("younger")


@pytest.mark.parametrize("left", ["at SES", "in DNS", "unreadable"])
def test_who_owns_something_holds_the_domain_whatever_its_conditions(tenant: Tenant, world: World, left: str) -> None:
    tenant.create(IRELAND, VIRGINIA, name="older")
    tenant.ready("older")
    tenant.change("older", suspend=True)
    if left != "at SES":
        for region in (IRELAND, VIRGINIA):
            tenant.ses(region).delete_email_identity(EmailIdentity=tenant.domain)
    if left == "unreadable":
        tenant.clear_records()
    tenant.wait(lambda: _is_down(tenant, "older") or left == "at SES", "it to be seen")
    tenant.create(IRELAND, name="younger", adoptionPolicy="IfUnowned")
    fault = tenant.fault("error", operation="GetEmailIdentity", region=VIRGINIA, status=503, code="x")
    with fault if left == "unreadable" else nullcontext():
        world.pass_time(hours=3)
        tenant.not_ready(Reason.ALREADY_CLAIMED, "younger")
    assert tenant.owners() == ({} if left != "at SES" else dict.fromkeys((IRELAND, VIRGINIA), _owner(tenant, "older")))


def _is_down(tenant: Tenant, name: str) -> bool:
    tenant.request_reconcile(name)
    ready = tenant.condition(ConditionType.READY, name)
    return ready is not None and not ready.is_true


def _owner(tenant: Tenant, name: str) -> str:
    return f"tests/{tenant.namespace}/{name}"
