"""The controllers, put together as the operator does it, and called by the test: no queue, no watch, no process.

A ``World`` reconciles what the test changed, what wakes what, and what asked to be looked at again later, until a question of
the test's is answered. Time passes only in between, by jumps, on one clock for the operator and for AWS. Nothing is waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from controllers.host import INSTALLATION, Host, open_gate
from devcluster.apiclient import ACCOUNTS, GROUP, ApiError
from devcluster.environment import OPERATOR_NAMESPACE
from ses_operator.api.account.kind import SesAccount
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.template import SesVerificationTemplate
from ses_operator.controllers.shared.cluster import (
    ACCOUNT_INDEXES,
    ENDPOINT_SELECTOR,
    IDENTITY_INDEXES,
    SECRET_SELECTOR,
    TEMPLATE_INDEXES,
    Cluster,
)
from ses_operator.controllers.shared.context import ControllerContext
from ses_operator.controllers.shared.telemetry import Telemetry
from ses_operator.controllers.wiring import build_controllers
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import OperatorError
from ses_operator.dns.endpoint_object import DNS_ENDPOINTS
from ses_operator.runtime.backoff import Backoff
from ses_operator.runtime.controller import Controller
from ses_operator.runtime.kube.events import EventRecorder
from ses_operator.runtime.kube.resources import JsonObject, Resource, key_of
from ses_operator.runtime.source import Source
from ses_operator.runtime.watch.cache import ObjectChange, ObjectStore
from ses_operator.runtime.watch.coverage import Coverage
from ses_operator.runtime.watch.reflector import Reflected
from ses_operator.runtime.workqueue import Result, Urgency, WorkQueue, note_urgency
from ses_operator.settings import Settings

T = TypeVar("T")

HORIZON = 6 * 3600.0
"""Seconds of the world's clock after which what a test waits for will not come."""

MOST_RECONCILES = 500
"""In a row, without any time passing: what asks for more does not come to rest."""

KINDS = {
    "account": "sesaccount",
    "template": "sesverificationtemplate",
    "notification": "notification",
    "identity": "sesidentity",
}
"""The controllers by what tests call them, in the order in which they are served."""


class Crashed(BaseException):
    """The operator is no more. Nothing may catch it."""


class Keys(WorkQueue[ObjectKey]):
    """Takes the place of a queue: notes which keys are to be reconciled, and leaves it to the world to do it."""

    def __init__(self, kind: str, metrics: Any, woken: Callable[[], None]) -> None:
        super().__init__(kind, metrics)
        self.asked: dict[ObjectKey, Urgency] = {}
        self.due: dict[ObjectKey, float] = {}
        self.failed: dict[ObjectKey, int] = {}
        self._woken = woken

    def add(self, key: ObjectKey, urgency: Urgency = Urgency.NORMAL) -> None:
        self.asked[key] = min(urgency, self.asked.get(key, urgency))
        self._woken()

    def take_due(self, now: float) -> None:
        for key in [key for key, moment in self.due.items() if moment <= now]:
            del self.due[key]
            self.add(key, Urgency.LOW)


@dataclass
class Objects:
    """Objects of a kind that no store holds, as of the last look: DNSEndpoints, namespaces."""

    installed: bool = True
    found: dict[ObjectKey, JsonObject] = field(default_factory=dict)
    changes: Source[Reflected] = field(default_factory=Source)
    installations: Source[Resource] = field(default_factory=Source)

    def get(self, key: ObjectKey) -> JsonObject | None:
        return self.found.get(key)

    def replace(self, items: list[JsonObject]) -> None:
        """Hold these, and tell what has changed."""
        before, self.found = self.found, {key_of(item): item for item in items}
        for key, item in self.found.items():
            if key not in before or _version(before[key]) != _version(item):
                self.changes.emit(Reflected(key, item))
        for key in before.keys() - self.found.keys():
            self.changes.emit(Reflected(key, None))


