"""SESv2: tenants, and the resources that are associated with them, which cannot be deleted as long as they are.

Sources: API reference, CreateTenant, CreateTenantResourceAssociation, ListResourceTenants and the like; Developer Guide,
"Tenants". The words in which a deletion is refused have been seen in public (ekristen/aws-nuke 962); that deleting an
association twice is no error, and that a tenant takes its associations along, was seen too (floci-io/floci 2710).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from ses_sandbox.errors import already_exists, bad_request, not_found
from ses_sandbox.regions import partition_of
from ses_sandbox.ses.context import Context, Operation
from ses_sandbox.ses.protocol.pages import page_of
from ses_sandbox.ses.state.models import Tenant
from ses_sandbox.ses.state.names import check_resource_name, tag_list, tags_from

Params = Mapping[str, Any]
RESOURCE_TYPES = {"identity": "EMAIL_IDENTITY", "configuration-set": "CONFIGURATION_SET", "template": "EMAIL_TEMPLATE"}


def create_tenant(ctx: Context, params: Params) -> dict[str, Any]:
    """Add a tenant without resources."""
    name: str = params["TenantName"]
    check_resource_name(name, "Tenant names")
    if name in ctx.state.tenants:
        raise already_exists(f"Tenant <{name}> already exists.")
    tags = tags_from(params.get("Tags", ()), {})
    tenant_id = f"tn-{secrets.token_hex(16)}"
    arn = f"arn:{partition_of(ctx.state.region)}:ses:{ctx.state.region}:{ctx.state.account}:tenant/{name}/{tenant_id}"
    ctx.state.tenants[name] = Tenant(name, tenant_id, arn, ctx.now, tags)
    return _view(ctx.state.tenants[name]) | {"Tags": tag_list(tags)}


def get_tenant(ctx: Context, params: Params) -> dict[str, Any]:
    """Return a tenant."""
    tenant = _get(ctx, params)
    return {"Tenant": _view(tenant) | {"Tags": tag_list(tenant.tags)}}


def list_tenants(ctx: Context, params: Params) -> dict[str, Any]:
    """Return tenants by pages."""
    page = page_of(sorted(ctx.state.tenants), lambda _: True, params.get("PageSize"), params.get("NextToken"))
    token = {} if page.next_token is None else {"NextToken": page.next_token}
    return {"Tenants": [_view(ctx.state.tenants[name]) for name in page.names], **token}


def delete_tenant(ctx: Context, params: Params) -> dict[str, Any]:
    """Remove a tenant with its associations; the resources stay."""
    del ctx.state.tenants[_get(ctx, params).name]
    return {}


def associate(ctx: Context, params: Params) -> dict[str, Any]:
    """Associate an identity or a configuration set of this account and region with a tenant."""
    tenant, arn = _get(ctx, params), params["ResourceArn"]
    _require(ctx, arn)
    if arn in tenant.resources:
        raise already_exists(f"Resource <{arn}> is already associated with tenant <{tenant.name}>.")
    tenant.resources[arn] = ctx.now
    return {}


def dissociate(ctx: Context, params: Params) -> dict[str, Any]:
    """End an association; a missing one is no error."""
    _get(ctx, params).resources.pop(params["ResourceArn"], None)
    return {}


def list_tenant_resources(ctx: Context, params: Params) -> dict[str, Any]:
    """Return the resources of a tenant by pages."""
    tenant, wanted = _get(ctx, params), params.get("Filter", {}).get("RESOURCE_TYPE")
    page = page_of(
        sorted(tenant.resources),
        lambda arn: wanted in (None, _type(arn)),
        params.get("PageSize"),
        params.get("NextToken"),
    )
    token = {} if page.next_token is None else {"NextToken": page.next_token}
    return {"TenantResources": [{"ResourceType": _type(arn), "ResourceArn": arn} for arn in page.names], **token}


def list_resource_tenants(ctx: Context, params: Params) -> dict[str, Any]:
    """Return the tenants that a resource is associated with, by pages."""
    arn: str = params["ResourceArn"]
    _require(ctx, arn)
    tenants = ctx.state.tenants
    page = page_of(
        sorted(tenants), lambda name: arn in tenants[name].resources, params.get("PageSize"), params.get("NextToken")
    )
    token = {} if page.next_token is None else {"NextToken": page.next_token}
    found = [
        {
            "TenantName": name,
            "TenantId": tenants[name].id,
            "ResourceArn": arn,
            "AssociatedTimestamp": tenants[name].resources[arn],
        }
        for name in page.names
    ]
    return {"ResourceTenants": found, **token}


def _get(ctx: Context, params: Params) -> Tenant:
    if (found := ctx.state.tenants.get(params["TenantName"])) is None:
        raise not_found(f"Tenant <{params['TenantName']}> does not exist.")
    return found


def _view(tenant: Tenant) -> dict[str, Any]:
    return {
        "TenantName": tenant.name,
        "TenantId": tenant.id,
        "TenantArn": tenant.arn,
        "CreatedTimestamp": tenant.created_at,
        "SendingStatus": "ENABLED",
    }


def _type(arn: str) -> str:
    return RESOURCE_TYPES[arn.split(":", 5)[5].partition("/")[0]]


def _require(ctx: Context, arn: str) -> None:
    """Raise unless an ARN names a resource of this account and region that exists. Email templates are moto's."""
    prefix = f"arn:{partition_of(ctx.state.region)}:ses:{ctx.state.region}:{ctx.state.account}:"
    kind, _, name = arn.removeprefix(prefix).partition("/")
    if not arn.startswith(prefix) or kind not in RESOURCE_TYPES or not name:
        raise bad_request(f"The resource ARN <{arn}> is not valid for this account and region.")
    if kind == "identity":
        ctx.identity(name)
    elif kind == "configuration-set":
        ctx.configuration_set(name)


OPERATIONS: Mapping[str, Operation] = {
    "CreateTenant": create_tenant,
    "GetTenant": get_tenant,
    "ListTenants": list_tenants,
    "DeleteTenant": delete_tenant,
    "CreateTenantResourceAssociation": associate,
    "DeleteTenantResourceAssociation": dissociate,
    "ListTenantResources": list_tenant_resources,
    "ListResourceTenants": list_resource_tenants,
}
