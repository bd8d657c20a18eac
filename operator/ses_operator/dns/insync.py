"""Waits until Route 53's name servers have what was written: one poller for each zone, however many changes are in flight.

Source: API reference, GetChange: PENDING, then INSYNC, usually within 60 seconds.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass

from ses_operator.aws.route53 import Route53
from ses_operator.core.dns.batches import ChangeSet
from ses_operator.core.model.keys import Owner
from ses_operator.core.model.problems import Blocked, Gone, Retry

LOGGER = logging.getLogger(__name__)

SHORTEST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _Pending:
    change_id: str
    accepted_at: float
    batch: Sequence[ChangeSet]


class InsyncPoller:
    """The accepted changes of one zone that its name servers do not all have yet.

    ``on_insync`` is called for each owner when the last of its changes is served.
    """

    def __init__(
        self, route53: Route53, on_insync: Callable[[Owner], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._route53 = route53
        self._on_insync = on_insync
        self._clock = clock
        self._pending: deque[_Pending] = deque()
        self._unsynced: dict[Owner, deque[frozenset[tuple[str, str]]]] = {}
        self._worker: asyncio.Task[None] | None = None

    def watch(self, change_id: str, batch: Sequence[ChangeSet]) -> None:
        """Poll for this batch, which Route 53 has accepted."""
        self._pending.append(_Pending(change_id, self._clock(), batch))
        for changes in batch:
            written = frozenset((change.set.name, change.set.type) for change in changes.changes)
            self._unsynced.setdefault(changes.owner, deque()).append(written)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work(), context=Context())

    def unsynced(self, owner: Owner) -> frozenset[tuple[str, str]]:
        """Return name and type of each record set of this owner that was written and may not be served yet."""
        return frozenset[tuple[str, str]]().union(*self._unsynced.get(owner, ()))

    async def close(self) -> None:
        """Stop polling."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait([self._worker])

    async def _work(self) -> None:
        # The oldest first: when it is served, those after it mostly are too, and are polled without a pause.
        while self._pending:
            oldest = self._pending[0]
            if await self._is_served(oldest):
                self._pending.popleft()
                self._tell(oldest)
            else:
                await asyncio.sleep(self._pause(oldest))

    def _pause(self, pending: _Pending) -> float:
        age = self._clock() - pending.accepted_at
        return min(max(age / 2, SHORTEST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)

    async def _is_served(self, pending: _Pending) -> bool:
        try:
            return await self._route53.is_in_sync(pending.change_id)
        except Gone:
            return True
        except Retry as error:
            LOGGER.info("%s: it is asked again whether Route 53 serves the records", error)
            return False
        except Blocked as error:
            LOGGER.warning("%s: whether Route 53 serves the records is not known, and taken for granted", error)
            return True

    def _tell(self, served: _Pending) -> None:
        for changes in served.batch:
            unsynced = self._unsynced[changes.owner]
            unsynced.popleft()
            if not unsynced:
                del self._unsynced[changes.owner]
                self._on_insync(changes.owner)
