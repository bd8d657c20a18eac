"""When an identity has its turn to be read in full."""

from __future__ import annotations

from ses_operator.api.identity.kind import SesIdentity
from ses_operator.aws.listing.identity_cache import IdentityCache
from ses_operator.controllers.identity.resync import Resync
from ses_operator.core.model.keys import ObjectKey
from ses_operator.runtime.kube.resources import JsonObject

DAY = 86_400.0
IDENTITY = SesIdentity.model_validate(
    {"metadata": {"name": "mail", "uid": "u1"}, "spec": {"domain": "example.com", "regions": ["eu-west-1"]}}
)


class NoEndpoints:
    """A cluster without DNSEndpoints."""

    installed = False

    def get(self, key: ObjectKey) -> JsonObject | None:
        del key
        return None


class Time:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_look_before_its_turn_does_not_move_the_turn() -> None:
    time = Time()
    resync = Resync(IdentityCache(lambda _: None), NoEndpoints(), DAY, time)
    assert not resync.is_due(IDENTITY)

    left = resync.until_next_resync(IDENTITY)
    time.now += 10
    resync.note_read(IDENTITY)
    assert resync.until_next_resync(IDENTITY) == left - 10

    time.now += left
    assert resync.is_due(IDENTITY)
    resync.note_read(IDENTITY)
    assert not resync.is_due(IDENTITY), "it has had its turn"
    assert resync.until_next_resync(IDENTITY) <= DAY
