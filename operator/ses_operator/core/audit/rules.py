"""The rules of an audit: a chain of small ones, each of which reports a finding or nothing. All findings count.

Source of the recommendations: the guides that docs/governance.md maps to fields. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from ses_operator.api.account.audit import AuditSpec
from ses_operator.api.account.findings import Finding
from ses_operator.api.base.durations import span
from ses_operator.api.base.meta import INVENTORY
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.core.admission.open_policies import open_document
from ses_operator.core.metrics.mail_figures import SendHistory
from ses_operator.core.model.ses import AccountFacts, IdentityFacts, IdentityType, VerificationStatus
from ses_operator.core.state.inventory import Inventory

IDENTITIES_ALLOWED = 10_000
"""Identities in a region of an account (SES Developer Guide, "Service quotas")."""

MAX_MESSAGE = 500
"""Characters of a message: names and the words of a policy may be long."""


class Claim(Enum):
    """The claim to an identity, by its owner tag."""

    UNOWNED = "unowned"  # there is no owner tag
    HELD = "held"  # by a SesIdentity of this installation that wants it
    GONE = "gone"  # by one of this installation that does not exist, or wants something else
    ELSEWHERE = "elsewhere"  # another installation's, or in a namespace that is not watched


@dataclass(frozen=True, slots=True)
class Holder:
    """The holder of an identity. ``owner``: as the tag has it. ``pending_since``: as the holder's status has it."""

    claim: Claim
    owner: str = ""
    pending_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standards:
    """The standards of an audit for identities and accounts.

    ``accounts``: AWS accounts that may be allowed to send; empty: any. ``unused_days``: after so many without mail an
    identity is unused; None: that is not looked for.
    """

    owner_tags: tuple[str, ...]
    pending: timedelta
    pending_words: str
    quota_percent: int
    accounts: frozenset[str]
    unused_days: int | None = None

    @classmethod
    def of(cls, spec: AuditSpec, accounts: frozenset[str]) -> Standards:
        """Return the standards that the spec sets."""
        waits = spec.pending_longer_than
        return cls(spec.owner_tags, span(waits), waits, spec.quota_near_percent, accounts, spec.unused_for_days)


@dataclass(frozen=True, slots=True)
class AuditedIdentity:
    """An identity of a region, as it was read. ``history``: what it has sent; None if that is not known."""

    name: str
    region: str
    facts: IdentityFacts
    holder: Holder
    now: datetime
    history: SendHistory | None = None


@dataclass(frozen=True, slots=True)
class AuditedAccount:
    """The account in a region that has identities. ``identities``: how many."""

    region: str
    facts: AccountFacts
    identities: int


@dataclass(frozen=True, slots=True)
class Found:
    """One finding. ``identity`` empty: it is about the account."""

    finding: Finding
    region: str
    identity: str
    message: str
    owner: str = ""


IdentityRule = Callable[[AuditedIdentity, Standards], tuple[Finding, str] | None]
AccountRule = Callable[[AuditedAccount, Standards], tuple[Finding, str] | None]


def holder_of(tag: str, identity: SesIdentity | None, name: str, region: str) -> Holder:
    """Return the holder of an identity whose tag names ``identity``, of this installation; None: there is no such object.

    A region that has left the spec counts as wanted until the inventory shows that it has been taken back.
    """
    if identity is None or identity.spec.identity.lower() != name.lower():
        return Holder(Claim.GONE, tag)
    inventory = Inventory.decode(identity.metadata.annotations.get(INVENTORY))
    if region not in identity.spec.regions and region not in inventory.regions:
        return Holder(Claim.GONE, tag)
    known = next((status for status in identity.status.regions if status.region == region), None)
    return Holder(Claim.HELD, tag, known.pending_since if known else None)


def verification_failed(audited: AuditedIdentity, _: Standards) -> tuple[Finding, str] | None:
    """Report an identity that SES has given up verifying."""
    if audited.facts.verification_status is not VerificationStatus.FAILED:
        return None
    return Finding.VERIFICATION_FAILED, "SES has given up verifying it"


