"""A watch is a stream of lines: none of them, however long or broken, takes the operator down."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from kubernetes.aio.client.configuration import Configuration

from ses_operator.core.model.problems import Retry
from ses_operator.runtime.kube.client import KubeClient

HUGE = {"type": "MODIFIED", "object": {"data": "x" * 3_000_000}}
SMALL = {"type": "ADDED", "object": {}}


@contextlib.asynccontextmanager
async def stream_of(*pieces: bytes) -> AsyncIterator[KubeClient]:
    """A client of an apiserver that answers every watch with these bytes."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        return response

    application = web.Application()
    application.router.add_get("/watch", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with KubeClient(Configuration(host=f"http://127.0.0.1:{runner.addresses[0][1]}")) as client:
            yield client
    finally:
        await runner.cleanup()


async def test_an_event_may_be_as_long_as_an_object_can_be() -> None:
    text = b"".join(json.dumps(event).encode() + b"\n" for event in (SMALL, HUGE, SMALL))
    async with stream_of(text[:10], text[10:]) as client:
        events = [event async for event in client.watch("/watch", {}, server_timeout=10, silence=10)]
    assert events == [SMALL, HUGE, SMALL]


async def test_a_stream_that_breaks_off_is_watched_again() -> None:
    async with stream_of(json.dumps(SMALL).encode() + b'\n{"type": "MODI') as client:
        events = client.watch("/watch", {}, server_timeout=10, silence=10)
        assert await anext(events) == SMALL
        with pytest.raises(Retry):
            await anext(events)
