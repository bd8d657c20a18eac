"""Each watched namespace stands for itself: one that is refused, absent or going leaves the others as they are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest

from cluster.kube import client_of, created
from cluster.tenant import PATIENCE
from devcluster.controlplane import ControlPlane
from devcluster.kubectl import Kubectl
from devcluster.subjects import User
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.controllers.shared.installed_kinds import obstacle
from ses_operator.controllers.shared.resources import IDENTITIES
from ses_operator.core.model.keys import ObjectKey
from ses_operator.runtime.backoff import Backoff
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.resources import NAMESPACES, JsonObject
from ses_operator.runtime.watch.cache import ObjectStore
from ses_operator.runtime.watch.coverage import Coverage, WatchState, namespace_phase
from ses_operator.runtime.watch.informers import Informer, Informers
from ses_operator.runtime.watch.reflector import Reflectors

pytestmark = pytest.mark.usefixtures("crds")

SOON = Backoff(first=0.1, cap=0.3)
WATCHED, NOT_WATCHED, ABSENT = WatchState.WATCHED, WatchState.NOT_WATCHED, WatchState.ABSENT


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Watches that end after a second, as they do after minutes, and are tried again at once."""
    monkeypatch.setattr("ses_operator.runtime.watch.informers.AGAIN", SOON)
    monkeypatch.setattr("ses_operator.runtime.watch.kopf_shell.SERVER_TIMEOUT", 1)
    monkeypatch.setattr("ses_operator.runtime.watch.kopf_shell.ERROR_BACKOFFS", (0.1,))
    monkeypatch.setattr("ses_operator.runtime.watch.reflector.ABSENT_POLL", 0.3)


