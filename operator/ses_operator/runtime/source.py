"""Sources of changes, and the watches by which a controller maps a change to its keys.

As in controller-runtime a watch is a source and a function from an event to keys. What the change was about is not
handed on: the reconcile observes for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ses_operator.core.model.keys import ObjectKey
from ses_operator.runtime.workqueue import Urgency, WorkQueue

E = TypeVar("E")


class Source(Generic[E]):
    """A source of events. Subscribers are called with each event, at once and in the order of the events."""

    __slots__ = ("_handlers",)

    def __init__(self) -> None:
        self._handlers: list[Callable[[E], None]] = []

    def subscribe(self, handler: Callable[[E], None]) -> None:
        """Call the handler with each event from now on."""
        self._handlers.append(handler)

    def emit(self, event: E) -> None:
        """Call all handlers with an event."""
        for handle in self._handlers:
            handle(event)


@dataclass(frozen=True, slots=True)
class Watch(Generic[E]):
    """The keys that an event of the source puts on the queue of a controller, and how urgently."""

    source: Source[E]
    keys: Callable[[E], Iterable[ObjectKey]]
    urgency: Urgency | Callable[[E], Urgency] = Urgency.NORMAL

    def feed(self, queue: WorkQueue[ObjectKey]) -> None:
        """Put keys on this queue from now on."""

        def enqueue(event: E) -> None:
            urgency = self.urgency if isinstance(self.urgency, Urgency) else self.urgency(event)
            for key in self.keys(event):
                queue.add(key, urgency)

        self.source.subscribe(enqueue)
