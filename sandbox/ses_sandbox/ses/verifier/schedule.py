"""When SES looks records up again. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from ses_sandbox.ses.state.models import Identity
from ses_sandbox.ses.state.verification import Progress, Status

SPREAD = 0.2
"""Re-checks of identities that were verified together drift apart by up to this share of the interval."""


@dataclass(frozen=True, slots=True)
class CheckSchedule:
    """The intervals of checks, in simulated time.

    ``interval``: from the start to the first check, and between the first checks; they slow down as time goes by.
    ``slowest``: the longest time between two checks of what is pending.
    ``recheck``: between two checks of what is verified.
    """

    interval: timedelta = timedelta(seconds=30)
    slowest: timedelta = timedelta(minutes=30)
    recheck: timedelta = timedelta(hours=6)

    def next_check(self, identity: Identity, now: datetime) -> datetime | None:
        """Return when an identity is to be checked; None if nothing about it is watched."""
        moments = [self._next(progress, identity, now) for progress in watched(identity)]
        return min(moments, default=None)

    def _next(self, progress: Progress, identity: Identity, now: datetime) -> datetime:
        if progress.status is Status.SUCCESS:
            return now + self.recheck * (1 + SPREAD * _fraction(identity.arn))
        waited = now - progress.since
        moment = now + min(max(self.interval, waited / 2), self.slowest)
        deadline = progress.deadline
        return moment if deadline is None or deadline <= now else min(moment, deadline)


def watched(identity: Identity) -> list[Progress]:
    """Return the parts of an identity that are looked up in DNS.

    An address has no records of its own, only a link that expires.
    """
    parts = [] if identity.dkim is None else [identity.dkim.progress]
    if identity.txt_token is not None or identity.dkim is None:
        parts.append(identity.verification)
    if identity.mail_from is not None:
        parts.append(identity.mail_from.progress)
    return [progress for progress in parts if progress.is_watched]


def _fraction(text: str) -> float:
    return hashlib.sha256(text.encode()).digest()[0] / 256
