"""SESv1: the operations that SESv2 does not have, and those that restart a set-up; the rest is in v1_shared.

Source: Amazon SES API reference (version 2010-12-01).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from ses_sandbox.errors import AwsError
from ses_sandbox.ses.context import Context, Operation
from ses_sandbox.ses.identity_settings import FEEDBACK_FORWARDING, SETTINGS, IdentitySetting, V1Twin
from ses_sandbox.ses.operations.account import sent_last_24_hours
from ses_sandbox.ses.operations.identity import begin_verification, new_identity, remove_identity
from ses_sandbox.ses.protocol.pages import page_of
from ses_sandbox.ses.state.dkim import DEFAULT_LENGTH, easy_dkim, restart_if_failed
from ses_sandbox.ses.state.models import EASY, EXTERNAL, Identity, IdentityType
from ses_sandbox.ses.state.names import is_address, is_domain
from ses_sandbox.ses.state.tokens import verification_token
from ses_sandbox.ses.state.verification import Status, started
from ses_sandbox.ses.views import effective_dkim

Params = Mapping[str, Any]
V1_STATUS = {
    Status.PENDING: "Pending",
    Status.SUCCESS: "Success",
    Status.FAILED: "Failed",
    Status.TEMPORARY_FAILURE: "TemporaryFailure",
    Status.NOT_STARTED: "NotStarted",
}
V1_TYPES = {"Domain": IdentityType.DOMAIN, "EmailAddress": IdentityType.EMAIL_ADDRESS}
DEFAULT_PAGE = 1000


def _invalid(message: str) -> AwsError:
    return AwsError(400, "InvalidParameterValue", message)


def _get(ctx: Context, name: str) -> Identity:
    if (found := ctx.state.find(name)) is None:
        raise _invalid(f"Identity <{name}> does not exist.")
    return found


def _ensure(ctx: Context, name: str, *, valid: bool) -> Identity:
    """Return the identity, registered if it does not exist yet. Not valid: the name is no such identity."""
    if not valid:
        raise _invalid(f"Invalid identity name <{name}>.")
    if (found := ctx.state.find(name)) is not None:
        return found
    if len(ctx.state.identities) >= ctx.state.settings.max_identities:
        raise AwsError(400, "LimitExceeded", f"Limit of {ctx.state.settings.max_identities} identities exceeded.")
    identity = new_identity(ctx, name)
    begin_verification(ctx, identity)
    return identity


def verify_domain_identity(ctx: Context, params: Params) -> dict[str, Any]:
    """Verify a domain by a TXT record at ``_amazonses.<domain>``."""
    identity = _ensure(ctx, params["Domain"], valid=is_domain(params["Domain"]))
    identity.txt_token = verification_token(identity.account, identity.region, identity.name)
    if identity.verification.status in (Status.FAILED, Status.NOT_STARTED):
        identity.verification = started(ctx.now)
    ctx.store.watch(identity)
    return {"VerificationToken": identity.txt_token}


def verify_domain_dkim(ctx: Context, params: Params) -> dict[str, Any]:
    """Set Easy DKIM up for a domain, or restart it if it failed."""
    identity = _ensure(ctx, params["Domain"], valid=is_domain(params["Domain"]))
    if identity.dkim is None or identity.dkim.origin == EXTERNAL:
        identity.dkim = easy_dkim(ctx, identity.name, DEFAULT_LENGTH)
    restart_if_failed(identity, ctx.now)
    ctx.store.watch(identity)
    return {"DkimTokens": list(identity.dkim.tokens)}


def verify_email_identity(ctx: Context, params: Params) -> dict[str, Any]:
    """Send the verification mail; again if the address is registered already."""
    address = params["EmailAddress"]
    known = ctx.state.find(address)
    identity = _ensure(ctx, address, valid=is_address(address))
    if known is not None and identity.verification.status is not Status.SUCCESS:
        identity.verification = started(ctx.now)
        ctx.store.outbox.send_verification(identity.account, identity.region, identity.name, ctx.now)
        ctx.store.watch(identity)
    return {}


def _found(ctx: Context, params: Params) -> Iterator[Identity]:
    return (found for name in params["Identities"] if (found := ctx.state.find(name)) is not None)


def get_verification_attributes(ctx: Context, params: Params) -> dict[str, Any]:
    """Return status by identity; what is not registered is left out."""
    attributes = {}
    for identity in _found(ctx, params):
        view = {"VerificationStatus": V1_STATUS[identity.verification.status]}
        if identity.txt_token is not None:
            view["VerificationToken"] = identity.txt_token
        attributes[identity.name] = view
    return {"VerificationAttributes": attributes}


def get_dkim_attributes(ctx: Context, params: Params) -> dict[str, Any]:
    """Return DKIM by identity. BYODKIM has no tokens here."""
    attributes = {}
    for identity in _found(ctx, params):
        dkim = effective_dkim(ctx.state, identity)
        attributes[identity.name] = {
            "DkimEnabled": dkim is not None and dkim.signing_enabled,
            "DkimVerificationStatus": V1_STATUS[Status.NOT_STARTED if dkim is None else dkim.progress.status],
            "DkimTokens": list(dkim.tokens) if dkim is not None and dkim.origin.startswith(EASY) else [],
        }
    return {"DkimAttributes": attributes}


def set_notification_topic(ctx: Context, params: Params) -> dict[str, Any]:
    """Set or (without a topic) remove the SNS topic of a notification type."""
    topics = _get(ctx, ctx.name_of(params["Identity"])).notifications.topics
    topic = params.get("SnsTopic")
    if topic and not topic.startswith("arn:"):
        raise _invalid(f"Invalid SNS topic <{topic}>.")
    if topic:
        topics[params["NotificationType"]] = topic
    else:
        topics.pop(params["NotificationType"], None)
    return {}


def set_headers_in_notifications(ctx: Context, params: Params) -> dict[str, Any]:
    """Set whether notifications of a type contain the headers of the mail."""
    _get(ctx, params["Identity"]).notifications.headers[params["NotificationType"]] = params["Enabled"]
    return {}


def put_setting(setting: IdentitySetting[Any], twin: V1Twin[Any], ctx: Context, params: Params) -> dict[str, Any]:
    """Put a setting that is one value."""
    identity = _get(ctx, params["Identity"])
    value = params[twin.parameter]
    twin.check(identity, value)
    setting.put(identity, value)
    return {}


def get_notification_attributes(ctx: Context, params: Params) -> dict[str, Any]:
    """Return topics, headers and forwarding by identity, under the name or ARN that each was asked for by."""
    attributes = {}
    for given in params["Identities"]:
        if (identity := ctx.state.find(ctx.name_of(given))) is None:
            continue
        view: dict[str, Any] = {"ForwardingEnabled": FEEDBACK_FORWARDING.value(identity)}
        for kind in ("Bounce", "Complaint", "Delivery"):
            if kind in identity.notifications.topics:
                view[f"{kind}Topic"] = identity.notifications.topics[kind]
            view[f"HeadersIn{kind}NotificationsEnabled"] = identity.notifications.headers.get(kind, False)
        attributes[given] = view
    return {"NotificationAttributes": attributes}


def delete_identity(ctx: Context, params: Params) -> dict[str, Any]:
    """Remove an identity; a missing one is no error in this version of the API."""
    if (identity := ctx.state.find(params["Identity"])) is not None:
        remove_identity(ctx, identity)
    return {}


def list_identities(ctx: Context, params: Params) -> dict[str, Any]:
    """Return names by pages."""
    wanted = V1_TYPES.get(params.get("IdentityType", ""))
    identities = ctx.state.identities
    page = page_of(
        ctx.state.sorted_names(),
        lambda name: wanted is None or identities[name].type is wanted,
        params.get("MaxItems", DEFAULT_PAGE),
        params.get("NextToken"),
    )
    token = {} if page.next_token is None else {"NextToken": page.next_token}
    return {"Identities": list(page.names), **token}


def get_send_quota(ctx: Context, _: Params) -> dict[str, Any]:
    """Return the sending limits."""
    settings = ctx.state.settings
    return {
        "Max24HourSend": settings.max_24_hour_send,
        "MaxSendRate": settings.max_send_rate,
        "SentLast24Hours": float(sent_last_24_hours(ctx)),
    }


OPERATIONS: Mapping[str, Operation] = {
    "VerifyDomainIdentity": verify_domain_identity,
    "VerifyDomainDkim": verify_domain_dkim,
    "VerifyEmailIdentity": verify_email_identity,
    "GetIdentityVerificationAttributes": get_verification_attributes,
    "GetIdentityDkimAttributes": get_dkim_attributes,
    "SetIdentityNotificationTopic": set_notification_topic,
    "SetIdentityHeadersInNotificationsEnabled": set_headers_in_notifications,
    "GetIdentityNotificationAttributes": get_notification_attributes,
    "DeleteIdentity": delete_identity,
    "ListIdentities": list_identities,
    "GetSendQuota": get_send_quota,
    **{twin.operation: partial(put_setting, setting, twin) for setting in SETTINGS if (twin := setting.v1)},
}
