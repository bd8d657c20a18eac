"""SESv2: create, read, list and delete identities, and put their MAIL FROM domain and the settings that are one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ses_sandbox.errors import already_exists, bad_request, limit_exceeded
from ses_sandbox.ses.context import Context, Operation
from ses_sandbox.ses.identity_settings import CONFIGURATION_SET, SETTINGS, IdentitySetting
from ses_sandbox.ses.protocol.pages import page_of
from ses_sandbox.ses.state.dkim import new_dkim
from ses_sandbox.ses.state.models import EASY, Identity, IdentityType, MailFrom, MxFailure, identity_key
from ses_sandbox.ses.state.names import identity_type, is_domain, is_subdomain, tags_from
from ses_sandbox.ses.state.verification import Status, started
from ses_sandbox.ses.views import creation_view, full_view, list_view

Params = Mapping[str, Any]


def create_email_identity(ctx: Context, params: Params) -> dict[str, Any]:
    """Register an address or a domain, PENDING."""
    name: str = params["EmailIdentity"]
    kind = identity_type(name)
    if kind is IdentityType.EMAIL_ADDRESS and "DkimSigningAttributes" in params:
        raise bad_request("DkimSigningAttributes can be specified for domain identities only.")
    if ctx.state.find(name) is not None:
        raise already_exists(f"Email identity {name} already exist.")
    configuration_set = CONFIGURATION_SET.kept(params.get("ConfigurationSetName"))
    CONFIGURATION_SET.check(ctx, configuration_set)
    if len(ctx.state.identities) >= ctx.state.settings.max_identities:
        raise limit_exceeded(f"You have reached the limit of {ctx.state.settings.max_identities} identities.")
    tags = tags_from(params.get("Tags", ()), {})
    identity = new_identity(ctx, name)
    identity.tags = tags
    CONFIGURATION_SET.put(identity, configuration_set)
    if kind is IdentityType.DOMAIN:
        identity.dkim = new_dkim(ctx, identity.name, params.get("DkimSigningAttributes"))
    begin_verification(ctx, identity)
    return creation_view(ctx.state, identity)


def new_identity(ctx: Context, name: str) -> Identity:
    """Return an identity that is not registered yet, its verification started."""
    return Identity(
        name=identity_key(name),
        type=identity_type(name),
        account=ctx.state.account,
        region=ctx.state.region,
        created_at=ctx.now,
        verification=started(ctx.now),
    )


def begin_verification(ctx: Context, identity: Identity) -> None:
    """Register an identity and verify it: by the records of a domain, by a mail to an address."""
    ctx.state.add(identity)
    if identity.type is IdentityType.EMAIL_ADDRESS:
        ctx.store.outbox.send_verification(identity.account, identity.region, identity.name, ctx.now)
    ctx.store.watch(identity)


def get_email_identity(ctx: Context, params: Params) -> dict[str, Any]:
    """Return everything about an identity."""
    return full_view(ctx.state, ctx.identity(params["EmailIdentity"]))


def delete_email_identity(ctx: Context, params: Params) -> dict[str, Any]:
    """Remove an identity. The parent of DEED replicas has to stay as long as they do."""
    remove_identity(ctx, ctx.identity(params["EmailIdentity"]))
    return {}


def remove_identity(ctx: Context, identity: Identity) -> None:
    """Remove an identity. Raises BadRequestException while it has tenants, or replicas take their DKIM key from it."""
    ctx.require_no_tenants(identity.arn)
    if identity.dkim is not None and identity.dkim.origin == EASY:
        regions = sorted(replica.region for replica in ctx.store.replicas_of(identity))
        if regions:
            raise bad_request(
                f"Identity {identity.name} has replicas in {', '.join(regions)}, which must be deleted first."
            )
    ctx.state.remove(identity)


def list_email_identities(ctx: Context, params: Params) -> dict[str, Any]:
    """Return names and verification status, sorted by name, by pages."""
    wanted = _filter(ctx, params.get("Filter", {}))
    page = page_of(ctx.state.sorted_names(), wanted, params.get("PageSize"), params.get("NextToken"))
    result: dict[str, Any] = {
        "EmailIdentities": [list_view(ctx.state, ctx.state.identities[name]) for name in page.names]
    }
    if page.next_token is not None:
        result["NextToken"] = page.next_token
    return result


def _filter(ctx: Context, wanted: Mapping[str, str]) -> Callable[[str], bool]:
    contains = wanted.get("IDENTITY_NAME_CONTAINS", "").lower()
    kind, status = wanted.get("IDENTITY_TYPE"), wanted.get("VERIFICATION_STATUS")
    if kind is not None and kind not in IdentityType.__members__:
        raise bad_request(f"IDENTITY_TYPE must be one of {', '.join(IdentityType)}.")
    if status is not None and status not in Status.__members__:
        raise bad_request(f"VERIFICATION_STATUS must be one of {', '.join(Status)}.")
    identities = ctx.state.identities

    def admits(name: str) -> bool:
        identity = identities[name]
        return (
            (status is None or identity.verification.status == status)
            and (kind is None or identity.type == kind)
            and contains in name.lower()
        )

    return admits


def put_mail_from(ctx: Context, params: Params) -> dict[str, Any]:
    """Set, change or (without a domain) remove the custom MAIL FROM domain.

    One that failed is looked for again only when it is set again.
    """
    identity = ctx.identity_to_change(params["EmailIdentity"])
    domain: str = params.get("MailFromDomain", "").lower()
    behavior = MxFailure(params.get("BehaviorOnMxFailure", MxFailure.USE_DEFAULT_VALUE))
    if not domain:
        identity.mail_from = None
        return {}
    if not is_domain(domain):
        raise bad_request(f"Invalid MAIL FROM domain name <{domain}>.")
    if not is_subdomain(domain, identity.domain):
        raise bad_request(
            f"Provided MAIL-FROM domain <{domain}> is not subdomain of the domain of the identity <{identity.name}>."
        )
    present = identity.mail_from
    if present is not None and present.domain == domain and present.progress.status is not Status.FAILED:
        present.behavior = behavior
        return {}
    identity.mail_from = MailFrom(domain, behavior, started(ctx.now))
    ctx.store.watch(identity)
    return {}


def put_setting(setting: IdentitySetting[Any], ctx: Context, params: Params) -> dict[str, Any]:
    """Put a setting that is one value."""
    identity = setting.find(ctx, params["EmailIdentity"])
    value = setting.kept(params.get(setting.parameter, setting.omitted))
    setting.check(ctx, value)
    setting.put(identity, value)
    return {}


OPERATIONS: Mapping[str, Operation] = {
    "CreateEmailIdentity": create_email_identity,
    "GetEmailIdentity": get_email_identity,
    "DeleteEmailIdentity": delete_email_identity,
    "ListEmailIdentities": list_email_identities,
    "PutEmailIdentityMailFromAttributes": put_mail_from,
    **{setting.operation: partial(put_setting, setting) for setting in SETTINGS},
}
