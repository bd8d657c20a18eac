"""One replica of an operator: its watches, its Lease, its controllers, and the order of all that.

It watches from the start, so that a standby is warm; it reconciles while it holds the Lease. On a signal to stop it
takes no more keys, lets running reconciles end, gives the Lease up and ends with 0. When it loses the Lease, it ends
at once: another replica will act, and nothing here may.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, TypeVar

from kubernetes.aio.client.configuration import Configuration

from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import OperatorError
from ses_operator.runtime.controller import Controller
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.events import Event, EventRecorder
from ses_operator.runtime.kube.resources import JsonObject, Resource, key_of
from ses_operator.runtime.lease.election import Elector, LeaseTiming
from ses_operator.runtime.lease.lease_object import LeaseObject, new_identity
from ses_operator.runtime.metrics import WorkQueueMetrics
from ses_operator.runtime.preparation import NothingToPrepare, Preparation, StartRefusedError
from ses_operator.runtime.watch.cache import ObjectStore
from ses_operator.runtime.watch.coverage import Coverage
from ses_operator.runtime.watch.informers import Informer, Informers, Obstacle
from ses_operator.runtime.watch.reflector import Reflectors
from ses_operator.runtime.workqueue import WorkQueue

logger = logging.getLogger(__name__)

M = TypeVar("M")

EXIT_STOPPED = 0
EXIT_FAILED = 1
EXIT_LEASE_LOST = 2

EVENTS_GRACE = 2.0


@dataclass(frozen=True, slots=True)
class ReplicaOptions:
    """The options of a replica.

    ``lease``: the object that replicas compete for.
    ``shutdown_grace``: seconds in which running reconciles may end. ``obstacle``: see ``Informers``.
    """

    lease: ObjectKey
    timing: LeaseTiming
    shutdown_grace: float
    obstacle: Obstacle


@dataclass(frozen=True, slots=True)
class _Subject:
    """The object that an Event is about, as it came from the apiserver."""

    name: str
    namespace: str
    uid: str
    resource_version: str


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """The Event of an object that cannot be read."""

    message: str
    type: str = "Warning"
    reason: str = "Unreadable"


class Manager:
    """The parts of one replica. Ask it for stores and reflectors, add controllers, then run it."""

    def __init__(
        self, configuration: Configuration, options: ReplicaOptions, metrics: WorkQueueMetrics, coverage: Coverage
    ) -> None:
        """Take a ``coverage`` of the namespaces to watch; it says of each if it is."""
        self._configuration = configuration
        self._coverage = coverage
        self._options = options
        self._metrics = metrics
        # The Lease has connections of its own: it must be renewed while all others are busy.
        self._lease_client = KubeClient(configuration)
        lease = LeaseObject(self._lease_client, options.lease, request_timeout=options.timing.request_timeout)
        self._elector = Elector(lease, new_identity(), options.timing)
        self.client = KubeClient(configuration, gate=self._elector.check)
        self.events = EventRecorder(self.client, clock=time.monotonic, instance=self._elector.identity)
        self._kinds: list[Informer] = []
        self._reflectors: list[Reflectors] = []
        self._controllers: list[tuple[Controller, WorkQueue[ObjectKey]]] = []
        self._preparation: Preparation = NothingToPrepare()
        self._may_hand_over = True
        self._unsaid: dict[tuple[Resource, ObjectKey], Event] = {}
        self.is_ready = False
        """True if the caches are synced, in the leader as in a standby."""

    @property
    def may_write(self) -> bool:
        """True if this replica is the active one."""
        return self._elector.may_write

    def store(
        self,
        resource: Resource,
        parse: Callable[[Mapping[str, Any]], M],
        indexes: Mapping[str, Callable[[M], Iterable[Hashable]]],
    ) -> ObjectStore[M]:
        """Return a store of one of the operator's kinds, kept up to date while the manager runs. See ``ObjectStore``."""
        store = ObjectStore(
            parse,
            indexes,
            annotations=f"{resource.group}/",
            on_unreadable=partial(self._note_unreadable, resource),
        )
        self._kinds.append(Informer(resource, store))
        return store

    def _note_unreadable(self, resource: Resource, obj: JsonObject, reason: str) -> None:
        """Say in the log and in an Event that an object cannot be read, or only in part."""
        logger.error("an object cannot be read: %s", reason, extra={"kind": resource.kind, "object": str(key_of(obj))})
        found = obj["metadata"]
        subject = _Subject(found["name"], found.get("namespace", ""), found["uid"], found["resourceVersion"])
        event = Event(resource, subject, _Unreadable(f"The operator cannot read this object: {reason}"))
        if self.may_write:
            self.events.record(event)
        else:
            self._unsaid[resource, key_of(obj)] = event

    def reflect(self, reflectors: Reflectors) -> Reflectors:
        """Keep these up to date while the manager runs, and return them."""
        self._reflectors.append(reflectors)
        return reflectors

    def prepare(self, preparation: Preparation) -> None:
        """Ask this before the replica is ready, and before its controllers start."""
        self._preparation = preparation

    def add(self, controller: Controller) -> None:
        """Run this controller while the replica is the active one; its keys are gathered from the start."""
        queue: WorkQueue[ObjectKey] = WorkQueue(controller.name, self._metrics)
        controller.feed(queue)
        self._controllers.append((controller, queue))

    async def run(self, stopped: asyncio.Event) -> int:
        """Run until ``stopped``, or until a part fails; return the exit code.

        The loss of the Lease ends the process from within.
        """
        informers = Informers(
            self.client, self._configuration, tuple(self._kinds), self._coverage, self._options.obstacle
        )
        stop = asyncio.create_task(stopped.wait(), name="stop")
        lead = asyncio.create_task(self._lead(informers), name="lease")
        parts = [asyncio.create_task(self.events.run(), name="events")]
        parts += [asyncio.create_task(each.run(), name=each.name) for each in self._reflectors]
        watches = asyncio.create_task(informers.run(lambda: stop_on_signals(stopped)), name="watches")
        done, _ = await asyncio.wait([stop, lead, *parts, watches], return_when=asyncio.FIRST_COMPLETED)
        failed = done - {stop}
        for task in failed:
            _log_failure(task)
        await self._drain()
        await _cancel([stop, lead, *parts])
        await self._hand_over()
        await _cancel([watches])
        await self.client.close()
        await self._lease_client.close()
        return EXIT_FAILED if failed else EXIT_STOPPED

    async def _lead(self, informers: Informers) -> None:
        """Reconcile while this replica holds the Lease, from the moment on at which the caches are complete."""
        await informers.synced()
        for reflectors in self._reflectors:
            await reflectors.synced()
        await self._prepared(self._preparation.check)
        logger.info("caches synced", extra={kind.resource.plural: len(kind.store) for kind in self._kinds})
        self.is_ready = True
        await self._elector.acquire()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._start(), name="start")
            await self._elector.hold()
            _end_at_once()

    async def _start(self) -> None:
        """Start the controllers once all is there that they rely on. The Lease is renewed meanwhile."""
        await self._prepared(self._preparation.begin)
        for event in self._unsaid.values():
            self.events.record(event)
        self._unsaid.clear()
        for controller, queue in self._controllers:
            controller.start(queue)

    async def _prepared(self, step: Callable[[], Awaitable[None]]) -> None:
        """Take a step of the preparation, again and again until the apiserver answers and RBAC permits it."""
        while True:
            try:
                return await step()
            except OperatorError as error:
                logger.warning("not started yet: %s", error)
            await asyncio.sleep(self._options.timing.retry_period)

    async def _drain(self) -> None:
        """Let running reconciles end, while the Lease is still renewed."""
        grace = self._options.shutdown_grace
        ended = await asyncio.gather(*(queue.stop(grace) for _, queue in self._controllers))
        self._may_hand_over = all(ended)
        for controller, _ in reversed(self._controllers):
            await controller.close()
        await self.events.flush(EVENTS_GRACE)

    async def _hand_over(self) -> None:
        if self._may_hand_over:
            await self._elector.release()
        else:
            logger.warning("the lease is left to expire, for calls may still be under way")


def stop_on_signals(stopped: asyncio.Event) -> None:
    """Set the event when the process gets a signal to end."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)


def _log_failure(task: asyncio.Task[Any]) -> None:
    error = task.exception()
    refusal = _refusal_in(error)
    if refusal is not None:
        logger.critical("%s", refusal)
    else:
        logger.critical("%s failed", task.get_name(), exc_info=error)


def _refusal_in(error: BaseException | None) -> StartRefusedError | None:
    if isinstance(error, BaseExceptionGroup):
        return next((found for each in error.exceptions if (found := _refusal_in(each)) is not None), None)
    return error if isinstance(error, StartRefusedError) else None


async def _cancel(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def _end_at_once() -> NoReturn:
    # Not sys.exit: threads with calls to AWS would be waited for, while another replica may already act.
    logging.shutdown()
    os._exit(EXIT_LEASE_LOST)
