"""What an identity waits for: each wait has a key, a reason, and a time of its own since when. Pure.

How often something is looked at follows from the age of that wait alone. So nothing that was verified long ago, or that
has failed for hours, slows down what was changed just now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

VERIFICATION = "verification"
"""The key of the wait for SES to find the DKIM records, or for the link to an address to be followed."""

MAIL_FROM_WAIT = "mail-from"
"""The key of the wait for a MAIL FROM domain, which is that of its setting: first for its MX record, then for SES to find it."""

DNS_WAIT = "dns"
"""The key of the wait for whatever keeps the records from being published at all."""


@dataclass(frozen=True, slots=True)
class Wait:
    """One wait. With another ``reason`` it is another wait, and begins again."""

    since: datetime
    reason: str = ""


Waits = Mapping[str, Wait]
"""Waits of one region, or of the records, by key: ``VERIFICATION``, the key of a step or problem, type and name of a record."""


def seconds_waited(waits: Waits, key: str, now: datetime) -> float:
    """Return the seconds since a wait began; 0 for one that is new."""
    wait = waits.get(key)
    return max((now - wait.since).total_seconds(), 0.0) if wait else 0.0


def continued(reasons: Mapping[str, str], before: Waits, now: datetime) -> dict[str, Wait]:
    """Return the waits with these reasons, by key; one that was there for the same reason keeps its time."""
    return {
        key: known if (known := before.get(key)) is not None and known.reason == reason else Wait(now, reason)
        for key, reason in reasons.items()
    }
