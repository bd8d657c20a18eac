"""What is said of the namespaces that are to be watched: for every state of the watches and of the Namespace."""

from __future__ import annotations

import logging
from itertools import product

import pytest

from ses_operator.runtime.watch.coverage import EVERYWHERE, Coverage, NamespacePhase, WatchState, watch_state

ABSENT, TERMINATING = NamespacePhase.ABSENT, NamespacePhase.TERMINATING
CASES = list(product(("", "refused"), NamespacePhase, (True, False)))


@pytest.mark.parametrize(("failure", "phase", "has_begun"), CASES)
def test_a_namespace_is_watched_only_if_its_watches_say_so(
    failure: str, phase: NamespacePhase, has_begun: bool
) -> None:
    state = watch_state(failure, phase, has_begun=has_begun)
    assert (state is WatchState.ABSENT) == (phase is ABSENT)
    if state in (WatchState.WATCHED, WatchState.TERMINATING):
        assert has_begun
        assert not failure
    if failure and phase is not ABSENT:
        assert state is WatchState.NOT_WATCHED


def test_each_namespace_is_reported_once_and_by_its_name(caplog: pytest.LogCaptureFixture) -> None:
    phases = {"a": NamespacePhase.ACTIVE, "b": NamespacePhase.UNSEEN}
    coverage = Coverage((EVERYWHERE, "a", "b"), lambda name: phases.get(name, NamespacePhase.UNSEEN))
    told: list[str] = []
    coverage.changes.subscribe(told.append)
    assert list(coverage.unseen) == ["a", "b"]
    with caplog.at_level(logging.INFO):
        for name in coverage.names:
            coverage.note_watched(name)
        assert caplog.records == [], "to be watched is as it should be"
        for _ in range(3):
            coverage.note_failure("b", "you may not")
        phases["a"] = TERMINATING
        coverage.review_all()
        phases["a"] = ABSENT
        coverage.review("a")
        coverage.review("unheard-of")
        coverage.note_watched("b")
    assert told == [EVERYWHERE, "a", "b", "b", "a", "a", "b"]
    assert [record.__dict__["namespace"] for record in caplog.records] == ["b", "a", "a", "b"]
    assert all(record.getMessage().startswith("namespace ") for record in caplog.records)
    assert not coverage.unseen
    assert dict(coverage) == {EVERYWHERE: WatchState.WATCHED, "a": WatchState.ABSENT, "b": WatchState.WATCHED}


def test_a_cluster_that_is_refused_hides_no_namespace_but_everything() -> None:
    coverage = Coverage((EVERYWHERE,))
    coverage.note_failure(EVERYWHERE, "refused")
    assert not coverage.unseen
    assert coverage.state(EVERYWHERE) is WatchState.NOT_WATCHED
