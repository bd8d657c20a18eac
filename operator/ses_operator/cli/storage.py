"""Rewrites the objects of a kind in the stored version, and records at the apiserver that none is in another.

Each step may be repeated, and may be the last before a crash: an object that is rewritten stays so, rewriting it
again writes nothing, and ``status.storedVersions`` shrinks when all is done, and not before.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ses_operator.api.base.meta import GROUP
from ses_operator.core.kinds.stored_versions import EXTENSIONS, StoredVersions
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Gone, OperatorError
from ses_operator.runtime.backoff import Backoff
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.resources import JsonObject, Resource, key_of
from ses_operator.runtime.watch.listing import METADATA_ONLY, pages

DEFINITIONS = Resource(EXTENSIONS, "v1", "customresourcedefinitions", "CustomResourceDefinition")
TRIES = 4
BACKOFF = Backoff(first=0.2, factor=5.0)
"""Between the attempts of a write that may succeed as it is."""

Progress = Callable[[int, int], None]
"""Called with how many objects have been rewritten, and of how many."""


async def stored_versions(client: KubeClient, definition: str) -> StoredVersions:
    """Read the definition of this name. Raises Gone if there is none."""
    return StoredVersions.of(await client.get(DEFINITIONS.object(ObjectKey("", definition))))


async def objects_of(client: KubeClient, known: StoredVersions) -> list[ObjectKey]:
    """Return the keys of all objects of the kind."""
    listed = pages(client, _resource(known).collection(), accept=METADATA_ONLY)
    return [key_of(item) async for page in listed for item in page.items]


async def rewrite(client: KubeClient, known: StoredVersions, keys: list[ObjectKey], progress: Progress) -> list[str]:
    """Have the apiserver write each object again, as it is; return why some could not be, in words.

    A patch of nothing: the apiserver writes if what would be in etcd differs, and the version is part of that.
    """
    resource, failures = _resource(known), list[str]()
    for number, key in enumerate(keys, start=1):
        try:
            await BACKOFF.retry(partial(client.merge_patch, resource.object(key), {}), tries=TRIES)
        except Gone:
            pass
        except OperatorError as error:
            failures.append(f"{key}: {error}")
        progress(number, len(keys))
    return failures


async def settle(client: KubeClient, known: StoredVersions) -> None:
    """Record that no object is in another version. Stale if the definition has changed since it was read."""
    change: JsonObject = {
        "metadata": {"resourceVersion": known.resource_version},
        "status": {"storedVersions": [known.current]},
    }
    await client.merge_patch(DEFINITIONS.status(ObjectKey("", known.definition)), change)


def _resource(known: StoredVersions) -> Resource:
    return Resource(GROUP, known.way or known.current, known.plural, "")
