"""The state of SES: identities, configuration sets and settings of one account in one region.

The state is changed in place, under the lock of the store.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ses_sandbox.regions import default_signing_hosted_zone, identity_arn
from ses_sandbox.ses.state.keylength import SigningKey
from ses_sandbox.ses.state.mail_counts import MailCounts
from ses_sandbox.ses.state.verification import Progress, Status, VerificationError

EASY = "AWS_SES"
EXTERNAL = "EXTERNAL"
DEED_PREFIX = "AWS_SES_"
MAX_IDENTITIES = 10_000
MAX_CONFIGURATION_SETS = 10_000
MAX_TEMPLATES = 50


class IdentityType(StrEnum):
    """The types of identity."""

    DOMAIN = "DOMAIN"
    EMAIL_ADDRESS = "EMAIL_ADDRESS"


class MxFailure(StrEnum):
    """BehaviorOnMxFailure."""

    USE_DEFAULT_VALUE = "USE_DEFAULT_VALUE"
    REJECT_MESSAGE = "REJECT_MESSAGE"


@dataclass(frozen=True, slots=True)
class SoaRecord:
    """The SOA that SES saw while it looked records up."""

    primary_name_server: str
    admin_email: str
    serial: int


@dataclass(frozen=True, slots=True)
class VerificationInfo:
    """The results of the last checks; all None before the first."""

    checked_at: datetime | None = None
    succeeded_at: datetime | None = None
    error: VerificationError | None = None
    soa: SoaRecord | None = None


@dataclass(frozen=True, slots=True)
class BringYourOwnKey:
    """BYODKIM: the selector, and the public half of the key as it must be in ``p=``."""

    selector: str
    public_key: str


@dataclass(slots=True)
class Dkim:
    """DKIM of a domain. ``origin``: AWS_SES, EXTERNAL, or AWS_SES_<REGION> for a DEED replica."""

    origin: str
    progress: Progress
    signing_enabled: bool
    tokens: tuple[str, ...]
    key: SigningKey | None = None
    own_key: BringYourOwnKey | None = None
    hosted_zone: str | None = None
    replication_allowed: bool = True

    @property
    def parent_region(self) -> str | None:
        """The region of the parent of a DEED replica; None if the key is the identity's own."""
        if not self.origin.startswith(DEED_PREFIX):
            return None
        return self.origin.removeprefix(DEED_PREFIX).lower().replace("_", "-")


@dataclass(slots=True)
class MailFrom:
    """The custom MAIL FROM domain."""

    domain: str
    behavior: MxFailure
    progress: Progress


@dataclass(slots=True)
class Notifications:
    """The settings of v1 about notifications: SNS topics and headers by notification type (Bounce, Complaint, Delivery)."""

    topics: dict[str, str] = field(default_factory=dict)
    headers: dict[str, bool] = field(default_factory=dict)


@dataclass(slots=True)
class Identity:
    """An email identity.

    ``settings``: what was put of ``identity_settings.SETTINGS``, by member of GetEmailIdentity.
    ``txt_token``: set if v1 VerifyDomainIdentity requested a TXT record. ``sending_enabled``: False if AWS has stopped its mail.
    """

    name: str
    type: IdentityType
    account: str
    region: str
    created_at: datetime
    verification: Progress
    info: VerificationInfo = field(default_factory=VerificationInfo)
    dkim: Dkim | None = None
    mail_from: MailFrom | None = None
    tags: dict[str, str] = field(default_factory=dict)
    policies: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    notifications: Notifications = field(default_factory=Notifications)
    txt_token: str | None = None
    next_check_at: datetime | None = None
    sending_enabled: bool = True

    @property
    def arn(self) -> str:
        """Its ARN."""
        return identity_arn(self.account, self.region, self.name)

    @property
    def domain(self) -> str:
        """The domain, or the domain part of the address; lower case."""
        return self.name.rpartition("@")[2].lower()

    @property
    def may_send(self) -> bool:
        """True if mail may be sent from it by its own verification, also while that is in doubt (TEMPORARY_FAILURE)."""
        return self.sending_enabled and self.verification.status in (Status.SUCCESS, Status.TEMPORARY_FAILURE)


