"""Asks the brake on deletion of a SesAccount, and keeps its count in an annotation there.

Those that ask while a count is being written share the next write: hundreds of deletions cost few.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from ses_operator.api.account import SesAccount
from ses_operator.api.meta import DELETIONS
from ses_operator.core.brake import Decision, Tally, decide
from ses_operator.core.keys import ObjectKey
from ses_operator.core.problems import OperatorError, Stale
from ses_operator.kube import writes
from ses_operator.kube.client import KubeClient
from ses_operator.kube.resources import ACCOUNTS
from ses_operator.kube.store import ObjectStore

ATTEMPTS = 4
"""Writes that somebody else's write came before, until the asking is given up and begun anew."""


@dataclass(slots=True)
class _Line:
    """Those who ask about one account."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: list[asyncio.Future[float]] = field(default_factory=list)


class DeletionBrake:
    """One for all accounts. It holds no count: that stands at the account."""

    def __init__(self, client: KubeClient, accounts: ObjectStore[SesAccount], now: Callable[[], datetime]) -> None:
        self._client = client
        self._accounts = accounts
        self._now = now
        self._lines: dict[str, _Line] = {}

    def limit(self, account: str) -> int | None:
        """Deletions that the account allows in an hour, None for no limit."""
        found = self._accounts.get(ObjectKey("", account))
        return found.spec.max_deletions_per_hour if found else None

    async def ask(self, account: str) -> float:
        """Ask to let one more go: 0 if it may, counted and confirmed; else the seconds after which to ask again.

        Raises ``OperatorError`` where the count cannot be written: nothing was let go then.
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
            decision = await self._count(account, len(asking))
        except OperatorError as error:
            # For all of them: an apiserver that does not answer is not to be waited for once by each.
            for answer in asking:
                if not answer.done():
                    answer.set_exception(error)
            return
        for number, answer in enumerate(asking):
            if not answer.done():
                answer.set_result(0.0 if number < decision.granted else decision.wait)

    async def _count(self, account: str, asked: int) -> Decision:
        """Raise the count by as many as may go, in one write that nobody else's came before."""
        key = ObjectKey("", account)
        for _ in range(ATTEMPTS):
            found = self._accounts.get(key)
            if found is None or found.spec.max_deletions_per_hour is None:
                return Decision(asked, Tally(), 0.0)
            known = Tally.decode(found.metadata.annotations.get(DELETIONS))
            decision = decide(known, found.spec.max_deletions_per_hour, asked, self._now())
            if not decision.granted:
                return decision
            try:
                annotation = {DELETIONS: decision.tally.encode()}
                self._accounts.observe(await writes.annotate(self._client, ACCOUNTS, found.metadata, annotation))
            except Stale:
                self._accounts.observe(await self._client.get(ACCOUNTS.object(key)))
            else:
                return decision
        return Decision(0, Tally(), 1.0)
