"""Identities as the API shows them."""

from __future__ import annotations

from typing import Any

from ses_sandbox.ses.identity_settings import settings_view
from ses_sandbox.ses.state.models import EASY, Dkim, Identity, IdentityType, MxFailure, RegionState, VerificationInfo
from ses_sandbox.ses.state.names import tag_list
from ses_sandbox.ses.state.verification import Status


def full_view(state: RegionState, identity: Identity) -> dict[str, Any]:
    """Return GetEmailIdentityResponse."""
    return {
        "IdentityType": identity.type,
        "VerifiedForSendingStatus": state.may_send_as(identity.name),
        "DkimAttributes": dkim_view(state, identity),
        "MailFromAttributes": mail_from_view(identity),
        "Policies": dict(identity.policies),
        "Tags": tag_list(identity.tags),
        "VerificationStatus": identity.verification.status,
        "VerificationInfo": verification_info_view(identity.info),
        **settings_view(identity),
    }


def creation_view(state: RegionState, identity: Identity) -> dict[str, Any]:
    """Return CreateEmailIdentityResponse."""
    return {
        "IdentityType": identity.type,
        "VerifiedForSendingStatus": state.may_send_as(identity.name),
        "DkimAttributes": dkim_view(state, identity),
    }


def list_view(state: RegionState, identity: Identity) -> dict[str, Any]:
    """Return IdentityInfo of ListEmailIdentities."""
    return {
        "IdentityType": identity.type,
        "IdentityName": identity.name,
        "SendingEnabled": state.may_send_as(identity.name),
        "VerificationStatus": identity.verification.status,
    }


def effective_dkim(state: RegionState, identity: Identity) -> Dkim | None:
    """Return the DKIM that signs an identity's mail: an address has none of its own but shows that of its domain."""
    if identity.type is IdentityType.DOMAIN:
        return identity.dkim
    covering = (found for found in state.covering(identity.name) if found.type is IdentityType.DOMAIN)
    domain = next(covering, None)
    return domain.dkim if domain is not None else None


def dkim_view(state: RegionState, identity: Identity) -> dict[str, Any]:
    """Return DkimAttributes."""
    dkim = effective_dkim(state, identity)
    if dkim is None:
        return {"SigningEnabled": False, "Status": Status.NOT_STARTED, "SigningAttributesOrigin": EASY}
    view: dict[str, Any] = {
        "SigningEnabled": dkim.signing_enabled,
        "Status": dkim.progress.status,
        "Tokens": list(dkim.tokens),
        "SigningAttributesOrigin": dkim.origin,
    }
    if dkim.hosted_zone is not None:
        view["SigningHostedZone"] = dkim.hosted_zone
    if dkim.key is not None:
        view["NextSigningKeyLength"] = dkim.key.next
        view["CurrentSigningKeyLength"] = dkim.key.current
        view["LastKeyGenerationTimestamp"] = dkim.key.generated_at
    return view


def mail_from_view(identity: Identity) -> dict[str, Any]:
    """Return MailFromAttributes; unset it has only the behaviour."""
    if identity.mail_from is None:
        return {"BehaviorOnMxFailure": MxFailure.USE_DEFAULT_VALUE}
    return {
        "MailFromDomain": identity.mail_from.domain,
        "MailFromDomainStatus": identity.mail_from.progress.status,
        "BehaviorOnMxFailure": identity.mail_from.behavior,
    }


def verification_info_view(info: VerificationInfo) -> dict[str, Any]:
    """Return VerificationInfo; empty before the first check."""
    view: dict[str, Any] = {}
    if info.checked_at is not None:
        view["LastCheckedTimestamp"] = info.checked_at
    if info.succeeded_at is not None:
        view["LastSuccessTimestamp"] = info.succeeded_at
    if info.error is not None:
        view["ErrorType"] = info.error
    if info.soa is not None:
        view["SOARecord"] = {
            "PrimaryNameServer": info.soa.primary_name_server,
            "AdminEmail": info.soa.admin_email,
            "SerialNumber": info.soa.serial,
        }
    return view
