"""What the apiserver answers, as the operator's own errors."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from cluster.kube import client_of, created, identity, read
from devcluster.controlplane import ControlPlane
from devcluster.kubectl import Kubectl
from devcluster.proxy import Cut, TcpProxy
from devcluster.subjects import User
from ses_operator.api.base.meta import FINALIZER
from ses_operator.api.base.reasons import Reason
from ses_operator.controllers.shared.resources import IDENTITIES
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Blocked, Gone, Retry, Stale
from ses_operator.runtime.kube.resources import SECRETS

pytestmark = pytest.mark.usefixtures("crds")

SOMETHING = {"metadata": {"labels": {"a": "b"}}}


@pytest.fixture
def proxy(control_plane: ControlPlane) -> Iterator[TcpProxy]:
    with TcpProxy(control_plane.port) as proxy:
        yield proxy


async def test_what_does_not_exist_is_gone(control_plane: ControlPlane, namespace: str) -> None:
    async with client_of(control_plane.kubeconfig) as client:
        for path in (IDENTITIES.object(ObjectKey(namespace, "none")), "/apis/no.such.group/v1/things"):
            with pytest.raises(Gone):
                await client.get(path)
        with pytest.raises(Gone):
            await client.merge_patch(IDENTITIES.object(ObjectKey(namespace, "none")), SOMETHING)
        with pytest.raises(Gone):
            await client.delete(IDENTITIES.object(ObjectKey(namespace, "none")))


async def test_creating_what_exists_is_stale(control_plane: ControlPlane, namespace: str) -> None:
    async with client_of(control_plane.kubeconfig) as client:
        await created(client, namespace)
        with pytest.raises(Stale):
            await created(client, namespace)


async def test_replacing_another_version_is_stale(control_plane: ControlPlane, namespace: str) -> None:
    async with client_of(control_plane.kubeconfig) as client:
        first = await created(client, namespace)
        path = IDENTITIES.object(ObjectKey(namespace, "mail"))
        await client.merge_patch(path, SOMETHING)
        with pytest.raises(Stale):
            await client.replace(path, identity(namespace, resourceVersion=first.metadata.resource_version))


async def test_a_json_patch_whose_test_fails_is_stale(control_plane: ControlPlane, namespace: str) -> None:
    async with client_of(control_plane.kubeconfig) as client:
        await created(client, namespace)
        with pytest.raises(Stale):
            await client.json_patch(
                IDENTITIES.object(ObjectKey(namespace, "mail")),
                [
                    {"op": "test", "path": "/metadata/uid", "value": "another"},
                    {"op": "replace", "path": "/spec/suspend", "value": True},
                ],
            )


async def test_a_new_finalizer_on_an_object_that_is_being_deleted_is_stale(
    control_plane: ControlPlane, namespace: str
) -> None:
    async with client_of(control_plane.kubeconfig) as client:
        path = IDENTITIES.object(ObjectKey(namespace, "mail"))
        await created(client, namespace, finalizers=["example.com/another"])
        await client.delete(path)
        with pytest.raises(Stale):
            await client.merge_patch(path, {"metadata": {"finalizers": ["example.com/another", FINALIZER]}})
        await client.merge_patch(path, {"metadata": {"finalizers": []}})


async def test_deleting_another_object_of_the_same_name_is_stale(control_plane: ControlPlane, namespace: str) -> None:
    async with client_of(control_plane.kubeconfig) as client:
        await created(client, namespace)
        with pytest.raises(Stale):
            await client.delete(IDENTITIES.object(ObjectKey(namespace, "mail")), uid="another")
        assert (await read(client, namespace)).metadata.name == "mail"


async def test_a_missing_right_names_the_verb_and_the_resource(control_plane: ControlPlane, namespace: str) -> None:
    async with client_of(control_plane.kubeconfig_for(User("nobody"))) as client:
        with pytest.raises(Blocked, match=r"Kubernetes RBAC .*cannot get resource \"secrets\"") as refused:
            await client.get(SECRETS.object(ObjectKey(namespace, "credentials")))
        assert refused.value.problem.reason is Reason.ACCESS_DENIED


async def test_what_the_schema_refuses_is_blocked_with_the_apiservers_words(
    control_plane: ControlPlane, namespace: str
) -> None:
    async with client_of(control_plane.kubeconfig) as client:
        wrong = identity(namespace)
        wrong["spec"]["regions"] = []
        with pytest.raises(Blocked, match=r"spec\.regions") as refused:
            await client.create(IDENTITIES.collection(namespace), wrong)
        assert refused.value.problem.reason is Reason.INVALID_SPEC


async def test_creating_in_a_namespace_that_is_being_deleted_is_stale(
    control_plane: ControlPlane, kubectl: Kubectl, namespace: str
) -> None:
    async with client_of(control_plane.kubeconfig) as client:
        holder = {"metadata": {"finalizers": ["example.com/held"]}}
        await created(client, namespace, "held", finalizers=holder["metadata"]["finalizers"])
        await asyncio.to_thread(kubectl, "delete", "namespace", namespace, "--wait=false")
        with pytest.raises(Stale):
            await created(client, namespace, "late")
        await client.merge_patch(IDENTITIES.object(ObjectKey(namespace, "held")), {"metadata": {"finalizers": None}})


@pytest.mark.parametrize("cut", list(Cut))
async def test_an_apiserver_that_does_not_answer_is_worth_a_retry(
    control_plane: ControlPlane, namespace: str, proxy: TcpProxy, cut: Cut
) -> None:
    async with client_of(control_plane.kubeconfig_through(proxy.url)) as client:
        await created(client, namespace)
        proxy.cut(cut)
        with pytest.raises(Retry):
            await client.replace(IDENTITIES.object(ObjectKey(namespace, "mail")), identity(namespace), timeout=1.0)
        proxy.restore()
        assert (await read(client, namespace)).metadata.name == "mail"


async def test_nothing_is_written_while_the_gate_is_closed(control_plane: ControlPlane, namespace: str) -> None:
    def closed() -> None:
        raise Retry(Reason.PROGRESSING, "this replica does not hold the lease")

    path = IDENTITIES.object(ObjectKey(namespace, "mail"))
    async with client_of(control_plane.kubeconfig) as admin, client_of(control_plane.kubeconfig, closed) as client:
        await created(admin, namespace)
        mark = control_plane.audit.mark()
        for write in (
            client.create(IDENTITIES.collection(namespace), identity(namespace, "another")),
            client.replace(path, identity(namespace)),
            client.merge_patch(path, SOMETHING),
            client.json_patch(path, []),
            client.apply(path, identity(namespace)),
            client.delete(path),
        ):
            with pytest.raises(Retry):
                await write
        assert (await read(client, namespace)).metadata.labels == {}
        assert control_plane.audit.writes_in(namespace, since=mark) == []


async def test_server_side_apply_creates_and_then_takes_fields_over(
    control_plane: ControlPlane, namespace: str
) -> None:
    path = IDENTITIES.object(ObjectKey(namespace, "mail"))
    async with client_of(control_plane.kubeconfig) as client:
        await client.apply(path, identity(namespace, labels={"a": "ours"}))
        await client.merge_patch(path, {"metadata": {"labels": {"a": "theirs", "b": "theirs"}}})
        await client.apply(path, identity(namespace, labels={"a": "ours"}))
        assert (await read(client, namespace)).metadata.labels == {"a": "ours", "b": "theirs"}
