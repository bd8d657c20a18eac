"""Which identities somebody is to be told of by email, when, and in how many emails. Pure.

What was told stands in the status of each identity (``status.notified``), and is written after the email: one that was sent when
the process died is sent once more, rather than never. How many were sent stands at the account and is written before
(``core.tally``): whatever dies how often, no more are sent in an hour than the account says.
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
"""``status.notified`` of an identity that was seen unverified, and of which nothing has been told since."""

ON_PURPOSE = frozenset({Reason.SUSPENDED, Reason.HANDED_OVER, Reason.HANDING_OVER})
"""Reasons not to be Ready that somebody chose."""

LOSSES = (Moment.FAILED, Moment.REVOKED)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What status says of an identity of which there may be something to tell.

    ``seen``: None for one that is not Ready, and stuck once that has been so for long enough. ``since``: when Ready became what
    it is. ``notified``: ``status.notified``.
    """

    account: str
    seen: Moment | None
    since: datetime
    notified: str | None


def outlook(identity: SesIdentity) -> Iterator[Outlook]:
    """The outlook on an identity; none where there is nothing to tell, which is so of all that rest."""
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
    """The worst that SES says of a region: that it gave up, or no longer finds what it found."""
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
    """The status that is to be written with what it has to say of emails: which were told, or that something will be to tell.

    It goes with what it is about in one write: what is to be told is known as soon as that is, and never lost. ``wanted``: the
    moments that the account tells.
    """
    return after.model_copy(update={"notified": _notified(before, after, wanted)})


def _notified(before: SesIdentityStatus, after: SesIdentityStatus, wanted: Collection[Moment]) -> str | None:
    if is_ready(after):
        return before.notified if Moment.VERIFIED in wanted else None
    if not wanted:
        return None
    if (lost := loss(after.regions)) is not None and lost is not loss(before.regions):
        return NOTHING  # it happened anew: that the same was told before does not count
    if before.notified is None and not _is_verified(after):
        return NOTHING
    return before.notified


def _is_verified(status: SesIdentityStatus) -> bool:
    """Whether every region is verified. What is not Ready for another reason becomes so again without a word."""
    verified, _, total = (status.verified_regions or "").partition("/")
    return bool(total) and verified == total


def due(seen: Outlook, wanted: Notifications, now: datetime) -> Moment | None:
    """What is to be told of it now."""
    if seen.seen in LOSSES and seen.seen in wanted.moments:
        return seen.seen if seen.notified != seen.seen else None
    if seen.seen is Moment.VERIFIED:
        return Moment.VERIFIED if Moment.VERIFIED in wanted.moments else None
    return Moment.STUCK if _may_be_stuck(seen, wanted) and now >= stuck_at(seen, wanted) else None


def stuck_at(seen: Outlook, wanted: Notifications) -> datetime:
    """When one that is not Ready is stuck."""
    return seen.since + span(wanted.stuck_after)


def _may_be_stuck(seen: Outlook, wanted: Notifications) -> bool:
    """Whether that it is stuck is worth telling: nothing worse was told since it was last Ready."""
    return Moment.STUCK in wanted.moments and seen.seen is not Moment.VERIFIED and seen.notified in (None, NOTHING)


@dataclass(frozen=True, slots=True, order=True)
class Waiting:
    """One identity that somebody is to be told of; ``since`` as in ``Outlook``."""

    since: datetime
    key: ObjectKey
    moment: Moment


@dataclass(frozen=True, slots=True)
class Survey:
    """What is to be told of all identities of an account; seconds until it will be more by time alone, None for never."""

    waiting: tuple[Waiting, ...]
    more_after: float | None


def survey(outlooks: Iterable[tuple[Outlook, Iterable[ObjectKey]]], wanted: Notifications, now: datetime) -> Survey:
    """``outlooks``: with the identities on which each is the outlook, of one account."""
    waiting, later = [], []
    for seen, keys in outlooks:
        moment = due(seen, wanted, now)
        if moment is not None:
            waiting += [Waiting(seen.since, key, moment) for key in keys]
        elif _may_be_stuck(seen, wanted):
            later.append((stuck_at(seen, wanted) - now).total_seconds())
    return Survey(in_turn(waiting), min(later, default=None))


def in_turn(waiting: Iterable[Waiting]) -> tuple[Waiting, ...]:
    """Oldest first, and one of each namespace before the second of any: nobody's hundred keep another's one waiting."""
    seen: dict[str, int] = {}
    ranked = []
    for each in sorted(waiting):
        rank = seen[each.key.namespace] = seen.get(each.key.namespace, 0) + 1
        ranked.append((rank, each))
    return tuple(each for _, each in sorted(ranked))


@dataclass(frozen=True, slots=True)
class DueEmail:
    """The next email: about these, all in one."""

    about: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True)
class Holding:
    """Nothing is to be sent now. ``seconds`` until that may be otherwise, None for until something changes.

    ``gathers``: whether a digest is being gathered.
    """

    seconds: float | None
    gathers: bool = False


def next_email(
    found: Survey, sent: RateWindow, wanted: Notifications, now: datetime, gathered: timedelta
) -> DueEmail | Holding:
    """One email for each identity, but for the last of the hour, which is for all that are left.

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
    """``status.notified`` after this was told: nothing is left to tell of what is verified."""
    return None if moment is Moment.VERIFIED else moment.value


def counted(waiting: Sequence[Waiting]) -> dict[Moment, int]:
    """How many of each, in the order of the moments."""
    return {moment: count for moment in Moment if (count := sum(each.moment is moment for each in waiting))}
