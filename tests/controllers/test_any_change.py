"""Any spec becomes any other, with the operator killed at any write in between, and nothing of the first is left.

Four things happen in the life of an identity: it is applied, it changes, it changes back, it is deleted. The operator is killed
when it has carried out just so many writes: after the last of these, and before the next, between which nothing outside of the
operator differs. Another operator, which knows nothing, goes on. What there is in the end is compared with an identity that has
always been so, and what others have beside it with what they had before. Zones are delegated, and old places given up, as status
asks a person to do.

A creation and a deletion are cut off after every number of writes. A change is after each odd number and the change back after
each even one, until it takes no more: so each write of both is the last that was carried out, or the first that was not. All
numbers of all would take twice the time, which is most of this folder's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from itertools import count, permutations
from typing import Any

import pytest

from cluster.tenant import Tenant
from controllers.specs import ALWAYS_SET, ELSEWHERE, MEMBERS, PLACES, Change, changes, tries, zone_of
from controllers.stage import Stage, set_up
from controllers.world import World
from ses_operator.api.identity.kind import SesIdentitySpec
from ses_sandbox.ses.verifier.schedule import CheckSchedule

CHANGES = changes(4)


@pytest.fixture
def stage(dnsendpoints: None, careful: World, tenant: Tenant) -> Iterator[Stage]:  # noqa: ARG001 - the kind is installed
    """SES looks at records soon: how long it takes is for other tests, and each look of the operator's in between costs."""
    verifier = careful.host.sandbox.server.verifier
    before, verifier.schedule = verifier.schedule, CheckSchedule(interval=timedelta(seconds=1))
    yield set_up(replace(tenant, wait=careful.until), careful)
    verifier.schedule = before


class Event(StrEnum):
    """What happens in the life of an identity."""

    APPLIED = "applied"
    CHANGED = "changed"
    CHANGED_BACK = "changed back"
    DELETED = "deleted"


@dataclass
class Lives:
    """Lives of one identity under a spec and another.

    ``left``: what is left in the world after an event. ``deaths``: the writes after which the operator was killed. ``over``: the
    events that were cut off wherever they are to be.
    """

    stage: Stage
    change: Change
    left: dict[Event, dict[str, Any]] = field(default_factory=dict)
    deaths: dict[Event, set[str]] = field(default_factory=lambda: {event: set() for event in Event})
    over: set[Event] = field(default_factory=set)

    def undisturbed(self) -> None:
        """See what is left of an identity that has always been so, and that a change leads there."""
        stage, second = self.stage, self.change.second
        stage.through(lambda: stage.create(second), stage.is_done, zone_of(second))
        self.left[Event.CHANGED] = stage.left()
        stage.through(stage.delete, stage.is_gone, zone_of(second))
        first = self.change.first
        stage.through(lambda: stage.create(first), stage.is_done, zone_of(first))
        self.left[Event.APPLIED] = self.left[Event.CHANGED_BACK] = stage.left()
        for event in (Event.CHANGED, Event.CHANGED_BACK, Event.DELETED):
            self._go(event)

    def all_disturbed(self) -> None:
        """Kill the operator at every write of every event."""
        is_there = False
        for writes in count():
            if not is_there:
                self._go(Event.APPLIED, writes)
            self._go(Event.CHANGED, 2 * writes + 1)
            self._go(Event.CHANGED_BACK, 2 * writes)
            is_there = {Event.APPLIED, Event.DELETED} <= self.over
            if not is_there or self.over == set(Event):
                self._go(Event.DELETED, writes)
            if self.over == set(Event):
                return

    def _go(self, event: Event, writes: int | None = None) -> None:
        """Have it happen, and wait until the world is as it is to be then."""
        stage, first, second = self.stage, self.change.first, self.change.second
        happen: dict[Event, Callable[[], None]] = {
            Event.APPLIED: lambda: stage.create(first),
            Event.CHANGED: lambda: stage.change(first, second),
            Event.CHANGED_BACK: lambda: stage.change(second, first),
            Event.DELETED: stage.delete,
        }
        zone = zone_of(second if event is Event.CHANGED else first)
        end = stage.is_gone if event is Event.DELETED else lambda: stage.is_done() and stage.left() == self.left[event]
        try:
            if writes is None or event in self.over:
                stage.through(happen[event], end, zone)
                return
            written, was_early = stage.through_death(happen[event], end, zone, writes)
        except BaseException as error:
            error.add_note(f"{event}, killed after {writes} writes: {stage.left()} is left, not {self.left.get(event)}")
            raise
        self.deaths[event].update(written[-1:])
        if not was_early:
            self.over.add(event)


def test_every_member_of_the_spec_is_among_those_that_change() -> None:
    fields = {field.alias or name for name, field in SesIdentitySpec.model_fields.items()}
    assert fields - ALWAYS_SET - ELSEWHERE == MEMBERS.keys()


def test_the_changes_that_are_tried_leave_out_no_move_no_member_and_no_change_of_key() -> None:
    tried = {what for change in CHANGES for what in tries(change)}
    modes = {("Easy", "Deterministic"), ("Easy", "BYODKIM"), ("Deterministic", "BYODKIM")}
    keys = {("key", *pair) for pair in modes} | {("key", *reversed(pair)) for pair in modes}
    moves = {("place", *pair) for pair in permutations(PLACES, 2)}
    members = {(name, becomes) for name in MEMBERS for becomes in ("set", "changed", "removed")}
    assert moves | keys | members | {("key", "BYODKIM", "BYODKIM")} <= tried


@pytest.mark.parametrize("change", CHANGES, ids=range(len(CHANGES)))
def test_killed_at_any_write_any_spec_becomes_any_other(stage: Stage, change: Change) -> None:
    others = stage.others()
    lives = Lives(stage, change)

    lives.undisturbed()
    lives.all_disturbed()

    assert all(lives.deaths.values())
    assert stage.others() == others
