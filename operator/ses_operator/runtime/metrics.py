"""The metrics of work queues and reconciles, those of controller-runtime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from prometheus_client import Counter, Gauge, Histogram

UNEXPECTED = "Unexpected"
"""The reason of an error that no adapter has translated."""


class ReconcileOutcome(StrEnum):
    """The ways in which a reconcile can end."""

    SUCCESS = "success"
    REQUEUE_AFTER = "requeue_after"
    REQUEUE = "requeue"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class WorkQueueMetrics:
    """The metrics of all work queues of a registry; each queue is a value of the label ``name``.

    ``errors`` has ``reason`` beside it, ``reconciles`` has ``result``.
    """

    depth: Gauge
    oldest: Gauge
    delayed: Gauge
    adds: Counter
    retries: Counter
    wait: Histogram
    work: Histogram
    busy: Gauge
    reconciles: Counter
    errors: Counter

    def observe_queue(
        self, name: str, depth: Callable[[], float], oldest: Callable[[], float], delayed: Callable[[], float]
    ) -> None:
        """Read these of a queue whenever metrics are scraped, rather than at each change."""
        self.depth.labels(name).set_function(depth)
        self.oldest.labels(name).set_function(oldest)
        self.delayed.labels(name).set_function(delayed)
