"""SesAccounts with keys of users whom AWS knows, or does not."""

from __future__ import annotations

from typing import Any

from cluster.tenant import Tenant
from devcluster.apiclient import ACCOUNTS
from devcluster.environment import OPERATOR_NAMESPACE


def add_account(tenant: Tenant, key_id: str, **spec: Any) -> None:
    """The tenant's SesAccount, and the Secret with its keys; ``spec`` are further members."""
    environment = tenant.environment
    give_key(tenant, key_id)
    manifest = environment.account(tenant.account, keys_of(tenant), environment.sandbox.aws_url, {})
    credentials = {**manifest["spec"]["credentials"], **spec.pop("credentials", {})}
    dns = {**manifest["spec"]["dns"], **spec.pop("dns", {})}
    manifest["spec"] = {**manifest["spec"], **spec, "credentials": credentials, "dns": dns}
    tenant.api.apply(f"{ACCOUNTS}/{tenant.account}", manifest)


def give_key(tenant: Tenant, key_id: str) -> None:
    """The keys are another user's from now on."""
    put_secret(tenant, tenant.environment.secret(keys_of(tenant), key_id))


def put_secret(tenant: Tenant, secret: dict[str, Any]) -> None:
    """The Secret with the keys is as said."""
    tenant.api.apply(f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/secrets/{keys_of(tenant)}", secret)


def keys_of(tenant: Tenant) -> str:
    """The name of that Secret."""
    return f"{tenant.account}-keys"
