"""The operator's own kinds, watched by Kopf into stores, with a second look where a watch alone is not enough.

A watch that has to list again does not show what was deleted meanwhile, and Kopf does not report when its first list
is complete. Both are solved by comparing a store with a list of names and uids (metadata only, 1 KB an object).

Kopf ends with all its watches when the apiserver refuses one of them. So each namespace has a Kopf of its own, which fails and
comes back alone (``ScopedWatch``), and so have the kinds that are in none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from kubernetes.aio.client.configuration import Configuration

from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import OperatorError, Retry, Stale
from ses_operator.runtime.backoff import Backoff
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.resources import JsonObject, Resource, key_of
from ses_operator.runtime.watch.cache import ObjectChange, ObjectStore, Origin
from ses_operator.runtime.watch.coverage import EVERYWHERE, Coverage, WatchState
from ses_operator.runtime.watch.kopf_shell import KopfShell, OnEvent
from ses_operator.runtime.watch.listing import BACKOFF, METADATA_ONLY, pages

logger = logging.getLogger(__name__)

KINDS_POLL = Backoff(first=0.5, cap=5.0)
"""The apiserver publishes the schema of a kind a moment after it was installed or upgraded."""
AGAIN = Backoff(first=1.0, cap=30.0)
"""Between two attempts to watch a namespace."""
CATCH_UP_PATIENCE = 10.0
CATCH_UP_TRIES = 12
COMPARE_INTERVAL = 600.0
COMPARE_AFTER_RELIST = 5.0


Obstacle = Callable[[KubeClient, Collection[str]], Awaitable[str]]


class WatchDeafError(Exception):
    """The watches do not show what lists show: only new ones help."""


class ClusterRestoredError(Exception):
    """What the stores hold is newer than the cluster: only a restart helps."""


@dataclass(frozen=True, slots=True)
class Informer:
    """A kind, and the store of its objects; the ``changes`` of the store show what lists and watches have shown."""

    resource: Resource
    store: ObjectStore[Any]


class Informers:
    """Runs Kopf for some kinds and keeps their stores true."""

    def __init__(
        self,
        client: KubeClient,
        configuration: Configuration,
        informers: tuple[Informer, ...],
        coverage: Coverage,
        obstacle: Obstacle,
    ) -> None:
        """Watch what ``coverage`` names, and report to it.

        ``obstacle`` returns what prevents watching the kinds of these plural names; empty if nothing does.
        """
        self._client = client
        self._informers = informers
        self._obstacle = obstacle
        self._started = asyncio.Event()
        names = tuple(name for name in coverage.names if name != EVERYWHERE)
        in_namespaces = tuple(each for each in informers if names and each.resource.is_namespaced)
        everywhere = tuple(each for each in informers if each not in in_namespaces)
        shares = {EVERYWHERE: everywhere, **dict.fromkeys(names, in_namespaces)}
        self._scopes = [
            ScopedWatch(client, configuration, share, name, coverage) for name, share in shares.items() if share
        ]

    async def run(self, on_started: Callable[[], None]) -> None:
        """Wait until the apiserver serves all kinds with all their fields, then watch them until cancelled.

        ``on_started`` is called whenever a Kopf has been started: see ``KopfShell.run``.
        """
        await self._installed()
        self._started.set()
        async with asyncio.TaskGroup() as group:
            for scope in self._scopes:
                group.create_task(scope.run(on_started))

    async def synced(self) -> None:
        """Return once the stores hold everything that exists, as far as it may be seen."""
        await self._started.wait()
        for scope in self._scopes:
            await scope.settled()

    async def _installed(self) -> None:
        told = ""
        plurals = [informer.resource.plural for informer in self._informers]
        for polls in count(1):
            missing = await self._obstacle(self._client, plurals)
            if not missing:
                return
            if missing != told:
                logger.warning("waiting: %s", missing)
                told = missing
            await asyncio.sleep(KINDS_POLL.delay(polls))


class ScopedWatch:
    """Some kinds in one namespace, or in the whole cluster. Whatever fails is tried again, and concerns no other scope."""

    def __init__(
        self,
        client: KubeClient,
        configuration: Configuration,
        informers: tuple[Informer, ...],
        namespace: str,
        coverage: Coverage,
    ) -> None:
        self._client = client
        self._informers = informers
        self._namespace = namespace
        self._coverage = coverage
        self._relisted = asyncio.Event()
        self._progress = asyncio.Event()
        self._settled = asyncio.Event()
        handlers = {informer.resource: self._handler(informer) for informer in informers}
        self._kopf = KopfShell(configuration, handlers, (namespace,) if namespace else ())
        self._woken = asyncio.Event()
        coverage.changes.subscribe(self._on_change)

    async def settled(self) -> None:
        """Return once the stores hold everything that exists in the scope; of a namespace, or once it is known to be refused."""
        await self._settled.wait()

    async def run(self, on_started: Callable[[], None]) -> None:
        """Watch until cancelled."""
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._watch(on_started)
            except* ClusterRestoredError:
                raise
            except* Exception as errors:  # noqa: BLE001 - whatever Kopf fails with, it is tried again, here alone
                self._give_up(_first(errors))
            lasted = asyncio.get_running_loop().time() - began
            failures = failures + 1 if lasted < AGAIN.cap else 1
            await self._pause(AGAIN.delay(failures))

    async def _watch(self, on_started: Callable[[], None]) -> None:
        for informer in self._informers:
            # Asked here first: Kopf would end with a traceback in the log.
            await self._client.get(informer.resource.collection(self._namespace), {"limit": "1"}, accept=METADATA_ONLY)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._kopf.run(on_started))
            group.create_task(self._follow())

    async def _follow(self) -> None:
        """Wait for the stores to be complete, then remove from them what is gone, from time to time, and after each new list."""
        while True:
            for informer in self._informers:
                await self._catch_up(informer)
            self._coverage.note_watched(self._namespace)
            self._settled.set()
            try:
                async with asyncio.timeout(COMPARE_INTERVAL):
                    await self._relisted.wait()
                    await asyncio.sleep(COMPARE_AFTER_RELIST)
            except TimeoutError:
                pass
            self._relisted.clear()
            for informer in self._informers:
                await self._compare(informer)

    def _give_up(self, error: Exception) -> None:
        """Report that the scope is not watched. What the stores hold of it stays, unless it cannot exist any more."""
        self._coverage.note_failure(self._namespace, str(error) or type(error).__name__)
        if self._namespace == EVERYWHERE:
            return
        if self._coverage.state(self._namespace) is WatchState.ABSENT:
            for informer in self._informers:
                self._prune(informer, {}, informer.store.newest)
        self._settled.set()

    async def _pause(self, seconds: float) -> None:
        """Wait, but no longer than until the Namespace changes."""
        self._woken.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass

    def _on_change(self, namespace: str) -> None:
        if namespace == self._namespace:
            self._woken.set()

    def _handler(self, informer: Informer) -> OnEvent:
        async def handle(event: JsonObject, **_: Any) -> None:
            kind, obj = event["type"], event["object"]
            if kind == "DELETED":
                sighting = informer.store.remove(key_of(obj), obj["metadata"]["uid"])
            else:
                sighting = informer.store.observe(obj)
            self._progress.set()
            if kind is None and self._settled.is_set():
                self._relisted.set()
            if sighting.change is not ObjectChange.NOTHING:
                informer.store.changes.emit(replace(sighting, origin=Origin.LISTED) if kind is None else sighting)

        return handle

    async def _catch_up(self, informer: Informer) -> None:
        """Wait until the store has seen everything that a list shows now."""
        for _ in range(CATCH_UP_TRIES):
            # Listed again each time: what was deleted before Kopf's own list will never be seen.
            live, _version = await self._list(informer.resource)
            try:
                async with asyncio.timeout(CATCH_UP_PATIENCE):
                    while informer.store.lacks(live):
                        self._progress.clear()
                        await self._progress.wait()
                    return
            except TimeoutError:
                logger.warning("the watch is behind", extra={"kind": informer.resource.kind, **self._subject})
        raise WatchDeafError(f"{informer.resource.plural} are listed, but the watch does not show them")

    async def _compare(self, informer: Informer) -> None:
        newest = informer.store.newest
        live, version = await self._list(informer.resource)
        if newest > version:
            raise ClusterRestoredError("resource versions went back: the cluster's etcd was restored; starting again")
        self._prune(informer, live, version)

    def _prune(self, informer: Informer, live: dict[ObjectKey, str], version: int) -> None:
        for sighting in informer.store.prune(live, version, self._namespace):
            logger.info("deletion found by comparing", extra={"object": str(sighting.key)})
            informer.store.changes.emit(replace(sighting, origin=Origin.LISTED))

    async def _list(self, resource: Resource) -> tuple[dict[ObjectKey, str], int]:
        """Return the uids of all objects of the scope, and the version of the list. Raises what does not pass by itself."""

        def failed(error: OperatorError) -> None:
            logger.warning("%s not listed: %s", resource.plural, error, extra=self._subject)

        def may_pass(error: OperatorError) -> bool:
            return isinstance(error, Retry | Stale)

        return await BACKOFF.retry(lambda: self._list_once(resource), may_pass=may_pass, on_failure=failed)

    async def _list_once(self, resource: Resource) -> tuple[dict[ObjectKey, str], int]:
        live: dict[ObjectKey, str] = {}
        async for page in pages(self._client, resource.collection(self._namespace), accept=METADATA_ONLY):
            live.update((key_of(item), item["metadata"]["uid"]) for item in page.items)
        return live, int(page.version)

    @property
    def _subject(self) -> dict[str, str]:
        return {"namespace": self._namespace} if self._namespace else {}


def _first(errors: BaseExceptionGroup[Exception]) -> Exception:
    """Return the first of the errors, in whatever groups it is."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, Exception) else WatchDeafError(repr(error))
