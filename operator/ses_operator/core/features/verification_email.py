"""The emails that verify an address: when one is due, how many were sent, what is waited for. Pure.

SES sends the first when the identity is created. The link in it works for 24 hours; then SES reports FAILED, and does
nothing more by itself. Sources: SES Developer Guide, "Verifying an email address identity" and "Using custom
verification email templates"; API reference, VerifyEmailIdentity and SendCustomVerificationEmail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from ses_operator.api.base.meta import OWNER_TAG, RECONCILE_REQUESTED_AT
from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import IdentityFacts, VerificationStatus
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Absent, Observed, Present, RegionView, Remembered
from ses_operator.core.state.steps import SendVerificationEmail, SesStep

LIFETIME = timedelta(hours=24)
"""How long the link in an email works."""

MAX_EMAILS = 3
"""Emails that are sent without a request: a recipient that does not answer three does not want more."""

STALENESS = timedelta(hours=1)
"""How long after a repeated email SES may still report the end of the one before."""


def emails_due(
    desired: Desired, region: str, facts: IdentityFacts, observed: Observed, now: datetime
) -> Iterable[SesStep]:
    """Yield another email, if the one before has expired and the limit is not reached."""
    if not desired.is_address or facts.verification_status is VerificationStatus.SUCCESS:
        return
    if _has_expired(region, observed, now) and _may_send(region, observed):
        yield SendVerificationEmail(region, desired.identity, desired.verification_template)


def is_invited(desired: Desired, region: str, observed: Observed, now: datetime) -> bool:
    """Return True while an email with a template is pending, though SES shows no identity, or if the limit is reached.

    The API reference says that the address becomes an identity at once, the Developer Guide (questions about custom
    verification emails, Q3) that it does when the link is followed: neither is relied on.
    """
    known = observed.remembered.get(region, Remembered())
    if desired.verification_template is None or known.emailed_at is None:
        return False
    return now - known.emailed_at < LIFETIME or not _may_send(region, observed)


def awaited_click(desired: Desired, region: str, observed: Observed, now: datetime) -> Problem | None:
    """Return what an address waits for, and who can do what. Status has its times: a message is the same from run to run."""
    if not desired.is_address:
        return None
    view, known = observed.regions.get(region), observed.remembered.get(region, Remembered())
    if isinstance(view, Present) and view.facts.verification_status is VerificationStatus.SUCCESS:
        return None
    if _has_expired(region, observed, now) and not _may_send(region, observed):
        return Problem(
            Reason.VERIFICATION_EMAIL_EXPIRED,
            f"{known.emails} verification emails were sent to {desired.identity}, but the link was not followed within 24 hours "
            "in any of them. Check that the address is right and receives mail, in the junk folder too; then set the "
            f"annotation {RECONCILE_REQUESTED_AT} to a new value to have one more sent",
            LIFETIME.total_seconds(),
            region,
        )
    since = _sent_at(known) or now
    return Problem(
        Reason.WAITING_FOR_CLICK,
        f"SES has sent an email to {desired.identity}. Follow the link in it within 24 hours, and look in the junk "
        "folder too. Each region sends an email of its own",
        max((since + LIFETIME - now).total_seconds(), 60.0),
        region,
    )


def invited(desired: Desired, views: Mapping[str, RegionView], before: Inventory) -> frozenset[str]:
    """Return the regions whose identity may be the object's without an owner tag: SendCustomVerificationEmail sets no tags."""
    if desired.verification_template is None:
        return frozenset()
    return frozenset(
        region
        for region in desired.regions
        if isinstance(views.get(region), Absent) or (region in before.invited and not _is_tagged(views.get(region)))
    )


def _has_expired(region: str, observed: Observed, now: datetime) -> bool:
    """Return True if the link that was sent last no longer works. One of which nothing is known is assumed to be fresh."""
    view, known = observed.regions.get(region), observed.remembered.get(region, Remembered())
    since = _sent_at(known)
    if isinstance(view, Present) and view.facts.verification_status is VerificationStatus.FAILED:
        return known.emails <= 1 or since is None or now - since >= STALENESS
    return since is not None and now - since >= LIFETIME


def _may_send(region: str, observed: Observed) -> bool:
    """Return True if the limit is not reached: a person who requests a reconcile gets one more."""
    return observed.remembered.get(region, Remembered()).emails < MAX_EMAILS or observed.is_requested


def _sent_at(known: Remembered) -> datetime | None:
    return known.emailed_at or known.pending_since


def _is_tagged(view: RegionView | None) -> bool:
    return isinstance(view, Present) and OWNER_TAG in (view.facts.tags or {})
