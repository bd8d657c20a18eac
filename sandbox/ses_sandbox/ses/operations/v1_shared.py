"""SESv1 operations that SESv2 has too, by other names: carried out on the same identities, so that both versions agree.

Source: Amazon SES API reference (version 2010-12-01).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ses_sandbox.errors import AwsError
from ses_sandbox.ses.context import Context, Operation
from ses_sandbox.ses.operations import account, dkim, policy, sending
from ses_sandbox.ses.operations import identity as identities
from ses_sandbox.ses.protocol.pages import page_of
from ses_sandbox.ses.state.models import Identity, MxFailure
from ses_sandbox.ses.state.verification import Status

Params = Mapping[str, Any]
V2_BEHAVIOR = {"UseDefaultValue": MxFailure.USE_DEFAULT_VALUE, "RejectMessage": MxFailure.REJECT_MESSAGE}
V1_BEHAVIOR = {behavior: name for name, behavior in V2_BEHAVIOR.items()}
V1_MAIL_FROM_STATUS = {
    Status.PENDING: "Pending",
    Status.SUCCESS: "Success",
    Status.FAILED: "Failed",
    Status.TEMPORARY_FAILURE: "TemporaryFailure",
}
DEFAULT_PAGE = 100


def set_mail_from(ctx: Context, params: Params) -> dict[str, Any]:
    """Set, change or (without a domain) remove the custom MAIL FROM domain."""
    behavior = V2_BEHAVIOR[params.get("BehaviorOnMXFailure", "UseDefaultValue")]
    wanted = {"EmailIdentity": params["Identity"], "BehaviorOnMxFailure": behavior}
    if domain := params.get("MailFromDomain"):
        wanted["MailFromDomain"] = domain
    return identities.put_mail_from(ctx, wanted)


def get_mail_from_attributes(ctx: Context, params: Params) -> dict[str, Any]:
    """Return MAIL FROM by identity; what is not registered is left out."""
    found = {name: identity for name in params["Identities"] if (identity := ctx.state.find(name)) is not None}
    return {"MailFromDomainAttributes": {name: _mail_from_view(identity) for name, identity in found.items()}}


def _mail_from_view(identity: Identity) -> dict[str, Any]:
    mail_from = identity.mail_from
    if mail_from is None:
        return {"BehaviorOnMXFailure": V1_BEHAVIOR[MxFailure.USE_DEFAULT_VALUE]}
    return {
        "MailFromDomain": mail_from.domain,
        "MailFromDomainStatus": V1_MAIL_FROM_STATUS[mail_from.progress.status],
        "BehaviorOnMXFailure": V1_BEHAVIOR[mail_from.behavior],
    }


def set_dkim_enabled(ctx: Context, params: Params) -> dict[str, Any]:
    """Switch DKIM signing on or off."""
    wanted = {"EmailIdentity": params["Identity"], "SigningEnabled": params["DkimEnabled"]}
    return dkim.put_dkim_attributes(ctx, wanted)


def _owned(ctx: Context, params: Params) -> Identity:
    """Return the identity that an operation on policies gives by its name or its ARN."""
    return ctx.identity(ctx.name_of(params["Identity"]))


def put_policy(ctx: Context, params: Params) -> dict[str, Any]:
    """Add a policy or replace one. Raises InvalidPolicy."""
    identity = _owned(ctx, params)
    wanted = {"EmailIdentity": identity.name, "PolicyName": params["PolicyName"], "Policy": params["Policy"]}
    try:
        policy.check_policy(identity, params["Policy"])
    except AwsError as error:
        raise AwsError(400, "InvalidPolicy", error.message) from None
    if params["PolicyName"] in identity.policies:
        return policy.update_policy(ctx, wanted)
    return policy.create_policy(ctx, wanted)


def delete_policy(ctx: Context, params: Params) -> dict[str, Any]:
    """Remove a policy; a missing one is no error in this version of the API."""
    _owned(ctx, params).policies.pop(params["PolicyName"], None)
    return {}


def get_policies(ctx: Context, params: Params) -> dict[str, Any]:
    """Return the existing policies of these names."""
    policies = _owned(ctx, params).policies
    return {"Policies": {name: policies[name] for name in params["PolicyNames"] if name in policies}}


def list_policies(ctx: Context, params: Params) -> dict[str, Any]:
    """Return the names of all policies."""
    return {"PolicyNames": sorted(_owned(ctx, params).policies)}


def send_email(ctx: Context, params: Params) -> dict[str, Any]:
    """Send a message made of subject and body."""
    return _send(
        ctx,
        {
            **_common(params),
            "FromEmailAddress": params["Source"],
            "Destination": params["Destination"],
            "Content": {"Simple": params["Message"]},
        },
    )


def send_raw_email(ctx: Context, params: Params) -> dict[str, Any]:
    """Send a message with the headers that it has."""
    wanted: dict[str, Any] = {**_common(params), "Content": {"Raw": params["RawMessage"]}}
    if source := params.get("Source"):
        wanted["FromEmailAddress"] = source
    if destinations := params.get("Destinations"):
        wanted["Destination"] = {"ToAddresses": destinations}
    return _send(ctx, wanted)


def _send(ctx: Context, wanted: Params) -> dict[str, Any]:
    """Send a message. Raises ConfigurationSetDoesNotExist where version 2 does not find the configuration set."""
    try:
        return sending.send_email(ctx, wanted)
    except AwsError as error:
        if error.code == "NotFoundException":
            raise AwsError(400, "ConfigurationSetDoesNotExist", error.message) from None
        raise


def _common(params: Params) -> dict[str, Any]:
    names = {
        "ReturnPath": "FeedbackForwardingEmailAddress",
        "SourceArn": "FromEmailAddressIdentityArn",
        "ReturnPathArn": "FeedbackForwardingEmailAddressIdentityArn",
        "ConfigurationSetName": "ConfigurationSetName",
    }
    return {ours: params[theirs] for theirs, ours in names.items() if theirs in params}


def get_sending_enabled(ctx: Context, _: Params) -> dict[str, Any]:
    """Return whether sending is on for the account in this region."""
    return {"Enabled": ctx.state.settings.sending_enabled}


def update_sending_enabled(ctx: Context, params: Params) -> dict[str, Any]:
    """Switch sending on or off for the account in this region."""
    return account.put_account_sending(ctx, {"SendingEnabled": params.get("Enabled", False)})


def create_configuration_set(ctx: Context, params: Params) -> dict[str, Any]:
    """Add a configuration set. Raises ConfigurationSetAlreadyExists."""
    name = params["ConfigurationSet"]["Name"]
    if name in ctx.state.configuration_sets:
        raise AwsError(400, "ConfigurationSetAlreadyExists", f"Configuration set <{name}> already exists.")
    return account.create_configuration_set(ctx, {"ConfigurationSetName": name})


def describe_configuration_set(ctx: Context, params: Params) -> dict[str, Any]:
    """Return the configuration set. Raises ConfigurationSetDoesNotExist."""
    return {"ConfigurationSet": {"Name": _existing_set(ctx, params)}}


def delete_configuration_set(ctx: Context, params: Params) -> dict[str, Any]:
    """Remove a configuration set. Raises ConfigurationSetDoesNotExist."""
    return account.delete_configuration_set(ctx, {"ConfigurationSetName": _existing_set(ctx, params)})


def _existing_set(ctx: Context, params: Params) -> str:
    name: str = params["ConfigurationSetName"]
    if name not in ctx.state.configuration_sets:
        raise AwsError(400, "ConfigurationSetDoesNotExist", f"Configuration set <{name}> does not exist.")
    return name


def list_configuration_sets(ctx: Context, params: Params) -> dict[str, Any]:
    """Return names by pages."""
    names = sorted(ctx.state.configuration_sets)
    page = page_of(names, lambda _: True, params.get("MaxItems", DEFAULT_PAGE), params.get("NextToken"))
    token = {} if page.next_token is None else {"NextToken": page.next_token}
    return {"ConfigurationSets": [{"Name": name} for name in page.names], **token}


OPERATIONS: Mapping[str, Operation] = {
    "SetIdentityMailFromDomain": set_mail_from,
    "GetIdentityMailFromDomainAttributes": get_mail_from_attributes,
    "SetIdentityDkimEnabled": set_dkim_enabled,
    "PutIdentityPolicy": put_policy,
    "DeleteIdentityPolicy": delete_policy,
    "GetIdentityPolicies": get_policies,
    "ListIdentityPolicies": list_policies,
    "SendEmail": send_email,
    "SendRawEmail": send_raw_email,
    "GetAccountSendingEnabled": get_sending_enabled,
    "UpdateAccountSendingEnabled": update_sending_enabled,
    "CreateConfigurationSet": create_configuration_set,
    "DescribeConfigurationSet": describe_configuration_set,
    "DeleteConfigurationSet": delete_configuration_set,
    "ListConfigurationSets": list_configuration_sets,
}