def verification_revoked(audited: AuditedIdentity, _: Standards) -> tuple[Finding, str] | None:
    """Report an identity whose records SES no longer sees."""
    if VerificationStatus.TEMPORARY_FAILURE not in audited.facts.verifications:
        return None
    return Finding.VERIFICATION_REVOKED, "SES no longer sees its DNS records"


def verification_pending(audited: AuditedIdentity, standards: Standards) -> tuple[Finding, str] | None:
    """Report an identity that has been pending for too long."""
    facts = audited.facts
    if facts.verification_status not in (VerificationStatus.PENDING, VerificationStatus.NOT_STARTED):
        return None
    since = audited.holder.pending_since or facts.dkim.last_key_generation
    if since is None or audited.now - since < standards.pending:
        return None
    return Finding.VERIFICATION_PENDING, f"it has been pending for longer than {standards.pending_words}"


def open_sending_policy(audited: AuditedIdentity, standards: Standards) -> tuple[Finding, str] | None:
    """Report a policy that lets unintended principals send."""
    fault = open_document(audited.facts.policies, standards.accounts)
    return (Finding.OPEN_SENDING_POLICY, fault) if fault else None


def dkim_off(audited: AuditedIdentity, _: Standards) -> tuple[Finding, str] | None:
    """Report a verified domain whose mail goes unsigned."""
    dkim = audited.facts.dkim
    if not _is_verified_domain(audited):
        return None
    if not dkim.signing_enabled:
        return Finding.DKIM_OFF, "DKIM signing is switched off"
    if dkim.status in (VerificationStatus.FAILED, VerificationStatus.NOT_STARTED):
        return Finding.DKIM_OFF, "SES does not see its DKIM key"
    return None


def mail_from_failed(audited: AuditedIdentity, _: Standards) -> tuple[Finding, str] | None:
    """Report a MAIL FROM domain whose MX record is missing."""
    mail_from = audited.facts.mail_from
    failed = (VerificationStatus.FAILED, VerificationStatus.TEMPORARY_FAILURE)
    if mail_from is None or mail_from.status not in failed:
        return None
    return Finding.MAIL_FROM_FAILED, f"SES does not see the MX record of {mail_from.domain}"


def orphaned(audited: AuditedIdentity, _: Standards) -> tuple[Finding, str] | None:
    """Report an identity whose owner is gone."""
    if audited.holder.claim is not Claim.GONE:
        return None
    return Finding.ORPHANED, f"its owner tag names {audited.holder.owner}, which does not ask for it"


def unmanaged(audited: AuditedIdentity, standards: Standards) -> tuple[Finding, str] | None:
    """Report an identity for which no tag names an owner."""
    tags = audited.facts.tags or {}
    if audited.holder.claim is not Claim.UNOWNED or any(tags.get(key, "").strip() for key in standards.owner_tags):
        return None
    return Finding.UNMANAGED, "no tag says who owns it"


def no_mail_from(audited: AuditedIdentity, _: Standards) -> tuple[Finding, str] | None:
    """Report a domain whose bounces go to a name of SES."""
    if not _is_verified_domain(audited) or audited.facts.mail_from is not None:
        return None
    return Finding.NO_MAIL_FROM, "it has no MAIL FROM domain of its own"


def unused(audited: AuditedIdentity, standards: Standards) -> tuple[Finding, str] | None:
    """Report an identity from which nothing is sent.

    SES does not report when it was created; a key that is younger than the window shows that the identity is, too.
    """
    facts, history = audited.facts, audited.history
    if history is None or facts.verification_status is not VerificationStatus.SUCCESS:
        return None
    if not history.is_unused(audited.name, facts.dkim.last_key_generation):
        return None
    return Finding.UNUSED, f"nothing was sent from it for {standards.unused_days} days"


