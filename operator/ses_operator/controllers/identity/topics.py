"""Which SNS topics of a spec are missing: asked in the resync, and until they are back. Losing what is known costs a call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ses_operator.aws.sessions import AwsAccount
from ses_operator.core.model.schedule import TOPIC_READ


@dataclass(frozen=True, slots=True)
class _Look:
    at: float
    exists: bool | None


class TopicLooks:
    """The answers of SNS by AWS account and ARN. An account has few topics, and its identities share them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._looks: dict[tuple[str, str], _Look] = {}

    async def missing(self, account: AwsAccount, arns: Iterable[str], max_age: float | None) -> frozenset[str]:
        """Return those that do not exist, as far as is known.

        ``max_age``: how old an answer may be, in seconds; None if only what is missing has to be asked for again.
        """
        named = sorted(set(arns))
        found = await asyncio.gather(*(self._exists(account, arn, max_age) for arn in named))
        return frozenset(arn for arn, exists in zip(named, found, strict=True) if exists is False)

    async def _exists(self, account: AwsAccount, arn: str, max_age: float | None) -> bool | None:
        key, now = (account.account_id, arn), self._clock()
        known = self._looks.get(key)
        age = now - known.at if known else float("inf")
        is_missing = known is not None and known.exists is False
        limit = TOPIC_READ / 2 if max_age is None else max_age
        if (max_age is None and not is_missing) or age < limit:
            return known.exists if known else None
        exists = await account.topic_exists(arn)
        self._looks[key] = _Look(now, exists)
        return exists
