"""An operator that is told its namespaces looks after these, and is blind to all others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cluster.conftest import QUICK
from cluster.tenant import PATIENCE, Tenant
from devcluster.apiclient import ACCOUNTS
from devcluster.environment import Environment
from devcluster.kubectl import Kubectl
from devcluster.operator_process import OperatorOptions
from devcluster.waiting import eventually
from ses_operator.api.account.kind import SesAccount
from ses_operator.api.base.meta import RECONCILE_REQUESTED_AT

IRELAND = "eu-west-1"


@pytest.fixture
def stranger(tenant: Tenant, environment: Environment, kubectl: Kubectl) -> Iterator[Tenant]:
    """Somebody in a namespace that the operator is not told of, with the same SesAccount."""
    name = f"{tenant.namespace}-unwatched"
    kubectl("create", "namespace", name)
    yield Tenant(environment, tenant.api, name, account=tenant.namespace)
    kubectl("delete", "namespace", name, "--wait=false")


def test_other_namespaces_are_left_alone(tenant: Tenant, stranger: Tenant, environment: Environment) -> None:
    watched = Tenant(environment, tenant.api, tenant.namespace, account=tenant.namespace)
    environment.add_account(watched.account)
    stranger.create(IRELAND)
    options = OperatorOptions("namespaced", watch_namespaces=(tenant.namespace,), flags=QUICK)
    with environment.operator(options):
        watched.create_ready(IRELAND)
        stranger.request_reconcile()
        _has_answered(watched)

        unseen = stranger.identity()
        assert unseen is not None
        assert unseen.status.observed_generation == -1
        assert not unseen.metadata.has_finalizer
        assert stranger.at_ses() == {}
        assert _account(watched).status.identities == 1
        assert watched.owners() == {IRELAND: f"namespaced/{tenant.namespace}/mail"}

        stranger.delete()
        stranger.gone()
        watched.delete()
        watched.gone()
        assert watched.at_ses() == {}
        assert watched.records() == {}
        tenant.api.delete(f"{ACCOUNTS}/{watched.account}")


def _has_answered(tenant: Tenant) -> None:
    """Waits until a request that was made of the account now has been handled: what was asked before has been, too."""
    request = {"metadata": {"annotations": {RECONCILE_REQUESTED_AT: "now"}}}
    tenant.api.patch(f"{ACCOUNTS}/{tenant.account}", request)
    eventually(
        lambda: _account(tenant).status.last_handled_reconcile_at == "now", timeout=PATIENCE, of="the account's answer"
    )
    tenant.reconciled()


def _account(tenant: Tenant) -> SesAccount:
    found = tenant.api.get(f"{ACCOUNTS}/{tenant.account}")
    assert found is not None
    return SesAccount.model_validate(found)
