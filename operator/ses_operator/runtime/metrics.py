"""What the work queues and reconciles measure, under the names that controller-runtime gave them."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from prometheus_client import CollectorRegistry

from ses_operator.core.metrics import registry as metrics
from ses_operator.instruments import counter, gauge, histogram

UNEXPECTED = "Unexpected"
"""The reason of an error that no adapter has translated."""


class ReconcileOutcome(StrEnum):
    """How a reconcile ended."""

    SUCCESS = "success"
    REQUEUE_AFTER = "requeue_after"
    REQUEUE = "requeue"
    ERROR = "error"


class WorkQueueMetrics:
    """The metrics of all work queues of one registry; each queue is a value of the label ``name``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.depth = gauge(metrics.QUEUE_DEPTH, registry)
        self.oldest = gauge(metrics.QUEUE_OLDEST, registry)
        self.delayed = gauge(metrics.QUEUE_DELAYED, registry)
        self.adds = counter(metrics.QUEUE_ADDS, registry)
        self.retries = counter(metrics.QUEUE_RETRIES, registry)
        self.wait = histogram(metrics.QUEUE_WAIT, registry)
        self.work = histogram(metrics.RECONCILE_SECONDS, registry)
        self.busy = gauge(metrics.ACTIVE_WORKERS, registry)
        self.reconciles = counter(metrics.RECONCILES, registry)
        self.errors = counter(metrics.RECONCILE_ERRORS, registry)

    def observe_queue(
        self, name: str, depth: Callable[[], float], oldest: Callable[[], float], delayed: Callable[[], float]
    ) -> None:
        """Read these of a queue whenever metrics are scraped, rather than at each change."""
        self.depth.labels(name).set_function(depth)
        self.oldest.labels(name).set_function(oldest)
        self.delayed.labels(name).set_function(delayed)