@dataclass(slots=True)
class ConfigurationSet:
    """A configuration set: ``options`` as they were given (TrackingOptions, SendingOptions, …)."""

    name: str
    options: dict[str, Any]
    tags: dict[str, str]


@dataclass(slots=True)
class VerificationTemplate:
    """A custom verification email template: ``fields`` by the names of the API (FromEmailAddress, TemplateSubject, …)."""

    name: str
    fields: dict[str, str]
    tags: dict[str, str]


@dataclass(slots=True)
class Tenant:
    """A tenant. ``resources``: the ARNs that are associated with it, and since when."""

    name: str
    id: str
    arn: str
    created_at: datetime
    tags: dict[str, str]
    resources: dict[str, datetime] = field(default_factory=dict)


@dataclass(slots=True)
class AccountSettings:
    """The settings that GetAccount reports.

    New accounts are in the SES sandbox: 200 messages a day, one a second, verified recipients. ``opted_in``: True if
    the account has the region enabled at all. ``vdm``: VdmAttributes as they were put.
    """

    opted_in: bool = True
    production_access: bool = False
    sending_enabled: bool = True
    enforcement: str = "HEALTHY"
    max_24_hour_send: float = 200.0
    max_send_rate: float = 1.0
    details: dict[str, Any] | None = None
    max_identities: int = MAX_IDENTITIES
    vdm: dict[str, Any] = field(default_factory=lambda: {"VdmEnabled": "DISABLED"})

    @property
    def vdm_enabled(self) -> bool:
        """True if the Virtual Deliverability Manager counts mail."""
        return bool(self.vdm["VdmEnabled"] == "ENABLED")


@dataclass(slots=True)
class RegionState:
    """SES of one account in one region."""

    account: str
    region: str
    identities: dict[str, Identity] = field(default_factory=dict)
    configuration_sets: dict[str, ConfigurationSet] = field(default_factory=dict)
    templates: dict[str, VerificationTemplate] = field(default_factory=dict)
    tenants: dict[str, Tenant] = field(default_factory=dict)
    settings: AccountSettings = field(default_factory=AccountSettings)
    sent: deque[datetime] = field(default_factory=deque)
    mail: MailCounts = field(default_factory=MailCounts)
    signing_hosted_zone: str = ""
    _sorted: list[str] | None = None

    def __post_init__(self) -> None:
        self.signing_hosted_zone = self.signing_hosted_zone or default_signing_hosted_zone(self.region)

    def find(self, name: str) -> Identity | None:
        """Return an identity by name: domains without regard to case, addresses exactly."""
        return self.identities.get(identity_key(name))

    def add(self, identity: Identity) -> None:
        """Add or replace an identity."""
        self.identities[identity_key(identity.name)] = identity
        self._sorted = None

    def has_tenants(self, arn: str) -> bool:
        """Return True if a resource is associated with any tenant."""
        return any(arn in tenant.resources for tenant in self.tenants.values())

    def remove(self, identity: Identity) -> None:
        """Remove an existing identity."""
        del self.identities[identity_key(identity.name)]
        self._sorted = None

    def sorted_names(self) -> list[str]:
        """Return all names in order, for pages; not to be changed."""
        if self._sorted is None:
            self._sorted = sorted(self.identities)
        return self._sorted

    def covering(self, name: str) -> Iterator[Identity]:
        """Return the identities that cover an address or domain, the most specific first: address, domain, parent domains."""
        if "@" in name and (own := self.identities.get(name)):
            yield own
        labels = name.rpartition("@")[2].lower().split(".")
        for start in range(len(labels) - 1):
            if found := self.identities.get(".".join(labels[start:])):
                yield found

    def may_send_as(self, name: str) -> bool:
        """Return True if an address or domain, or a domain above it, is verified, and AWS has not stopped its own mail."""
        own = self.find(name)
        return (own is None or own.sending_enabled) and any(identity.may_send for identity in self.covering(name))


def identity_key(name: str) -> str:
    """Return the key of an identity: addresses are case-sensitive as a whole, domains are not (Developer Guide)."""
    return name if "@" in name else name.lower()
