"""The external writes that a plan consists of: values that can be compared, printed and carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ses_operator.core.model.dkim_source import EasyDkim, GivenDkim, NoDkim, OwnKey, ReplicaDkim
from ses_operator.core.model.keys import Owner
from ses_operator.core.model.records import RecordSet
from ses_operator.core.model.ses import NotificationType


class Surplus(StrEnum):
    """What becomes of records of ours that are not among the wanted."""

    REMOVE = "Remove"
    RELEASE = "Release"  # it stays in DNS, and is no longer ours
    KEEP = "Keep"  # it stays, and stays ours


@dataclass(frozen=True, slots=True)
class CreateIdentity:
    """CreateEmailIdentity with DKIM, tags and the default configuration set in one call."""

    region: str
    identity: str
    dkim: GivenDkim
    tags: Mapping[str, str] = field(default_factory=dict)
    configuration_set_name: str | None = None

    @property
    def is_address(self) -> bool:
        """Whether SES sends a verification email by this call."""
        return isinstance(self.dkim, NoDkim)

    def __str__(self) -> str:
        parent = f" as a replica of the one in {self.dkim.parent_region}" if isinstance(self.dkim, ReplicaDkim) else ""
        return f"create the identity {self.identity} in {self.region}{parent}"


@dataclass(frozen=True, slots=True)
class SetSigningEnabled:
    """PutEmailIdentityDkimAttributes."""

    region: str
    identity: str
    enabled: bool

    def __str__(self) -> str:
        return f"switch DKIM signing {'on' if self.enabled else 'off'} in {self.region}"


@dataclass(frozen=True, slots=True)
class SetKeyLength:
    """PutEmailIdentityDkimSigningAttributes with another NextSigningKeyLength, in bits."""

    region: str
    identity: str
    key_length: int

    def __str__(self) -> str:
        return f"change the DKIM key to {self.key_length} bits in {self.region}"


@dataclass(frozen=True, slots=True)
class SetDkimSource:
    """PutEmailIdentityDkimSigningAttributes with another origin of the key, or another key of the customer's."""

    region: str
    identity: str
    dkim: EasyDkim | OwnKey

    def __str__(self) -> str:
        match self.dkim:
            case OwnKey(selector):
                return f"sign with the DKIM key of the selector {selector} in {self.region}"
            case EasyDkim():
                return f"switch to Easy DKIM in {self.region}"


@dataclass(frozen=True, slots=True)
class RestartVerification:
    """PutEmailIdentityDkimSigningAttributes with the origin alone: SES looks for the records again after FAILED."""

    region: str
    identity: str

    def __str__(self) -> str:
        return f"ask SES in {self.region} to verify {self.identity} again"


@dataclass(frozen=True, slots=True)
class SendVerificationEmail:
    """SendCustomVerificationEmail with the template of this name at SES, or VerifyEmailIdentity (v1) without one.

    Where the address is no identity yet, it becomes one, without tags.
    """

    region: str
    identity: str
    template: str | None

    def __str__(self) -> str:
        return f"send a verification email to {self.identity} from {self.region}"


@dataclass(frozen=True, slots=True)
class SetMailFrom:
    """PutEmailIdentityMailFromAttributes; ``domain`` None takes the custom MAIL FROM domain away."""

    region: str
    identity: str
    domain: str | None
    behavior_on_mx_failure: str

    def __str__(self) -> str:
        if self.domain is None:
            return f"remove the MAIL FROM domain in {self.region}"
        return f"set the MAIL FROM domain {self.domain} in {self.region}"


@dataclass(frozen=True, slots=True)
class SetConfigurationSet:
    """PutEmailIdentityConfigurationSetAttributes; None takes the default configuration set away."""

    region: str
    identity: str
    name: str | None

    def __str__(self) -> str:
        if self.name is None:
            return f"remove the default configuration set in {self.region}"
        return f"set the default configuration set {self.name} in {self.region}"


@dataclass(frozen=True, slots=True)
class SetFeedbackForwarding:
    """PutEmailIdentityFeedbackAttributes."""

    region: str
    identity: str
    enabled: bool

    def __str__(self) -> str:
        return f"switch the forwarding of bounces and complaints {'on' if self.enabled else 'off'} in {self.region}"


