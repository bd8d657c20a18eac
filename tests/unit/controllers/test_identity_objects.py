"""Writes to a SesIdentity: what their answers show of somebody else's doing is not lost, for no watch will tell of it."""

from __future__ import annotations

import copy
import time
from typing import Any

from ses_operator.api.account.notifications import Moment
from ses_operator.api.base.meta import FINALIZER, INVENTORY
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import SesIdentityStatus
from ses_operator.controllers.shared.cluster import IDENTITY_INDEXES
from ses_operator.controllers.shared.identity_objects import IdentityObjects
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.state.inventory import Inventory
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.events import EventRecorder
from ses_operator.runtime.watch.cache import CacheDelta, ObjectChange, ObjectStore
from unit.apiserver import Json, OneObject, client_of

KEY = ObjectKey("team-a", "mail")


def identity(version: int = 1, *, generation: int = 1, **metadata: Any) -> Json:
    given = {"namespace": "team-a", "name": "mail", "uid": "u1", "generation": generation}
    return {
        "metadata": {**given, "resourceVersion": str(version), **metadata},
        "spec": {"domain": "example.com", "regions": ["eu-west-1"]},
        "status": {"observedGeneration": -1},
    }


class Desk:
    """A store that has seen the object, and all that is told of it."""

    def __init__(self, client: KubeClient, seen: Json) -> None:
        self.store = ObjectStore(SesIdentity.model_validate, IDENTITY_INDEXES)
        self.store.observe(copy.deepcopy(seen))
        self.told: list[CacheDelta] = []
        self.store.changes.subscribe(self.told.append)
        events = EventRecorder(client, clock=time.monotonic)
        self.objects = IdentityObjects(client, self.store, events, lambda _: tuple(Moment))

    @property
    def identity(self) -> SesIdentity:
        found = self.store.get(KEY)
        assert found is not None
        return found


def edit_spec(obj: Json) -> None:
    obj["spec"]["regions"] = ["eu-west-1", "us-east-1"]
    obj["metadata"]["generation"] += 1


async def test_a_spec_that_changes_just_before_status_is_written_is_looked_at_again() -> None:
    server = OneObject(identity(), meanwhile=edit_spec)
    async with client_of(server) as client:
        desk = Desk(client, identity())
        await desk.objects.report(desk.identity, SesIdentityStatus(observed_generation=1))

        late = desk.store.observe(server.object)

    assert late.change is ObjectChange.NOTHING, "the watch has nothing to add"
    assert [(sighting.key, sighting.change) for sighting in desk.told] == [(KEY, ObjectChange.INTENT)]


async def test_our_own_status_wakes_nobody() -> None:
    async with client_of(OneObject(identity())) as client:
        desk = Desk(client, identity())
        await desk.objects.report(desk.identity, SesIdentityStatus(observed_generation=1))

    assert desk.told == []


async def test_a_status_that_was_made_before_somebody_was_told_does_not_undo_that() -> None:
    async with client_of(OneObject(identity())) as client:
        desk = Desk(client, identity())
        observed = desk.identity
        await desk.objects.note_told(KEY, "u1", "Stuck")
        await desk.objects.report(observed, SesIdentityStatus(observed_generation=1))
        assert desk.identity.status.notified == "Stuck"
        assert desk.identity.status.observed_generation == 1

        await desk.objects.note_told(KEY, "u1", None)
        assert desk.identity.status == SesIdentityStatus(observed_generation=1)


async def test_what_was_told_of_an_object_that_is_gone_is_written_nowhere() -> None:
    server = OneObject(identity())
    async with client_of(server) as client:
        desk = Desk(client, identity())
        await desk.objects.note_told(KEY, "another", "Stuck")
        await desk.objects.note_told(ObjectKey("team-a", "gone"), "u1", "Stuck")
    assert server.object == identity()
    assert desk.told == []


async def test_an_identity_that_goes_with_its_finalizer_wakes_those_that_wait_for_it() -> None:
    leaving = identity(finalizers=[FINALIZER], deletionTimestamp="2026-01-01T00:00:00Z")
    async with client_of(OneObject(copy.deepcopy(leaving))) as client:
        desk = Desk(client, leaving)
        await desk.objects.released(desk.identity)

    assert [sighting.change for sighting in desk.told] == [ObjectChange.REMOVED]
    assert ("domain", "example.com") in desk.told[0].entries
    assert ("account", "default") in desk.told[0].entries


async def test_an_anchored_object_is_the_one_that_was_planned_for_whatever_the_watch_shows_meanwhile() -> None:
    server = OneObject(identity())
    async with client_of(server) as client:
        desk = Desk(client, identity())
        planned_for = desk.identity
        newer = identity(7, generation=2, finalizers=[FINALIZER], annotations={INVENTORY: "{}"})
        edit_spec(newer)
        desk.store.observe(newer)

        anchored = await desk.objects.ensure_finalizer(planned_for, Inventory(frozenset({"eu-west-1"})))

    assert anchored.metadata.generation == planned_for.metadata.generation
    assert anchored.metadata.has_finalizer
