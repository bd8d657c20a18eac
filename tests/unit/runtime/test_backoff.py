"""Waiting before something that failed is tried again."""

from __future__ import annotations

import asyncio

import pytest

from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.problems import Blocked, OperatorError, Retry
from ses_operator.runtime.backoff import Backoff
from unit.simulated_loop import simulate

BACKOFF = Backoff(first=1, cap=10, factor=3, spread=0)


@pytest.mark.parametrize("failures", [1, 5, 100, 10_000])
def test_it_has_a_cap_and_a_spread(failures: int) -> None:
    assert Backoff(first=1, cap=60, spread=0.5, draw=lambda: 1.0).delay(failures) <= 90
    assert Backoff(first=1, cap=60, spread=0.5, draw=lambda: 0.0).delay(failures) == min(60, 2 ** min(failures - 1, 6))


def asked(*errors: OperatorError, tries: int | None = None) -> list[float]:
    """The moments at which something is asked that fails so often, and then answers."""

    async def play() -> list[float]:
        moments, failing = list[float](), iter(errors)

        async def ask() -> None:
            moments.append(asyncio.get_running_loop().time())
            if (error := next(failing, None)) is not None:
                raise error

        try:
            await BACKOFF.retry(ask, tries=tries)
        except OperatorError:
            moments.append(-1)
        return [moment - moments[0] if moment >= 0 else moment for moment in moments]

    return simulate(play())


def test_what_fails_in_passing_is_asked_again_after_ever_longer_pauses() -> None:
    passing = Retry(Reason.PROGRESSING, "later")
    assert asked() == [0]
    assert asked(*[passing] * 4) == [0, 1, 4, 13, 23]


def test_an_error_that_says_when_is_believed() -> None:
    assert asked(Retry(Reason.THROTTLED, "later", retry_after=7)) == [0, 7]


def test_what_fails_for_good_or_too_often_is_not_asked_again() -> None:
    passing = Retry(Reason.PROGRESSING, "later")
    assert asked(Blocked(Reason.ACCESS_DENIED, "no right")) == [0, -1]
    assert asked(passing, passing, passing, tries=2) == [0, 1, -1]