class Endpoints(Objects):
    """DNSEndpoints: read when they are asked for, as a watch would have brought them by then."""

    def __init__(self, read: Callable[[ObjectKey], JsonObject | None], version: Callable[[], Any]) -> None:
        super().__init__(installed=False)
        self._read, self._version = read, version
        self._known: dict[ObjectKey, tuple[Any, JsonObject | None]] = {}

    def replace(self, items: list[JsonObject]) -> None:
        self._known.clear()
        super().replace(items)

    def get(self, key: ObjectKey) -> JsonObject | None:
        """Read again only if one was written since, by the test or by the operator."""
        if not self.installed:
            return None
        version, known = self._version(), self._known.get(key)
        if known is None or known[0] != version:
            self._known[key] = known = version, self._read(key)
        return known[1]


class World:
    """One replica of the operator in one test, for the objects of some namespaces and accounts."""

    def __init__(self, host: Host, namespaces: list[str], accounts: list[str], **settings: Any) -> None:
        self.host = host
        self.namespaces = namespaces
        self.accounts = accounts
        self.record = f"{namespaces[0]}-installation"
        """The name of the installation record: each test has its own, as each has its own accounts."""
        self.coverage = Coverage(())
        """Which namespaces are watched, and are to be seen; all that there are, unless a test says otherwise."""
        self.settings: dict[str, Any] = {"pending_poll": 15.0, "idle_poll": 300.0, **settings}
        self.controllers: dict[str, Controller] = {}
        self._is_dead = False
        self._writes = (
            self._beside
        ) = -1  # of the test's writes so many were seen: in all, and to anything but identities
        self._results: dict[tuple[str, ObjectKey], Result] = {}
        self._work: asyncio.Task[Any]
        self.start()

    # --- life and death

    def start(self) -> None:
        """A new operator, which knows nothing. It sees all objects as it starts."""
        self._is_dead = False
        self.host.gate = open_gate
        self.host.loop.run_until_complete(self._start())
        self._writes = self._beside = -1

    async def _start(self) -> None:
        self._woken = asyncio.Event()
        self.telemetry = Telemetry()
        self._queues = {kind: Keys(kind, self.telemetry.queues, self._woken.set) for kind in KINDS}
        self.identities = ObjectStore(SesIdentity.model_validate, IDENTITY_INDEXES)
        self.ses_accounts = ObjectStore(SesAccount.model_validate, ACCOUNT_INDEXES)
        self.templates = ObjectStore(SesVerificationTemplate.model_validate, TEMPLATE_INDEXES)
        self._endpoints = Endpoints(
            self._read_endpoint, lambda: (self.host.api.beside, self.host.client.endpoint_changes)
        )
        self._namespaces, self._secrets, self._dkim_secrets = Objects(), Objects(), Objects()
        self.events = EventRecorder(self.host.client, clock=self.host.loop.time)
        given = {
            "installation_id": INSTALLATION,
            "namespace": OPERATOR_NAMESPACE,
            "installation_record": self.record,
            **self.settings,
        }
        context = ControllerContext(
            Settings(**given),
            Cluster(
                client=self.host.client,
                events=self.events,
                identities=self.identities,
                accounts=self.ses_accounts,
                templates=self.templates,
                endpoints=self._endpoints,
                namespaces=self._namespaces,
                secrets=self._secrets,
                dkim_secrets=self._dkim_secrets,
                coverage=self.coverage,
            ),
            self.telemetry,
            self.host.sandbox.server.clock.now,
        )
        await context.installation.begin()
        named = {controller.name: controller for controller in build_controllers(context)}
        self.controllers = {kind: named[name] for kind, name in KINDS.items()}
        for kind, controller in self.controllers.items():
            controller.feed(self._queues[kind])
            for start in controller.starting:
                start()

    def stop(self) -> None:
        """The operator ends. What it knew is lost."""
        controllers, self.controllers = self.controllers, {}
        for queue in self._queues.values():
            queue.asked.clear()
            queue.due.clear()
        for controller in reversed(controllers.values()):
            self.host.loop.run_until_complete(controller.close())
        self.host.loop.run_until_complete(self.host.client.rest())

    def restart(self) -> None:
        """As after a crash, or an upgrade: another operator goes on."""
        self.host.gate = _shut
        self.stop()
        self.start()

    @contextmanager
    def killed_after(self, writes: int) -> Iterator[Callable[[], bool]]:
        """Within the block the operator dies once so many more of its writes were carried out, in the cluster or at AWS.

        That is after the last of them and before the next: an answer that was lost with the operator, or a write that was never
        sent, makes no difference to what is there. What the test waits for then ends the block. Gives a function that tells
        whether it died; if so, `restart` is next.
        """
        begun = self.writes()

        def gate() -> None:
            if not self._is_dead and self.writes() - begun >= writes:
                self._is_dead = True
                self.host.loop.call_soon_threadsafe(self._end)
            if self._is_dead:
                raise Crashed

        self.host.gate = gate
        try:
            yield lambda: self._is_dead
        except Crashed:
            pass
        finally:
            self.host.gate = _shut if self._is_dead else open_gate

    def writes(self) -> int:
        """How many writes the operator has made in the cluster and at AWS, in all."""
        return len(self.host.writes.all())

    # --- reconciles

    def reconcile(self, name: str = "mail", namespace: str = "", kind: str = "identity") -> Result:
        """Reconcile one object, and all that this wakes, until nothing is asked for now; what its last reconcile asked for."""
        self._look_if_written()
        key = ObjectKey("" if kind in ("account", "notification") else namespace or self.namespaces[0], name)
        self._queues[kind].add(key)
        self._run(self._settle())
        return self._results[kind, key]

    def until(self, question: Callable[[], T], of: str, horizon: float = HORIZON) -> T:
        """The first answer that is true, while objects are reconciled and time passes. TimeoutError says what did not come."""
        return self._run(self._until(question, of, horizon))

    def settle(self) -> None:
        """Reconcile until nothing is asked for now."""
        self._look_if_written()
        self._run(self._settle())

    def pass_time(self, seconds: float = 0, *, hours: float = 0) -> None:
        """Let time pass in one leap, then reconcile what is due."""
        self.host.loop.jump(seconds + 3600 * hours)
        self.settle()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it to its end, or that of the operator. Raises Crashed."""
        self._work = task = self.host.loop.create_task(work)
        try:
            return self.host.loop.run_until_complete(task)
        except (asyncio.CancelledError, Crashed):
            raise Crashed from None

    def _end(self) -> None:
        """Nothing of the operator goes on. Who waits in it may do so for another part that is dead already."""
        self._work.cancel()

    async def _until(self, question: Callable[[], T], of: str, horizon: float) -> T:
        loop = self.host.loop
        end = loop.time() + horizon
        while True:
            self._look_if_written()
            await self._settle()
            if answer := question():
                return answer
            if loop.time() >= end:
                raise TimeoutError(
                    f"waited {horizon:.0f} s of the world's time for {of}; the last answer was {answer!r}"
                )
            if not any(queue.asked for queue in self._queues.values()):
                await self._wait(
                    min([end, *(moment for queue in self._queues.values() for moment in queue.due.values())])
                )

    async def _wait(self, moment: float) -> None:
        """Until then, or until something is asked for."""
        self._woken.clear()
        try:
            async with asyncio.timeout_at(moment):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _settle(self) -> None:
        for _ in range(MOST_RECONCILES):
            now = self.host.loop.time()
            for queue in self._queues.values():
                queue.take_due(now)
            kind = next((kind for kind, queue in self._queues.items() if queue.asked), None)
            if kind is None:
                return
            queue = self._queues[kind]
            key = min(queue.asked, key=queue.asked.__getitem__)
            note_urgency(queue.asked.pop(key))
            await self._reconcile(kind, queue, key)
        raise AssertionError(f"does not come to rest: {[list(queue.asked) for queue in self._queues.values()]}")

    async def _reconcile(self, kind: str, queue: Keys, key: ObjectKey) -> None:
        queue.due.pop(key, None)
        self._check()
        try:
            result: Result = await self.controllers[kind].reconcile(key)
        except OperatorError as error:
            after = error.problem.retry_after
            result = Result.retry() if after is None else Result.after(after)
        self._check()
        await self.events.flush(60)
        self._check()
        self._results[kind, key] = result
        queue.failed[key] = queue.failed.get(key, 0) + 1 if result.backoff else 0
        wait = Backoff(spread=0.0).delay(queue.failed[key]) if result.backoff else result.requeue_after
        if wait is not None:
            queue.due[key] = self.host.loop.time() + wait

    def _check(self) -> None:
        """A task of the background may have died, too."""
        if self._is_dead:
            raise Crashed

    # --- what a watch would bring

    def look(self) -> None:
        """Take in all objects as they are now, and wake those whom that concerns."""
        self._beside = self.host.api.beside
        self._seen(self.ses_accounts, [item for name in self.accounts for item in self._read(f"{ACCOUNTS}/{name}")])
        self._seen(self.templates, self._list_all(f"{GROUP}/namespaces/{{}}/sesverificationtemplates"))
        self._namespaces.replace(
            [item for name in self.namespaces for item in self._read(f"/api/v1/namespaces/{name}")]
        )
        secrets = f"/api/v1/namespaces/{{}}/secrets?labelSelector={SECRET_SELECTOR}"
        self._secrets.replace(self._list(secrets.format(OPERATOR_NAMESPACE)))
        self._dkim_secrets.replace(self._list_all(secrets))
        self._look_at_identities()

    def _look_at_identities(self) -> None:
        self._writes = self.host.api.writes
        self._seen(self.identities, self._list_all(f"{GROUP}/namespaces/{{}}/sesidentities"))
        self._endpoints_seen()

    def _look_if_written(self) -> None:
        if self.controllers and self._beside != self.host.api.beside:
            self.look()
        elif self.controllers and self._writes != self.host.api.writes:
            self._look_at_identities()

    def _seen(self, store: ObjectStore[Any], items: list[JsonObject]) -> None:
        there = {key_of(item): item["metadata"]["uid"] for item in items}
        gone = [store.remove(key, store.uid(key) or "") for key in store if there.get(key) != store.uid(key)]
        for delta in [*gone, *(store.observe(item) for item in items)]:
            if delta.change is not ObjectChange.NOTHING:
                store.changes.emit(delta)

    def _endpoints_seen(self) -> None:
        was, path = self._endpoints.installed, "/apis/externaldns.k8s.io/v1alpha1/namespaces/{}/dnsendpoints"
        self._endpoints.installed = self.host.has_dnsendpoints
        if self._endpoints.installed and not was:
            self._endpoints.installations.emit(DNS_ENDPOINTS)
        if self._endpoints.installed:
            selected = f"{path}?labelSelector={ENDPOINT_SELECTOR}"
            self._endpoints.replace(self._list_all(selected))

    def _read_endpoint(self, key: ObjectKey) -> JsonObject | None:
        return self.host.api.get(
            f"/apis/externaldns.k8s.io/v1alpha1/namespaces/{key.namespace}/dnsendpoints/{key.name}"
        )

    def _list_all(self, path: str) -> list[JsonObject]:
        """What is in all namespaces of the world."""
        return [item for namespace in self.namespaces for item in self._list(path.format(namespace))]

    def _list(self, path: str) -> list[JsonObject]:
        found = self.host.api.get(path)
        return [] if found is None else list(found["items"])

    def _read(self, path: str) -> list[JsonObject]:
        try:
            found = self.host.api.get(path)
        except ApiError:
            return []
        return [] if found is None else [found]


def _version(obj: JsonObject) -> str:
    return str(obj["metadata"]["resourceVersion"])


def _shut() -> None:
    raise Crashed
