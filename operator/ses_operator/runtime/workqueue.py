"""client-go's work queue in asyncio: which keys are to be reconciled, when, and how many at a time.

A key waits at most once, and is never reconciled twice at the same time: a key that is added while its reconcile runs
is reconciled once more when that ends. Failures back off per key. Source: k8s.io/client-go/util/workqueue (queue.go,
delaying_queue.go, default_rate_limiters.go) and controller-runtime's priority queue.

It is *not* persistent and does not need to be: everything is queued again when the watches list again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Generic, TypeVar

from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Gone, OperatorError, Stale
from ses_operator.runtime.backoff import Backoff
from ses_operator.runtime.key_order import DelayedKeys, Ready, ReadyKeys, Urgency
from ses_operator.runtime.log_subject import about
from ses_operator.runtime.metrics import UNEXPECTED, ReconcileOutcome, WorkQueueMetrics

__all__ = ["Reconcile", "Result", "Urgency", "WorkQueue"]

K = TypeVar("K", bound=Hashable)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """The request of a reconcile. Seconds; at most one of the two is set."""

    requeue_after: float | None = None
    backoff: bool = False

    @classmethod
    def done(cls) -> Result:
        """Do nothing until something changes."""
        return cls()

    @classmethod
    def after(cls, seconds: float) -> Result:
        """Reconcile again then, or earlier if something changes."""
        return cls(requeue_after=seconds)

    def within(self, seconds: float) -> Result:
        """Return the same, but no later than so."""
        return self if self.backoff else Result(min(seconds, self.requeue_after or seconds))

    @classmethod
    def retry(cls) -> Result:
        """Reconcile again after a failure, later each time."""
        return cls(backoff=True)


Reconcile = Callable[[K], Awaitable[Result]]


_URGENCY: ContextVar[Urgency] = ContextVar("urgency", default=Urgency.NORMAL)


def current_urgency() -> Urgency:
    """Return how urgent the reconcile that runs in this task was when it was taken from its queue."""
    return _URGENCY.get()


def note_urgency(urgency: Urgency) -> None:
    """Let what this task does from here on be so urgent."""
    _URGENCY.set(urgency)


class WorkQueue(Generic[K]):
    """Keys to reconcile, and the reconciles that run."""

    def __init__(self, name: str, metrics: WorkQueueMetrics, *, backoff: Backoff | None = None) -> None:
        """Make a queue whose ``name`` labels logs and metrics.

        All methods are for the thread of the event loop that ``run`` runs in.
        """
        self.name = name
        self._backoff = backoff or Backoff()
        self._metrics = metrics
        self._ready: ReadyKeys[K] = ReadyKeys()
        self._delayed: DelayedKeys[K] = DelayedKeys()
        self._failures: dict[K, int] = {}
        self._running: dict[K, asyncio.Task[None]] = {}
        self._dirty: dict[K, Urgency] = {}
        self._reconcile: Reconcile[K] | None = None
        self._workers = self._urgent_workers = 0
        self._timer: asyncio.TimerHandle | None = None
        self._stopping = False
        metrics.observe_queue(name, depth=self.__len__, oldest=self._oldest_age, delayed=self._delayed.__len__)

    def __len__(self) -> int:
        """Return how many keys wait for a worker; those that run or are due later are not among them."""
        return len(self._ready)

    @property
    def running(self) -> int:
        """The number of running reconciles."""
        return len(self._running)

    def add(self, key: K, urgency: Urgency = Urgency.NORMAL) -> None:
        """Reconcile the key as soon as a worker is free; once it has ended, if it runs now."""
        if self._stopping:
            return
        if key in self._running:
            self._dirty[key] = min(urgency, self._dirty.get(key, urgency))
            return
        if self._ready.put(key, urgency, _now()):
            self._metrics.adds.labels(self.name).inc()
        self._start_workers()

    def add_after(self, key: K, delay: float, urgency: Urgency = Urgency.LOW) -> None:
        """Add the key in ``delay`` seconds, unless it is due earlier already."""
        if self._stopping:
            return
        if delay <= 0:
            self.add(key, urgency)
            return
        self._delayed.put(key, _now() + delay, urgency)
        self._arm_timer()

    def add_rate_limited(self, key: K) -> None:
        """Count a failure of the key and add it after its backoff."""
        failures = self._failures.get(key, 0) + 1
        self._failures[key] = failures
        self._metrics.retries.labels(self.name).inc()
        self.add_after(key, self._backoff.delay(failures), Urgency.NORMAL)

    def forget(self, key: K) -> None:
        """Reset the failures of a key that succeeds: its next failure is its first."""
        self._failures.pop(key, None)

    def failures(self, key: K) -> int:
        """Return how often in a row the key has failed."""
        return self._failures.get(key, 0)

    def start(self, reconcile: Reconcile[K], *, workers: int, urgent_workers: int = 0) -> None:
        """Begin to reconcile: at most ``workers`` keys at a time, and ``urgent_workers`` more if they are urgent.

        So a person's change does not wait behind many that hang.
        """
        self._reconcile, self._workers, self._urgent_workers = reconcile, workers, urgent_workers
        self._start_workers()

    async def stop(self, grace: float) -> bool:
        """Take no more keys; let the running reconciles end, and cancel those that do not within ``grace`` seconds.

        Returns True if all ended by themselves: of those cancelled, a call in a thread may still be in flight.
        """
        self._stopping = True
        if self._timer is not None:
            self._timer.cancel()
        tasks = set(self._running.values())
        if not tasks:
            return True
        _, late = await asyncio.wait(tasks, timeout=grace)
        for task in late:
            task.cancel()
        if late:
            logger.warning("%d reconciles of %s did not end in time and were cancelled", len(late), self.name)
            await asyncio.wait(late, timeout=1.0)
        return not late

    def _start_workers(self) -> None:
        while self._reconcile is not None and not self._stopping:
            taken = self._take()
            if taken is None:
                return
            # What the last reconcile requested is void: this one sees the same state and requests it again.
            self._delayed.discard(taken.key)
            task = asyncio.get_running_loop().create_task(
                self._work(self._reconcile, taken), name=f"{self.name} {taken.key}"
            )
            self._running[taken.key] = task

    def _take(self) -> Ready[K] | None:
        if len(self._running) < self._workers:
            return self._ready.take()
        if len(self._running) < self._workers + self._urgent_workers:
            return self._ready.take(Urgency.URGENT)
        return None

    async def _work(self, reconcile: Reconcile[K], taken: Ready[K]) -> None:
        key, started = taken.key, _now()
        note_urgency(taken.urgency)
        about(controller=self.name, **_names(key))
        self._metrics.wait.labels(self.name).observe(started - taken.since)
        self._metrics.busy.labels(self.name).inc()
        outcome = ReconcileOutcome.ERROR
        try:
            outcome = self._settle(key, await reconcile(key))
        except asyncio.CancelledError:
            if not _is_cancelled():
                # What it waited for was cancelled, on behalf of another key.
                logger.warning("reconcile interrupted")
                self.add_rate_limited(key)
            else:
                self._stopping = True  # single reconciles are never cancelled: the process is ending
                raise
        except OperatorError as error:
            self._postpone(key, error)
        except Exception:
            # Level-triggered work is worth repeating whatever went wrong: one key must not take the operator down.
            logger.exception("reconcile failed")
            self._metrics.errors.labels(self.name, UNEXPECTED).inc()
            self.add_rate_limited(key)
        finally:
            self._metrics.work.labels(self.name).observe(_now() - started)
            self._metrics.busy.labels(self.name).dec()
            self._metrics.reconciles.labels(self.name, outcome.value).inc()
            self._finish(key)

    def _settle(self, key: K, result: Result) -> ReconcileOutcome:
        if result.backoff:
            self.add_rate_limited(key)
            return ReconcileOutcome.REQUEUE
        self.forget(key)
        if result.requeue_after is None:
            return ReconcileOutcome.SUCCESS
        self.add_after(key, result.requeue_after)
        return ReconcileOutcome.REQUEUE_AFTER

    def _postpone(self, key: K, error: OperatorError) -> None:
        problem = error.problem
        self._metrics.errors.labels(self.name, problem.reason).inc()
        logger.log(
            _severity(error),
            "reconcile to be repeated: %s",
            problem,
            extra={"reason": str(problem.reason)},
        )
        if problem.retry_after is None:
            self.add_rate_limited(key)
        else:
            self.add_after(key, problem.retry_after, Urgency.NORMAL)

    def _finish(self, key: K) -> None:
        del self._running[key]
        urgency = self._dirty.pop(key, None)
        if urgency is not None:
            self.add(key, urgency)
        self._start_workers()

    def _arm_timer(self) -> None:
        due = self._delayed.next_due()
        if due is None or (self._timer is not None and not self._timer.cancelled() and self._timer.when() <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(due, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        for key, urgency in self._delayed.take_due(_now()):
            self.add(key, urgency)
        if not self._stopping:
            self._arm_timer()

    def _oldest_age(self) -> float:
        since = self._ready.oldest()
        return 0.0 if since is None else max(0.0, _now() - since)


def _names(key: Hashable) -> dict[str, str]:
    """Return the names of a key in log lines."""
    if isinstance(key, ObjectKey):
        return {"namespace": key.namespace, "name": key.name} if key.namespace else {"name": key.name}
    return {"object": str(key)}


def _severity(error: OperatorError) -> int:
    """Return the log level of an error; what another client did first, or removed, is not worth a warning."""
    match error:
        case Stale():
            return logging.DEBUG
        case Gone():
            return logging.INFO
        case _:
            return logging.WARNING


def _is_cancelled() -> bool:
    """Return True if the running task itself was cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _now() -> float:
    return asyncio.get_running_loop().time()
