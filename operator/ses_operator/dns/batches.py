"""One zone's changes, collected from many identities into few batches, one in flight at a time.

Route 53 works on one change of a zone at a time and refuses the next with PriorRequestNotComplete; so while a batch
is in flight the next one fills up.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass

from ses_operator.api.base.reasons import Reason
from ses_operator.aws.errors.translation import Refused
from ses_operator.core.dns.batches import ChangeSet, first_batch, halves, is_stale
from ses_operator.core.dns.zone_sets import BatchLimits
from ses_operator.core.model.problems import Blocked, OperatorError, Retry, Stale
from ses_operator.runtime.backoff import Backoff

LOGGER = logging.getLogger(__name__)

COLLECT_SECONDS = 0.1
ATTEMPTS = 6
BACKOFF = Backoff(first=0.25, cap=8.0)

NOT_CARRIED_OUT = frozenset({Reason.THROTTLED, Reason.PUBLISHING_RECORDS})
"""Refusals after which it is certain that nothing was changed: the same batch may be sent once more."""

Send = Callable[[Sequence[ChangeSet]], Awaitable[str]]
"""Sends one batch and returns the id of the change; raises Refused where Route 53 refuses it as a whole."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    changes: ChangeSet
    answer: asyncio.Future[str]

    @property
    def elements(self) -> int:
        return self.changes.elements

    @property
    def characters(self) -> int:
        return self.changes.characters


class ZoneBatches:
    """The batches of one zone. Works in a task of its own while anything waits."""

    def __init__(
        self, send: Send, *, limits: BatchLimits | None = None, collect_seconds: float = COLLECT_SECONDS
    ) -> None:
        self._send = send
        self._limits = limits or BatchLimits()
        self._collect_seconds = collect_seconds
        self._waiting: deque[_Waiting] = deque()
        self._worker: asyncio.Task[None] | None = None

    async def submit(self, changes: ChangeSet) -> str:
        """Submit one identity's changes; return the id of the change once Route 53 has accepted it.

        Raises Stale if the zone is not as the changes suppose, Blocked if Route 53 refuses them otherwise, Retry if
        it is not known whether they were made. A caller that is cancelled before its batch is sent takes its changes
        back.
        """
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(changes, answer))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work(), context=Context())
        return await answer

    async def close(self) -> None:
        """Stop. What waits gets Retry; the outcome of a batch in flight is not known."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait([self._worker])
        while self._waiting:
            _fail([self._waiting.popleft()], Retry(Reason.PUBLISHING_RECORDS, "The operator is stopping"))

    async def _work(self) -> None:
        await asyncio.sleep(self._collect_seconds)
        while self._waiting:
            waiting = [item for item in self._waiting if not item.answer.done()]
            batch = first_batch(waiting, self._limits)
            self._waiting = deque(waiting[len(batch) :])
            if batch:
                await self._deliver(batch)

    async def _deliver(self, batch: Sequence[_Waiting]) -> None:
        try:
            change_id = await self._send_patiently([item.changes for item in batch])
        except Refused as error:
            if len(batch) == 1:
                _fail(batch, _refusal(batch[0].changes, error))
                return
            LOGGER.info("Route 53 refused a batch of %d identities; it is split", len(batch))
            for half in halves(batch):
                await self._deliver(half)
        except OperatorError as error:
            _fail(batch, error)
        except BaseException:
            _fail(
                batch,
                Retry(Reason.PUBLISHING_RECORDS, "It is not known whether Route 53 accepted the DNS records; retrying"),
            )
            raise
        else:
            for item in batch:
                if not item.answer.done():
                    item.answer.set_result(change_id)

    async def _send_patiently(self, batch: Sequence[ChangeSet]) -> str:
        return await BACKOFF.retry(lambda: self._send(batch), tries=ATTEMPTS, may_pass=_was_not_carried_out)


def _was_not_carried_out(error: OperatorError) -> bool:
    return isinstance(error, Retry) and error.problem.reason in NOT_CARRIED_OUT


def _refusal(changes: ChangeSet, error: Refused) -> OperatorError:
    sentence = str(error)
    if is_stale(sentence):
        return Stale(
            Reason.PUBLISHING_RECORDS, f"The zone changed while records of {changes.domain} were written: {sentence}"
        )
    return Blocked(Reason.DNS_RECORD_REFUSED, f"Records of {changes.domain} cannot be written: {sentence}")


def _fail(batch: Sequence[_Waiting], error: OperatorError) -> None:
    for item in batch:
        if not item.answer.done():
            item.answer.set_exception(type(error)(error.problem.reason, str(error), error.problem.retry_after))
