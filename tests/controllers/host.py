"""What all tests of one process share: the apiserver, AWS in this process, and an event loop that moves both clocks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from kubernetes.aio.client.configuration import Configuration

from controllers.kept_clients import kept_clients
from controllers.moving_loop import MovingLoop
from devcluster.apiclient import ApiClient
from devcluster.controlplane import ControlPlane
from devcluster.environment import ACCESS_KEY, Environment
from devcluster.sandbox_process import Sandbox, SandboxOptions
from devcluster.shared import shared_control_plane
from ses_operator.runtime.kube.client import KubeClient, load_configuration
from ses_operator.runtime.kube.resources import JsonObject
from ses_sandbox.calls import CallFilter, CallLog
from ses_sandbox.route53 import Route53Settings
from ses_sandbox.server import SandboxServer, SandboxSettings

INSTALLATION = "tests"
"""No operator that runs as a process has this one: it leaves the accounts of these tests alone."""
_READS = ("Get", "List", "Assume")


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


class Writes:
    """What the operator has written so far in the cluster, Events aside, and at AWS, in words and in this order."""

    def __init__(self, log: CallLog) -> None:
        self._log = log
        self._seen = 0
        self._lock = Lock()
        self._all: list[str] = []

    def note(self, what: str) -> None:
        """A write that is on its way to the apiserver."""
        with self._lock:
            self._take_in()
            self._all.append(what)

    def all(self) -> list[str]:
        """All of them, but for calls to AWS that are still on their way."""
        with self._lock:
            self._take_in()
            return self._all

    def _take_in(self) -> None:
        newest = self._log.calls(CallFilter(), 1)
        if not newest or newest[0].number == self._seen:
            return
        for call in self._log.calls(CallFilter(), newest[0].number - self._seen):
            if call.number > self._seen and call.access_key == ACCESS_KEY and not call.operation.startswith(_READS):
                self._all.append(f"{call.operation} in {call.region}")
        self._seen = newest[0].number


class NotingApi(ApiClient):
    """Counts what is written through it: ``writes`` in all, ``beside`` to anything but identities."""

    def __init__(self, kubeconfig: Path) -> None:
        super().__init__(kubeconfig)
        self.writes = self.beside = 0

    def note(self, path: str = "") -> None:
        """There was a write, here or in another way."""
        self.writes += 1
        self.beside += "/sesidentities" not in path

    def _ask(self, method: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        if method != "GET":
            self.note(arguments[0])
        return super()._ask(method, *arguments, **options)


class Client(KubeClient):
    """The operator's client. The loop waits for its answers, and its writes are noted. ``endpoint_changes`` is another number
    after each write of a DNSEndpoint that was sent or answered."""

    def __init__(self, configuration: Configuration, gate: Callable[[], None], writes: Writes) -> None:
        super().__init__(configuration, gate=gate)
        self._writes = writes
        self._on_their_way: set[asyncio.Task[JsonObject]] = set()
        self.endpoint_changes = 0

    async def _request(self, *arguments: Any, **options: Any) -> JsonObject:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, MovingLoop)
        method, path, *_ = arguments
        if method != "GET" and "/events" not in path:
            self._writes.note(f"{method} {path}")
        sent = loop.create_task(super()._request(*arguments, **options))
        self._on_their_way.add(sent)
        sent.add_done_callback(self._on_their_way.discard)
        if method != "GET" and "/dnsendpoints" in path:
            self._see_endpoints_change()
            sent.add_done_callback(self._see_endpoints_change)
        with loop.busy():
            return await asyncio.shield(sent)

    def _see_endpoints_change(self, *_: Any) -> None:
        self.endpoint_changes += 1

    async def rest(self) -> None:
        """Wait until all that was sent is answered, though those who sent it may be no more."""
        await asyncio.gather(*self._on_their_way, return_exceptions=True)


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
    writes: Writes
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
    with SandboxServer(SandboxSettings(**{**plain, **settings})) as server, kept_clients():
        loop = MovingLoop(lambda seconds: server.advance(timedelta(seconds=seconds)), plane.port)
        sandbox = SandboxHere(server, loop.jump)
        environment = Environment(plane, sandbox, installation_id=INSTALLATION)
        configuration = loop.run_until_complete(load_configuration(str(plane.kubeconfig)))
        writes = Writes(server.calls)
        host: Host

        async def client() -> Client:
            return Client(configuration, lambda: host.ask_gate(), writes)

        host = Host(plane, api, sandbox, environment, loop, loop.run_until_complete(client()), writes, open_gate)
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
