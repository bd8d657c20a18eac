"""One identity at SES, several who want it: the owner tag decides, then age."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cluster.conftest import QUICK
from cluster.tenant import PATIENCE, Tenant
from devcluster.environment import Environment
from devcluster.kubectl import Kubectl
from devcluster.operator_process import OperatorOptions
from devcluster.waiting import eventually
from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.base.reasons import Reason

pytestmark = pytest.mark.usefixtures("operator")

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"


def test_the_older_of_two_claims_holds(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)

    tenant.create(IRELAND, name="rival")

    refused = tenant.not_ready(Reason.ALREADY_CLAIMED, "rival")
    assert IRELAND in refused.message
    assert tenant.namespace not in refused.message.replace(tenant.domain, ""), "the loser learns only that it is taken"
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
def second_cluster(environment: Environment, tenant: Tenant, kubectl: Kubectl) -> Iterator[Tenant]:
    """The same namespace and Git as seen by another installation, which shares the AWS account."""
    name = f"{tenant.namespace}-twin"
    kubectl("create", "namespace", name)
    options = OperatorOptions("twin", watch_namespaces=(name,), flags=QUICK)
    with environment.operator(options):
        yield Tenant(environment, tenant.api, name, domain=tenant.domain)
    kubectl("delete", "namespace", name, "--wait=false")


def test_two_clusters_from_the_same_git_do_not_share_an_identity(tenant: Tenant, second_cluster: Tenant) -> None:
    tenant.create_ready(IRELAND)

    second_cluster.create(IRELAND, adoptionPolicy="IfUnowned")

    second_cluster.not_ready(Reason.OWNED_BY_ANOTHER)
    second_cluster.delete()
    second_cluster.gone()
    eventually(
        lambda: tenant.condition(ConditionType.READY) is not None,
        timeout=PATIENCE,
        of="the first cluster to be as it was",
    )
    assert tenant.owners() == {IRELAND: f"tests/{tenant.namespace}/mail"}
