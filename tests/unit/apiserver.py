"""A stand-in for the apiserver, of one object: it applies what is sent to it, and what somebody else did just before."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from aiohttp import web
from kubernetes.aio.client.configuration import Configuration

from ses_operator.runtime.kube.client import KubeClient

Json = dict[str, Any]


class OneObject:
    """``meanwhile`` changes the object right before each write; the answer shows both."""

    def __init__(self, obj: Json, meanwhile: Callable[[Json], None] = lambda _: None) -> None:
        self.object = obj
        self._meanwhile = meanwhile

    async def patch(self, request: web.Request) -> web.Response:
        sent = json.loads(await request.read())
        self._meanwhile(self.object)
        if isinstance(sent, list):
            self.object["status"] = next(change["value"] for change in sent if change["path"] == "/status")
        elif self._is_stale(sent["metadata"]):
            return web.json_response({"kind": "Status", "reason": "Conflict", "code": 409}, status=409)
        else:
            metadata = self.object["metadata"]
            metadata["finalizers"] = sent["metadata"].get("finalizers", metadata.get("finalizers", []))
            metadata["annotations"] = {**metadata.get("annotations", {}), **sent["metadata"].get("annotations", {})}
        self.object["metadata"]["resourceVersion"] = str(int(self.object["metadata"]["resourceVersion"]) + 1)
        return web.json_response(self.object)

    async def get(self, _: web.Request) -> web.Response:
        return web.json_response(self.object)

    def _is_stale(self, sent: Json) -> bool:
        """Whether a precondition does not hold."""
        known = self.object["metadata"]
        return any(sent.get(name, known[name]) != known[name] for name in ("uid", "resourceVersion"))


@contextlib.asynccontextmanager
async def client_of(obj: OneObject) -> AsyncIterator[KubeClient]:
    """A client of an apiserver that has this object."""
    application = web.Application()
    application.router.add_patch("/{path:.*}", obj.patch)
    application.router.add_get("/{path:.*}", obj.get)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        async with KubeClient(Configuration(host=f"http://127.0.0.1:{port}")) as client:
            yield client
    finally:
        await runner.cleanup()
