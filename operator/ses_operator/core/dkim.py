"""DKIM of one identity in one region: what stands in the way, what is to be done at SES, which records are needed. Pure.

Every decision that depends on where the key comes from is made here, by ``desired.dkim_in``.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ses_operator.api.reasons import Reason
from ses_operator.core.claims import Ownership, ownership
from ses_operator.core.deed import parents_dkim, replacement_needed
from ses_operator.core.desired import Desired
from ses_operator.core.dkim_source import EasyDkim, ReplicaDkim
from ses_operator.core.observed import Observed, Present, RegionView, Unread
from ses_operator.core.problems import Problem
from ses_operator.core.records import RecordSet, dkim_records
from ses_operator.core.ses import DkimFacts, IdentityFacts, SigningOrigin, VerificationStatus
from ses_operator.core.steps import RestartVerification, SesStep, SetKeyLength

KEY_CHANGE_INTERVAL = timedelta(hours=24)
"""How often SES lets the DKIM key length change (API reference, PutEmailIdentityDkimSigningAttributes)."""


def dkim_conflict(desired: Desired, region: str, facts: IdentityFacts, observed: Observed) -> Problem | None:
    """Why the DKIM of an identity that exists must be left as it is."""
    if (problem := replacement_needed(desired, region, facts, observed)) is not None:
        return problem
    match desired.dkim_in(region):
        case EasyDkim() if facts.dkim.origin is not SigningOrigin.EASY:
            return Problem(
                Reason.DKIM_CONFLICT,
                f"{region}: the existing identity {desired.identity} signs with a DKIM key that is not Easy DKIM's; "
                "it is left as it is. Switch it to Easy DKIM in SES, or delete it there",
            )
        case EasyDkim() | ReplicaDkim():
            return None


def dkim_steps(
    desired: Desired, region: str, facts: IdentityFacts, now: datetime
) -> tuple[tuple[SesStep, ...], Problem | None]:
    """What makes SES sign with the key that is wanted, and what keeps that from being done now."""
    match desired.dkim_in(region):
        case EasyDkim(key_length):
            return _key_length(desired, region, key_length, facts.dkim, now)
        case ReplicaDkim():
            return (), None


def dkim_restart(desired: Desired, region: str) -> tuple[SesStep, ...]:
    """What makes SES look for the records again, after it has given up. For a replica there is nothing that does."""
    match desired.dkim_in(region):
        case EasyDkim():
            return (RestartVerification(region, desired.identity),)
        case ReplicaDkim():
            return ()


def has_failed(facts: IdentityFacts) -> bool:
    """Whether SES has given up looking for the DKIM records."""
    return VerificationStatus.FAILED in (facts.verification_status, facts.dkim.status)


def needed_dkim_records(
    desired: Desired, region: str, view: RegionView, observed: Observed
) -> tuple[RecordSet, ...] | None:
    """The DKIM records that a region needs; None where they are not known, or not ours to publish.

    A region that cannot be read keeps the records remembered.
    """
    match view:
        case Present(facts) if tells_our_records(desired, facts):
            dkim = parents_dkim(facts, observed) or facts.dkim
            tokens, hosted_zone = dkim.tokens, dkim.signing_hosted_zone
        case Unread() if (known := observed.remembered.get(region)) is not None and known.tokens:
            tokens, hosted_zone = known.tokens, known.signing_hosted_zone
        case _:
            return None
    return dkim_records(desired.identity, region, tokens, hosted_zone, desired.ttl)


def tells_our_records(desired: Desired, facts: IdentityFacts) -> bool:
    """Whether the records of an identity are ours to publish, and known: with a key of the customer's own, the token is
    the name of its selector, and no CNAME belongs there. A replica has its parent's, as soon as it has any."""
    easy = facts.dkim.origin in {SigningOrigin.EASY, SigningOrigin.REPLICA}
    return easy and bool(facts.dkim.tokens) and ownership(facts, desired.owner) is Ownership.OURS


def _key_length(
    desired: Desired, region: str, wanted: int, dkim: DkimFacts, now: datetime
) -> tuple[tuple[SesStep, ...], Problem | None]:
    """A change of the key length, or how long SES still refuses one."""
    length = dkim.next_key_length or dkim.key_length
    if length is None or length == wanted:
        return (), None
    changed = dkim.last_key_generation
    if changed is not None and wanted > length and now - changed < KEY_CHANGE_INTERVAL:
        left = KEY_CHANGE_INTERVAL - (now - changed)
        message = (
            f"{region}: SES changes the DKIM key length once in 24 hours; "
            f"{wanted} bits follow when the last change is a day old"
        )
        return (), Problem(Reason.KEY_LENGTH_TOO_SOON, message, left.total_seconds())
    return (SetKeyLength(region, desired.identity, wanted),), None