@dataclass(frozen=True, slots=True)
class SetTopic:
    """SetIdentityNotificationTopic (v1); None takes the topic away."""

    region: str
    identity: str
    kind: NotificationType
    arn: str | None

    def __str__(self) -> str:
        if self.arn is None:
            return f"remove the SNS topic for {self.kind} notifications in {self.region}"
        return f"set the SNS topic {self.arn} for {self.kind} notifications in {self.region}"


@dataclass(frozen=True, slots=True)
class SetTopicHeaders:
    """SetIdentityHeadersInNotificationsEnabled (v1)."""

    region: str
    identity: str
    kind: NotificationType
    enabled: bool

    def __str__(self) -> str:
        return f"switch headers in {self.kind} notifications {'on' if self.enabled else 'off'} in {self.region}"


@dataclass(frozen=True, slots=True)
class TagIdentity:
    """TagResource: adds these tags or changes their values."""

    region: str
    identity: str
    tags: Mapping[str, str]

    def __str__(self) -> str:
        return f"set the tags {', '.join(sorted(self.tags))} in {self.region}"


@dataclass(frozen=True, slots=True)
class UntagIdentity:
    """UntagResource."""

    region: str
    identity: str
    keys: tuple[str, ...]

    def __str__(self) -> str:
        return f"remove the tags {', '.join(self.keys)} in {self.region}"


@dataclass(frozen=True, slots=True)
class CreatePolicy:
    """CreateEmailIdentityPolicy. ``document`` is JSON."""

    region: str
    identity: str
    name: str
    document: str

    def __str__(self) -> str:
        return f"set the policy {self.name} in {self.region}"


@dataclass(frozen=True, slots=True)
class UpdatePolicy:
    """UpdateEmailIdentityPolicy: another document for a policy of ours. ``document`` is JSON."""

    region: str
    identity: str
    name: str
    document: str

    def __str__(self) -> str:
        return f"change the policy {self.name} in {self.region}"


@dataclass(frozen=True, slots=True)
class DeletePolicy:
    """DeleteEmailIdentityPolicy."""

    region: str
    identity: str
    name: str

    def __str__(self) -> str:
        return f"remove the policy {self.name} in {self.region}"


@dataclass(frozen=True, slots=True)
class DeleteIdentity:
    """DeleteEmailIdentity."""

    region: str
    identity: str

    def __str__(self) -> str:
        return f"delete the identity {self.identity} in {self.region}"


@dataclass(frozen=True, slots=True)
class PublishRecords:
    """Make the zone, or the DNSEndpoint, hold these record sets of ours.

    What is ours and not among them goes only under ``Surplus.REMOVE``: while a region cannot be read, its records are
    not known, and what looks superfluous may be needed.
    """

    records: tuple[RecordSet, ...]
    surplus: Surplus

    def __str__(self) -> str:
        return f"publish {len(self.records)} DNS record sets"


@dataclass(frozen=True, slots=True)
class WithdrawRecords:
    """Remove every record set that the ledger says is ours, and the ledger."""

    def __str__(self) -> str:
        return "remove the DNS records"


@dataclass(frozen=True, slots=True)
class HandOverRecords:
    """Write another owner's name on what says whose the records are; they stay as they are."""

    new_owner: Owner

    def __str__(self) -> str:
        return f"hand the DNS records over to {self.new_owner}"


@dataclass(frozen=True, slots=True)
class ReleaseRecords:
    """Remove the ledger alone: the records stay where they are and are nobody's."""

    def __str__(self) -> str:
        return "leave the DNS records and let go of them"


SesStep = (
    CreateIdentity
    | SetSigningEnabled
    | SetKeyLength
    | SetDkimSource
    | RestartVerification
    | SendVerificationEmail
    | SetMailFrom
    | SetConfigurationSet
    | SetFeedbackForwarding
    | SetTopic
    | SetTopicHeaders
    | TagIdentity
    | UntagIdentity
    | CreatePolicy
    | UpdatePolicy
    | DeletePolicy
    | DeleteIdentity
)
DnsStep = PublishRecords | WithdrawRecords | ReleaseRecords | HandOverRecords
Step = SesStep | DnsStep
