"""Which identities to report by email, when, and in how many emails. Pure.

What was reported is in the status of each identity (``status.notified``), and is written after the email: one that
was sent when the process died is sent once more, rather than never. How many were sent is recorded at the account and
is written before (``core.tally``): however often processes die, no more are sent in an hour than the account allows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ses_operator.api.account.notifications import Moment, Notifications
from ses_operator.api.base.conditions import ConditionType, find
from ses_operator.api.base.durations import span
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import RegionStatus, SesIdentityStatus
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.rate_window import RateWindow, decide
from ses_operator.core.model.ses import VerificationStatus
from ses_operator.core.status.report import is_ready

NOTHING = "Nothing"
"""``status.notified`` of an identity that was seen unverified, and of which nothing has been reported since."""

ON_PURPOSE = frozenset({Reason.SUSPENDED, Reason.HANDED_OVER, Reason.HANDING_OVER})
"""Reasons not to be Ready that were chosen by a person."""

LOSSES = (Moment.FAILED, Moment.REVOKED)


@dataclass(frozen=True, slots=True)
class Outlook:
    """The state of an identity of which there may be something to report.

    ``seen``: None for one that is not Ready, and stuck once that has been so for long enough. ``since``: when Ready
    last changed.
    ``notified``: ``status.notified``.
    """

    account: str
    seen: Moment | None
    since: datetime
    notified: str | None


def outlook(identity: SesIdentity) -> Iterator[Outlook]:
    """Yield the outlook on an identity; none if there is nothing to report, which is so of all that are up to date."""
    status, account = identity.status, identity.spec.account_ref.name
    ready = find(status.conditions, ConditionType.READY)
    if ready is None:
        return
    if ready.is_true:
        if status.notified is not None:
            yield Outlook(account, Moment.VERIFIED, ready.last_transition_time, status.notified)
        return
    seen = loss(status.regions)
    if seen is not None or ready.reason not in ON_PURPOSE:
        yield Outlook(account, seen, ready.last_transition_time, status.notified)


def loss(regions: Iterable[RegionStatus]) -> Moment | None:
    """Return the worst that SES reports of a region: that it gave up, or no longer finds what it found."""
    said = {status for region in regions for status in _said(region)}
    if VerificationStatus.FAILED in said or Reason.VERIFICATION_EMAIL_EXPIRED in said:
        return Moment.FAILED
    return Moment.REVOKED if VerificationStatus.TEMPORARY_FAILURE in said else None


def _said(region: RegionStatus) -> Iterator[str | None]:
    yield region.verification_status
    yield region.dkim.status if region.dkim else None
    yield region.reason


def notified_after(
    before: SesIdentityStatus, after: SesIdentityStatus, wanted: Collection[Moment]
) -> SesIdentityStatus:
    """Return the status to write with its record of emails: what was reported, or that something will be to report.

    It is written together with what it is about: what is to be reported is known as soon as that is, and never lost.
    ``wanted``: the moments that the account reports.
    """
    return after.model_copy(update={"notified": _notified(before, after, wanted)})


def _notified(before: SesIdentityStatus, after: SesIdentityStatus, wanted: Collection[Moment]) -> str | None:
    if is_ready(after):
        return before.notified if Moment.VERIFIED in wanted else None
    if not wanted:
        return None
    if (lost := loss(after.regions)) is not None and lost is not loss(before.regions):
        return NOTHING  # it happened again: that the same was reported before does not count
    if before.notified is None and not _is_verified(after):
        return NOTHING
    return before.notified


def _is_verified(status: SesIdentityStatus) -> bool:
    """Return True if every region is verified.

    An object that is not Ready for another reason becomes Ready again without an email.
    """
    verified, _, total = (status.verified_regions or "").partition("/")
    return bool(total) and verified == total


def due(seen: Outlook, wanted: Notifications, now: datetime) -> Moment | None:
    """Return what to report of it now."""
    if seen.seen in LOSSES and seen.seen in wanted.moments:
        return seen.seen if seen.notified != seen.seen else None
    if seen.seen is Moment.VERIFIED:
        return Moment.VERIFIED if Moment.VERIFIED in wanted.moments else None
    return Moment.STUCK if _may_be_stuck(seen, wanted) and now >= stuck_at(seen, wanted) else None


def stuck_at(seen: Outlook, wanted: Notifications) -> datetime:
    """Return when one that is not Ready is stuck."""
    return seen.since + span(wanted.stuck_after)


def _may_be_stuck(seen: Outlook, wanted: Notifications) -> bool:
    """Return True if being stuck is worth a report: nothing worse was reported since it was last Ready."""
    return Moment.STUCK in wanted.moments and seen.seen is not Moment.VERIFIED and seen.notified in (None, NOTHING)


@dataclass(frozen=True, slots=True, order=True)
class Waiting:
    """One identity that is to be reported; ``since`` as in ``Outlook``."""

    since: datetime
    key: ObjectKey
    moment: Moment


@dataclass(frozen=True, slots=True)
class Survey:
    """All that is to be reported of an account's identities; seconds until it will be more by time alone, None for never."""

    waiting: tuple[Waiting, ...]
    more_after: float | None