def email_identity(audited: AuditedIdentity, _: Standards) -> tuple[Finding, str] | None:
    """Report an identity that is a single address."""
    if audited.facts.type is not IdentityType.EMAIL_ADDRESS:
        return None
    return Finding.EMAIL_IDENTITY, "it is a single address"


def account_under_review(audited: AuditedAccount, _: Standards) -> tuple[Finding, str] | None:
    """Report an account that SES restricts."""
    status = audited.facts.enforcement_status
    return None if status == "HEALTHY" else (Finding.ACCOUNT_UNDER_REVIEW, f"SES has the account on {status}")


def sending_paused(audited: AuditedAccount, _: Standards) -> tuple[Finding, str] | None:
    """Report an account that cannot send."""
    return None if audited.facts.sending_enabled else (Finding.SENDING_PAUSED, "sending is switched off")


def send_quota_near_end(audited: AuditedAccount, standards: Standards) -> tuple[Finding, str] | None:
    """Report a send quota that is nearly used up."""
    sent, most = audited.facts.sent_last_24_hours, audited.facts.max_24_hour_send
    # SES writes -1 for no limit (API reference, SendQuota).
    if sent is None or most is None or most <= 0 or sent < most * standards.quota_percent / 100:
        return None
    return Finding.SEND_QUOTA_NEAR_END, f"at least {standards.quota_percent} % of {most:,.0f} messages a day were sent"


def identity_quota_near_end(audited: AuditedAccount, standards: Standards) -> tuple[Finding, str] | None:
    """Report that the number of identities is near the limit of SES."""
    if audited.identities < IDENTITIES_ALLOWED * standards.quota_percent / 100:
        return None
    return (
        Finding.IDENTITY_QUOTA_NEAR_END,
        f"at least {standards.quota_percent} % of {IDENTITIES_ALLOWED:,} identities are there",
    )


def account_in_sandbox(audited: AuditedAccount, _: Standards) -> tuple[Finding, str] | None:
    """Report an account without production access."""
    return None if audited.facts.production_access else (Finding.ACCOUNT_IN_SANDBOX, "it has no production access")


IDENTITY_RULES: tuple[IdentityRule, ...] = (
    verification_failed,
    verification_revoked,
    open_sending_policy,
    verification_pending,
    dkim_off,
    mail_from_failed,
    orphaned,
    unmanaged,
    no_mail_from,
    unused,
    email_identity,
)
ACCOUNT_RULES: tuple[AccountRule, ...] = (
    account_under_review,
    sending_paused,
    send_quota_near_end,
    identity_quota_near_end,
    account_in_sandbox,
)


def identity_findings(audited: AuditedIdentity, standards: Standards) -> tuple[Found, ...]:
    """Return all findings of an identity, the most severe first."""
    found = (rule(audited, standards) for rule in IDENTITY_RULES)
    return tuple(
        Found(
            each[0],
            audited.region,
            audited.name,
            _message(f"{audited.name} in {audited.region}", *each),
            audited.holder.owner,
        )
        for each in found
        if each is not None
    )


def account_findings(audited: AuditedAccount, standards: Standards) -> tuple[Found, ...]:
    """Return all findings of the account in a region, the most severe first."""
    found = (rule(audited, standards) for rule in ACCOUNT_RULES)
    return tuple(
        Found(each[0], audited.region, "", _message(audited.region, *each)) for each in found if each is not None
    )


def _message(where: str, finding: Finding, what: str) -> str:
    """Return what is wrong and what to do; the same from run to run while nothing changes."""
    room = MAX_MESSAGE - len(where) - len(finding.remedy) - 5
    return f"{where}: {what[:room]}; {finding.remedy}"


def _is_verified_domain(audited: AuditedIdentity) -> bool:
    facts = audited.facts
    return facts.type is IdentityType.DOMAIN and facts.verification_status is VerificationStatus.SUCCESS
