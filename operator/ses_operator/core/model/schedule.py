"""When to look again. All intervals are in seconds, and grow with how long something has been waited for.

Nothing waits by sleeping: a reconcile ends, and says when to run it again.
"""

from __future__ import annotations

import hashlib

SHORTEST_READ = 60.0
LONGEST_READ = 3600.0
SHORTEST_LOOKUP = 5.0
LONGEST_LOOKUP = 300.0
SHORTEST_MAIL_FROM_READ = 5.0
LONGEST_MAIL_FROM_READ = 900.0
SHORTEST_RETRY = 1.0
LONGEST_RETRY = 300.0

CONFLICT_READ = 3600.0
"""How soon the operator notices that a record in the way of one that SES does not need to see has been removed."""

TOPIC_READ = 600.0
"""How soon the operator notices that an SNS topic that was missing is back: nothing else tells."""

LOOKUP_GRACE = 45.0
"""How long to wait after Route 53 has accepted a record before its name servers are queried: SES mostly sees it first."""

LOOKUP_PATIENCE = 72 * 3600.0
"""How long a record that SES does not need is waited for in this way; after that, the resync looks at it."""


def read_interval(waited: float) -> float:
    """Return how old the last read of a pending identity may be.

    The identity cache notices when it is verified; a read says why it is not.
    """
    return min(max(waited / 2, SHORTEST_READ), LONGEST_READ)


def mail_from_interval(waited: float) -> float:
    """Return the same for what no list shows: a pending MAIL FROM domain, or DKIM keys changed under a verified identity."""
    return min(max(waited / 2, SHORTEST_MAIL_FROM_READ), LONGEST_MAIL_FROM_READ)


def retry_interval(waited: float) -> float:
    """Return the interval between tries of what is refused, or fails, without a better idea of when it may work."""
    return min(max(waited / 2, SHORTEST_RETRY), LONGEST_RETRY)


def lookup_interval(waited: float) -> float:
    """Return the interval between queries to name servers for records that are not there yet."""
    return min(max(waited / 4, SHORTEST_LOOKUP), LONGEST_LOOKUP)


def sweep_phase(uid: str) -> float:
    """Return where in the resync period an object has its turn, from 0 to 1: the same after each restart, spread over all."""
    return int.from_bytes(hashlib.sha256(uid.encode()).digest()[:4], "big") / 2**32


def next_sweep(uid: str, now: float, period: float) -> float:
    """Return the first resync of an object after ``now`` (Unix time)."""
    offset = sweep_phase(uid) * period
    return now + period - (now - offset) % period


DELEGATION_TTL = 48 * 3600.0
"""How long resolvers may remember a delegation: the TTL of the NS records in a hosted zone, and in most top-level domains
(Route 53 Developer Guide, "Making Route 53 the DNS service for a domain that's in use")."""

WATCH_PATIENCE = 3600.0
"""How long ExternalDNS is given to delete what it wrote: more than most of its intervals (its own default is a minute)."""

WATCH_READ = 2.0
WATCH_CLOSELY = 150.0
"""For so long the records that ExternalDNS may delete are read this often: twice its own default interval, and some more."""


def watch_interval(waited: float) -> float:
    """Return the interval between reads that check if ExternalDNS has deleted what has to be published again."""
    return WATCH_READ if waited < WATCH_CLOSELY else lookup_interval(waited)
