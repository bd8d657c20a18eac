"""Applies the deletion limit of a SesAccount, and keeps its count in an annotation there.

Requests that come while a count is being written share the next write: hundreds of deletions cost few.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from ses_operator.api.account.kind import SesAccount
from ses_operator.api.base.meta import DELETIONS
from ses_operator.controllers.shared.rate_annotation import AccountTally
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import OperatorError
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.watch.cache import ObjectStore


@dataclass(slots=True)
class _Line:
    """The requests that wait for one account."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: list[asyncio.Future[float]] = field(default_factory=list)


class DeletionLimit:
    """One for all accounts. It holds no count: the account has it."""

    def __init__(self, client: KubeClient, accounts: ObjectStore[SesAccount], now: Callable[[], datetime]) -> None:
        self._accounts = accounts
        self._tally = AccountTally(client, accounts, now, DELETIONS, lambda spec: spec.max_deletions_per_hour)
        self._lines: dict[str, _Line] = {}

    def limit(self, account: str) -> int | None:
        """Return the deletions that the account allows in an hour, None for no limit."""
        found = self._accounts.get(ObjectKey("", account))
        return found.spec.max_deletions_per_hour if found else None

    async def acquire(self, account: str) -> float:
        """Request one more deletion: 0 if it is granted, counted and confirmed; else the seconds after which to request it again.

        Raises ``OperatorError`` if the count cannot be written: nothing was granted then.
        """
        line = self._lines.setdefault(account, _Line())
        answer: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        line.waiting.append(answer)
        try:
            async with line.lock:
                if not answer.done():
                    await self._answer(account, [each for each in line.waiting if not each.done()])
        finally:
            line.waiting.remove(answer)
        return answer.result()

    async def _answer(self, account: str, asking: list[asyncio.Future[float]]) -> None:
        try:
            decision = await self._tally.count(account, len(asking))
        except OperatorError as error:
            # For all of them, so that not each waits for an apiserver that does not answer.
            for answer in asking:
                if not answer.done():
                    answer.set_exception(error)
            return
        for number, answer in enumerate(asking):
            if not answer.done():
                answer.set_result(0.0 if number < decision.granted else decision.wait)
