"""The answers of SES about an identity, as plain values.

Source: API reference of SESv2, GetEmailIdentity and ListEmailIdentities. Names of members follow it, in snake case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class VerificationStatus(StrEnum):
    """The status of an identity, of its DKIM and (all but NOT_STARTED) of its MAIL FROM domain."""

    PENDING = "PENDING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    TEMPORARY_FAILURE = "TEMPORARY_FAILURE"
    NOT_STARTED = "NOT_STARTED"


class IdentityType(StrEnum):
    """The types of identity. SES's MANAGED_DOMAIN is not among them: it cannot be requested."""

    DOMAIN = "DOMAIN"
    EMAIL_ADDRESS = "EMAIL_ADDRESS"


class SigningOrigin(StrEnum):
    """The source of the DKIM key: Easy DKIM, a key of the customer's, or the identity of another region.

    The last (AWS_SES_<REGION>) is Deterministic Easy DKIM.
    """

    EASY = "AWS_SES"
    EXTERNAL = "EXTERNAL"
    REPLICA = "REPLICA"


_REPLICA_ORIGIN = "AWS_SES_"


def replica_origin(parent_region: str) -> str:
    """Return the origin that requests a replica: the parent's region in upper case, underscores for hyphens."""
    return f"{_REPLICA_ORIGIN}{parent_region.upper().replace('-', '_')}"


def parent_region_of(origin: str) -> str | None:
    """Return the region of the parent by a replica's origin; None for other origins."""
    if not origin.startswith(_REPLICA_ORIGIN):
        return None
    return origin.removeprefix(_REPLICA_ORIGIN).lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class UnknownValue:
    """A value of SES that this version does not know. ``member``: of the answer, such as "DkimAttributes.Status"."""

    member: str
    value: str

    def __str__(self) -> str:
        return f"{self.member} {self.value}"


@dataclass(frozen=True, slots=True)
class DkimFacts:
    """DkimAttributes. Key lengths in bits; None if SES has none (not Easy DKIM). ``parent_region``: of a replica.

    ``unknown``: what the other members do not say, because this version does not know it.
    """

    status: VerificationStatus
    signing_enabled: bool
    tokens: tuple[str, ...]
    signing_hosted_zone: str
    origin: SigningOrigin = SigningOrigin.EASY
    key_length: int | None = None
    next_key_length: int | None = None
    last_key_generation: datetime | None = None
    parent_region: str | None = None
    unknown: tuple[UnknownValue, ...] = ()


@dataclass(frozen=True, slots=True)
class MailFromFacts:
    """MailFromAttributes of an identity that has a custom MAIL FROM domain."""

    domain: str
    status: VerificationStatus
    behavior_on_mx_failure: str


class NotificationType(StrEnum):
    """The types of event that SES reports to an SNS topic (v1 API, SetIdentityNotificationTopic)."""

    BOUNCE = "Bounce"
    COMPLAINT = "Complaint"
    DELIVERY = "Delivery"


@dataclass(frozen=True, slots=True)
class Topic:
    """The topic of one type of notification, and whether with the headers of the mail. The defaults are those of SES."""

    arn: str | None = None
    include_headers: bool = False


Topics = Mapping[NotificationType, Topic]
"""By type; one that is absent is as ``Topic()``."""


@dataclass(frozen=True, slots=True)
class VerificationInfo:
    """Why SES has not verified: an ErrorType, and the primary name server that it saw for the zone."""

    error_type: str | None = None
    primary_name_server: str | None = None
    last_checked: datetime | None = None
    last_success: datetime | None = None


@dataclass(frozen=True, slots=True)
class IdentityFacts:
    """One identity in one region, as GetEmailIdentity answered.

    ``policies``: JSON by name, from any client. ``settings``: by key, the values that nothing but their own setting reads.
    ``topics`` None: not read. ``unknown``: as in ``DkimFacts``, of all other members.
    """

    verification_status: VerificationStatus
    dkim: DkimFacts
    mail_from: MailFromFacts | None = None
    configuration_set_name: str | None = None
    tags: Mapping[str, str] | None = None
    sending_enabled: bool = True
    verification_info: VerificationInfo = VerificationInfo()
    policies: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    topics: Topics | None = None
    type: IdentityType = IdentityType.DOMAIN
    unknown: tuple[UnknownValue, ...] = ()

    @property
    def unknown_values(self) -> tuple[UnknownValue, ...]:
        """What SES answered and this version does not know."""
        return self.unknown + self.dkim.unknown

    @property
    def verifications(self) -> frozenset[VerificationStatus]:
        """The status of all that SES verifies. DKIM does not count for an address, which shows its domain's."""
        if self.type is IdentityType.EMAIL_ADDRESS:
            return frozenset({self.verification_status})
        return frozenset({self.verification_status, self.dkim.status})


@dataclass(frozen=True, slots=True)
class ListedIdentity:
    """One identity in one region, as ListEmailIdentities answered."""

    name: str
    verification_status: VerificationStatus
    sending_enabled: bool


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """SES in one region of the account, as GetAccount answered.

    Without ``production_access`` mail goes to verified identities only. ``enforcement_status``: HEALTHY, PROBATION or
    SHUTDOWN. ``max_24_hour_send``: messages, -1 for no limit. ``max_send_rate``: messages per second.
    ``sent_last_24_hours``: messages, up to the moment of the answer. ``vdm_enabled``: True if the Virtual
    Deliverability Manager counts mail by identity.
    """

    production_access: bool
    sending_enabled: bool
    enforcement_status: str
    max_24_hour_send: float | None = None
    max_send_rate: float | None = None
    sent_last_24_hours: float | None = None
    vdm_enabled: bool = False


def signing_key_length(bits: int) -> str:
    """Return SES's name of a length of Easy DKIM's key."""
    return f"RSA_{bits}_BIT"


def identity_arn(account_id: str, region: str, identity: str, partition: str = "aws") -> str:
    """Return the ARN of an SES identity. Source: Service Authorization Reference, Amazon SES v2."""
    return f"arn:{partition}:ses:{region}:{account_id}:identity/{identity}"
