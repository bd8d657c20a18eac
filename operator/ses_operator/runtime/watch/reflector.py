"""A small reflector: a copy, kept up to date, of the objects of one kind that a label selects.

For what Kopf does not watch here: the labelled Secrets of the operator's namespace, namespaces, and DNSEndpoints, whose kind
may be installed later than the operator. Source of the protocol: Kubernetes API concepts, "Efficient detection of changes".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Self

from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Blocked, Gone, OperatorError
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.resources import JsonObject, Resource, key_of
from ses_operator.runtime.watch.listing import BACKOFF, pages

logger = logging.getLogger(__name__)

SERVER_TIMEOUT = 480.0
SILENCE = 90.0
"""Bookmarks come every minute: a watch that says nothing for longer is dead. Seconds."""
ABSENT_POLL = 30.0

OnChange = Callable[[ObjectKey, JsonObject | None], None]
"""Called with an object that was added or changed, or None for one that was removed."""


class Reflector:
    """Objects of one kind in one namespace, or in all. Managed fields and the data of Secrets are left out."""

    def __init__(
        self, client: KubeClient, resource: Resource, namespace: str, label_selector: str, *, name: str = ""
    ) -> None:
        """``namespace`` empty: of the whole cluster. ``name``: this object alone, for which a right by name suffices."""
        self._client = client
        self._resource = resource
        self._path = resource.collection(namespace)
        self._selector = {"labelSelector": label_selector}
        if name:
            self._selector["fieldSelector"] = f"metadata.name={name}"
        self._objects: dict[ObjectKey, JsonObject] = {}
        self._settled = asyncio.Event()
        self.installed = False
        """Whether the apiserver serves the kind, and lets us see it."""
        self._on_change: list[OnChange] = []
        self._on_installed: list[Callable[[], None]] = []

    def subscribe(self, on_change: OnChange, on_installed: Callable[[], None] = lambda: None) -> None:
        """Who else is told of changes, and of the kind being served where it was not."""
        self._on_change.append(on_change)
        self._on_installed.append(on_installed)

    def get(self, key: ObjectKey) -> JsonObject | None:
        """The object, None if there is none (that the label selects)."""
        return self._objects.get(key)

    def __iter__(self) -> Iterator[ObjectKey]:
        return iter(tuple(self._objects))

    async def synced(self) -> None:
        """Return once the objects were listed, or it is known that they cannot be."""
        await self._settled.wait()

    async def run(self) -> None:
        """Keep the copy up to date, until cancelled."""
        failures = 0
        while True:
            try:
                version = await self._list()
                failures = 0
                while version:
                    version = await self._watch(version)
            except (Gone, Blocked) as error:
                self._note_absence(error)
                await asyncio.sleep(ABSENT_POLL)
            except OperatorError as error:
                logger.warning("%s not watched: %s", self._resource.plural, error)
                failures += 1
                await asyncio.sleep(BACKOFF.delay(failures))

    async def _list(self) -> str:
        """List everything, tell what changed since, and give the version to watch from."""
        found: dict[ObjectKey, JsonObject] = {}
        async for page in pages(self._client, self._path, self._selector):
            found.update((key_of(item), item) for item in page.items)
        if not self.installed:
            self.installed = True
            logger.info("watching %s", self._resource.plural)
            for told in self._on_installed:
                told()
        for key in [key for key in self._objects if key not in found]:
            self._remove(key)
        for key, obj in found.items():
            self._put(key, obj)
        self._settled.set()
        return page.version

    async def _watch(self, version: str) -> str:
        """Follow changes from this version on; the version reached when the server ends the watch, empty if it is too
        old and everything has to be listed again."""
        params = {"resourceVersion": version, **self._selector}
        async for event in self._client.watch(self._path, params, server_timeout=SERVER_TIMEOUT, silence=SILENCE):
            kind, obj = event["type"], event["object"]
            if kind == "ERROR":
                return ""
            version = obj["metadata"]["resourceVersion"]
            if kind in ("ADDED", "MODIFIED"):
                self._put(key_of(obj), obj)
            elif kind == "DELETED":
                self._remove(key_of(obj))
        return version

    def _put(self, key: ObjectKey, obj: JsonObject) -> None:
        known, metadata = self._objects.get(key), obj["metadata"]
        if known is not None and known["metadata"]["resourceVersion"] == metadata["resourceVersion"]:
            return
        metadata.pop("managedFields", None)
        obj.pop("data", None)  # what a Secret holds is read by whoever needs it, and kept by nobody
        self._objects[key] = obj
        self._tell(key, obj)

    def _remove(self, key: ObjectKey) -> None:
        self._objects.pop(key, None)
        self._tell(key, None)

    def _tell(self, key: ObjectKey, obj: JsonObject | None) -> None:
        for told in self._on_change:
            told(key, obj)

    def _note_absence(self, error: OperatorError) -> None:
        if self.installed or not self._settled.is_set():
            why = "not installed" if isinstance(error, Gone) else str(error)
            logger.info("%s not watched, looking again from time to time: %s", self._resource.plural, why)
        self.installed = False
        for key in tuple(self._objects):
            self._remove(key)
        self._settled.set()


class Reflectors:
    """Objects of one kind in several namespaces; without any named, in all."""

    def __init__(
        self, client: KubeClient, resource: Resource, namespaces: tuple[str, ...], label_selector: str
    ) -> None:
        self._each = [Reflector(client, resource, namespace, label_selector) for namespace in namespaces or ("",)]

    @classmethod
    def by_name(cls, client: KubeClient, resource: Resource, names: tuple[str, ...]) -> Self:
        """Of a cluster-scoped kind: the objects of these names, each watched for itself; without any named, all."""
        found = cls(client, resource, (), "")
        if names:
            found._each = [Reflector(client, resource, "", "", name=name) for name in names]
        return found

    def subscribe(self, on_change: OnChange, on_installed: Callable[[], None] = lambda: None) -> None:
        """Who else is told of changes, and of the kind being served where it was not."""
        for reflector in self._each:
            reflector.subscribe(on_change, on_installed)

    @property
    def installed(self) -> bool:
        """Whether the apiserver serves the kind, and lets us see it."""
        return all(reflector.installed for reflector in self._each)

    def get(self, key: ObjectKey) -> JsonObject | None:
        """The object, None if there is none (that the label selects)."""
        return next((found for reflector in self._each if (found := reflector.get(key)) is not None), None)

    async def synced(self) -> None:
        """Return once the objects were listed, or it is known that they cannot be."""
        for reflector in self._each:
            await reflector.synced()

    async def run(self) -> None:
        """Keep the copies up to date, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reflector in self._each:
                group.create_task(reflector.run())
