"""An object that the operator keeps in its own namespace: created when it is first needed, changed by read and replace.

Nothing is written over what another client wrote in between: a change is computed again from what is there then.
"""

from __future__ import annotations

from collections.abc import Callable

from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Gone, Stale
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.resources import JsonObject, Resource

MOST_ATTEMPTS = 5
"""Attempts at one change, if other clients write at the same time."""

Change = Callable[[JsonObject | None], JsonObject | None]
"""Takes the object as it was read (None: there is none) and returns the members that it is to have, without ``metadata``.

None: it is as it should be, and nothing is written. What it raises ends the attempt.
"""


class OwnObject:
    """One object of the operator's namespace, such as a ConfigMap or a Secret, that no one else is meant to write."""

    def __init__(self, client: KubeClient, resource: Resource, key: ObjectKey) -> None:
        self.key = key
        self._client = client
        self._resource = resource

    async def read(self) -> JsonObject | None:
        """Return the object as it is, None if there is none. Raises Blocked without the right to read it, or Retry."""
        try:
            return await self._client.get(self._resource.object(self.key))
        except Gone:
            return None

    async def update(self, change: Change) -> JsonObject:
        """Read the object, and create or replace it as ``change`` says; return it as it is then.

        Raises Stale if others write all the time.
        """
        for _ in range(MOST_ATTEMPTS - 1):
            try:
                return await self._update_once(change)
            except (Stale, Gone):
                continue
        return await self._update_once(change)

    async def _update_once(self, change: Change) -> JsonObject:
        found = await self.read()
        wanted = change(found)
        if wanted is None:
            return found or {}
        metadata: JsonObject = {"namespace": self.key.namespace, "name": self.key.name}
        body = {"apiVersion": self._resource.api_version, "kind": self._resource.kind, **(found or {}), **wanted}
        if found is None:
            collection = self._resource.collection(self.key.namespace)
            return await self._client.create(collection, {**body, "metadata": metadata})
        return await self._client.replace(self._resource.object(self.key), body)
