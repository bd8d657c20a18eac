"""Lookups: name servers that are silent hold no reconcile."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest

from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.reasons import Reason
from ses_operator.controllers.identity.lookups import Lookups, Resolvers
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.records import dkim_records
from ses_operator.core.state.answers import PublishedAt
from ses_operator.core.state.observed import Observed
from ses_operator.core.state.publication import DnsObservation, PublishedRecord, RecordState
from unit.strategies import DOMAIN, OWNER, wanted

REGION = "eu-west-1"
NOW = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.fixture
def deaf() -> Iterator[str]:
    """The address of a name server that never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{server.getsockname()[1]}"


def waiting() -> Observed:
    """An identity whose DKIM records nothing is known of yet."""
    (record, *_) = dkim_records(DOMAIN, REGION, ("token",), "dkim.amazonses.com", 300)
    return Observed(dns=DnsObservation((PublishedRecord(record, RecordState.MISSING),)))


async def nowhere() -> Sequence[PublishedAt]:
    return ()


async def test_a_lookup_that_no_server_answers_goes_on_beside_the_reconcile_and_wakes_the_identity(
    deaf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ses_operator.controllers.identity.lookups.PATIENCE", 0.0)
    monkeypatch.setattr("ses_operator.dns.lookup.resolver.DEADLINE", 0.3)
    lookups = Lookups(Resolvers(lambda _: None, asyncio.get_running_loop().time), asyncio.get_running_loop().time)
    woken: asyncio.Queue[ObjectKey] = asyncio.Queue()
    lookups.finished.subscribe(woken.put_nowait)
    desired, observed = wanted(regions=(REGION,), provider=DnsProvider.MANUAL), waiting()

    first = await lookups.refine(desired, observed, [deaf], nowhere, NOW)
    assert first.dns is not None
    assert [entry.reason for entry in first.dns.records] == [None], "nothing is known yet"
    assert woken.empty()
    await lookups.refine(desired, observed, [deaf], nowhere, NOW)

    assert await woken.get() == OWNER.key
    assert woken.empty(), "both have waited for one lookup"
    later = await lookups.refine(desired, observed, [deaf], nowhere, NOW)
    assert later.dns is not None
    assert [entry.reason for entry in later.dns.records] == [Reason.DNS_SERVER_FAILURE]
    await lookups.close()


async def test_what_is_forgotten_is_looked_up_no_further(deaf: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ses_operator.controllers.identity.lookups.PATIENCE", 0.0)
    lookups = Lookups(Resolvers(lambda _: None, asyncio.get_running_loop().time), asyncio.get_running_loop().time)
    desired = wanted(regions=(REGION,), provider=DnsProvider.MANUAL)
    await lookups.refine(desired, waiting(), [deaf], nowhere, NOW)
    begun = [task for task in asyncio.all_tasks() if task.get_name() == f"lookup {OWNER.key}"]
    lookups.forget(OWNER.key)
    await asyncio.wait(begun)
    assert [task.cancelled() for task in begun] == [True]
