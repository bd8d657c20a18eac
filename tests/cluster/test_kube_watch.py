"""The reflector, and the informers that run on Kopf, against a real apiserver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from cluster.kube import client_of, created, remove_dnsendpoint_kind
from cluster.tenant import PATIENCE
from devcluster.controlplane import ControlPlane
from devcluster.externaldns import dnsendpoint_crd
from devcluster.kubectl import Kubectl
from devcluster.proxy import Cut, TcpProxy
from devcluster.subjects import User
from ses_operator.api.base.meta import WATCH_LABEL
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.controllers.shared.installed_kinds import obstacle
from ses_operator.controllers.shared.resources import IDENTITIES
from ses_operator.core.model.keys import ObjectKey
from ses_operator.dns.endpoint_object import DNS_ENDPOINTS
from ses_operator.runtime.backoff import Backoff
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.resources import NAMESPACES, SECRETS, JsonObject, Resource
from ses_operator.runtime.watch import reflector as watch
from ses_operator.runtime.watch.cache import CacheDelta, ObjectChange, ObjectStore, Origin
from ses_operator.runtime.watch.coverage import Coverage
from ses_operator.runtime.watch.informers import Informer, Informers
from ses_operator.runtime.watch.reflector import Reflected, Reflector, Reflectors

pytestmark = pytest.mark.usefixtures("crds")

LABEL = WATCH_LABEL


@pytest.fixture
def proxy(control_plane: ControlPlane) -> Iterator[TcpProxy]:
    with TcpProxy(control_plane.port) as proxy:
        yield proxy


@pytest.fixture
async def admin(control_plane: ControlPlane) -> AsyncIterator[KubeClient]:
    async with client_of(control_plane.kubeconfig) as client:
        yield client


def secret(name: str, value: str = "YQ==", label: str = "true") -> JsonObject:
    return {"metadata": {"name": name, "labels": {LABEL: label}}, "data": {"key": value}}


class Heard:
    """Everything that was told, and a way to wait for it."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, bool]] = []
        self.installed = 0
        self._news = asyncio.Event()

    def change(self, seen: Reflected) -> None:
        self.changes.append((seen.key.name, seen.object is not None))
        self._news.set()

    def install(self, _: Resource) -> None:
        self.installed += 1
        self._news.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def reflecting(reflector: Reflector, heard: Heard) -> AsyncIterator[None]:
    reflector.changes.subscribe(heard.change)
    reflector.installations.subscribe(heard.install)
    task = asyncio.create_task(reflector.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_only_what_the_label_selects_is_seen_as_it_comes_changes_and_goes(
    admin: KubeClient, namespace: str
) -> None:
    await admin.create(SECRETS.collection(namespace), secret("before"))
    await admin.create(SECRETS.collection(namespace), secret("another", label="false"))
    heard, reflector = Heard(), Reflector(admin, SECRETS, namespace, f"{LABEL}=true")
    async with reflecting(reflector, heard):
        await reflector.synced()
        assert heard.changes == [("before", True)]
        await admin.create(SECRETS.collection(namespace), secret("after"))
        await heard.until(lambda: ("after", True) in heard.changes)
        await admin.merge_patch(SECRETS.object(ObjectKey(namespace, "before")), {"data": {"key": "Yg=="}})
        await heard.until(lambda: heard.changes.count(("before", True)) == 2)
        found = reflector.get(ObjectKey(namespace, "before"))
        assert found is not None
        assert "data" not in found, "what a Secret holds is kept by nobody"
        await admin.delete(SECRETS.object(ObjectKey(namespace, "before")))
        await heard.until(lambda: ("before", False) in heard.changes)
        await admin.merge_patch(
            SECRETS.object(ObjectKey(namespace, "after")), {"metadata": {"labels": {LABEL: "false"}}}
        )
        await heard.until(lambda: ("after", False) in heard.changes)
        assert list(reflector) == []


@pytest.mark.parametrize("cut", list(Cut))
async def test_what_was_deleted_while_cut_off_is_noticed_afterwards(
    admin: KubeClient,
    control_plane: ControlPlane,
    namespace: str,
    proxy: TcpProxy,
    cut: Cut,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "SILENCE", 1.0)
    monkeypatch.setattr(watch, "BACKOFF", Backoff(first=0.1, cap=0.1))
    await admin.create(SECRETS.collection(namespace), secret("deleted"))
    async with client_of(control_plane.kubeconfig_through(proxy.url)) as client:
        heard, reflector = Heard(), Reflector(client, SECRETS, namespace, f"{LABEL}=true")
        async with reflecting(reflector, heard):
            await reflector.synced()
            proxy.cut(cut)
            await admin.delete(SECRETS.object(ObjectKey(namespace, "deleted")))
            await admin.create(SECRETS.collection(namespace), secret("new"))
            proxy.restore()
            await heard.until(lambda: {("deleted", False), ("new", True)} <= set(heard.changes))


async def test_a_kind_that_is_installed_later_is_noticed(
    admin: KubeClient, kubectl: Kubectl, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "ABSENT_POLL", 0.2)
    await asyncio.to_thread(remove_dnsendpoint_kind, kubectl)
    heard, reflector = Heard(), Reflector(admin, DNS_ENDPOINTS, namespace, "ses-operator.io/identity")
    async with reflecting(reflector, heard):
        await reflector.synced()
        assert heard.installed == 0
        await asyncio.to_thread(kubectl.apply, dnsendpoint_crd())
        await heard.until(lambda: heard.installed == 1)
        assert reflector.installed
        endpoint = {
            "apiVersion": DNS_ENDPOINTS.api_version,
            "kind": DNS_ENDPOINTS.kind,
            "metadata": {"name": "mail", "labels": {"ses-operator.io/identity": "mail"}},
            "spec": {"endpoints": []},
        }
        await admin.create(DNS_ENDPOINTS.collection(namespace), endpoint)
        await heard.until(lambda: ("mail", True) in heard.changes)


async def test_a_kind_that_may_not_be_watched_does_not_keep_the_operator_from_starting(
    control_plane: ControlPlane, namespace: str
) -> None:
    async with client_of(control_plane.kubeconfig_for(User("nobody"))) as client:
        reflector = Reflector(client, DNS_ENDPOINTS, namespace, "")
        async with reflecting(reflector, Heard()):
            async with asyncio.timeout(PATIENCE):
                await reflector.synced()
            assert not reflector.installed


def _right_to_see(namespace: str, user: str) -> tuple[JsonObject, JsonObject]:
    """A right to one namespace, as the chart gives it with watchNamespaces."""
    rights = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": f"see-{namespace}"}}
    rule = {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": [namespace], "verbs": ["list", "watch"]}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": f"see-{namespace}"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
    return (
        {**rights, "kind": "ClusterRole", "rules": [rule]},
        {**rights, "kind": "ClusterRoleBinding", "roleRef": reference, "subjects": [subject]},
    )


async def test_a_right_to_one_namespace_by_its_name_suffices_to_see_its_labels_change(
    control_plane: ControlPlane, kubectl: Kubectl, namespace: str
) -> None:
    await asyncio.to_thread(kubectl.apply, *_right_to_see(namespace, "watcher"))
    async with client_of(control_plane.kubeconfig_for(User("watcher"))) as client:
        reflectors, heard, also = Reflectors(client, NAMESPACES, (), "", names=(namespace,)), Heard(), Heard()
        for listener in (heard, also):
            reflectors.changes.subscribe(listener.change)
        task = asyncio.create_task(reflectors.run())
        try:
            await reflectors.synced()
            assert reflectors.installed
            assert reflectors.get(ObjectKey("", "default")) is None
            await asyncio.to_thread(kubectl, "label", "namespace", namespace, "mail=yes")
            for listener in (heard, also):
                await listener.until(lambda: _label(reflectors, namespace) == "yes")
        finally:
            task.cancel()


def _label(reflectors: Reflectors, namespace: str) -> str | None:
    found = reflectors.get(ObjectKey("", namespace))
    return found["metadata"]["labels"].get("mail") if found else None


class Sightings:
    """What an informer told."""

    def __init__(self) -> None:
        self.all: list[tuple[str, ObjectChange, Origin]] = []
        self._news = asyncio.Event()

    def __call__(self, delta: CacheDelta) -> None:
        self.all.append((delta.key.name, delta.change, delta.origin))
        self._news.set()

    async def until(self, name: str, change: ObjectChange) -> Origin:
        async with asyncio.timeout(PATIENCE):
            while True:
                for seen, what, origin in self.all:
                    if (seen, what) == (name, change):
                        return origin
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def informing(client: KubeClient, namespace: str, told: Sightings) -> AsyncIterator[ObjectStore[SesIdentity]]:
    store = ObjectStore(SesIdentity.model_validate)
    store.changes.subscribe(told)
    informers = Informers(
        client, client.configuration, (Informer(IDENTITIES, store),), Coverage((namespace,)), obstacle
    )
    task = asyncio.create_task(informers.run(lambda: None))
    try:
        async with asyncio.timeout(PATIENCE):
            await informers.synced()
        yield store
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_informers_tell_of_what_was_there_and_of_what_comes_changes_and_goes_and_write_nothing(
    admin: KubeClient, control_plane: ControlPlane, namespace: str
) -> None:
    await created(admin, namespace, "before")
    told = Sightings()
    mark = control_plane.audit.mark()
    async with informing(admin, namespace, told) as store:
        assert [key.name for key in store] == ["before"]
        assert told.all == [("before", ObjectChange.ADDED, Origin.LISTED)]
        path = IDENTITIES.object(ObjectKey(namespace, "after"))
        await created(admin, namespace, "after")
        assert await told.until("after", ObjectChange.ADDED) is Origin.WATCHED
        await admin.merge_patch(path, {"spec": {"suspend": True}})
        assert await told.until("after", ObjectChange.INTENT) is Origin.WATCHED
        await admin.delete(path)
        assert await told.until("after", ObjectChange.REMOVED) is Origin.WATCHED
    writes = control_plane.audit.writes_in(namespace, since=mark)
    assert [write.verb for write in writes] == ["create", "patch", "delete"]


async def test_what_we_wrote_ourselves_is_told_once_by_the_answer_or_by_the_watch(
    admin: KubeClient, namespace: str
) -> None:
    await created(admin, namespace, "mail")
    told = Sightings()
    async with informing(admin, namespace, told) as store:
        answer = await admin.merge_patch(
            IDENTITIES.object(ObjectKey(namespace, "mail")), {"metadata": {"annotations": {"a": "b"}}}
        )
        answered = store.observe(answer).change  # whichever comes first
        await created(admin, namespace, "last")
        await told.until("last", ObjectChange.ADDED)
        watched = [change for name, change, _ in told.all if name == "mail"]
        assert [change for change in (*watched, answered) if change is not ObjectChange.NOTHING] == [
            ObjectChange.ADDED,
            ObjectChange.INTENT,
        ]


async def test_a_deletion_that_no_watch_told_of_is_found(
    admin: KubeClient, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ses_operator.runtime.watch.informers.COMPARE_INTERVAL", 0.5)
    told = Sightings()
    async with informing(admin, namespace, told) as store:
        # As after a list anew: the store holds what the list of the apiserver does not have.
        ghost = await created(admin, namespace, "ghost")
        await told.until("ghost", ObjectChange.ADDED)
        await admin.delete(IDENTITIES.object(ObjectKey(namespace, "ghost")))
        await told.until("ghost", ObjectChange.REMOVED)
        phantom = ghost.to_json()
        phantom["metadata"] |= {"uid": "never-deleted", "name": "phantom"}
        store.observe(phantom)
        assert await told.until("phantom", ObjectChange.REMOVED) is Origin.LISTED
        assert list(store) == []


def too_deep(namespace: str, name: str) -> str:
    """A SesIdentity that no decoder of Python's reads: a policy nested 2,000 deep."""
    document = '{"a":' * 2000 + "1" + "}" * 2000
    spec = (
        f'{{"domain":"{name}.example.com","regions":["eu-west-1"],"policies":[{{"name":"p","document":{document}}}]}}'
    )
    metadata = f'{{"name":"{name}","namespace":"{namespace}"}}'
    return f'{{"apiVersion":"{IDENTITIES.api_version}","kind":"{IDENTITIES.kind}","metadata":{metadata},"spec":{spec}}}'


async def test_objects_that_are_nested_too_deeply_hide_no_others_in_lists_and_watches(
    admin: KubeClient, kubectl: Kubectl, namespace: str
) -> None:
    def apply(name: str) -> None:
        kubectl("create", "--raw", IDENTITIES.collection(namespace), "-f", "-", stdin=too_deep(namespace, name))

    await asyncio.to_thread(apply, "deep-before")
    await created(admin, namespace, "before")
    told = Sightings()
    async with informing(admin, namespace, told) as store:
        assert {key.name for key in store} == {"before", "deep-before"}
        await asyncio.to_thread(apply, "deep-after")
        await created(admin, namespace, "after")
        await told.until("deep-after", ObjectChange.ADDED)
        await told.until("after", ObjectChange.ADDED)
        assert store.unreadable == 2
        read = await admin.get(IDENTITIES.object(ObjectKey(namespace, "deep-after")))
        assert read["metadata"]["name"] == "deep-after"
        for name in ("deep-before", "deep-after"):
            await admin.delete(IDENTITIES.object(ObjectKey(namespace, name)))
