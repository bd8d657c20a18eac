"""What the work queues and reconciles measure, under the names that controller-runtime gave them.

Dashboards and alerts for other operators (``workqueue_depth``, ``controller_runtime_reconcile_total``) read these too.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.005, 0.02, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0)


class Outcome(StrEnum):
    """How a reconcile ended."""

    SUCCESS = "success"
    REQUEUE_AFTER = "requeue_after"
    REQUEUE = "requeue"
    ERROR = "error"


class WorkQueueMetrics:
    """The metrics of all work queues of one registry; each queue is a value of the label ``name``."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.depth = Gauge("workqueue_depth", "Keys that wait for a worker", ["name"], registry=registry)
        self.oldest = Gauge(
            "workqueue_oldest_age_seconds", "How long the key at the head waits", ["name"], registry=registry
        )
        self.delayed = Gauge("workqueue_delayed", "Keys that are due later", ["name"], registry=registry)
        self.adds = Counter("workqueue_adds", "Keys added, repetitions apart", ["name"], registry=registry)
        self.retries = Counter("workqueue_retries", "Keys added again after a failure", ["name"], registry=registry)
        self.wait = Histogram(
            "workqueue_queue_duration_seconds",
            "How long a key waited for a worker",
            ["name"],
            buckets=SECONDS,
            registry=registry,
        )
        self.work = Histogram(
            "workqueue_work_duration_seconds",
            "How long a reconcile took",
            ["name"],
            buckets=SECONDS,
            registry=registry,
        )
        self.busy = Gauge(
            "controller_runtime_active_workers", "Reconciles that run now", ["controller"], registry=registry
        )
        self.reconciles = Counter(
            "controller_runtime_reconcile", "Reconciles that ended", ["controller", "result"], registry=registry
        )

    def observe_queue(
        self, name: str, depth: Callable[[], float], oldest: Callable[[], float], delayed: Callable[[], float]
    ) -> None:
        """Read these of a queue whenever metrics are scraped, rather than at each change."""
        self.depth.labels(name).set_function(depth)
        self.oldest.labels(name).set_function(oldest)
        self.delayed.labels(name).set_function(delayed)


METRICS = WorkQueueMetrics()
