"""SESv2 SendEmail: checks sender, recipients and content, and delivers into the outbox.

Sources: SendEmail in the API reference; Developer Guide, "Verified identities", "Request production access" (sandbox
rules), "Using a custom MAIL FROM domain", "Sending authorization".
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message as EmailMessage
from email.utils import getaddresses, parseaddr
from typing import Any

from ses_sandbox.errors import AwsError, bad_request, not_found
from ses_sandbox.regions import configuration_set_arn
from ses_sandbox.ses.context import Context, Operation
from ses_sandbox.ses.identity_settings import CONFIGURATION_SET
from ses_sandbox.ses.operations.account import sent_last_24_hours
from ses_sandbox.ses.state.delegation import Use, delegated
from ses_sandbox.ses.state.mail_counts import SIMULATOR, MailEvent, Origin, tracked
from ses_sandbox.ses.state.models import Identity, MxFailure, RegionState
from ses_sandbox.ses.state.names import is_address
from ses_sandbox.ses.state.outbox import Message
from ses_sandbox.ses.state.verification import Status
from ses_sandbox.ses.views import effective_dkim

Params = Mapping[str, Any]
MAX_RECIPIENTS = 50
UNLIMITED = -1.0


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as the request has it. ``arn``, ``return_path_arn``: of identities that the sender was authorized to use."""

    sender: str
    to: Sequence[str]
    cc: Sequence[str]
    bcc: Sequence[str]
    subject: str
    text: str | None = None
    html: str | None = None
    raw: str | None = None
    return_path: str | None = None
    arn: str | None = None
    return_path_arn: str | None = None
    reply_to: Sequence[str] = ()

    @property
    def address(self) -> str:
        """The address that it is from."""
        return parseaddr(self.sender)[1]

    @property
    def recipients(self) -> list[str]:
        """All addresses that it goes to."""
        return [parseaddr(address)[1] for address in (*self.to, *self.cc, *self.bcc)]


def send_email(ctx: Context, params: Params) -> dict[str, Any]:
    """Send a simple or raw message. Raises MessageRejected, MailFromDomainNotVerifiedException and the like."""
    draft = _draft(params)
    if not is_address(draft.address):
        raise bad_request(f"Invalid From address <{draft.sender}>.")
    _check_recipients(draft)
    named = _authorized(ctx, draft)
    owner = ctx.store.region(named.account, named.region) if named is not None else ctx.state
    _check_account(ctx)
    identity = _check_verified(owner, ctx.state, named, draft)
    # The identity's configuration set is the owner's; a delegate uses those of its own account.
    default_set = CONFIGURATION_SET.value(identity) if owner is ctx.state else None
    configuration_set = params.get("ConfigurationSetName") or default_set
    if configuration_set is not None:
        _check_configuration_set(ctx, configuration_set)
    if (tenant := params.get("TenantName")) is not None:
        _check_tenant(ctx, tenant, identity, configuration_set)
    message = Message(
        id=f"{secrets.token_hex(8)}-{secrets.token_hex(16)}-000000",
        kind="message",
        at=ctx.now,
        account=ctx.state.account,
        region=ctx.state.region,
        identity=identity.name,
        sender=draft.sender,
        to=draft.to,
        cc=draft.cc,
        bcc=draft.bcc,
        reply_to=draft.reply_to,
        subject=draft.subject,
        text=draft.text,
        html=draft.html,
        raw=draft.raw,
        mail_from=_mail_from(identity),
        dkim_domain=_dkim_domain(owner, identity),
        configuration_set=configuration_set,
    )
    ctx.store.outbox.add(message)
    ctx.state.sent.append(ctx.now)
    _count(ctx.state, message, draft)
    return {"MessageId": message.id}


def _count(state: RegionState, message: Message, draft: Draft) -> None:
    """Count a message as delivered at once; bounces and complaints are reported through the control API."""
    state.mail.tally(message.at, {MailEvent.SEND: 1})
    if state.settings.vdm_enabled and tracked(draft.recipients):
        origin = Origin(message.identity, message.configuration_set)
        arrived = (MailEvent.SEND, MailEvent.DELIVERY, MailEvent.DELIVERY_COMPLAINT)
        state.mail.track(message.at, origin, dict.fromkeys(arrived, 1))


