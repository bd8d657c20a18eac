"""The few writes to a SesIdentity or SesAccount.

Each is one request, guarded by the object's uid, and returns the object as it is after it, for the store.

All raise Stale if the object is not the one that was observed, and Gone if there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ses_operator.api.base.meta import FINALIZER, INVENTORY, ObjectMeta
from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.outer_text import clean_json
from ses_operator.core.model.problems import Blocked, Problem, StatusWriteRefused, WriteRefused
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.resources import JsonObject, Resource

MAX_TEXT = 8192
"""Characters of a text in status: what others wrote may be longer, and status has to fit into its object."""


async def ensure_finalizer(
    client: KubeClient, resource: Resource, observed: ObjectMeta, inventory: str | None, spent: Iterable[str] = ()
) -> JsonObject:
    """Put the finalizer and the inventory annotation on the object in one write, before anything is made outside.

    ``inventory`` None leaves the annotation as it is. ``spent``: annotations that are removed with the same write.
    Stale if the object changed since it was observed.
    """
    metadata: JsonObject = {"finalizers": [*(name for name in observed.finalizers if name != FINALIZER), FINALIZER]}
    if inventory is not None:
        metadata["annotations"] = {**dict.fromkeys(spent), INVENTORY: inventory}
    return await _patch_metadata(client, resource, observed, metadata)


async def annotate(
    client: KubeClient, resource: Resource, observed: ObjectMeta, annotations: Mapping[str, str]
) -> JsonObject:
    """Set these annotations. Stale if the object changed since it was observed."""
    return await _patch_metadata(client, resource, observed, {"annotations": dict(annotations)})


async def remove_finalizer(client: KubeClient, resource: Resource, observed: ObjectMeta) -> JsonObject:
    """Release the object: remove the finalizer and the inventory annotation.

    With the last finalizer the object is gone too.
    """
    metadata: JsonObject = {"finalizers": [name for name in observed.finalizers if name != FINALIZER]}
    if INVENTORY in observed.annotations:
        metadata["annotations"] = {INVENTORY: None}
    return await _patch_metadata(client, resource, observed, metadata)


async def write_status(
    client: KubeClient, resource: Resource, observed: ObjectMeta, old: JsonObject, new: JsonObject
) -> JsonObject | None:
    """Replace the status, if it differs from the old one (both as JSON in the manifest). None, and no request, if not.

    Text that others wrote is cleaned and cut here, whatever it is about.

    There is no test of the resource version: only the operator writes status, and a spec that changes meanwhile has a
    generation of its own to be compared with ``observedGeneration``.
    """
    new = clean_json(new, MAX_TEXT)
    if old == new:
        return None
    # A merge patch would do, but for one thing: the status subresource takes no notice of a uid in it. A JSON patch is
    # applied to the whole object. The schema has a default for status, so that there is always one to replace.
    operations: list[JsonObject] = [
        {"op": "test", "path": "/metadata/uid", "value": observed.uid},
        {"op": "replace", "path": "/status", "value": new},
    ]
    try:
        return await client.json_patch(resource.status(_key(observed)), operations)
    except Blocked as error:
        raise StatusWriteRefused(Reason.OBJECT_WRITE_REFUSED, _refused("status", error.problem)) from error


async def _patch_metadata(
    client: KubeClient, resource: Resource, observed: ObjectMeta, metadata: JsonObject
) -> JsonObject:
    # A merge patch replaces the whole list of finalizers. With the resource version in it the apiserver compares
    # first, and answers 409 if another client, such as another finalizer's owner, was faster.
    precondition = {"uid": observed.uid, "resourceVersion": observed.resource_version}
    try:
        return await client.merge_patch(resource.object(_key(observed)), {"metadata": {**precondition, **metadata}})
    except Blocked as error:
        raise WriteRefused(
            Reason.OBJECT_WRITE_REFUSED, _refused("finalizers and annotations", error.problem)
        ) from error


def _refused(part: str, problem: Problem) -> str:
    """Return what was refused, and the ways out."""
    return (
        f"The operator has to write the object's {part}, and that is refused. {problem.message}. Exempt the operator's "
        "ServiceAccount in the admission policy, give it the right, or make room in metadata.annotations"
    )


def _key(observed: ObjectMeta) -> ObjectKey:
    return ObjectKey(observed.namespace, observed.name)
