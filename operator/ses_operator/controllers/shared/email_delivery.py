"""The results of a SesAccount's emails: the notification controller notes them, and the account's status reports them."""

from __future__ import annotations

from ses_operator.api.account.kind import SesAccount
from ses_operator.api.account.notifications import NotificationsStatus
from ses_operator.core.model.problems import Problem
from ses_operator.runtime.source import Source


class EmailDelivery:
    """Why the last email of an account was not sent, None if it was. ``changes`` emits the names of accounts with news."""

    def __init__(self) -> None:
        self.changes: Source[str] = Source()
        self._last: dict[str, Problem | None] = {}

    def note(self, account: str, problem: Problem | None) -> None:
        """Keep the result of the last email."""
        is_news = account not in self._last or self._last[account] != problem
        self._last[account] = problem
        if is_news:
            self.changes.emit(account)

    def forget(self, account: str) -> None:
        """Forget the account."""
        self._last.pop(account, None)

    def status(self, account: SesAccount) -> NotificationsStatus | None:
        """Return the notification's part of status; before the first email was tried, what it has already."""
        name = account.metadata.name
        if account.spec.notifications is None:
            return None
        if name not in self._last:
            return account.status.notifications
        problem = self._last[name]
        return NotificationsStatus(reason=problem.reason, message=problem.message) if problem else None
