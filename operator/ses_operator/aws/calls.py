"""One call to AWS, from its turn in the budget to an answer or an error of ours. Every call goes through here."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from ses_operator.aws.budget import Bucket, Priority, RequestBudget
from ses_operator.aws.errors import Request, is_about_credentials, is_throttling, translate
from ses_operator.aws.executor import Executor
from ses_operator.aws.metrics import METRICS, Result
from ses_operator.core.problems import Gone, OperatorError, Retry

LOGGER = logging.getLogger(__name__)

ATTEMPTS_WHEN_THROTTLED = 4
"""A throttled call was not carried out: it takes its turn again at once, rather than begin the reconcile anew."""

ClientSource = Callable[[], Any]
"""Returns a botocore client. Called in a thread: making a client reads files and may ask STS."""


class Calls:
    """Makes calls in the executor's threads, at the budget's pace, and counts them.

    ``on_rejected`` is called each time that AWS does not accept the credentials.
    """

    __slots__ = ("_budget", "_executor", "_on_rejected")

    def __init__(
        self, executor: Executor, budget: RequestBudget, on_rejected: Callable[[], None] = lambda: None
    ) -> None:
        self._executor = executor
        self._budget = budget
        self._on_rejected = on_rejected

    async def __call__(
        self, client: ClientSource, request: Request, bucket: Bucket, priority: Priority, **parameters: Any
    ) -> Mapping[str, Any]:
        """The answer to one call, as botocore parsed it. Raises nothing but ``OperatorError``."""
        method = xform_name(request.operation)
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
        result = Result.ABANDONED
        try:
            answer: Mapping[str, Any] = await self._executor.call(lambda: getattr(client(), method)(**parameters))
        except (BotoCoreError, ClientError, ResponseParserError) as error:
            problem = translate(error, request)
            result = self._note_failure(error, problem, bucket)
            raise problem from error
        else:
            result = Result.OK
            self._budget.succeeded(bucket)
            return answer
        finally:
            duration = time.monotonic() - started
            METRICS.requests.labels(request.service, request.operation, request.region, result).inc()
            METRICS.duration.labels(request.service).observe(duration)
            LOGGER.debug(
                "%s %s in %s: %s after %.3f s", request.operation, request.subject, request.region, result, duration
            )

    def _note_failure(self, error: Exception, problem: OperatorError, bucket: Bucket) -> Result:
        if is_throttling(error):
            self._budget.throttled(bucket)
            return Result.THROTTLED
        if is_about_credentials(error, problem.problem):
            self._on_rejected()
        if isinstance(problem, Gone):
            return Result.GONE
        return Result.RETRY if isinstance(problem, Retry) else Result.BLOCKED


def observe_wait(bucket: Bucket, seconds: float) -> None:
    """The hook that puts a budget's waits into the metrics."""
    METRICS.budget_wait.labels(bucket.action).observe(seconds)
