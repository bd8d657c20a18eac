"""One call to AWS, from its turn in the budget to an answer or an ``OperatorError``. Every call goes through here."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from ses_operator.api.base.reasons import Reason
from ses_operator.aws.calls.budget import Bucket, Priority, RequestBudget
from ses_operator.aws.calls.executor import Executor
from ses_operator.aws.errors.translation import Request, is_about_credentials, is_throttling, translate
from ses_operator.core.model.problems import Blocked, Gone, OperatorError, Retry, Unauthenticated

LOGGER = logging.getLogger(__name__)

ATTEMPTS_WHEN_THROTTLED = 4
"""A throttled call was not carried out: it takes its turn again at once, which costs less than a new reconcile."""

BeforeWrite = Callable[[], Awaitable[None]]
"""Called before each call that changes something at AWS; raises ``OperatorError`` if it may not be made."""


async def nothing_before() -> None:
    """Let every write pass."""


ClientSource = Callable[[], Any]
"""Returns a botocore client. Called in a thread: making a client reads files and may ask STS."""


class CallResult(StrEnum):
    """The ways in which a call can end."""

    OK = "ok"
    GONE = "gone"
    THROTTLED = "throttled"
    RETRY = "retry"
    BLOCKED = "blocked"
    ABANDONED = "abandoned"  # the gate was closed, or the caller was cancelled


@dataclass(frozen=True, slots=True)
class CallReport:
    """One call that ended. ``reason``: why it was not carried out; None if it was, or if the thing does not exist."""

    request: Request
    result: CallResult
    seconds: float
    reason: Reason | None = None


class Calls:
    """Makes calls in the executor's threads, at the budget's pace.

    ``on_rejected`` is called each time that AWS does not accept the credentials, ``on_call`` after each call,
    ``before_write`` before each that is no read.
    """

    __slots__ = ("_before_write", "_budget", "_executor", "_on_call", "_on_rejected")

    def __init__(
        self,
        executor: Executor,
        budget: RequestBudget,
        on_rejected: Callable[[], None] = lambda: None,
        on_call: Callable[[CallReport], None] = lambda _: None,
        before_write: BeforeWrite = nothing_before,
    ) -> None:
        self._executor = executor
        self._budget = budget
        self._on_rejected = on_rejected
        self._on_call = on_call
        self._before_write = before_write

    def before_each_write(self, before_write: BeforeWrite) -> Calls:
        """Return the same, of the same executor and budget, with this to be called before each write."""
        return Calls(self._executor, self._budget, self._on_rejected, self._on_call, before_write)

    async def __call__(
        self, client: ClientSource, request: Request, bucket: Bucket, priority: Priority, **parameters: Any
    ) -> Mapping[str, Any]:
        """Make one call and return the answer as botocore parsed it. Raises nothing but ``OperatorError``."""
        method = xform_name(request.operation)
        if not request.is_read:
            await self._before_write()
        for _ in range(ATTEMPTS_WHEN_THROTTLED - 1):
            await self._budget.acquire(bucket, priority)
            try:
                return await self._once(client, method, request, bucket, parameters)
            except Retry as error:
                if error.__cause__ is None or not is_throttling(error.__cause__):
                    raise
        await self._budget.acquire(bucket, priority)
        return await self._once(client, method, request, bucket, parameters)

    async def _once(
        self, client: ClientSource, method: str, request: Request, bucket: Bucket, parameters: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        started = time.monotonic()
        result, reason = CallResult.ABANDONED, None
        try:
            answer: Mapping[str, Any] = await self._executor.call(lambda: getattr(client(), method)(**parameters))
        except Blocked as error:
            self._on_rejected()  # the token that is exchanged for credentials is not given out
            raise Unauthenticated.of(error.problem) from error
        except (BotoCoreError, ClientError, ResponseParserError) as error:
            problem = translate(error, request)
            if isinstance(problem, Blocked) and is_about_credentials(error, problem.problem):
                problem = Unauthenticated.of(problem.problem)
            result = self._note_failure(error, problem, bucket)
            reason = None if result is CallResult.GONE else problem.problem.reason
            raise problem from error
        else:
            result = CallResult.OK
            self._budget.succeeded(bucket)
            return answer
        finally:
            duration = time.monotonic() - started
            self._on_call(CallReport(request, result, duration, reason))
            LOGGER.debug(
                "%s %s in %s: %s after %.3f s", request.operation, request.subject, request.region, result, duration
            )

    def _note_failure(self, error: Exception, problem: OperatorError, bucket: Bucket) -> CallResult:
        if is_throttling(error):
            self._budget.throttled(bucket)
            return CallResult.THROTTLED
        if is_about_credentials(error, problem.problem):
            self._on_rejected()
        if isinstance(problem, Gone):
            return CallResult.GONE
        return CallResult.RETRY if isinstance(problem, Retry) else CallResult.BLOCKED
