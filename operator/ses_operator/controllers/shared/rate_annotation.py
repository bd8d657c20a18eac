"""Keeps a count of the last hour in an annotation of a SesAccount: of what an account allows so many times in an hour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from ses_operator.api.account.kind import SesAccount, SesAccountSpec
from ses_operator.controllers.shared import writes
from ses_operator.controllers.shared.resources import ACCOUNTS
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Stale
from ses_operator.core.model.rate_window import RateDecision, RateWindow, decide
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.watch.cache import ObjectStore

ATTEMPTS = 4
"""Writes that another client's write came before, until the request is given up."""


class AccountTally:
    """One count for each account. It holds nothing: the account has the count."""

    def __init__(
        self,
        client: KubeClient,
        accounts: ObjectStore[SesAccount],
        now: Callable[[], datetime],
        annotation: str,
        limit: Callable[[SesAccountSpec], int | None],
    ) -> None:
        """Take the ``limit``: what an account allows in an hour, None for no limit."""
        self._client = client
        self._accounts = accounts
        self._now = now
        self._annotation = annotation
        self._limit = limit

    async def count(self, account: str, asked: int) -> RateDecision:
        """Raise the count by as many as are allowed, in one write that no other client's came before.

        Raises ``OperatorError`` if the count cannot be written: nothing was granted then.
        """
        key = ObjectKey("", account)
        for _ in range(ATTEMPTS):
            found = self._accounts.get(key)
            limit = self._limit(found.spec) if found else None
            if found is None or limit is None:
                return RateDecision(asked, RateWindow(), 0.0)
            known = RateWindow.decode(found.metadata.annotations.get(self._annotation))
            decision = decide(known, limit, asked, self._now())
            if not decision.granted:
                return decision
            try:
                annotation = {self._annotation: decision.tally.encode()}
                self._accounts.observe(await writes.annotate(self._client, ACCOUNTS, found.metadata, annotation))
            except Stale:
                self._accounts.observe(await self._client.get(ACCOUNTS.object(key)))
            else:
                return decision
        return RateDecision(0, RateWindow(), 1.0)