def right(namespace: str, user: str, *, see: bool = False) -> tuple[JsonObject, JsonObject]:
    """The right to watch identities in a namespace, as the chart gives it; or to see the Namespace itself."""
    name, api = f"{'see' if see else 'watch'}-{namespace}", "rbac.authorization.k8s.io"
    kind, home = ("ClusterRole", {}) if see else ("Role", {"namespace": namespace})
    rights = {"apiVersion": f"{api}/v1", "metadata": {"name": name, **home}}
    seen = {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": [namespace], "verbs": ["list", "watch"]}
    watched = {"apiGroups": ["ses-operator.io"], "resources": ["sesidentities"], "verbs": ["list", "watch"]}
    reference = {"apiGroup": api, "kind": kind, "name": name}
    subject = {"apiGroup": api, "kind": "User", "name": user}
    return (
        {**rights, "kind": kind, "rules": [seen if see else watched]},
        {**rights, "kind": f"{kind}Binding", "roleRef": reference, "subjects": [subject]},
    )


@dataclass
class Watch:
    """The operator's watches of some namespaces."""

    store: ObjectStore[SesIdentity]
    coverage: Coverage
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                self.news.clear()
                await self.news.wait()

    async def shows(self, namespace: str, name: str) -> None:
        await self.until(lambda: ObjectKey(namespace, name) in self.store)

    async def is_in(self, namespace: str, state: WatchState) -> None:
        await self.until(lambda: self.coverage.state(namespace) is state)


@asynccontextmanager
async def watching(plane: ControlPlane, user: str, *namespaces: str) -> AsyncIterator[Watch]:
    """The watches of an operator that RBAC knows as ``user``. They are synced, whatever namespace is not to be seen."""
    async with client_of(plane.kubeconfig_for(User(user))) as client:
        seen = Reflectors(client, NAMESPACES, (), "", names=namespaces)
        coverage = Coverage(namespaces, partial(namespace_phase, seen))
        watch = Watch(ObjectStore(SesIdentity.model_validate), coverage)
        watch.store.changes.subscribe(lambda _: watch.news.set())
        coverage.changes.subscribe(lambda _: watch.news.set())
        seen.changes.subscribe(lambda change: coverage.review(change.key.name))
        seen.installations.subscribe(lambda _: coverage.review_all())
        informers = Informers(client, client.configuration, (Informer(IDENTITIES, watch.store),), coverage, obstacle)
        parts = [asyncio.create_task(seen.run()), asyncio.create_task(informers.run(lambda: None))]
        try:
            async with asyncio.timeout(PATIENCE):
                await informers.synced()
            yield watch
            for part in parts:
                assert not part.done(), part.exception()
        finally:
            for part in parts:
                part.cancel()
            await asyncio.wait(parts)


@pytest.fixture
async def admin(control_plane: ControlPlane) -> AsyncIterator[KubeClient]:
    async with client_of(control_plane.kubeconfig) as client:
        yield client


async def make_namespace(admin: KubeClient, name: str) -> str:
    await admin.create(NAMESPACES.collection(""), {"metadata": {"name": name}})
    return name


async def test_a_namespace_that_is_refused_at_the_start_keeps_no_other_waiting_and_comes_when_it_is_given(
    admin: KubeClient,
    control_plane: ControlPlane,
    kubectl: Kubectl,
    namespace: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    other = await make_namespace(admin, f"{namespace}-other")
    await asyncio.to_thread(kubectl.apply, *right(namespace, "at-start"))
    for each in (namespace, other):
        await created(admin, each, "mail")
    with caplog.at_level(logging.INFO):
        async with watching(control_plane, "at-start", namespace, other) as watch:
            assert dict(watch.coverage) == {namespace: WATCHED, other: NOT_WATCHED}
            assert list(watch.coverage.unseen) == [other]
            assert list(watch.store) == [ObjectKey(namespace, "mail")]
            await asyncio.to_thread(kubectl.apply, *right(other, "at-start"))
            await watch.shows(other, "mail")
            await watch.is_in(other, WATCHED)
            assert not watch.coverage.unseen
    lines = [(record.getMessage(), record.__dict__.get("namespace")) for record in caplog.records]
    assert any(text.startswith(f"namespace {other} is not watched") and name == other for text, name in lines)
    assert (f"namespace {other} is watched again", other) in lines
    assert not any(record.exc_info for record in caplog.records), "what is expected leaves no traceback"


async def test_a_namespace_that_is_refused_when_its_watch_begins_again_leaves_the_others_watched(
    admin: KubeClient, control_plane: ControlPlane, kubectl: Kubectl, namespace: str
) -> None:
    other = await make_namespace(admin, f"{namespace}-other")
    for each in (namespace, other):
        await asyncio.to_thread(kubectl.apply, *right(each, "later"))
        await created(admin, each, "mail")
    async with watching(control_plane, "later", namespace, other) as watch:
        assert dict(watch.coverage) == {namespace: WATCHED, other: WATCHED}
        await asyncio.to_thread(kubectl, "delete", "rolebinding", f"watch-{other}", "-n", other)
        await watch.is_in(other, NOT_WATCHED)
        assert ObjectKey(other, "mail") in watch.store, "it may well exist"

        await created(admin, namespace, "more")
        await watch.shows(namespace, "more")
        await created(admin, other, "unseen")
        await asyncio.to_thread(kubectl.apply, *right(other, "later"))
        await watch.shows(other, "unseen")
        await watch.is_in(other, WATCHED)


async def test_a_namespace_that_goes_and_comes_again_is_followed(
    admin: KubeClient, control_plane: ControlPlane, kubectl: Kubectl, namespace: str
) -> None:
    """As at `kubectl delete namespace`: its Role goes first, then its objects, then it. No namespace controller runs here."""
    other = f"{namespace}-other"
    for each in (namespace, other):
        await asyncio.to_thread(kubectl.apply, *right(each, "goer", see=True))
    await asyncio.to_thread(kubectl.apply, *right(namespace, "goer"))
    async with watching(control_plane, "goer", namespace, other) as watch:
        await watch.is_in(other, ABSENT)
        assert not watch.coverage.unseen, "what does not exist holds nothing"
        await make_namespace(admin, other)
        await watch.is_in(other, NOT_WATCHED)
        await asyncio.to_thread(kubectl.apply, *right(other, "goer"))
        await created(admin, other, "mail")
        await watch.shows(other, "mail")

        held = NAMESPACES.object(ObjectKey("", other))
        await admin.merge_patch(held, {"metadata": {"finalizers": ["tests/held"]}})
        await asyncio.to_thread(kubectl, "delete", "namespace", other, "--wait=false")
        await watch.is_in(other, WatchState.TERMINATING)
        await watch.shows(other, "mail")
        await asyncio.to_thread(kubectl, "delete", "rolebinding", f"watch-{other}", "-n", other)
        await watch.is_in(other, NOT_WATCHED)
        assert ObjectKey(other, "mail") in watch.store
        assert watch.coverage.state(namespace) is WATCHED
