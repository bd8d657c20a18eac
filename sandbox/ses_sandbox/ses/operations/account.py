"""SESv2: the account, configuration sets and tags."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ses_sandbox.errors import AwsError, already_exists, bad_request, limit_exceeded, not_found
from ses_sandbox.regions import configuration_set_arn, partition_of
from ses_sandbox.ses.context import Context, Operation
from ses_sandbox.ses.protocol.pages import page_of
from ses_sandbox.ses.state.models import MAX_CONFIGURATION_SETS, ConfigurationSet
from ses_sandbox.ses.state.names import check_resource_name, tag_list, tags_from

Params = Mapping[str, Any]
PRODUCTION_QUOTA = (50_000.0, 14.0)  # messages in 24 hours and a second, what new production accounts get


def sent_last_24_hours(ctx: Context) -> int:
    """Return the messages sent in the last 24 hours."""
    sent = ctx.state.sent
    while sent and sent[0] <= ctx.now - timedelta(hours=24):
        sent.popleft()
    return len(sent)


def get_account(ctx: Context, _: Params) -> dict[str, Any]:
    """Return production access, enforcement status and quota of the account in this region."""
    settings = ctx.state.settings
    answer: dict[str, Any] = {
        "DedicatedIpAutoWarmupEnabled": True,
        "EnforcementStatus": settings.enforcement,
        "ProductionAccessEnabled": settings.production_access,
        "SendQuota": {
            "Max24HourSend": settings.max_24_hour_send,
            "MaxSendRate": settings.max_send_rate,
            "SentLast24Hours": float(sent_last_24_hours(ctx)),
        },
        "SendingEnabled": settings.sending_enabled,
        "SuppressionAttributes": {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]},
        "VdmAttributes": settings.vdm,
    }
    if settings.details is not None:
        answer["Details"] = settings.details
    return answer


def put_account_details(ctx: Context, params: Params) -> dict[str, Any]:
    """Request production access; the sandbox's support centre grants it at once. A second request is a conflict."""
    settings = ctx.state.settings
    if settings.details is not None:
        raise AwsError(409, "ConflictException", "There is already a request for production access.")
    details = {name: value for name, value in params.items() if name != "ProductionAccessEnabled"}
    settings.details = {**details, "ReviewDetails": {"Status": "GRANTED"}}
    if params.get("ProductionAccessEnabled", False):
        settings.production_access = True
        settings.max_24_hour_send, settings.max_send_rate = PRODUCTION_QUOTA
    return {}


def put_account_sending(ctx: Context, params: Params) -> dict[str, Any]:
    """Switch sending on or off for the account in this region."""
    ctx.state.settings.sending_enabled = params.get("SendingEnabled", False)
    return {}


def put_account_vdm(ctx: Context, params: Params) -> dict[str, Any]:
    """Switch the Virtual Deliverability Manager on or off for the account in this region."""
    ctx.state.settings.vdm = params["VdmAttributes"]
    return {}


def create_configuration_set(ctx: Context, params: Params) -> dict[str, Any]:
    """Add a configuration set."""
    name: str = params["ConfigurationSetName"]
    check_resource_name(name, "Configuration set names")
    if name in ctx.state.configuration_sets:
        raise already_exists(f"Configuration set <{name}> already exists.")
    if len(ctx.state.configuration_sets) >= MAX_CONFIGURATION_SETS:
        raise limit_exceeded(f"You have reached the limit of {MAX_CONFIGURATION_SETS} configuration sets.")
    tags = tags_from(params.get("Tags", ()), {})
    options = {key: value for key, value in params.items() if key not in ("ConfigurationSetName", "Tags")}
    ctx.state.configuration_sets[name] = ConfigurationSet(name, options, tags)
    return {}


def get_configuration_set(ctx: Context, params: Params) -> dict[str, Any]:
    """Return a configuration set as it was created."""
    found = ctx.configuration_set(params["ConfigurationSetName"])
    defaults = {
        "SendingOptions": {"SendingEnabled": True},
        "ReputationOptions": {"ReputationMetricsEnabled": False},
        "DeliveryOptions": {"TlsPolicy": "OPTIONAL"},
    }
    return {"ConfigurationSetName": found.name, **defaults, **found.options, "Tags": tag_list(found.tags)}


def delete_configuration_set(ctx: Context, params: Params) -> dict[str, Any]:
    """Remove a configuration set, even one that identities have as their default: their mail is then refused."""
    name = ctx.configuration_set(params["ConfigurationSetName"]).name
    ctx.require_no_tenants(configuration_set_arn(ctx.state.account, ctx.state.region, name))
    del ctx.state.configuration_sets[name]
    return {}


def list_configuration_sets(ctx: Context, params: Params) -> dict[str, Any]:
    """Return names by pages."""
    contains = params.get("Filter", {}).get("CONFIGURATION_SET_NAME_CONTAINS", "")
    page = page_of(
        sorted(ctx.state.configuration_sets),
        lambda name: contains in name,
        params.get("PageSize"),
        params.get("NextToken"),
    )
    token = {} if page.next_token is None else {"NextToken": page.next_token}
    return {"ConfigurationSets": list(page.names), **token}


def tag_resource(ctx: Context, params: Params) -> dict[str, Any]:
    """Add tags or changes their values."""
    present = _tags_of(ctx, params["ResourceArn"])
    present.update(tags_from(params["Tags"], present))
    return {}


def untag_resource(ctx: Context, params: Params) -> dict[str, Any]:
    """Remove tags; a missing one is no error."""
    present = _tags_of(ctx, params["ResourceArn"])
    for key in params["TagKeys"]:
        present.pop(key, None)
    return {}


def list_tags(ctx: Context, params: Params) -> dict[str, Any]:
    """Return the tags of a resource."""
    return {"Tags": tag_list(_tags_of(ctx, params["ResourceArn"]))}


def _tags_of(ctx: Context, arn: str) -> dict[str, str]:
    prefix = f"arn:{partition_of(ctx.state.region)}:ses:{ctx.state.region}:{ctx.state.account}:"
    kind, _, name = arn.removeprefix(prefix).partition("/")
    if not arn.startswith(prefix) or not name:
        raise bad_request(f"The resource ARN <{arn}> is not valid for this account and region.")
    if kind == "identity":
        return ctx.identity(name).tags
    if kind == "configuration-set":
        return ctx.configuration_set(name).tags
    if kind == "tenant" and (tenant := ctx.state.tenants.get(name.partition("/")[0])) is not None:
        return tenant.tags
    raise not_found(f"The resource {arn} does not exist.")


OPERATIONS: Mapping[str, Operation] = {
    "GetAccount": get_account,
    "PutAccountDetails": put_account_details,
    "PutAccountSendingAttributes": put_account_sending,
    "PutAccountVdmAttributes": put_account_vdm,
    "CreateConfigurationSet": create_configuration_set,
    "GetConfigurationSet": get_configuration_set,
    "DeleteConfigurationSet": delete_configuration_set,
    "ListConfigurationSets": list_configuration_sets,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsForResource": list_tags,
}
