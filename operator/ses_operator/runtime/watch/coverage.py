"""The namespaces that are to be watched, and which of them are: each stands for itself, and says so by name.

Two things are known of a namespace: how its watches fare, and, where the operator may see Namespaces, the object itself.
``Coverage`` brings them together, for logs and metrics, and for those who have to know that there may be objects that they do
not see.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from ses_operator.core.model.keys import ObjectKey
from ses_operator.runtime.source import Source
from ses_operator.runtime.watch.reflector import Reflectors

logger = logging.getLogger(__name__)

EVERYWHERE = ""
"""In place of the name of a namespace: the whole cluster, and kinds that are in no namespace."""


class NamespacePhase(StrEnum):
    """The life of a namespace, as far as the operator may see it."""

    UNSEEN = "Unseen"
    ABSENT = "Absent"
    TERMINATING = "Terminating"
    ACTIVE = "Active"


class WatchState(StrEnum):
    """The state of the watches of a namespace."""

    STARTING = "Starting"
    WATCHED = "Watched"
    TERMINATING = "Terminating"
    ABSENT = "Absent"
    NOT_WATCHED = "NotWatched"


@dataclass(slots=True)
class _Scope:
    """``failure``: why it is not watched, as last tried. ``has_begun``: it was tried at least once."""

    failure: str = ""
    has_begun: bool = False
    last: WatchState = WatchState.STARTING
    told: str = ""


def watch_state(failure: str, phase: NamespacePhase, *, has_begun: bool) -> WatchState:
    """Return the state of a namespace's watches. What does not exist is absent, whatever the watches say."""
    if phase is NamespacePhase.ABSENT:
        return WatchState.ABSENT
    if failure:
        return WatchState.NOT_WATCHED
    if not has_begun:
        return WatchState.STARTING
    return WatchState.TERMINATING if phase is NamespacePhase.TERMINATING else WatchState.WATCHED


@dataclass
class Coverage:
    """The state of the watches in each namespace; of the whole cluster under ``EVERYWHERE``.

    ``phase`` returns what is known of the Namespace. ``changes`` emits names whose state has changed.
    """

    names: tuple[str, ...]
    phase: Callable[[str], NamespacePhase] = lambda _: NamespacePhase.UNSEEN
    changes: Source[str] = field(default_factory=Source)

    def __post_init__(self) -> None:
        self._scopes = {name: _Scope() for name in self.names}

    def __iter__(self) -> Iterator[tuple[str, WatchState]]:
        return ((name, self.state(name)) for name in self.names)

    def state(self, name: str) -> WatchState:
        """Return the state of one namespace."""
        scope = self._scopes[name]
        return watch_state(scope.failure, self.phase(name), has_begun=scope.has_begun)

    @property
    def unseen(self) -> tuple[str, ...]:
        """The namespaces in which there may be objects that the watches do not show. The whole cluster is not among them."""
        hidden = (WatchState.NOT_WATCHED, WatchState.STARTING)
        return tuple(name for name, state in self if name != EVERYWHERE and state in hidden)

    def note_watched(self, name: str) -> None:
        """Note that the watches of a namespace show all that there is."""
        self._note(name, "")

    def note_failure(self, name: str, failure: str) -> None:
        """Note why a namespace is not watched."""
        self._note(name, failure)

    def review(self, name: str) -> None:
        """Report a state that has changed. To be called also when the Namespace has changed."""
        scope = self._scopes.get(name)
        if scope is None:
            return
        now = self.state(name)
        if (now, scope.failure) == (scope.last, scope.told):
            return
        before, scope.last, scope.told = scope.last, now, scope.failure
        _log(name, before, now, scope.failure)
        self.changes.emit(name)

    def review_all(self) -> None:
        """Report every state that has changed."""
        for name in self.names:
            self.review(name)

    def _note(self, name: str, failure: str) -> None:
        scope = self._scopes[name]
        scope.failure, scope.has_begun = failure, True
        self.review(name)


def namespace_phase(namespaces: Reflectors, name: str) -> NamespacePhase:
    """Return what the watch of Namespaces shows of one."""
    if not name or not namespaces.may_see(name):
        return NamespacePhase.UNSEEN
    found = namespaces.get(ObjectKey("", name))
    if found is None:
        return NamespacePhase.ABSENT
    return NamespacePhase.TERMINATING if found["metadata"].get("deletionTimestamp") else NamespacePhase.ACTIVE


def _log(name: str, before: WatchState, now: WatchState, failure: str) -> None:
    subject = {"namespace": name} if name else {}
    where = f"namespace {name}" if name else "the cluster"
    match now:
        case WatchState.ABSENT:
            logger.warning("%s does not exist, and is watched once it does; or stop watching it", where, extra=subject)
        case WatchState.NOT_WATCHED:
            logger.warning("%s is not watched, and is tried again from time to time: %s", where, failure, extra=subject)
        case WatchState.TERMINATING:
            logger.info("%s is being deleted", where, extra=subject)
        case WatchState.WATCHED if before is not WatchState.STARTING:
            logger.info("%s is watched again", where, extra=subject)
        case WatchState.WATCHED | WatchState.STARTING:
            pass