def _draft(params: Params) -> Draft:
    content, destination = params["Content"], params.get("Destination", {})
    to, cc, bcc = (tuple(destination.get(f"{kind}Addresses", ())) for kind in ("To", "Cc", "Bcc"))
    if raw := content.get("Raw"):
        return _raw_draft(raw["Data"], params, (to, cc, bcc))
    simple = content.get("Simple")
    if simple is None:
        raise bad_request("The sandbox sends Simple and Raw content only.")
    body = simple["Body"]
    for part in (simple["Subject"], *body.values()):
        _check_charset(part)
    text, html = (body.get(kind, {}).get("Data") for kind in ("Text", "Html"))
    return Draft(
        params.get("FromEmailAddress", ""),
        to,
        cc,
        bcc,
        simple["Subject"]["Data"],
        text,
        html,
        return_path=params.get("FeedbackForwardingEmailAddress"),
        arn=params.get("FromEmailAddressIdentityArn"),
        return_path_arn=params.get("FeedbackForwardingEmailAddressIdentityArn"),
        reply_to=tuple(params.get("ReplyToAddresses", ())),
    )


def _check_charset(part: Mapping[str, Any]) -> None:
    """Require a character set for characters other than ASCII.

    API reference, Content: SES "uses 7-bit ASCII by default"; for other characters "you have to specify a character
    set".
    """
    charset = part.get("Charset", "ascii")
    try:
        part["Data"].encode(charset)
    except (LookupError, UnicodeEncodeError):
        raise bad_request(f"The content cannot be written in the character set {charset}.") from None


def _raw_draft(data: bytes, params: Params, given: tuple[tuple[str, ...], ...]) -> Draft:
    """Read from the headers what the request leaves open, ARNs included (API reference, SendRawEmail: X-SES-SOURCE-ARN)."""
    source: EmailMessage = message_from_bytes(data)
    if not source.keys():
        raise AwsError(400, "MessageRejected", "The raw message has no headers.")
    to, cc, bcc = given
    if not any(given):
        to, cc, bcc = (
            tuple(address for _, address in getaddresses([str(value) for value in source.get_all(name, [])]))
            for name in ("To", "Cc", "Bcc")
        )

    def given_or_header(name: str, *headers: str) -> str | None:
        found = [str(source[header]).strip() for header in headers if header in source]
        return params.get(name) or (found[0] if found else None)

    return Draft(
        given_or_header("FromEmailAddress", "From") or "",
        to,
        cc,
        bcc,
        str(source.get("Subject", "")),
        raw=data.decode("utf-8", "replace"),
        return_path=given_or_header("FeedbackForwardingEmailAddress", "Return-Path"),
        arn=given_or_header("FromEmailAddressIdentityArn", "X-SES-SOURCE-ARN", "X-SES-FROM-ARN"),
        return_path_arn=given_or_header("FeedbackForwardingEmailAddressIdentityArn", "X-SES-RETURN-PATH-ARN"),
        reply_to=tuple(params.get("ReplyToAddresses", ())),
    )


def _check_recipients(draft: Draft) -> None:
    if not draft.recipients:
        raise bad_request("The message has no recipients.")
    if len(draft.recipients) > MAX_RECIPIENTS:
        raise bad_request(f"A message can have at most {MAX_RECIPIENTS} recipients.")
    for address in draft.recipients:
        if not is_address(address):
            raise bad_request(f"Invalid recipient address <{address}>.")
    for address in draft.reply_to:
        if not is_address(parseaddr(address)[1]):
            raise bad_request(f"Invalid Reply-To address <{address}>.")


