"""The answers of SES, as botocore parsed them, as plain values. What SES leaves out gets the meaning that it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ses_operator.api.identity.dkim import PARENT_REGIONS
from ses_operator.aws.catalog import aws_regions
from ses_operator.core.features.settings import parsed_settings
from ses_operator.core.model.regions.ses_regions import signing_hosted_zone
from ses_operator.core.model.ses import (
    AccountFacts,
    DkimFacts,
    IdentityFacts,
    IdentityType,
    ListedIdentity,
    MailFromFacts,
    SigningOrigin,
    UnknownValue,
    VerificationInfo,
    VerificationStatus,
    parent_region_of,
)

Answer = Mapping[str, Any]

_STATUSES = {status.value: status for status in VerificationStatus}
_V1_STATUSES = {
    "Pending": VerificationStatus.PENDING,
    "Success": VerificationStatus.SUCCESS,
    "Failed": VerificationStatus.FAILED,
    "TemporaryFailure": VerificationStatus.TEMPORARY_FAILURE,
}
"""CustomMailFromStatus (API reference v1, IdentityMailFromDomainAttributes)."""
_ORIGINS = {SigningOrigin.EASY.value: SigningOrigin.EASY, SigningOrigin.EXTERNAL.value: SigningOrigin.EXTERNAL}
_TYPES = {kind.value: kind for kind in IdentityType}
_KEY_LENGTHS = {"RSA_1024_BIT": 1024, "RSA_2048_BIT": 2048}
_BEHAVIORS = {"USE_DEFAULT_VALUE": "USE_DEFAULT_VALUE", "REJECT_MESSAGE": "REJECT_MESSAGE"}

T = TypeVar("T")


@dataclass(slots=True)
class _Reader:
    """Reads enumerated members of an answer, and notes the values that are not known. ``prefix``: for their names."""

    prefix: str = ""
    unknown: list[UnknownValue] = field(default_factory=list)

    def read(self, answer: Answer, member: str, known: Mapping[str, T], otherwise: T) -> T:
        """Return the meaning of a member; ``otherwise`` if it is missing, or unknown, which is noted."""
        value = answer.get(member)
        if not value:
            return otherwise
        if value not in known:
            self.note(member, str(value))
        return known.get(value, otherwise)

    def note(self, member: str, value: str) -> None:
        """Note a value that is not known."""
        self.unknown.append(UnknownValue(f"{self.prefix}{member}", value))


def identity_facts(answer: Answer, region: str) -> IdentityFacts:
    """Read the answer of GetEmailIdentity.

    An address has no DKIM of its own: what SES shows is its domain's, and is ignored.
    """
    reader = _Reader()
    type_ = reader.read(answer, "IdentityType", _TYPES, IdentityType.DOMAIN)
    shown = {} if type_ is IdentityType.EMAIL_ADDRESS else answer.get("DkimAttributes") or {}
    status = reader.read(answer, "VerificationStatus", _STATUSES, VerificationStatus.PENDING)
    mail_from = _Reader("MailFromAttributes.")
    return IdentityFacts(
        verification_status=status,
        dkim=dkim_facts(shown, region),
        mail_from=_mail_from(answer.get("MailFromAttributes") or {}, mail_from),
        configuration_set_name=answer.get("ConfigurationSetName") or None,
        tags={tag["Key"]: tag["Value"] for tag in answer.get("Tags") or ()},
        sending_enabled=bool(answer.get("VerifiedForSendingStatus")),
        verification_info=verification_info(answer.get("VerificationInfo") or {}),
        policies=dict(answer.get("Policies") or {}),
        settings=parsed_settings(answer),
        type=type_,
        unknown=(*reader.unknown, *mail_from.unknown),
    )


def dkim_facts(attributes: Answer, region: str) -> DkimFacts:
    """Read DkimAttributes. If an old answer has no SigningHostedZone, the table of regions is used."""
    reader = _Reader("DkimAttributes.")
    origin, parent_region = _origin(attributes, reader)
    return DkimFacts(
        status=reader.read(attributes, "Status", _STATUSES, VerificationStatus.NOT_STARTED),
        signing_enabled=bool(attributes.get("SigningEnabled")),
        tokens=tuple(attributes.get("Tokens") or ()),
        signing_hosted_zone=attributes.get("SigningHostedZone") or signing_hosted_zone(parent_region or region),
        origin=origin,
        key_length=reader.read(attributes, "CurrentSigningKeyLength", _KEY_LENGTHS, None),
        next_key_length=reader.read(attributes, "NextSigningKeyLength", _KEY_LENGTHS, None),
        last_key_generation=attributes.get("LastKeyGenerationTimestamp"),
        parent_region=parent_region,
        unknown=tuple(reader.unknown),
    )


def _origin(attributes: Answer, reader: _Reader) -> tuple[SigningOrigin, str | None]:
    """Return the source of the DKIM key, and the parent's region of a replica: one that SES is known to be in."""
    origin = str(attributes.get("SigningAttributesOrigin") or SigningOrigin.EASY.value)
    if origin in _ORIGINS:
        return _ORIGINS[origin], None
    parent_region = parent_region_of(origin)
    if parent_region is not None and (parent_region in PARENT_REGIONS or aws_regions().has_ses(parent_region)):
        return SigningOrigin.REPLICA, parent_region
    reader.note("SigningAttributesOrigin", origin)
    return SigningOrigin.EASY, None


def _mail_from(attributes: Answer, reader: _Reader) -> MailFromFacts | None:
    """Read MailFromAttributes; with BehaviorOnMxFailure alone, none is set."""
    domain = attributes.get("MailFromDomain")
    if not domain:
        return None
    return MailFromFacts(
        domain=domain,
        status=reader.read(attributes, "MailFromDomainStatus", _STATUSES, VerificationStatus.PENDING),
        behavior_on_mx_failure=reader.read(attributes, "BehaviorOnMxFailure", _BEHAVIORS, "USE_DEFAULT_VALUE"),
    )


def mail_from_statuses(answer: Answer) -> dict[str, VerificationStatus]:
    """Read the answer of GetIdentityMailFromDomainAttributes (API reference v1): by identity, only those that have a domain."""
    found = answer.get("MailFromDomainAttributes") or {}
    return {
        identity: _V1_STATUSES.get(attributes.get("MailFromDomainStatus") or "", VerificationStatus.PENDING)
        for identity, attributes in found.items()
        if attributes.get("MailFromDomain")
    }


def verification_info(info: Answer) -> VerificationInfo:
    """Read VerificationInfo; empty for an identity that SES has not looked at yet."""
    return VerificationInfo(
        error_type=info.get("ErrorType"),
        primary_name_server=(info.get("SOARecord") or {}).get("PrimaryNameServer"),
        last_checked=info.get("LastCheckedTimestamp"),
        last_success=info.get("LastSuccessTimestamp"),
    )


def listed_identities(answer: Answer) -> tuple[ListedIdentity, ...]:
    """Read a page of ListEmailIdentities. A status that is not known is not that of a verified one: it leads to a read."""
    return tuple(
        ListedIdentity(
            name=item["IdentityName"],
            verification_status=_STATUSES.get(item.get("VerificationStatus") or "", VerificationStatus.PENDING),
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
