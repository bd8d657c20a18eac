"""Deterministic Easy DKIM (DEED): the dependencies between a parent and its replicas. Pure.

A replica is made by CreateEmailIdentity alone, from a parent that is verified; nothing turns an existing identity
into one, or one into something else, and a parent cannot be deleted before its replicas. An identity that is in use
is never deleted to get round this: the message says what has to happen. Sources: SES Developer Guide, "Using
Deterministic Easy DKIM"; API reference, DkimSigningAttributes, PutEmailIdentityDkimSigningAttributes,
VerificationInfo.
"""

from __future__ import annotations

from ses_operator.api.base.reasons import Reason
from ses_operator.core.features.ownership import Ownership, ownership
from ses_operator.core.model.dkim_source import ReplicaDkim
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import IdentityFacts, SigningOrigin, VerificationStatus
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.observed import Observed, Present, Unread

PARENT_LOOK = 60.0
"""Seconds until the next check if a parent is verified; the identity cache notices sooner."""


def replicas_of(region: str, observed: Observed) -> tuple[str, ...]:
    """Return the regions that are known to have a replica of this region's identity, of any owner."""
    return tuple(
        sorted(
            name
            for name, view in observed.regions.items()
            if isinstance(view, Present) and view.facts.dkim.parent_region == region
        )
    )


def awaited_parent(desired: Desired, region: str, observed: Observed) -> Problem | None:
    """Return why the identity of this region cannot be made yet: it is to replicate one that is not verified."""
    match desired.dkim_in(region):
        case ReplicaDkim(parent_region) if not _is_verified_parent(desired, parent_region, observed):
            return Problem(
                Reason.WAITING_FOR_PARENT,
                f"{desired.identity} is created as a replica once the identity in {parent_region} is verified",
                PARENT_LOOK,
                region,
            )
        case _:
            return None


def _is_verified_parent(desired: Desired, region: str, observed: Observed) -> bool:
    view = observed.regions.get(region)
    return (
        isinstance(view, Present)
        and ownership(view.facts, desired.owner) is Ownership.OURS
        and view.facts.dkim.origin is SigningOrigin.EASY
        and view.facts.verification_status is VerificationStatus.SUCCESS
    )


def hosted_zone_of(facts: IdentityFacts, observed: Observed) -> str:
    """Return the zone that the CNAMEs of an identity lead to.

    Those of a replica are its parent's, which may name another zone than SES does for the replica. Of a parent that
    cannot be read, as it is remembered.
    """
    dkim, parent = facts.dkim, facts.dkim.parent_region or ""
    match observed.regions.get(parent):
        case Present(found) if found.dkim.tokens == dkim.tokens:
            return found.dkim.signing_hosted_zone
        case Unread() if (known := observed.remembered.get(parent)) and known.tokens == dkim.tokens:
            return known.signing_hosted_zone or dkim.signing_hosted_zone
        case _:
            return dkim.signing_hosted_zone


def awaited_replicas(region: str, observed: Observed) -> Problem | None:
    """Return why the identity of this region cannot be deleted yet: others replicate it."""
    replicas = replicas_of(region, observed)
    if not replicas:
        return None
    return Problem(
        Reason.DELETION_BLOCKED,
        f"The identity is the parent of replicas in {', '.join(replicas)}; SES deletes it only after these",
        region=region,
    )


REPLICATION_ERRORS = {
    "REPLICATION_ACCESS_DENIED": (
        "its creator lacked the permission ses:ReplicateEmailIdentityDKIMSigningKey on the identity in {parent}; "
        "grant it to the operator (docs/permissions.md)"
    ),
    "REPLICATION_PRIMARY_NOT_FOUND": "{identity} does not exist in {parent}; make sure that it exists there and is verified",
    "REPLICATION_PRIMARY_BYO_DKIM_NOT_SUPPORTED": (
        "the identity in {parent} signs with a key of its own (BYODKIM), which SES does not replicate; give it Easy DKIM"
    ),
    "REPLICATION_REPLICA_AS_PRIMARY_NOT_SUPPORTED": (
        "the identity in {parent} is a replica itself, and SES replicates originals only; choose the region of that one"
    ),
    "REPLICATION_PRIMARY_INVALID_REGION": ("{parent} is no SES region, or is the replica's own; choose another"),
}
"""VerificationInfo.ErrorType of replicas in words: the problem, and what to do first."""

