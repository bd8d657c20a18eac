"""The writes to an identity: one request each, and none to an object that is not the one observed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cluster.kube import client_of, created, read
from devcluster.controlplane import ControlPlane
from ses_operator.api.base.meta import FINALIZER, INVENTORY
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.controllers.shared.resources import IDENTITIES
from ses_operator.controllers.shared.writes import ensure_finalizer, remove_finalizer, write_status
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Gone, Stale
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.resources import JsonObject

pytestmark = pytest.mark.usefixtures("crds")

OTHERS = "example.com/another"


@pytest.fixture
async def client(control_plane: ControlPlane) -> AsyncIterator[KubeClient]:
    async with client_of(control_plane.kubeconfig) as client:
        yield client


def path(namespace: str) -> str:
    return IDENTITIES.object(ObjectKey(namespace, "mail"))


def status(message: str, **more: object) -> JsonObject:
    condition = {
        "type": "Ready",
        "status": "False",
        "reason": "Progressing",
        "message": message,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": 1,
    }
    return {"observedGeneration": 1, "conditions": [condition], **more}


async def recreated(client: KubeClient, namespace: str) -> SesIdentity:
    await client.merge_patch(path(namespace), {"metadata": {"finalizers": None}})
    await client.delete(path(namespace))
    return await created(client, namespace)


async def test_finalizer_and_inventory_are_written_together_beside_what_others_wrote(
    client: KubeClient, control_plane: ControlPlane, namespace: str
) -> None:
    found = await created(client, namespace, finalizers=[OTHERS], annotations={"a": "b"})
    mark = control_plane.audit.mark()
    written = SesIdentity.model_validate(await ensure_finalizer(client, IDENTITIES, found.metadata, "{}"))
    assert set(written.metadata.finalizers) == {OTHERS, FINALIZER}
    assert written.metadata.annotations == {"a": "b", INVENTORY: "{}"}
    assert written == await read(client, namespace)
    writes = control_plane.audit.writes_in(namespace, since=mark)
    assert [(write.verb, write.subresource, write.code) for write in writes] == [("patch", "", 200)]


async def test_an_anchor_without_a_inventory_leaves_the_annotation_as_it_is(client: KubeClient, namespace: str) -> None:
    found = await created(client, namespace, annotations={INVENTORY: "{}"})
    written = SesIdentity.model_validate(await ensure_finalizer(client, IDENTITIES, found.metadata, None))
    assert written.metadata.annotations == {INVENTORY: "{}"}


async def test_an_object_that_changed_since_it_was_observed_is_not_anchored(client: KubeClient, namespace: str) -> None:
    found = await created(client, namespace)
    await client.merge_patch(path(namespace), {"metadata": {"finalizers": [OTHERS]}})
    with pytest.raises(Stale):
        await ensure_finalizer(client, IDENTITIES, found.metadata, "{}")
    assert (await read(client, namespace)).metadata.finalizers == (OTHERS,)


async def test_an_object_that_is_being_deleted_is_not_anchored(client: KubeClient, namespace: str) -> None:
    await created(client, namespace, finalizers=[OTHERS])
    await client.delete(path(namespace))
    with pytest.raises(Stale):
        await ensure_finalizer(client, IDENTITIES, (await read(client, namespace)).metadata, "{}")
    await client.merge_patch(path(namespace), {"metadata": {"finalizers": None}})


async def test_nothing_is_written_to_another_object_of_the_same_name(client: KubeClient, namespace: str) -> None:
    first = await created(client, namespace)
    second = await recreated(client, namespace)
    for write in (
        ensure_finalizer(client, IDENTITIES, first.metadata, "{}"),
        remove_finalizer(client, IDENTITIES, first.metadata),
        write_status(client, IDENTITIES, first.metadata, {}, status("old")),
    ):
        with pytest.raises(Stale):
            await write
    assert await read(client, namespace) == second


async def test_nothing_is_written_where_nothing_is(client: KubeClient, namespace: str) -> None:
    found = await created(client, namespace)
    await client.delete(path(namespace))
    for write in (
        ensure_finalizer(client, IDENTITIES, found.metadata, "{}"),
        remove_finalizer(client, IDENTITIES, found.metadata),
        write_status(client, IDENTITIES, found.metadata, {}, status("old")),
    ):
        with pytest.raises(Gone):
            await write


async def test_removing_the_finalizer_leaves_those_of_others_and_takes_the_inventory(
    client: KubeClient, namespace: str
) -> None:
    found = await created(client, namespace, finalizers=[OTHERS, FINALIZER], annotations={INVENTORY: "{}", "a": "b"})
    written = SesIdentity.model_validate(await remove_finalizer(client, IDENTITIES, found.metadata))
    assert written.metadata.finalizers == (OTHERS,)
    assert written.metadata.annotations == {"a": "b"}
    await client.merge_patch(path(namespace), {"metadata": {"finalizers": None}})


async def test_an_object_whose_last_finalizer_was_removed_is_gone(client: KubeClient, namespace: str) -> None:
    await created(client, namespace, finalizers=[FINALIZER])
    await client.delete(path(namespace))
    answer = await remove_finalizer(client, IDENTITIES, (await read(client, namespace)).metadata)
    assert not answer["metadata"].get("finalizers")
    with pytest.raises(Gone):
        await read(client, namespace)


async def test_status_is_written_only_if_it_differs(
    client: KubeClient, control_plane: ControlPlane, namespace: str
) -> None:
    found = await created(client, namespace)
    mark = control_plane.audit.mark()
    before = found.status.to_json()
    answer = await write_status(client, IDENTITIES, found.metadata, before, status("first"))
    assert answer is not None
    assert await write_status(client, IDENTITIES, found.metadata, status("first"), status("first")) is None
    writes = control_plane.audit.writes_in(namespace, since=mark)
    assert [(write.verb, write.subresource) for write in writes] == [("patch", "status")]
    assert (await read(client, namespace)).status.conditions[0].message == "first"


async def test_octets_from_dns_that_are_no_text_are_written_once(client: KubeClient, namespace: str) -> None:
    found = await created(client, namespace)
    strange = status(b"the TXT record is \xff\xfe".decode("utf-8", "surrogateescape"))
    written = await write_status(client, IDENTITIES, found.metadata, found.status.to_json(), strange)
    assert written is not None
    assert await write_status(client, IDENTITIES, found.metadata, written["status"], strange) is None


async def test_what_left_the_status_is_removed_from_the_object(client: KubeClient, namespace: str) -> None:
    found = await created(client, namespace)
    old = status("first", lastHandledReconcileAt="now", verifiedRegions="0/1")
    await write_status(client, IDENTITIES, found.metadata, {}, old)
    await write_status(client, IDENTITIES, found.metadata, old, status("second"))
    raw = await client.get(path(namespace))
    assert raw["status"] == status("second")


async def test_status_of_an_older_generation_is_written_all_the_same(client: KubeClient, namespace: str) -> None:
    found = await created(client, namespace)
    await client.merge_patch(path(namespace), {"spec": {"suspend": True}})
    await write_status(client, IDENTITIES, found.metadata, found.status.to_json(), status("of generation 1"))
    after = await read(client, namespace)
    assert (after.metadata.generation, after.status.observed_generation) == (2, 1)
