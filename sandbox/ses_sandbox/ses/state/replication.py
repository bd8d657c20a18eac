"""DEED: how a replica gets the DKIM keys of its parent in another region. Pure.

A parent is "a verified identity configured with Easy DKIM"; until it is verified nothing is replicated, and nothing is an error.
Key rotations and changes of the key length "are automatically propagated": they reach a replica at its next check.

Source: Developer Guide, "Using Deterministic Easy DKIM"; API reference, VerificationInfo.ErrorType REPLICATION_*.
"""

from __future__ import annotations

from ses_sandbox.regions import ses_regions
from ses_sandbox.ses.state.models import EXTERNAL, Dkim, Identity
from ses_sandbox.ses.state.verification import Status, VerificationError


def replication_error(replica: Identity, dkim: Dkim, parent: Identity | None) -> VerificationError | None:
    """Return what keeps a replica from its parent's keys; None if nothing does."""
    if dkim.parent_region == replica.region or dkim.parent_region not in ses_regions():
        return VerificationError.REPLICATION_PRIMARY_INVALID_REGION
    if not dkim.replication_allowed:
        return VerificationError.REPLICATION_ACCESS_DENIED
    if parent is None or parent.dkim is None:
        return VerificationError.REPLICATION_PRIMARY_NOT_FOUND
    if parent.dkim.origin == EXTERNAL:
        return VerificationError.REPLICATION_PRIMARY_BYO_DKIM_NOT_SUPPORTED
    if parent.dkim.parent_region is not None:
        return VerificationError.REPLICATION_REPLICA_AS_PRIMARY_NOT_SUPPORTED
    return None


def replicate(dkim: Dkim, parent: Identity) -> None:
    """Give a replica the tokens, zone and key of its parent, once that is verified."""
    if parent.dkim is not None and parent.verification.status is Status.SUCCESS:
        dkim.tokens = parent.dkim.tokens
        dkim.hosted_zone = parent.dkim.hosted_zone
        dkim.key = parent.dkim.key
