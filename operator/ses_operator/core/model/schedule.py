"""When to look again. All intervals are in seconds, and grow with how long something has been waited for.

Nothing waits by sleeping: a reconcile ends, and says when it wants to be run again.
"""

from __future__ import annotations

import hashlib

SHORTEST_READ = 60.0
LONGEST_READ = 3600.0
SHORTEST_LOOKUP = 5.0
LONGEST_LOOKUP = 300.0
SHORTEST_MAIL_FROM_READ = 5.0
LONGEST_MAIL_FROM_READ = 900.0

CONFLICT_READ = 3600.0
"""How soon it is noticed that somebody has removed what stood in the way of a record that SES does not need to see."""

LOOKUP_GRACE = 45.0
"""How long a record that Route 53 has taken is given before its name servers are asked: SES mostly sees it first."""

LOOKUP_PATIENCE = 72 * 3600.0
"""How long a record that SES does not need is waited for in this way; after that, the sweep looks at it."""


def read_interval(waited: float) -> float:
    """How old may be what SES said of a pending identity. The identity cache tells when it is verified; a read tells why not."""
    return min(max(waited / 2, SHORTEST_READ), LONGEST_READ)


def mail_from_interval(waited: float) -> float:
    """The same for what no list shows: a pending MAIL FROM domain, DKIM keys that are changed under a verified identity."""
    return min(max(waited / 2, SHORTEST_MAIL_FROM_READ), LONGEST_MAIL_FROM_READ)


def lookup_interval(waited: float) -> float:
    """How often name servers are asked for records that are not there yet."""
    return min(max(waited / 4, SHORTEST_LOOKUP), LONGEST_LOOKUP)


def sweep_phase(uid: str) -> float:
    """Where in the sweep's period an object has its turn, from 0 to 1: the same after each restart, spread over all."""
    return int.from_bytes(hashlib.sha256(uid.encode()).digest()[:4], "big") / 2**32


def next_sweep(uid: str, now: float, period: float) -> float:
    """The first turn of an object after ``now`` (Unix time)."""
    offset = sweep_phase(uid) * period
    return now + period - (now - offset) % period


DELEGATION_TTL = 48 * 3600.0
"""How long resolvers may remember a delegation: the TTL of the NS records in a hosted zone, and in most top-level domains
(Route 53 Developer Guide, "Making Route 53 the DNS service for a domain that's in use")."""

WATCH_PATIENCE = 3600.0
"""How long ExternalDNS is given to take away what it wrote: more than most of its intervals (its own default is a minute)."""

WATCH_READ = 2.0
WATCH_CLOSELY = 150.0
"""For so long the records that ExternalDNS may take away are read this often: twice its own default interval, and some more."""


def watch_interval(waited: float) -> float:
    """How often it is looked whether ExternalDNS has taken away what has to be published anew."""
    return WATCH_READ if waited < WATCH_CLOSELY else lookup_interval(waited)
