"""Kills a process just before or just after a chosen one of its writes to AWS or Kubernetes reaches the other side.

The process talks to AWS and to the apiserver through two loopback proxies that understand HTTP. They number the
writes that pass, in both directions to the same count. At the chosen number the process is killed (SIGKILL) either
before the request is passed on, so that it never happened, or after the answer came and before it is passed back, so
that it happened and the process does not know. Nothing of this is in the process itself.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web
from multidict import CIMultiDict
from yarl import URL

from devcluster.controlplane import ControlPlane

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"})
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# Lease renewals come by the clock, and Events are sent aside: neither is a step of the work.
_NO_STEP = re.compile(r"/(leases|events)(/|$)")
_SCOPE = re.compile(r"Credential=[^/]+/\d+/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
_OPERATIONS = tuple(
    (method, re.compile(path), name)
    for method, path, name in (
        ("POST", r"^/v2/email/identities/?$", "CreateEmailIdentity"),
        ("DELETE", r"^/v2/email/identities/[^/]+$", "DeleteEmailIdentity"),
        ("POST", r"^/v2/email/list-identities$", "ListEmailIdentities"),
        ("PUT", r"/mail-from$", "PutEmailIdentityMailFromAttributes"),
        ("POST", r"^/v2/email/outbound-emails$", "SendEmail"),
        ("POST", r"^/v2/email/tags$", "TagResource"),
        ("DELETE", r"^/v2/email/tags$", "UntagResource"),
        ("POST", r"/rrset/?$", "ChangeResourceRecordSets"),
    )
)


class Moment(Enum):
    """The moment at which the process dies, relative to the write."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class SeenWrite:
    """One write that passed, or was to pass. `number` counts from 1, since the last `arm` or `disarm`."""

    number: int
    what: str

    def __str__(self) -> str:
        return f"{self.number}: {self.what}"


@dataclass(frozen=True, slots=True, eq=False)
class _Blade:
    """Falls once, at the first write of which this is true."""

    is_due: Callable[[SeenWrite], bool]
    moment: Moment
    kill: Callable[[], object]


class CrashProxy:
    """The two proxies, in a thread of their own. A context manager."""

    def __init__(self, aws_url: str, plane: ControlPlane) -> None:
        self._targets = {"aws": aws_url.rstrip("/"), "kubernetes": plane.url}
        self._plane = plane
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="crash_proxy", daemon=True)
        self._runners: list[web.AppRunner] = []
        self._lock = threading.Lock()
        self._writes: list[SeenWrite] = []
        self._armed: _Blade | None = None
        self.fallen = threading.Event()
        self.aws_url = ""
        self.kubernetes_url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def kill_before(self, number: int, kill: Callable[[], object]) -> None:
        """Call `kill` when the `number`-th write from now arrives, and do not pass that write on."""
        self._arm(_Blade(lambda write: write.number == number, Moment.BEFORE, kill))

    def kill_after(self, number: int, kill: Callable[[], object]) -> None:
        """Call `kill` when the `number`-th write from now has been answered, and do not pass the answer on."""
        self._arm(_Blade(lambda write: write.number == number, Moment.AFTER, kill))

    def kill_before_first(self, words: str, kill: Callable[[], object]) -> None:
        """Do the same at the first write that has these words: "secrets", "CreateEmailIdentity"."""
        self._arm(_Blade(lambda write: words in write.what, Moment.BEFORE, kill))

    def kill_after_first(self, words: str, kill: Callable[[], object]) -> None:
        """Do the same at the first write that has these words: "secrets", "CreateEmailIdentity"."""
        self._arm(_Blade(lambda write: words in write.what, Moment.AFTER, kill))

    def disarm(self) -> bool:
        """Let everything pass, and count from 1 again. True if the process was killed."""
        return self._arm(None)

    @property
    def writes(self) -> list[SeenWrite]:
        """The writes counted since the last `kill_before`, `kill_after` or `disarm`, in the order of arrival."""
        with self._lock:
            return list(self._writes)

    def _arm(self, blade: _Blade | None) -> bool:
        with self._lock:
            fell = self.fallen.is_set()
            self._writes = []
            self._armed = blade
            self.fallen.clear()
        return fell

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _start(self) -> None:
        folder = self._plane.folder
        trust = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        serve = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        serve.load_cert_chain(folder / "server.crt", folder / "server.key")
        self._session = ClientSession(
            connector=TCPConnector(limit=0, ssl=trust), auto_decompress=False, timeout=ClientTimeout(total=None)
        )
        self.aws_url = f"http://127.0.0.1:{await self._listen('aws', None)}"
        self.kubernetes_url = f"https://127.0.0.1:{await self._listen('kubernetes', serve)}"

    async def _listen(self, side: str, tls: ssl.SSLContext | None) -> int:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._handle(side, request)

        application = web.Application(client_max_size=32 * 1024**2)
        application.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        self._runners.append(runner)
        port: int = runner.addresses[0][1]
        return port

    async def _stop(self) -> None:
        for runner in self._runners:
            await runner.cleanup()
        await self._session.close()
        # Tasks that served the killed process still wait for it.
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _handle(self, side: str, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        what = write_to_aws(request, body) if side == "aws" else write_to_kubernetes(request)
        blade = self._count(what) if what else None
        if blade is not None and blade.moment is Moment.BEFORE:
            return self._fall(blade, request)
        headers = CIMultiDict(
            (name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP
        )
        url = f"{self._targets[side]}{request.raw_path}"
        async with self._session.request(
            request.method, URL(url, encoded=True), headers=headers, data=body or None,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"), allow_redirects=False,
        ) as answer:  # fmt: skip
            if blade is not None:
                await answer.read()
                return self._fall(blade, request)
            return await _pass_back(request, answer)

    def _count(self, what: str) -> _Blade | None:
        """Count a write; return the order to kill the process if it is due at this one."""
        with self._lock:
            write = SeenWrite(len(self._writes) + 1, what)
            self._writes.append(write)
            return self._armed if self._armed is not None and self._armed.is_due(write) else None

    def _fall(self, blade: _Blade, request: web.Request) -> web.StreamResponse:
        with self._lock:  # so that the caller of disarm knows, once that is done, if it fell
            if self._armed is blade:
                self._armed = None
                blade.kill()
                self.fallen.set()
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=502)


async def _pass_back(request: web.Request, answer: Any) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, reason=answer.reason)
    for name, value in answer.headers.items():
        if name.lower() not in _HOP_BY_HOP:
            response.headers.add(name, value)
    try:
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    except OSError:  # the process died meanwhile
        answer.close()
    return response


def write_to_kubernetes(request: web.Request) -> str | None:
    """Return a write to the apiserver in words; None for a read, and for what is no step of the work."""
    if request.method not in _WRITES or _NO_STEP.search(request.path):
        return None
    return f"{request.method} {request.path}"


def write_to_aws(request: web.Request, body: bytes) -> str | None:
    """Return a write to SES or Route 53 in words, by the operation's name; None for a read."""
    scope = _SCOPE.search(request.headers.get("Authorization", ""))
    region, service = scope.groups() if scope else ("", "")
    if service == "sts":
        return None
    if request.path == "/":  # the Query protocol of SES's API v1 names the operation in the body
        operation = parse_qs(body.decode(errors="replace")).get("Action", [""])[0]
        return None if operation.startswith(("Get", "List", "Describe")) else f"{operation} in {region}"
    known = (name for method, path, name in _OPERATIONS if method == request.method and path.search(request.path))
    operation = next(known, f"{request.method} {request.path}")
    return None if request.method == "GET" or operation.startswith("List") else f"{operation} in {region}"
