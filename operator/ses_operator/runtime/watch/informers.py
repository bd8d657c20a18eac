"""The operator's own kinds, watched by Kopf into stores, with a second look where a watch alone is not enough.

A watch that has to list again does not show what was deleted meanwhile, and Kopf does not report when its first list
is complete. Both are solved by comparing a store with a list of names and uids (metadata only, 1 KB an object).
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
from ses_operator.core.model.problems import OperatorError
from ses_operator.runtime.backoff import Backoff
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.resources import JsonObject, Resource, key_of
from ses_operator.runtime.watch.cache import ObjectChange, ObjectStore, Origin
from ses_operator.runtime.watch.kopf_shell import KopfShell, OnEvent
from ses_operator.runtime.watch.listing import BACKOFF, METADATA_ONLY, pages

logger = logging.getLogger(__name__)

KINDS_POLL = Backoff(first=0.5, cap=5.0)
"""The apiserver publishes the schema of a kind a moment after it was installed or upgraded."""
CATCH_UP_PATIENCE = 10.0
CATCH_UP_TRIES = 12
COMPARE_INTERVAL = 600.0
COMPARE_AFTER_RELIST = 5.0


Obstacle = Callable[[KubeClient, Collection[str]], Awaitable[str]]


class InformersDeafError(Exception):
    """The watches do not show what lists show: only a restart helps."""


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
        namespaces: tuple[str, ...],
        obstacle: Obstacle,
    ) -> None:
        """Take an ``obstacle`` that returns what prevents watching the kinds of these plural names; empty if nothing does."""
        self._client = client
        self._informers = informers
        self._namespaces = namespaces
        self._obstacle = obstacle
        self._relisted = asyncio.Event()
        self._progress = asyncio.Event()
        self._started = asyncio.Event()
        self._synced = asyncio.Event()
        handlers = {informer.resource: self._handler(informer) for informer in informers}
        self._kopf = KopfShell(configuration, handlers, namespaces)

    @property
    def is_synced(self) -> bool:
        """True if the stores hold everything that existed when the operator started."""
        return self._synced.is_set()

    async def run(self, on_started: Callable[[], None]) -> None:
        """Wait until the apiserver serves all kinds with all their fields, then watch them until stopped.

        See ``KopfShell.run``.
        """
        await self._installed()
        self._started.set()
        await self._kopf.run(on_started)

    def stop(self) -> None:
        """End the run."""
        self._kopf.stop()

    async def synced(self) -> None:
        """Return once the stores hold everything that exists."""
        await self._started.wait()
        await self._all_caught_up()
        self._synced.set()

    async def compare(self) -> None:
        """Remove from the stores what is gone, from time to time, and after each new list. Until cancelled."""
        while True:
            self._relisted.clear()
            try:
                async with asyncio.timeout(COMPARE_INTERVAL):
                    await self._relisted.wait()
                    await asyncio.sleep(COMPARE_AFTER_RELIST)
            except TimeoutError:
                pass
            for informer in self._informers:
                await self._compare(informer)
            await self._all_caught_up()

    def _handler(self, informer: Informer) -> OnEvent:
        async def handle(event: JsonObject, **_: Any) -> None:
            kind, obj = event["type"], event["object"]
            if kind == "DELETED":
                sighting = informer.store.remove(key_of(obj), obj["metadata"]["uid"])
            else:
                sighting = informer.store.observe(obj)
            self._progress.set()
            if kind is None and self.is_synced:
                self._relisted.set()
            if sighting.change is not ObjectChange.NOTHING:
                informer.store.changes.emit(replace(sighting, origin=Origin.LISTED) if kind is None else sighting)

        return handle

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

    async def _all_caught_up(self) -> None:
        for informer in self._informers:
            await self._catch_up(informer)

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
                logger.warning("the watch is behind", extra={"kind": informer.resource.kind})
        raise InformersDeafError(f"{informer.resource.plural} are listed, but the watch does not show them")

    async def _compare(self, informer: Informer) -> None:
        newest = informer.store.newest
        live, version = await self._list(informer.resource)
        if newest > version:
            raise InformersDeafError("resource versions went back: the cluster's etcd was restored; starting again")
        for sighting in informer.store.prune(live, version):
            logger.info("deletion found by comparing", extra={"object": str(sighting.key)})
            informer.store.changes.emit(replace(sighting, origin=Origin.LISTED))

    async def _list(self, resource: Resource) -> tuple[dict[ObjectKey, str], int]:
        """Return the uids of all objects that are watched, and the version of the list. It repeats until it has an answer."""

        def failed(error: OperatorError) -> None:
            logger.warning("%s not listed: %s", resource.plural, error)

        return await BACKOFF.retry(lambda: self._list_once(resource), may_pass=lambda _: True, on_failure=failed)

    async def _list_once(self, resource: Resource) -> tuple[dict[ObjectKey, str], int]:
        namespaces = self._namespaces if resource.is_namespaced else ()
        live: dict[ObjectKey, str] = {}
        versions = []
        for namespace in namespaces or ("",):
            async for page in pages(self._client, resource.collection(namespace), accept=METADATA_ONLY):
                live.update((key_of(item), item["metadata"]["uid"]) for item in page.items)
            versions.append(int(page.version))
        return live, min(versions)
