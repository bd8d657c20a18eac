"""The operator's own kinds, watched by Kopf into stores, with a second look where a watch alone does not do.

A watch that has to list anew tells nothing of what was deleted meanwhile, and Kopf does not say when its first list is
through. Both are answered by comparing a store with a list of names and uids (metadata only, 1 KB an object).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import chain, repeat
from typing import Any

from kubernetes.aio.client.configuration import Configuration

from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import OperatorError
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.kinds import obstacle
from ses_operator.runtime.kube.resources import ACCOUNTS, JsonObject, Resource, key_of
from ses_operator.runtime.watch.cache import CacheDelta, ObjectChange, ObjectStore
from ses_operator.runtime.watch.kopf_shell import KopfShell, OnEvent

logger = logging.getLogger(__name__)

METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
PAGE = "500"
KINDS_POLL = 5.0
FIRST_POLLS = (0.5, 1.0, 2.0)
"""The apiserver publishes the schema of a kind a moment after it was installed or upgraded."""
RETRY_PAUSE = 5.0
CATCH_UP_PATIENCE = 10.0
CATCH_UP_TRIES = 12
COMPARE_INTERVAL = 600.0
COMPARE_AFTER_RELIST = 5.0


class InformersDeafError(Exception):
    """The watches do not show what lists show: only starting anew helps."""


class Origin(Enum):
    """How a change came to be known: by listing everything, or as it happened."""

    LISTED = "listed"
    WATCHED = "watched"


@dataclass(frozen=True, slots=True)
class Informer:
    """A kind, where its objects are kept, and who is told; ``on_change`` also hears whether a list or a watch showed
    it.
    """

    resource: Resource
    store: ObjectStore[Any]
    on_change: Callable[[CacheDelta, Origin], None]


class Informers:
    """Runs Kopf for some kinds and keeps their stores true."""

    def __init__(
        self,
        client: KubeClient,
        configuration: Configuration,
        informers: tuple[Informer, ...],
        namespaces: tuple[str, ...],
    ) -> None:
        self._client = client
        self._informers = informers
        self._namespaces = namespaces
        self._relisted = asyncio.Event()
        self._progress = asyncio.Event()
        self._started = asyncio.Event()
        self._synced = asyncio.Event()
        handlers: Mapping[Resource, OnEvent] = {informer.resource: self._handler(informer) for informer in informers}
        self._kopf = KopfShell(configuration, handlers, namespaces)

    @property
    def is_synced(self) -> bool:
        """Whether the stores hold everything that there was when the operator started."""
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
        """Return once the stores hold everything that there is."""
        await self._started.wait()
        await self._all_caught_up()
        self._synced.set()
        counts = {informer.resource.plural: len(informer.store) for informer in self._informers}
        logger.info("caches synced", extra=counts)

    async def compare(self) -> None:
        """From time to time, and after each list anew, remove from the stores what is gone. Until cancelled."""
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
        def handle(kind: str | None, obj: JsonObject) -> None:
            if kind == "DELETED":
                sighting = informer.store.remove(key_of(obj), obj["metadata"]["uid"])
            else:
                sighting = informer.store.observe(obj)
            self._progress.set()
            if kind is None and self.is_synced:
                self._relisted.set()
            if sighting.change is not ObjectChange.NOTHING:
                informer.on_change(sighting, Origin.LISTED if kind is None else Origin.WATCHED)

        return handle

    async def _installed(self) -> None:
        told = ""
        plurals = [informer.resource.plural for informer in self._informers]
        for pause in chain(FIRST_POLLS, repeat(KINDS_POLL)):
            missing = await obstacle(self._client, plurals)
            if not missing:
                return
            if missing != told:
                logger.warning("waiting: %s", missing)
                told = missing
            await asyncio.sleep(pause)

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
            raise InformersDeafError("resource versions went back: the cluster's etcd was restored; starting anew")
        for sighting in informer.store.prune(live, version):
            logger.info("deletion found by comparing", extra={"object": str(sighting.key)})
            informer.on_change(sighting, Origin.LISTED)

    async def _list(self, resource: Resource) -> tuple[dict[ObjectKey, str], int]:
        """The uids of all objects that are watched, and the version as of which. It repeats until it has an answer."""
        while True:
            try:
                return await self._list_once(resource)
            except OperatorError as error:
                logger.warning("%s not listed: %s", resource.plural, error)
                await asyncio.sleep(RETRY_PAUSE)

    async def _list_once(self, resource: Resource) -> tuple[dict[ObjectKey, str], int]:
        namespaces = ("",) if resource == ACCOUNTS else self._namespaces or ("",)
        live: dict[ObjectKey, str] = {}
        versions = []
        for namespace in namespaces:
            params = {"limit": PAGE}
            while True:
                page = await self._client.get(resource.collection(namespace), params, accept=METADATA_ONLY)
                live.update((key_of(item), item["metadata"]["uid"]) for item in page["items"] or ())
                if not page["metadata"].get("continue"):
                    break
                params["continue"] = page["metadata"]["continue"]
            versions.append(int(page["metadata"]["resourceVersion"]))
        return live, min(versions)
