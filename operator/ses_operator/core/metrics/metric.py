"""What is known of one metric. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MetricKind(StrEnum):
    """The ways in which a metric behaves over time."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class MetricSource(StrEnum):
    """The part that measures, and so which replicas show it."""

    PROCESS = "Each replica"
    LEADER = "The active replica"
    EACH_IDENTITY = "The active replica, with --metrics-detail=identities"
    MAIL = "The active replica, with --mail-figures-interval"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. ``meaning`` is a sentence without its stop: its HELP, and its line in the documentation.

    ``buckets``: upper bounds, of a histogram.
    """

    name: str
    kind: MetricKind
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    source: MetricSource = MetricSource.PROCESS

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which PromQL finds it."""
        if self.kind is MetricKind.HISTOGRAM:
            return tuple(f"{self.name}_{suffix}" for suffix in ("bucket", "sum", "count"))
        return (self.name,)

    @property
    def queryable_labels(self) -> frozenset[str]:
        """The labels that PromQL may name."""
        return frozenset(self.labels) | ({"le"} if self.kind is MetricKind.HISTOGRAM else set())
