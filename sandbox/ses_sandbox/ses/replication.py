"""DEED: how a replica gets the DKIM keys of its parent in another region. Pure.

Source: Developer Guide, "Deterministic Easy DKIM"; VerificationInfo.ErrorType REPLICATION_*.
"""

from __future__ import annotations

from ses_sandbox.ses.models import DEED_PREFIX, EXTERNAL, Dkim, Identity
from ses_sandbox.ses.verification import VerificationError


def replication_error(dkim: Dkim, parent: Identity | None, *, region_exists: bool) -> VerificationError | None:
    """What keeps a replica from its parent's keys; None where nothing does."""
    if not region_exists:
        return VerificationError.REPLICATION_PRIMARY_INVALID_REGION
    if not dkim.replication_allowed:
        return VerificationError.REPLICATION_ACCESS_DENIED
    if parent is None or parent.dkim is None:
        return VerificationError.REPLICATION_PRIMARY_NOT_FOUND
    if parent.dkim.origin == EXTERNAL:
        return VerificationError.REPLICATION_PRIMARY_BYO_DKIM_NOT_SUPPORTED
    if parent.dkim.origin.startswith(DEED_PREFIX):
        return VerificationError.REPLICATION_REPLICA_AS_PRIMARY_NOT_SUPPORTED
    return None


def replicate(dkim: Dkim, parent: Identity) -> None:
    """Gives a replica the tokens, zone and key of its parent."""
    if parent.dkim is not None:
        dkim.tokens = parent.dkim.tokens
        dkim.hosted_zone = parent.dkim.hosted_zone
        dkim.key = parent.dkim.key
