"""The answers of SES, as botocore parsed them, as plain values. What SES leaves out gets the meaning that it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ses_operator.core.features.settings import parsed_settings
from ses_operator.core.model.ses import (
    AccountFacts,
    DkimFacts,
    IdentityFacts,
    IdentityType,
    ListedIdentity,
    MailFromFacts,
    SigningOrigin,
    VerificationInfo,
    VerificationStatus,
    parent_region_of,
)
from ses_operator.core.model.ses_regions import signing_hosted_zone

Answer = Mapping[str, Any]

_STATUSES = {status.value: status for status in VerificationStatus}
_ORIGINS = {SigningOrigin.EASY.value: SigningOrigin.EASY, SigningOrigin.EXTERNAL.value: SigningOrigin.EXTERNAL}
_TYPES = {kind.value: kind for kind in IdentityType}
_KEY_LENGTHS = {"RSA_1024_BIT": 1024, "RSA_2048_BIT": 2048}


def verification_status(text: str | None) -> VerificationStatus:
    """Return a status by its name; one that is missing or unknown has not succeeded: it counts as pending."""
    return _STATUSES.get(text or "", VerificationStatus.PENDING)


def identity_facts(answer: Answer, region: str) -> IdentityFacts:
    """Read the answer of GetEmailIdentity.

    An address has no DKIM of its own: what SES shows is its domain's, and is ignored.
    """
    type_ = _TYPES.get(answer.get("IdentityType") or "", IdentityType.DOMAIN)
    shown = {} if type_ is IdentityType.EMAIL_ADDRESS else answer.get("DkimAttributes") or {}
    return IdentityFacts(
        verification_status=verification_status(answer.get("VerificationStatus")),
        dkim=dkim_facts(shown, region),
        mail_from=mail_from_facts(answer.get("MailFromAttributes") or {}),
        configuration_set_name=answer.get("ConfigurationSetName") or None,
        tags={tag["Key"]: tag["Value"] for tag in answer.get("Tags") or ()},
        sending_enabled=bool(answer.get("VerifiedForSendingStatus")),
        verification_info=verification_info(answer.get("VerificationInfo") or {}),
        policies=dict(answer.get("Policies") or {}),
        settings=parsed_settings(answer),
        type=type_,
    )


def dkim_facts(attributes: Answer, region: str) -> DkimFacts:
    """Read DkimAttributes. If an old answer has no SigningHostedZone, the table of regions is used."""
    origin = attributes.get("SigningAttributesOrigin") or SigningOrigin.EASY.value
    parent_region = parent_region_of(origin)
    return DkimFacts(
        status=_STATUSES.get(attributes.get("Status") or "", VerificationStatus.NOT_STARTED),
        signing_enabled=bool(attributes.get("SigningEnabled")),
        tokens=tuple(attributes.get("Tokens") or ()),
        signing_hosted_zone=attributes.get("SigningHostedZone") or signing_hosted_zone(parent_region or region),
        origin=_ORIGINS.get(origin, SigningOrigin.REPLICA),
        key_length=_KEY_LENGTHS.get(attributes.get("CurrentSigningKeyLength") or ""),
        next_key_length=_KEY_LENGTHS.get(attributes.get("NextSigningKeyLength") or ""),
        last_key_generation=attributes.get("LastKeyGenerationTimestamp"),
        parent_region=parent_region,
    )


def mail_from_facts(attributes: Answer) -> MailFromFacts | None:
    """Read MailFromAttributes; with BehaviorOnMxFailure alone, none is set."""
    domain = attributes.get("MailFromDomain")
    if not domain:
        return None
    return MailFromFacts(
        domain=domain,
        status=verification_status(attributes.get("MailFromDomainStatus")),
        behavior_on_mx_failure=attributes.get("BehaviorOnMxFailure") or "USE_DEFAULT_VALUE",
    )


def verification_info(info: Answer) -> VerificationInfo:
    """Read VerificationInfo; empty for an identity that SES has not looked at yet."""
    return VerificationInfo(
        error_type=info.get("ErrorType"),
        primary_name_server=(info.get("SOARecord") or {}).get("PrimaryNameServer"),
        last_checked=info.get("LastCheckedTimestamp"),
        last_success=info.get("LastSuccessTimestamp"),
    )


def listed_identities(answer: Answer) -> tuple[ListedIdentity, ...]:
    """Read a page of ListEmailIdentities."""
    return tuple(
        ListedIdentity(
            name=item["IdentityName"],
            verification_status=verification_status(item.get("VerificationStatus")),
            sending_enabled=bool(item.get("SendingEnabled")),
        )
        for item in answer.get("EmailIdentities") or ()
    )


def account_facts(answer: Answer) -> AccountFacts:
    """Read the answer of GetAccount."""
    quota = answer.get("SendQuota") or {}
    return AccountFacts(
        production_access=bool(answer.get("ProductionAccessEnabled")),
        sending_enabled=bool(answer.get("SendingEnabled")),
        enforcement_status=answer.get("EnforcementStatus") or "HEALTHY",
        max_24_hour_send=quota.get("Max24HourSend"),
        max_send_rate=quota.get("MaxSendRate"),
        sent_last_24_hours=quota.get("SentLast24Hours"),
        vdm_enabled=(answer.get("VdmAttributes") or {}).get("VdmEnabled") == "ENABLED",
    )
