"""A small reflector: a copy, kept up to date, of the objects of one kind that a label or a name selects.

The operator's own kinds are watched by Kopf (``informers``). What is watched here cannot be expressed in Kopf:

- A run of Kopf watches all of its kinds in each of its namespaces. Secrets with credentials are in the operator's namespace, all
  else in those that it works for.
- Kopf notices a kind that is installed later by watching CustomResourceDefinitions, for which the operator has no permission.
  DNSEndpoints may come later.
- Kopf ends when the apiserver refuses a list. Permissions for Namespaces and DNSEndpoints are optional here: what may not be
  seen is tried again from time to time.
- A permission for an object by its name needs a watch of its own for each name. Kopf has one for a kind in a namespace.

Lists and backoff are those of the informers (``listing``), and the manager holds a replica ready when both are
synced. Source of the protocol: Kubernetes API concepts, "Efficient detection of changes".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass

from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Blocked, Gone, OperatorError
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.resources import METADATA_SUFFICES, JsonObject, Resource, key_of
from ses_operator.runtime.source import Source
from ses_operator.runtime.watch.listing import BACKOFF, METADATA_ONLY, METADATA_ONLY_EVENTS, pages

logger = logging.getLogger(__name__)

SERVER_TIMEOUT = 480.0
SILENCE = 90.0
"""Bookmarks come every minute: a watch that says nothing for longer is dead. Seconds."""
ABSENT_POLL = 30.0


@dataclass(frozen=True, slots=True)
class Reflected:
    """An object that was added or changed; None for one that was removed."""

    key: ObjectKey
    object: JsonObject | None


class Reflector:
    """Objects of one kind in one namespace, or in all. Of Secrets and Namespaces nothing but the metadata."""

    def __init__(
        self, client: KubeClient, resource: Resource, namespace: str, label_selector: str, *, name: str = ""
    ) -> None:
        """Watch a ``namespace``, or the whole cluster if empty.

        ``name``: this object alone, for which a permission by name is enough.
        """
        self._client = client
        self._resource = resource
        self._path = resource.collection(namespace)
        is_metadata = resource in METADATA_SUFFICES
        self._accept, self._accept_events = (METADATA_ONLY, METADATA_ONLY_EVENTS) if is_metadata else ("", "")
        self._name = name
        self._subject = {"namespace": namespace} if namespace else {"object": name} if name else {}
        self._selector = {"labelSelector": label_selector}
        if name:
            self._selector["fieldSelector"] = f"metadata.name={name}"
        self._objects: dict[ObjectKey, JsonObject] = {}
        self._settled = asyncio.Event()
        self.installed = False
        """True if the apiserver serves the kind, and permits to read it."""
        self.changes: Source[Reflected] = Source()
        self.installations: Source[Resource] = Source()
        """Emits the kind when it is served where it was not."""

    def get(self, key: ObjectKey) -> JsonObject | None:
        """Return the object, None if there is none (that the label selects)."""
        return self._objects.get(key)

    def may_see(self, name: str) -> bool:
        """Return True if an object of this name would be seen here if it existed."""
        return self.installed and self._name in ("", name)

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
                logger.warning("%s not watched: %s", self._resource.plural, error, extra=self._subject)
                failures += 1
                await asyncio.sleep(BACKOFF.delay(failures))

    async def _list(self) -> str:
        """List everything, emit what changed since, and return the version to watch from."""
        found: dict[ObjectKey, JsonObject] = {}
        async for page in pages(self._client, self._path, self._selector, accept=self._accept):
            found.update((key_of(item), item) for item in page.items)
        is_new = not self.installed
        self.installed = True
        if is_new:
            logger.info("watching %s", self._resource.plural, extra=self._subject)
        for key in [key for key in self._objects if key not in found]:
            self._remove(key)
        for key, obj in found.items():
            self._put(key, obj)
        if is_new:
            self.installations.emit(self._resource)
        self._settled.set()
        return page.version

    async def _watch(self, version: str) -> str:
        """Follow changes from this version on; return the version reached when the server ends the watch.

        Empty if it is too old and everything has to be listed again.
        """
        params = {"resourceVersion": version, **self._selector}
        events = self._client.watch(
            self._path, params, server_timeout=SERVER_TIMEOUT, silence=SILENCE, accept=self._accept_events
        )
        async for event in events:
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
        if self._accept:
            metadata.pop("annotations", None)  # up to 256 KB, of which nothing is read here
        self._objects[key] = obj
        self.changes.emit(Reflected(key, obj))

    def _remove(self, key: ObjectKey) -> None:
        self._objects.pop(key, None)
        self.changes.emit(Reflected(key, None))

    def _note_absence(self, error: OperatorError) -> None:
        if self.installed or not self._settled.is_set():
            why = "not installed" if isinstance(error, Gone) else str(error)
            what = self._resource.plural
            logger.info("%s not watched, looking again from time to time: %s", what, why, extra=self._subject)
        self.installed = False
        for key in tuple(self._objects):
            self._remove(key)
        self._settled.set()


class Reflectors:
    """Objects of one kind in several namespaces; without any named, in all. ``name`` is for logs."""

    def __init__(
        self,
        client: KubeClient,
        resource: Resource,
        namespaces: tuple[str, ...],
        label_selector: str,
        *,
        names: tuple[str, ...] = (),
    ) -> None:
        """Watch each namespace. ``names``, of a cluster-scoped kind: these objects alone, each with a watch of its own."""
        self.name = resource.plural
        self.changes: Source[Reflected] = Source()
        self.installations: Source[Resource] = Source()
        if names:
            self._each = [Reflector(client, resource, "", label_selector, name=name) for name in names]
        else:
            self._each = [Reflector(client, resource, namespace, label_selector) for namespace in namespaces or ("",)]
        for reflector in self._each:
            reflector.changes.subscribe(self.changes.emit)
            reflector.installations.subscribe(self.installations.emit)

    @property
    def installed(self) -> bool:
        """True if the apiserver serves the kind, and permits to read it."""
        return all(reflector.installed for reflector in self._each)

    def get(self, key: ObjectKey) -> JsonObject | None:
        """Return the object, None if there is none (that the label selects)."""
        return next((found for reflector in self._each if (found := reflector.get(key)) is not None), None)

    def may_see(self, name: str) -> bool:
        """Return True if an object of this name would be seen here if it existed."""
        return any(reflector.may_see(name) for reflector in self._each)

    async def synced(self) -> None:
        """Return once the objects were listed, or it is known that they cannot be."""
        for reflector in self._each:
            await reflector.synced()

    async def run(self) -> None:
        """Keep the copies up to date, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reflector in self._each:
                group.create_task(reflector.run())
