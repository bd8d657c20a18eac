"""Sends emails about identities, as spec.notifications of their SesAccount configures.

It has a queue of its own, with the names of SesAccounts as keys: no reconcile of an identity ever waits for an email.
One run sends one email at most; the rest follows at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from ses_operator.api.account.kind import SesAccount
from ses_operator.api.account.notifications import Notifications
from ses_operator.api.base.meta import NOTIFICATIONS, RECONCILE_REQUESTED_AT
from ses_operator.aws.calls.budget import Priority
from ses_operator.controllers.shared.accounts import OpenAccount
from ses_operator.controllers.shared.cluster import BY_OUTLOOK, account_named
from ses_operator.controllers.shared.context import ControllerContext
from ses_operator.controllers.shared.identity_objects import StatusReport
from ses_operator.controllers.shared.rate_annotation import AccountTally
from ses_operator.controllers.shared.resources import ACCOUNTS
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import OperatorError, Problem
from ses_operator.core.model.rate_window import RateWindow
from ses_operator.core.notifications.emails import MAX_LISTED, Email, News, Sender, digest, letter
from ses_operator.core.notifications.selection import (
    Holding,
    Outlook,
    Survey,
    Waiting,
    counted,
    next_email,
    notified_by,
    survey,
)
from ses_operator.core.status.transitions import EventType, Transition
from ses_operator.runtime.backoff import Backoff
from ses_operator.runtime.controller import Controller
from ses_operator.runtime.kube.events import Event
from ses_operator.runtime.source import Watch
from ses_operator.runtime.workqueue import Result

logger = logging.getLogger(__name__)

WORKERS = 2

PAUSE = 1.0
"""Seconds between two looks at all identities of an account: when hundreds change, they are looked at together."""

BACKOFF = Backoff(first=60.0, cap=3600.0)
"""Between attempts to send an email that SES rejects."""

MARKS_AT_A_TIME = 8
"""The number of identities of a digest that are marked as reported side by side."""


class Sent(StrEnum):
    """The results of an email, as metrics name them."""

    SINGLE = "sent"
    DIGEST = "digest"
    FAILED = "failed"


@dataclass(slots=True)
class _AccountState:
    """The memory of one account; to lose it costs one more attempt.

    ``asked``: what a person last wrote into the SesAccount. ``unmarked``: what was sent and could not be marked as
    reported yet.
    ``gathering_since``: since when a digest is being gathered.
    """

    asked: tuple[int, str | None]
    failures: int = 0
    not_before: float = float("-inf")
    looked_at: float = float("-inf")
    gathering_since: datetime | None = None
    unmarked: dict[ObjectKey, tuple[str, Waiting]] = field(default_factory=dict)


class NotificationController:
    """Observes the statuses of an account's identities, plans the next email, sends it, and marks it as sent."""

    def __init__(self, context: ControllerContext) -> None:
        cluster = self._cluster = context.cluster
        self._accounts = context.accounts
        self._objects = context.objects
        self._emails = context.emails
        self._settings = context.settings
        self._telemetry = context.telemetry
        self._now = context.now
        self._tally = AccountTally(
            cluster.client,
            cluster.accounts,
            context.now,
            NOTIFICATIONS,
            lambda spec: spec.notifications.max_per_hour if spec.notifications else None,
        )
        self._desks: dict[str, _AccountState] = {}

    @property
    def watches(self) -> tuple[Watch[Any], ...]:
        """The changes that wake an account's emails: the account, and statuses of its identities."""
        return (
            Watch(self._cluster.accounts.changes, lambda delta: (delta.key,)),
            Watch(self._objects.reports, self._that_tell_of),
            Watch(self._accounts.changes, account_named),
        )

    def _that_tell_of(self, report: StatusReport) -> tuple[ObjectKey, ...]:
        """Return the account of the identity, if it sends any emails."""
        key = ObjectKey("", report.before.spec.account_ref.name)
        found = self._cluster.accounts.get(key)
        return (key,) if found is not None and found.spec.notifications is not None else ()

    async def reconcile(self, key: ObjectKey) -> Result:
        """Send the next email of the account, if one is due."""
        account, opened = self._cluster.accounts.get(key), self._accounts.get(key.name)
        if account is None or account.spec.notifications is None:
            self._desks.pop(key.name, None)
            self._emails.forget(key.name)
            return Result.done()
        if not isinstance(opened, OpenAccount):
            return Result.done()  # it is looked at again when the account can be used
        desk, wanted = self._desk(account), account.spec.notifications
        if (pause := self._pause(desk)) > 0:
            return Result.after(pause)
        await self._mark(desk)
        found = self._survey(key.name, wanted)
        plan = next_email(found, _tally(account), wanted, self._now(), self._gathered(desk))
        if isinstance(plan, Holding):
            desk.gathering_since = (desk.gathering_since or self._now()) if plan.gathers else None
            return Result.done() if plan.seconds is None else Result.after(max(plan.seconds, PAUSE))
        return await self._send(account, opened, desk, plan.about)

    def _desk(self, account: SesAccount) -> _AccountState:
        """Return the memory of the account. When a person changes the account, what failed is tried again at once."""
        meta = account.metadata
        asked = (meta.generation, meta.annotations.get(RECONCILE_REQUESTED_AT))
        desk = self._desks.setdefault(meta.name, _AccountState(asked))
        if desk.asked != asked:
            desk.asked, desk.failures, desk.not_before = asked, 0, float("-inf")
        return desk

    def _pause(self, desk: _AccountState) -> float:
        """Return the seconds until it is time to look; if it is time, the next pause begins."""
        now = asyncio.get_running_loop().time()
        left = max(desk.not_before, desk.looked_at + PAUSE) - now
        if left <= 0:
            desk.looked_at = now
        return left

    def _survey(self, account: str, wanted: Notifications) -> Survey:
        outlooks: Iterable[tuple[Outlook, Iterable[ObjectKey]]] = (
            (seen, keys)
            for seen, keys in self._cluster.identities.index(BY_OUTLOOK)
            if isinstance(seen, Outlook) and seen.account == account
        )
        return survey(outlooks, wanted, self._now())

    def _gathered(self, desk: _AccountState) -> timedelta:
        return self._now() - desk.gathering_since if desk.gathering_since else timedelta(0)

    async def _send(
        self, account: SesAccount, opened: OpenAccount, desk: _AccountState, about: tuple[Waiting, ...]
    ) -> Result:
        """Count, send, mark: so that a death in between repeats one email at most, and the count is never too low."""
        name, wanted = account.metadata.name, account.spec.notifications
        made = self._letter(opened, about)
        if wanted is None or made is None:
            return Result.after(PAUSE)  # they are gone meanwhile
        counted_in = await self._tally.count(name, 1)
        if not counted_in.granted:
            return Result.after(counted_in.wait)
        try:
            message_id = await opened.aws.mail(wanted.region).send(made, wanted, Priority.PENDING)
        except OperatorError as error:
            return self._failed(account, desk, error.problem)
        logger.info("notification sent: %s", made.subject, extra={"account": name, "message_id": message_id})
        self._telemetry.on_notification(name, Sent.SINGLE if len(about) == 1 else Sent.DIGEST)
        desk.gathering_since = None
        desk.unmarked |= {each.key: (self._cluster.identities.uid(each.key) or "", each) for each in about}
        self._tell_account(name, desk, None)
        await self._mark(desk)
        return Result.after(PAUSE)

    def _letter(self, opened: OpenAccount, about: tuple[Waiting, ...]) -> Email | None:
        """Return the email; None if nothing is left of what it was to be about."""
        sender = Sender(self._settings.installation_id, opened.name, opened.aws.account_id)
        listed = [
            News(identity, each.moment)
            for each in about[:MAX_LISTED]
            if (identity := self._cluster.identities.get(each.key)) is not None
        ]
        if not listed:
            return None
        return letter(sender, listed[0]) if len(about) == 1 else digest(sender, listed, counted(about))

    async def _mark(self, desk: _AccountState) -> None:
        """Mark as reported what was sent. What cannot be marked yet is not sent again before it is."""
        turns = asyncio.Semaphore(MARKS_AT_A_TIME)

        async def mark(key: ObjectKey, uid: str, told: Waiting) -> None:
            async with turns:
                await self._objects.note_told(key, uid, notified_by(told.moment))
            del desk.unmarked[key]

        marks = [mark(key, uid, told) for key, (uid, told) in desk.unmarked.items()]
        for failure in await asyncio.gather(*marks, return_exceptions=True):
            if isinstance(failure, BaseException):
                raise failure

    def _failed(self, account: SesAccount, desk: _AccountState, problem: Problem) -> Result:
        """Note that nothing was sent, as far as is known: it stays to be reported, and is tried again later."""
        name = account.metadata.name
        desk.failures += 1
        delay = max(problem.retry_after or 0.0, BACKOFF.delay(desk.failures))
        desk.not_before = asyncio.get_running_loop().time() + delay
        logger.warning(
            "notification not sent: %s", problem.message, extra={"account": name, "reason": str(problem.reason)}
        )
        self._telemetry.on_notification(name, Sent.FAILED)
        said = Transition(EventType.WARNING, problem.reason, f"A notification was not sent: {problem.message}")
        self._cluster.events.record(Event(ACCOUNTS, account.metadata, said))
        self._tell_account(name, desk, problem)
        return Result.after(delay)

    def _tell_account(self, name: str, desk: _AccountState, problem: Problem | None) -> None:
        """Let the status of the account say so, if it does not."""
        if problem is None:
            desk.failures = 0
        self._emails.note(name, problem)


def register(context: ControllerContext) -> Controller:
    """Return the controller of the emails about identities."""
    controller = NotificationController(context)
    return Controller("notification", controller.reconcile, controller.watches, workers=WORKERS)


def _tally(account: SesAccount) -> RateWindow:
    return RateWindow.decode(account.metadata.annotations.get(NOTIFICATIONS))
