"""Whatever the apiserver accepts, a reconcile ends with a status, and a healthy object beside it is served."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cluster.hostile import Json, Manifest, filled, hostile
from cluster.tenant import ZONE, Tenant
from controllers.world import World
from devcluster.apiclient import ACCOUNTS, GROUP, ApiError
from ses_operator.api.base.meta import API_VERSION
from ses_operator.api.schema.kinds import ACCOUNT, IDENTITY, TEMPLATE, Kind

_NUMBERS = itertools.count(1)
EXAMPLES = 12

FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def put(tenant: Tenant, kind: Kind, drawn: tuple[Manifest, Json, Mapping[str, str]]) -> str | None:
    """The path of the object as far as the apiserver accepts it; None if it refuses its spec."""
    spec, status, annotations = drawn
    name = f"fuzz-{next(_NUMBERS)}"
    collection = f"{GROUP}/namespaces/{tenant.namespace}/{kind.plural}"
    body: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": kind.kind,
        "metadata": {"name": name, "annotations": dict(annotations)},
        "spec": filled(spec, name=name, zone=f"{tenant.namespace}.{ZONE}", account=tenant.account),
    }
    try:
        tenant.api.create(collection, body)
    except ApiError:
        return None
    with contextlib.suppress(ApiError):
        tenant.api.patch(f"{collection}/{name}/status", {"status": status})
    return f"{collection}/{name}"


@pytest.mark.parametrize("kind", [IDENTITY, TEMPLATE], ids=lambda kind: kind.kind)
def test_what_the_apiserver_accepts_ends_no_reconcile_badly(tenant: Tenant, world: World, kind: Kind) -> None:
    tenant.create_ready("eu-west-1")
    accepted = 0

    @FUZZ
    @given(st.data())
    def tried(data: st.DataObject) -> None:
        nonlocal accepted
        path = put(tenant, kind, data.draw(hostile(kind)))
        if path is None:
            return
        accepted += 1
        world.settle()
        tenant.api.delete(path)
        world.settle()

    tried()
    assert accepted >= EXAMPLES // 4, "few are refused, or nothing is tried"
    assert world.identities.unreadable + world.templates.unreadable == 0
    assert tenant.reconciled().status.verified_regions == "1/1"


def test_what_an_account_says_ends_no_reconcile_badly(tenant: Tenant, world: World) -> None:
    tenant.create_ready("eu-west-1")
    secret = f"{tenant.account}-credentials"
    base = tenant.environment.account("", secret, tenant.environment.sandbox.aws_url, {})["spec"]
    accepted = 0

    @FUZZ
    @given(st.data())
    def tried(data: st.DataObject) -> None:
        nonlocal accepted
        spec, status, annotations = data.draw(hostile(ACCOUNT))
        name = f"{tenant.account}-fuzz-{next(_NUMBERS)}"
        world.accounts.append(name)
        metadata = {"name": name, "annotations": dict(annotations)}
        try:
            tenant.api.create(
                ACCOUNTS, {"apiVersion": API_VERSION, "kind": ACCOUNT.kind, "metadata": metadata, "spec": base | spec}
            )
        except ApiError:
            return
        accepted += 1
        with contextlib.suppress(ApiError):
            tenant.api.patch(f"{ACCOUNTS}/{name}/status", {"status": status})
        user = replace(tenant, account=name, domain=f"{name}.{ZONE}")
        user.create("eu-west-1", name=name)
        world.settle()
        user.delete(name)
        tenant.api.delete(f"{ACCOUNTS}/{name}")
        world.settle()

    tried()
    assert accepted >= EXAMPLES // 4, "few are refused, or nothing is tried"
    assert world.ses_accounts.unreadable == 0
    assert tenant.reconciled().status.verified_regions == "1/1"
