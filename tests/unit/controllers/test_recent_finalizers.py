"""Objects that the apiserver loses although our finalizer was confirmed."""

from __future__ import annotations

import pytest

from ses_operator.api.identity.kind import SesIdentity
from ses_operator.controllers.shared.recent_finalizers import UNCERTAIN_SECONDS, RecentFinalizers
from ses_operator.core.model.keys import ObjectKey

KEY = ObjectKey("team-a", "mail")
OTHER = ObjectKey("team-a", "other")


class World:
    """What there is, and what time it is."""

    def __init__(self) -> None:
        self.alive: dict[ObjectKey, str] = {}
        self.now = 0.0
        self.anchors = RecentFinalizers(self.alive.get, lambda: self.now)

    def ensure_finalizer(self, key: ObjectKey) -> SesIdentity:
        metadata = {"name": key.name, "namespace": key.namespace, "uid": f"uid-{key.name}"}
        spec = {"domain": f"{key.name}.example.com", "regions": ["eu-west-1"]}
        identity = SesIdentity.model_validate({"metadata": metadata, "spec": spec})
        self.alive[key] = identity.metadata.uid
        self.anchors.note(key, identity)
        return identity


@pytest.fixture
def world() -> World:
    return World()


def test_what_is_there_has_not_vanished(world: World) -> None:
    world.ensure_finalizer(KEY)
    assert world.anchors.vanished(KEY) is None


def test_what_went_is_known_as_it_was_anchored(world: World) -> None:
    identity = world.ensure_finalizer(KEY)
    del world.alive[KEY]
    assert world.anchors.vanished(KEY) is identity


def test_an_object_that_took_its_place_answers_for_it(world: World) -> None:
    world.ensure_finalizer(KEY)
    world.alive[KEY] = "another"
    assert world.anchors.vanished(KEY) is None


def test_what_is_done_with_is_forgotten(world: World) -> None:
    world.ensure_finalizer(KEY)
    del world.alive[KEY]
    world.anchors.done(KEY)
    assert world.anchors.vanished(KEY) is None


def test_what_is_still_there_after_a_while_goes_only_by_its_finalizer(world: World) -> None:
    world.ensure_finalizer(KEY)
    world.now = UNCERTAIN_SECONDS
    world.ensure_finalizer(OTHER)
    del world.alive[KEY]
    assert world.anchors.vanished(KEY) is None


def test_what_vanished_is_kept_until_it_is_done_with(world: World) -> None:
    identity = world.ensure_finalizer(KEY)
    del world.alive[KEY]
    world.now = 10 * UNCERTAIN_SECONDS
    world.ensure_finalizer(OTHER)
    assert world.anchors.vanished(KEY) is identity
