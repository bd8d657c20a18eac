"""The deletion limit: what is beyond it waits untouched, through a restart, until its turn or until a person allows it."""

from __future__ import annotations

import pytest

from cluster.tenant import Tenant
from controllers.world import World
from devcluster.apiclient import ACCOUNTS, IDENTITIES
from devcluster.environment import OPERATOR_NAMESPACE
from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.base.meta import ALLOW_DELETION
from ses_operator.api.base.reasons import Reason

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
NAMES = ("a", "b", "c", "d")


@pytest.fixture
def tenant(tenant: Tenant) -> Tenant:
    """A tenant whose SesAccount allows one deletion in an hour."""
    allow(tenant, 1)
    return tenant


def allow(tenant: Tenant, deletions: int) -> None:
    """So many in an hour, from now on."""
    tenant.api.patch(f"{ACCOUNTS}/{tenant.account}", {"spec": {"maxDeletionsPerHour": deletions}})


def left(tenant: Tenant) -> set[str]:
    return {name for name in NAMES if tenant.identity(name) is not None}


def held(tenant: Tenant) -> set[str]:
    """Those that say that they are held back."""
    found = {name: tenant.condition(ConditionType.READY, name) for name in left(tenant)}
    return {name for name, ready in found.items() if ready and ready.reason == Reason.DELETION_LIMIT_REACHED}


def test_deletions_beyond_the_limit_wait_until_a_person_lets_them_go(tenant: Tenant, world: World) -> None:
    for name in NAMES:
        tenant.create(IRELAND, name=name, domain=f"{name}.{tenant.domain}")
    for name in NAMES:
        tenant.ready(name)

    for name in NAMES:
        tenant.delete(name)

    tenant.wait(lambda: len(held(tenant)) == 3 and held(tenant) == left(tenant), "three to be held")
    waiting = sorted(held(tenant))
    world.restart()
    tenant.request_reconcile(waiting[0])
    tenant.wait(lambda: is_looked_at(tenant, waiting[0]), "the restarted operator to look at it")
    assert sorted(held(tenant)) == waiting
    assert all(tenant.at_ses(f"{name}.{tenant.domain}").keys() == {IRELAND} for name in waiting)
    message = tenant.waits_for_deletion(Reason.DELETION_LIMIT_REACHED, waiting[0])
    assert ALLOW_DELETION in message

    path = f"{IDENTITIES.format(namespace=tenant.namespace)}/{waiting[0]}"
    tenant.api.patch(path, {"metadata": {"annotations": {ALLOW_DELETION: "true"}}})
    tenant.gone(waiting[0])
    assert sorted(held(tenant)) == waiting[1:]

    tenant.change(waiting[1], deletionPolicy="Retain")
    tenant.gone(waiting[1])
    assert tenant.at_ses(f"{waiting[1]}.{tenant.domain}").keys() == {IRELAND}

    allow(tenant, 2)
    tenant.gone(waiting[2])
    assert tenant.at_ses(f"{waiting[2]}.{tenant.domain}") == {}


def test_regions_that_leave_specs_beyond_the_limit_wait_too(tenant: Tenant, world: World) -> None:
    names = NAMES[:2]
    for name in names:
        tenant.create(IRELAND, VIRGINIA, name=name, domain=f"{name}.{tenant.domain}")
    for name in names:
        tenant.ready(name)

    for name in names:
        tenant.change(name, regions=[IRELAND])

    tenant.wait(lambda: len(held(tenant)) == 1, "one to be held")
    (waiting,) = held(tenant)
    (gone,) = set(names) - {waiting}
    tenant.ready(gone)
    assert tenant.at_ses(f"{gone}.{tenant.domain}").keys() == {IRELAND}
    world.restart()
    assert VIRGINIA in tenant.reconciled(waiting).status.conditions[0].message
    assert tenant.at_ses(f"{waiting}.{tenant.domain}").keys() == {IRELAND, VIRGINIA}
    tenant.change(waiting, regions=[IRELAND, VIRGINIA])
    tenant.ready(waiting)

    tenant.change(waiting, regions=[VIRGINIA])
    tenant.not_ready(Reason.DELETION_LIMIT_REACHED, waiting)
    tenant.annotate(ALLOW_DELETION, "true", waiting)
    tenant.ready(waiting)
    assert tenant.at_ses(f"{waiting}.{tenant.domain}").keys() == {VIRGINIA}


def test_while_credentials_are_missing_no_deletion_is_counted(tenant: Tenant) -> None:
    for name in NAMES[:2]:
        tenant.create(IRELAND, name=name, domain=f"{name}.{tenant.domain}")
    for name in NAMES[:2]:
        tenant.ready(name)
    secret = f"{tenant.account}-credentials"
    secrets = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/secrets"
    tenant.api.delete(f"{secrets}/{secret}")
    tenant.account_not_ready(Reason.SECRET_NOT_FOUND)

    for name in NAMES[:2]:
        tenant.delete(name)

    for name in NAMES[:2]:
        assert secret in tenant.waits_for_deletion(Reason.SECRET_NOT_FOUND, name)
    tenant.api.apply(f"{secrets}/{secret}", tenant.environment.secret(secret))
    tenant.wait(lambda: len(left(tenant)) == 1 and held(tenant) == left(tenant), "one to be held")
    allow(tenant, 2)
    tenant.wait(lambda: left(tenant) == set(), "both to be gone")


def is_looked_at(tenant: Tenant, name: str) -> bool:
    """Whether the request of a reconcile was answered."""
    identity = tenant.identity(name)
    asked = identity.metadata.annotations.get("ses-operator.io/reconcile-requested-at") if identity else None
    return identity is not None and identity.status.last_handled_reconcile_at == asked