def survey(outlooks: Iterable[tuple[Outlook, Iterable[ObjectKey]]], wanted: Notifications, now: datetime) -> Survey:
    """Collect what is to be reported. ``outlooks``: of one account, each with the identities that it applies to."""
    waiting, later = [], []
    for seen, keys in outlooks:
        moment = due(seen, wanted, now)
        if moment is not None:
            waiting += [Waiting(seen.since, key, moment) for key in keys]
        elif _may_be_stuck(seen, wanted):
            later.append((stuck_at(seen, wanted) - now).total_seconds())
    return Survey(in_turn(waiting), min(later, default=None))


def in_turn(waiting: Iterable[Waiting]) -> tuple[Waiting, ...]:
    """Order them: oldest first, and one of each namespace before the second of any, so that no namespace holds up another."""
    seen: dict[str, int] = {}
    ranked = []
    for each in sorted(waiting):
        rank = seen[each.key.namespace] = seen.get(each.key.namespace, 0) + 1
        ranked.append((rank, each))
    return tuple(each for _, each in sorted(ranked))


@dataclass(frozen=True, slots=True)
class DueEmail:
    """The next email: about all of these."""

    about: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True)
class Holding:
    """Nothing is to be sent now. ``seconds`` until that may change, None for until something changes.

    ``gathers``: True while a digest is being gathered.
    """

    seconds: float | None
    gathers: bool = False


def next_email(
    found: Survey, sent: RateWindow, wanted: Notifications, now: datetime, gathered: timedelta
) -> DueEmail | Holding:
    """Choose the next email: one for each identity, but the last of the hour is for all that are left.

    ``sent``: what was sent in the last hour. ``gathered``: for how long a digest has been gathered.
    """
    if not found.waiting:
        return Holding(found.more_after)
    room = wanted.max_per_hour - sent.of_the_last_hour(now).total
    if room > 1:
        return DueEmail(found.waiting[:1])
    if room < 1:
        return Holding(decide(sent, wanted.max_per_hour, 1, now).wait)
    left = (span(wanted.digest_after) - gathered).total_seconds()
    return Holding(left, gathers=True) if left > 0 else DueEmail(found.waiting)


def notified_by(moment: Moment) -> str | None:
    """Return ``status.notified`` after this was reported: nothing is left to report of what is verified."""
    return None if moment is Moment.VERIFIED else moment.value


def counted(waiting: Sequence[Waiting]) -> dict[Moment, int]:
    """Count them by moment, in the order of the moments."""
    return {moment: count for moment in Moment if (count := sum(each.moment is moment for each in waiting))}
