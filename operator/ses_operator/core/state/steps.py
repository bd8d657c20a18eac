"""The external writes of a plan: values that can be compared, printed and carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from ses_operator.core.model.dkim_source import EasyDkim, GivenDkim, NoDkim, OwnKey, ReplicaDkim
from ses_operator.core.model.keys import Owner
from ses_operator.core.model.records import RecordSet
from ses_operator.core.state.setting import Call, Setting


class Surplus(StrEnum):
    """The treatment of owned records that are not among the wanted."""

    REMOVE = "Remove"
    RELEASE = "Release"  # it stays in DNS, and is no longer owned
    KEEP = "Keep"  # it stays, and stays owned


@dataclass(frozen=True, slots=True)
class _AtSes:
    """A write to one identity in one region. Of the steps of a region, each has a key of its own."""

    KEY: ClassVar[str] = ""

    region: str
    identity: str

    @property
    def key(self) -> str:
        """The key that the step is remembered by: stable, whatever its words are."""
        return self.KEY

    @property
    def action(self) -> str:
        """The step, in one word."""
        return type(self).__name__

    @property
    def after(self) -> tuple[str, ...]:
        """Return the keys of steps that have to succeed before it, where they are to be taken at all."""
        return ()


@dataclass(frozen=True, slots=True)
class CreateIdentity(_AtSes):
    """CreateEmailIdentity with DKIM, tags and the default configuration set in one call."""

    KEY = "create"

    dkim: GivenDkim
    tags: Mapping[str, str] = field(default_factory=dict)
    configuration_set_name: str | None = None

    @property
    def is_address(self) -> bool:
        """True if SES sends a verification email by this call."""
        return isinstance(self.dkim, NoDkim)

    def __str__(self) -> str:
        parent = f" as a replica of the one in {self.dkim.parent_region}" if isinstance(self.dkim, ReplicaDkim) else ""
        return f"create the identity {self.identity} in {self.region}{parent}"


@dataclass(frozen=True, slots=True)
class PutSetting(_AtSes):
    """Give a setting this value."""

    setting: Setting[Any]
    value: Any

    @property
    def key(self) -> str:
        """The key of the setting."""
        return self.setting.key

    @property
    def action(self) -> str:
        """The step, in one word."""
        kind = self.setting.key.partition(":")[0]
        return f"Set{kind.title().replace('-', '')}"

    @property
    def after(self) -> tuple[str, ...]:
        """The keys of the settings that have to be set before."""
        return self.setting.after

    @property
    def call(self) -> Call:
        """The request of this step."""
        return self.setting.call(self.identity, self.value)

    def __str__(self) -> str:
        return f"{self.setting.words(self.value)} in {self.region}"


@dataclass(frozen=True, slots=True)
class SetDkimSource(_AtSes):
    """PutEmailIdentityDkimSigningAttributes with another origin of the key, or another key of the customer's."""

    KEY = "dkim-source"

    dkim: EasyDkim | OwnKey

    def __str__(self) -> str:
        match self.dkim:
            case OwnKey(selector):
                return f"sign with the DKIM key of the selector {selector} in {self.region}"
            case EasyDkim():
                return f"switch to Easy DKIM in {self.region}"


@dataclass(frozen=True, slots=True)
class RestartVerification(_AtSes):
    """PutEmailIdentityDkimSigningAttributes with the origin alone: SES looks for the records again after FAILED."""

    KEY = "restart"

    def __str__(self) -> str:
        return f"ask SES in {self.region} to verify {self.identity} again"


@dataclass(frozen=True, slots=True)
class SendVerificationEmail(_AtSes):
    """SendCustomVerificationEmail with the template of this name at SES, or VerifyEmailIdentity (v1) without one.

    If the address is no identity yet, it becomes one, without tags.
    """

    KEY = "email"

    template: str | None

    def __str__(self) -> str:
        return f"send a verification email to {self.identity} from {self.region}"


@dataclass(frozen=True, slots=True)
class TagIdentity(_AtSes):
    """TagResource: adds these tags or changes their values."""

    KEY = "tags"

    tags: Mapping[str, str]

    def __str__(self) -> str:
        return f"set the tags {', '.join(sorted(self.tags))} in {self.region}"


