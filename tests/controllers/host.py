"""What all tests of one process share: the apiserver, AWS in this process, and an event loop that moves both clocks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from controllers.moving_loop import MovingLoop
from devcluster.apiclient import ApiClient
from devcluster.controlplane import ControlPlane
from devcluster.environment import Environment
from devcluster.sandbox_process import Sandbox, SandboxOptions
from devcluster.shared import shared_control_plane
from ses_operator.runtime.kube.client import KubeClient, load_configuration
from ses_operator.runtime.kube.resources import JsonObject
from ses_sandbox.route53 import Route53Settings
from ses_sandbox.server import SandboxServer, SandboxSettings

INSTALLATION = "tests"
"""No operator that runs as a process has this one: it leaves the accounts of these tests alone."""


class SandboxHere(Sandbox):
    """The sandbox in this process, used as one that is a process of its own."""

    def __init__(self, server: SandboxServer, pass_time: Callable[[float], None]) -> None:
        self.options = SandboxOptions(rate=0, route53_rate=0, zones=server.settings.seed_zones)
        self.server = server
        self._pass_time = pass_time

    @property
    def aws_url(self) -> str:
        return self.server.aws_url

    @property
    def dns_address(self) -> str:
        host, port = self.server.dns_address
        return f"{host}:{port}"

    @property
    def zones(self) -> Mapping[str, str]:
        return self.server.seeded_zones

    def ask(self, path: str, body: Mapping[str, Any] | None = None, *, method: str | None = None) -> Any:
        """As from another process; but when the clock is moved, the operator's moves with it."""
        if path == "clock" and body is not None and "speed" not in body:
            self._pass_time(3600.0 * body.get("advanceHours", 0) + body.get("advanceSeconds", 0))
            return super().ask("clock")
        return super().ask(path, body, method=method)

    def start(self) -> None:
        raise NotImplementedError("it runs as long as the tests do")

    stop = await_ready = start


class NotingApi(ApiClient):
    """Knows whether anything was written through it since the stores were fed last."""

    def __init__(self, kubeconfig: Path) -> None:
        super().__init__(kubeconfig)
        self.has_written = True

    def _ask(self, method: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        self.has_written |= method != "GET"
        return super()._ask(method, *arguments, **options)


class Client(KubeClient):
    """The operator's client. The loop waits for its answers, and its writes are counted."""

    writes = 0

    async def _request(self, *arguments: Any, **options: Any) -> JsonObject:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, MovingLoop)
        with loop.busy():
            answer = await super()._request(*arguments, **options)
        self.writes += arguments[0] != "GET"
        return answer


@dataclass
class Host:
    """``gate`` is asked before each write by the controllers of the test that runs. ``has_dnsendpoints``: ExternalDNS's kind
    counts as installed, which another test process may do at any moment."""

    plane: ControlPlane
    api: NotingApi
    sandbox: SandboxHere
    environment: Environment
    loop: MovingLoop
    client: Client
    gate: Callable[[], None]
    has_dnsendpoints: bool = False

    def ask_gate(self) -> None:
        self.gate()


def open_gate() -> None:
    """Every write may go."""


@contextmanager
def hosting(run: Path, own: Path, zones: tuple[str, ...], **settings: Any) -> Iterator[Host]:
    """The host of one test process, until the block ends. ``settings``: further ones of the sandbox."""
    plane = shared_control_plane(run, own)
    plane.api = api = NotingApi(plane.kubeconfig)
    plain = {"rate": 0, "route53": Route53Settings(requests_per_second=0, processing_seconds=0), "seed_zones": zones}
    with SandboxServer(SandboxSettings(**{**plain, **settings})) as server:
        loop = MovingLoop(lambda seconds: server.advance(timedelta(seconds=seconds)), plane.port)
        sandbox = SandboxHere(server, loop.jump)
        environment = Environment(plane, sandbox, installation_id=INSTALLATION)
        configuration = loop.run_until_complete(load_configuration(str(plane.kubeconfig)))
        host: Host

        async def client() -> Client:
            return Client(configuration, gate=lambda: host.ask_gate())

        host = Host(plane, api, sandbox, environment, loop, loop.run_until_complete(client()), open_gate)
        try:
            yield host
        finally:
            loop.run_until_complete(host.client.close())
            with loop.busy():
                loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()


def worker() -> str:
    """The name of this test process among those of a run."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")
