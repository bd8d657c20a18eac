"""How the state of something that SES looks up in DNS moves: pure, on the simulated clock.

Sources: DkimAttributes.Status, MailFromAttributes.MailFromDomainStatus and VerificationInfo in the SESv2 API reference; Developer
Guide, "Verified identities" (72 hours) and "Troubleshooting DKIM" (revocation).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

DETECTION_PERIOD = timedelta(hours=72)
"""How long SES looks for records before it gives up, at first and after they vanished."""

LINK_LIFETIME = timedelta(hours=24)
"""How long the link in a verification email works."""


class Status(StrEnum):
    """VerificationStatus, DkimStatus and MailFromDomainStatus."""

    NOT_STARTED = "NOT_STARTED"
    PENDING = "PENDING"
    SUCCESS = "SUCCESS"
    TEMPORARY_FAILURE = "TEMPORARY_FAILURE"
    FAILED = "FAILED"


class VerificationError(StrEnum):
    """VerificationInfo.ErrorType."""

    SERVICE_ERROR = "SERVICE_ERROR"
    DNS_SERVER_ERROR = "DNS_SERVER_ERROR"
    HOST_NOT_FOUND = "HOST_NOT_FOUND"
    TYPE_NOT_FOUND = "TYPE_NOT_FOUND"
    INVALID_VALUE = "INVALID_VALUE"
    REPLICATION_ACCESS_DENIED = "REPLICATION_ACCESS_DENIED"
    REPLICATION_PRIMARY_NOT_FOUND = "REPLICATION_PRIMARY_NOT_FOUND"
    REPLICATION_PRIMARY_BYO_DKIM_NOT_SUPPORTED = "REPLICATION_PRIMARY_BYO_DKIM_NOT_SUPPORTED"
    REPLICATION_REPLICA_AS_PRIMARY_NOT_SUPPORTED = "REPLICATION_REPLICA_AS_PRIMARY_NOT_SUPPORTED"
    REPLICATION_PRIMARY_INVALID_REGION = "REPLICATION_PRIMARY_INVALID_REGION"


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of one thing that is verified. ``since``: when it came into its present status."""

    status: Status
    since: datetime

    @property
    def is_watched(self) -> bool:
        """True while SES still looks: not before it was started, and not after it failed."""
        return self.status not in (Status.NOT_STARTED, Status.FAILED)

    @property
    def deadline(self) -> datetime | None:
        """When it fails unless the records are seen; None if it cannot."""
        if self.status in (Status.PENDING, Status.TEMPORARY_FAILURE):
            return self.since + DETECTION_PERIOD
        return None


def not_started(now: datetime) -> Progress:
    """Return the state before anything was requested."""
    return Progress(Status.NOT_STARTED, now)


def started(now: datetime) -> Progress:
    """Return the state in which SES begins to look for the records."""
    return Progress(Status.PENDING, now)


def after_check(progress: Progress, *, found: bool, now: datetime) -> Progress:
    """Return the next state after SES looked the records up.

    Found: SUCCESS. Not found: what was verified becomes TEMPORARY_FAILURE; what has been looked for during 72 hours
    FAILED. What is NOT_STARTED or FAILED stays so, whatever DNS says: it has to be started again.
    """
    if not progress.is_watched:
        return progress
    if found:
        return progress if progress.status is Status.SUCCESS else Progress(Status.SUCCESS, now)
    if progress.status is Status.SUCCESS:
        return Progress(Status.TEMPORARY_FAILURE, now)
    deadline = progress.deadline
    if deadline is not None and now >= deadline:
        return Progress(Status.FAILED, now)
    return progress


def after_link_expiry(progress: Progress, now: datetime) -> Progress:
    """Return the next state of an address whose link may have expired."""
    if progress.status is Status.PENDING and now >= progress.since + LINK_LIFETIME:
        return Progress(Status.FAILED, progress.since + LINK_LIFETIME)
    return progress


def verified(progress: Progress, now: datetime) -> Progress:
    """Return the next state after the owner of an address followed the link."""
    return progress if progress.status is Status.SUCCESS else Progress(Status.SUCCESS, now)


@dataclass(frozen=True, slots=True)
class DomainProgress:
    """VerificationStatus and DkimStatus of a domain, which DKIM records move together, and the ways they part.

    A changed key length or signing method sets DKIM alone to PENDING; while that lasts, a missing record does not touch the
    verification of the domain, which follows only when DKIM failed.
    """

    verification: Progress
    dkim: Progress


def after_domain_check(progress: DomainProgress, *, dkim_found: bool, txt_found: bool, now: datetime) -> DomainProgress:
    """Return the next state after DKIM records, and for v1's VerifyDomainIdentity the TXT record, were looked up."""
    dkim = after_check(progress.dkim, found=dkim_found, now=now)
    proven = (dkim_found and dkim.status is Status.SUCCESS) or txt_found
    tolerated = progress.verification.status is Status.SUCCESS and dkim.status is Status.PENDING
    if tolerated and not proven:
        return replace(progress, dkim=dkim)
    return DomainProgress(after_check(progress.verification, found=proven, now=now), dkim)
