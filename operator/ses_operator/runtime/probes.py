"""The endpoints for the kubelet and Prometheus: /healthz, /readyz, /metrics."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

logger = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def serving(
    address: str, metrics_port: int, probe_port: int, *, is_ready: Callable[[], bool], registry: CollectorRegistry
) -> AsyncIterator[None]:
    """Serve while the block runs. To answer is to be alive: the event loop that must not hang is the one that serves."""

    async def health(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def ready(_: web.Request) -> web.Response:
        return web.Response(text="ok") if is_ready() else web.Response(text="caches are not synced yet", status=503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async with contextlib.AsyncExitStack() as stack:
        for name, port, routes in (
            ("metrics", metrics_port, [web.get("/metrics", metrics)]),
            ("probes", probe_port, [web.get("/healthz", health), web.get("/readyz", ready)]),
        ):
            bound = await stack.enter_async_context(_site(address, port, routes))
            logger.info("serving %s", name, extra={"port": bound})
        yield


@contextlib.asynccontextmanager
async def _site(address: str, port: int, routes: list[web.RouteDef]) -> AsyncIterator[int]:
    application = web.Application()
    application.add_routes(routes)
    runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, address or None, port).start()
        yield int(runner.addresses[0][1])
    finally:
        await asyncio.shield(runner.cleanup())