@dataclass(frozen=True, slots=True)
class UntagIdentity(_AtSes):
    """UntagResource."""

    KEY = "untag"

    keys: tuple[str, ...]

    def __str__(self) -> str:
        return f"remove the tags {', '.join(self.keys)} in {self.region}"


def policy_key(name: str) -> str:
    """Return the key of a step that is about this policy."""
    return f"policy:{name}"


@dataclass(frozen=True, slots=True)
class _OfPolicy(_AtSes):
    name: str

    @property
    def key(self) -> str:
        """The key of the policy."""
        return policy_key(self.name)


@dataclass(frozen=True, slots=True)
class WithdrawRights(_OfPolicy):
    """UpdateEmailIdentityPolicy that only takes permissions away, or DeleteEmailIdentityPolicy if ``document`` (JSON) is None.

    It comes before a change that grants permissions too: whatever SES answers to that one, these are gone.
    """

    document: str | None

    @property
    def key(self) -> str:
        """A key of its own, beside that of the policy."""
        return f"withdraw:{self.name}"

    def __str__(self) -> str:
        return f"take the rights of those who are no longer named out of the policy {self.name} in {self.region}"


@dataclass(frozen=True, slots=True)
class CreatePolicy(_OfPolicy):
    """CreateEmailIdentityPolicy. ``document`` is JSON."""

    document: str

    @property
    def after(self) -> tuple[str, ...]:
        """The step that takes permissions of the same policy away."""
        return (f"withdraw:{self.name}",)

    def __str__(self) -> str:
        return f"set the policy {self.name} in {self.region}"


@dataclass(frozen=True, slots=True)
class UpdatePolicy(_OfPolicy):
    """UpdateEmailIdentityPolicy: another document for an owned policy. ``document`` is JSON."""

    document: str

    def __str__(self) -> str:
        return f"change the policy {self.name} in {self.region}"


@dataclass(frozen=True, slots=True)
class DeletePolicy(_OfPolicy):
    """DeleteEmailIdentityPolicy."""

    def __str__(self) -> str:
        return f"remove the policy {self.name} in {self.region}"


@dataclass(frozen=True, slots=True)
class DeleteIdentity(_AtSes):
    """DeleteEmailIdentity."""

    KEY = "delete"

    def __str__(self) -> str:
        return f"delete the identity {self.identity} in {self.region}"


@dataclass(frozen=True, slots=True)
class PublishRecords:
    """Make the zone, or the DNSEndpoint, hold these record sets.

    Owned ones that are not among them are deleted only under ``Surplus.REMOVE``: while a region cannot be read, its
    records are not known, and what looks superfluous may be needed.
    """

    key: ClassVar[str] = "publish"

    records: tuple[RecordSet, ...]
    surplus: Surplus

    def __str__(self) -> str:
        return f"publish {len(self.records)} DNS record sets"


@dataclass(frozen=True, slots=True)
class WithdrawRecords:
    """Remove every record set that the ledger names, and the ledger."""

    key: ClassVar[str] = "withdraw"

    def __str__(self) -> str:
        return "remove the DNS records"


@dataclass(frozen=True, slots=True)
class HandOverRecords:
    """Write another owner's name into the ledger; the records stay as they are."""

    key: ClassVar[str] = "hand-over"

    new_owner: Owner

    def __str__(self) -> str:
        return f"hand the DNS records over to {self.new_owner}"


@dataclass(frozen=True, slots=True)
class ReleaseRecords:
    """Remove the ledger alone: the records are kept and have no owner."""

    key: ClassVar[str] = "release"

    def __str__(self) -> str:
        return "leave the DNS records and let go of them"


Correction = (
    PutSetting
    | SetDkimSource
    | RestartVerification
    | SendVerificationEmail
    | TagIdentity
    | UntagIdentity
    | WithdrawRights
    | CreatePolicy
    | UpdatePolicy
    | DeletePolicy
)
"""A write to an identity that exists, after which it exists."""

Change = Correction | DeleteIdentity
"""A write to an identity that exists: see ``SesRegion.change``."""

SesStep = CreateIdentity | Change
DnsStep = PublishRecords | WithdrawRecords | ReleaseRecords | HandOverRecords
Step = SesStep | DnsStep
