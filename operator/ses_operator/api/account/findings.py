"""The findings that an audit of an AWS account can report: one word, severity, meaning, and what to do.

The word is API: reports, status and metrics have it. docs/audit.md is generated from here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Severity(StrEnum):
    """The severity of a finding, in the words of a PolicyReport."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Scope(StrEnum):
    """The subject of a finding."""

    IDENTITY = "an identity in a region"
    ACCOUNT = "the account in a region"


class Finding(StrEnum):
    """The findings, the most severe first among those of one scope."""

    severity: Severity
    scope: Scope
    meaning: str
    remedy: str

    def __new__(cls, word: str, severity: Severity, scope: Scope, meaning: str, remedy: str) -> Self:
        """Create a member whose value is the word."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.severity = severity
        member.scope = scope
        member.meaning = meaning
        member.remedy = remedy
        return member

    VERIFICATION_FAILED = (
        "VerificationFailed",
        Severity.HIGH,
        Scope.IDENTITY,
        "SES has given up verifying it: nothing can be sent from it.",
        "publish its records and start the verification again, or delete it",
    )
    VERIFICATION_REVOKED = (
        "VerificationRevoked",
        Severity.HIGH,
        Scope.IDENTITY,
        "SES no longer sees records that it saw before (`TEMPORARY_FAILURE`): mail goes unsigned, and after 72 hours it fails.",
        "publish its DNS records again",
    )
    OPEN_SENDING_POLICY = (
        "OpenSendingPolicy",
        Severity.HIGH,
        Scope.IDENTITY,
        (
            "A sending policy allows anyone to send, or a service for all its customers, or an account that is not in "
            "`guardrails.sendingPolicies.allowedAccounts` if that is set."
        ),
        "narrow the policy, or delete it",
    )
    VERIFICATION_PENDING = (
        "VerificationPending",
        Severity.MEDIUM,
        Scope.IDENTITY,
        (
            "It has been pending for longer than `pendingLongerThan`. SES does not report since when: the time counts from "
            "what the SesIdentity reports, otherwise from the creation of the DKIM key. If neither is known, only SES sets an "
            "end: after 72 hours, for an address after 24, it fails."
        ),
        "publish its records, or follow the link in the email; or delete it",
    )
    DKIM_OFF = (
        "DKIMOff",
        Severity.MEDIUM,
        Scope.IDENTITY,
        (
            "The domain is verified, and mail from it is not signed: DKIM is switched off, was never set up, or SES does not "
            "see its key."
        ),
        "switch DKIM signing on, and publish the records of the key",
    )
    MAIL_FROM_FAILED = (
        "MailFromFailed",
        Severity.MEDIUM,
        Scope.IDENTITY,
        "SES does not see the MX record of the MAIL FROM domain, and does not look again once it has failed.",
        "publish the MX record and set the MAIL FROM domain again",
    )
    ORPHANED = (
        "Orphaned",
        Severity.MEDIUM,
        Scope.IDENTITY,
        "Its owner tag names a SesIdentity of this installation that does not exist, or that asks for something else.",
        "apply the SesIdentity again, or delete the identity at SES",
    )
    UNMANAGED = (
        "Unmanaged",
        Severity.MEDIUM,
        Scope.IDENTITY,
        "It has neither an owner tag of an operator nor any of `ownerTags`: its owner is not known.",
        "tag it with who owns it, adopt it with a SesIdentity (adoptionPolicy IfUnowned), or delete it",
    )
    NO_MAIL_FROM = (
        "NoMailFrom",
        Severity.LOW,
        Scope.IDENTITY,
        "The domain is verified and has no MAIL FROM domain of its own, so that SPF is not aligned.",
        "set a MAIL FROM domain (spec.mailFrom)",
    )
    UNUSED = (
        "Unused",
        Severity.LOW,
        Scope.IDENTITY,
        (
            "It is verified, and nothing was sent from it for `unusedForDays`, as far as the Virtual Deliverability Manager "
            "counts: mail to several recipients at once is not counted. If the manager is off, or has not counted for that "
            "long, nothing is reported."
        ),
        "ask its owner whether it is still needed; if not, delete it",
    )
    EMAIL_IDENTITY = (
        "EmailIdentity",
        Severity.LOW,
        Scope.IDENTITY,
        "It is a single address, which proves nothing about the domain and has no DKIM key of its own.",
        "verify the domain instead",
    )
    ACCOUNT_UNDER_REVIEW = (
        "AccountUnderReview",
        Severity.HIGH,
        Scope.ACCOUNT,
        "SES has the account on `PROBATION` or `SHUTDOWN` because of bounces or complaints.",
        "answer the case that AWS has opened",
    )
    SENDING_PAUSED = (
        "SendingPaused",
        Severity.HIGH,
        Scope.ACCOUNT,
        "Sending is switched off for the account: SES rejects all its mail.",
        "find out who paused it, and why; then switch it on",
    )
    SEND_QUOTA_NEAR_END = (
        "SendQuotaNearEnd",
        Severity.MEDIUM,
        Scope.ACCOUNT,
        "In the last 24 hours at least `quotaNearPercent` of the send quota was sent.",
        "ask AWS for a higher quota",
    )
    IDENTITY_QUOTA_NEAR_END = (
        "IdentityQuotaNearEnd",
        Severity.MEDIUM,
        Scope.ACCOUNT,
        "There are at least `quotaNearPercent` of the 10,000 identities that SES allows.",
        "delete unused identities, or ask AWS for a higher quota",
    )
    ACCOUNT_IN_SANDBOX = (
        "AccountInSandbox",
        Severity.LOW,
        Scope.ACCOUNT,
        "The account is in AWS's SES sandbox: it may send to verified addresses only, and few messages.",
        "ask AWS for production access, or delete unused identities there",
    )
