"""One identity at SES, several who want it: the owner tag decides, then age."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cluster.tenant import Tenant
from controllers.host import Host
from controllers.world import World
from devcluster.apiclient import ACCOUNTS
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