_AGAIN = "Then {removal}, and add it again when the identity there is gone: SES has no other restart"


def replication_problem(desired: Desired, region: str, facts: IdentityFacts) -> Problem | None:
    """Return why SES cannot give a replica its parent's key, or has given up on it, and the way to a new one."""
    parent, error = facts.dkim.parent_region, facts.verification_info.error_type or ""
    if parent is None or facts.verification_status is VerificationStatus.SUCCESS:
        return None
    names = {"parent": parent, "identity": desired.identity, "removal": desired.removal_of(region)}
    if error in REPLICATION_ERRORS:
        what = f"SES cannot copy the DKIM key from {parent}: {REPLICATION_ERRORS[error].format(**names)}"
        return Problem(Reason.REPLICATION_FAILED, f"{what}. {_AGAIN.format(**names)}", region=region)
    if facts.verification_status is VerificationStatus.FAILED:
        what = f"SES has given up verifying the replica of {parent}; make sure that its records are published"
        return Problem(Reason.REPLICATION_FAILED, f"{what}. {_AGAIN.format(**names)}", region=region)
    return None


def replacement_needed(desired: Desired, region: str, facts: IdentityFacts, observed: Observed) -> Problem | None:
    """Return why the identity would have to be replaced; None if it would not.

    Its key is bound to replication, and the spec asks for something that SES cannot change it to.
    """
    wanted = desired.dkim_in(region)
    parent = facts.dkim.parent_region
    if isinstance(wanted, ReplicaDkim):
        return None if parent == wanted.parent_region else _replace(desired, region, facts, observed)
    return _replace(desired, region, facts, observed) if parent is not None else None


def _replace(desired: Desired, region: str, facts: IdentityFacts, observed: Observed) -> Problem:
    as_it_is = f"set {_kept_by(desired, region, facts, observed)} to keep it as it is"
    if ownership(facts, desired.owner) is Ownership.OURS:
        way_out = (
            f"{desired.removal_of(region)}, and add it again when the identity there is gone (from {region} nothing "
            f"can be sent in between); or {as_it_is}"
        )
    else:
        way_out = f"delete it in SES, or {as_it_is}"
    return Problem(
        Reason.DKIM_CONFLICT,
        f"{desired.identity} {_found(facts)}, but {_asked_for(desired, region)}. SES decides that "
        f"when an identity is created, so it is left as it is: {way_out}",
        region=region,
    )


def _found(facts: IdentityFacts) -> str:
    match facts.dkim.origin:
        case SigningOrigin.REPLICA:
            return f"is a replica of the one in {facts.dkim.parent_region}"
        case SigningOrigin.EXTERNAL:
            return "signs with a DKIM key of its own (BYODKIM)"
        case SigningOrigin.EASY:
            return "has an Easy DKIM key of its own"


def _asked_for(desired: Desired, region: str) -> str:
    match desired.dkim_in(region):
        case ReplicaDkim(parent_region):
            return f"spec.dkim.deterministic asks for a replica of the one in {parent_region}"
        case _:
            return "spec.dkim asks for a key of its own"


def _kept_by(desired: Desired, region: str, facts: IdentityFacts, observed: Observed) -> str:
    """Return the setting under which nothing has to change."""
    if (parent := facts.dkim.parent_region) is not None:
        added = "" if parent in desired.regions else f" (and add {parent} to spec.regions)"
        return f"spec.dkim.deterministic.parentRegion to {parent}{added}"
    if facts.dkim.origin is SigningOrigin.EXTERNAL:
        return "spec.dkim.mode to BYODKIM"
    if replicas_of(region, observed):
        return f"spec.dkim.deterministic.parentRegion to {region}"
    return "spec.dkim.mode to Easy"