def _check_account(ctx: Context) -> None:
    settings = ctx.state.settings
    if settings.enforcement == "SHUTDOWN":
        raise AwsError(400, "AccountSuspendedException", "The account's ability to send email is suspended.")
    if not settings.sending_enabled:
        raise AwsError(400, "SendingPausedException", "Sending is paused for this account.")
    quota = settings.max_24_hour_send
    if quota != UNLIMITED and sent_last_24_hours(ctx) >= quota:
        raise AwsError(429, "TooManyRequestsException", "Daily message quota exceeded.")


def _check_configuration_set(ctx: Context, name: str) -> None:
    options = ctx.configuration_set(name).options
    if not options.get("SendingOptions", {}).get("SendingEnabled", True):
        raise AwsError(400, "SendingPausedException", f"Sending is paused for configuration set {name}.")


def _check_tenant(ctx: Context, name: str, identity: Identity, configuration_set: str | None) -> None:
    """Require that identity and configuration set are the tenant's. The words: PostHog/posthog 75863."""
    if (tenant := ctx.state.tenants.get(name)) is None:
        raise not_found(f"Tenant <{name}> does not exist.")
    used = [identity.arn]
    if configuration_set is not None:
        used.append(configuration_set_arn(ctx.state.account, ctx.state.region, configuration_set))
    if missing := [arn for arn in used if arn not in tenant.resources]:
        raise AwsError(403, "AccessDeniedException", f"Tenant not associated with resources [{', '.join(missing)}]")


def _authorized(ctx: Context, draft: Draft) -> Identity | None:
    """Return the identity whose ARN the sender gives, which it must be allowed to use; None without one."""
    name, address = parseaddr(draft.sender)
    use = Use(
        action="ses:SendEmail" if draft.raw is None else "ses:SendRawEmail",
        sender=address,
        display_name=name,
        recipients=draft.recipients,
        feedback=parseaddr(draft.return_path or address)[1],
    )
    if draft.return_path_arn is not None:
        delegated(ctx, draft.return_path_arn, use)
    return delegated(ctx, draft.arn, use) if draft.arn is not None else None


def _check_verified(owner: RegionState, sender: RegionState, named: Identity | None, draft: Draft) -> Identity:
    """Return the most specific verified identity that mail is sent from, or the one that was named. Raises MessageRejected.

    To recipients that are not verified, sender and owner both have to have production access (Developer Guide).
    """
    covering = (found for found in owner.covering(draft.address) if found.may_send)
    identity = next((found for found in covering if named is None or found is named), None)
    unverified = [] if identity is not None else [draft.address]
    if not (sender.settings.production_access and owner.settings.production_access):
        unverified += [to for to in draft.recipients if not _may_receive(sender, to)]
    if unverified or identity is None:
        raise AwsError(
            400,
            "MessageRejected",
            "Email address is not verified. The following identities failed the check in region "
            f"{sender.region.upper()}: {', '.join(dict.fromkeys(unverified))}",
        )
    mail_from = identity.mail_from
    if (
        mail_from is not None
        and mail_from.behavior is MxFailure.REJECT_MESSAGE
        and mail_from.progress.status is not Status.SUCCESS
    ):
        raise AwsError(
            400,
            "MailFromDomainNotVerifiedException",
            f"The MAIL FROM domain {mail_from.domain} of identity {identity.name} is not verified.",
        )
    return identity


def _may_receive(state: RegionState, address: str) -> bool:
    return address.lower().endswith(f"@{SIMULATOR}") or state.may_send_as(address)


def _mail_from(identity: Identity) -> str:
    mail_from = identity.mail_from
    if mail_from is not None and mail_from.progress.status is Status.SUCCESS:
        return mail_from.domain
    return "amazonses.com" if identity.region == "us-east-1" else f"{identity.region}.amazonses.com"


def _dkim_domain(state: RegionState, identity: Identity) -> str | None:
    """Return the domain of the signature. Mail goes unsigned while DKIM is not verified or switched off."""
    dkim = effective_dkim(state, identity)
    if dkim is None or not dkim.signing_enabled or dkim.progress.status is not Status.SUCCESS:
        return None
    return next(found.name for found in state.covering(identity.domain) if found.dkim is dkim)


OPERATIONS: Mapping[str, Operation] = {"SendEmail": send_email}
