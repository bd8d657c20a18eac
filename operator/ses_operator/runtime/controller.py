"""A controller as the manager sees it: a reconcile, and the watches that wake it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ses_operator.core.model.keys import ObjectKey
from ses_operator.runtime.source import Watch
from ses_operator.runtime.watch.cache import CacheDelta, ObjectChange, ObjectStore, Origin
from ses_operator.runtime.workqueue import Reconcile, Urgency, WorkQueue


@dataclass(frozen=True, slots=True)
class Controller:
    """A controller, as its package registers it.

    ``name`` labels logs and metrics. ``workers``: how many keys are reconciled at a time; ``urgent_workers``: how many more if
    they are urgent. ``starting`` is called when the replica has become the active one, ``closing`` when no reconcile runs any
    more, each in this order.
    """

    name: str
    reconcile: Reconcile[ObjectKey]
    watches: tuple[Watch[Any], ...]
    workers: int = 1
    urgent_workers: int = 0
    starting: tuple[Callable[[], None], ...] = ()
    closing: tuple[Callable[[], Awaitable[None]], ...] = ()

    def feed(self, queue: WorkQueue[ObjectKey]) -> None:
        """Let all watches put their keys on this queue."""
        for watch in self.watches:
            watch.feed(queue)

    def start(self, queue: WorkQueue[ObjectKey]) -> None:
        """Begin to reconcile what is on the queue."""
        for start in self.starting:
            start()
        queue.start(self.reconcile, workers=self.workers, urgent_workers=self.urgent_workers)

    async def close(self) -> None:
        """End what runs beside reconciles, of which none runs any more."""
        for close in self.closing:
            await close()


def own_kind(store: ObjectStore[Any]) -> Watch[CacheDelta]:
    """Return the watch of the objects that a controller reconciles. A person's change of one is urgent."""
    return Watch(store.changes, lambda delta: (delta.key,), _urgency)


def _urgency(delta: CacheDelta) -> Urgency:
    if delta.origin is Origin.LISTED or delta.change is ObjectChange.STATUS:
        return Urgency.NORMAL
    return Urgency.URGENT
