"""Instruments of prometheus_client, made from the metrics as they are described."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ses_operator.core.metrics.identity_metrics import Sample
from ses_operator.core.metrics.metric import Metric
from ses_operator.core.model.outer_text import clean


def counter(metric: Metric, registry: CollectorRegistry) -> Counter:
    """Make a counter. prometheus_client adds the ``_total`` by itself."""
    return Counter(metric.name.removesuffix("_total"), metric.meaning, metric.labels, registry=registry)


def gauge(metric: Metric, registry: CollectorRegistry) -> Gauge:
    """Make a gauge."""
    return Gauge(metric.name, metric.meaning, metric.labels, registry=registry)


def histogram(metric: Metric, registry: CollectorRegistry) -> Histogram:
    """Make a histogram."""
    return Histogram(metric.name, metric.meaning, metric.labels, buckets=metric.buckets, registry=registry)


def families(samples: Iterable[Sample]) -> Iterator[GaugeMetricFamily]:
    """Yield gauges for a collector: the samples, grouped by metric."""
    found: dict[str, GaugeMetricFamily] = {}
    for sample in samples:
        metric = sample.metric
        if metric.name not in found:
            found[metric.name] = GaugeMetricFamily(metric.name, metric.meaning, labels=metric.labels)
        found[metric.name].add_metric([clean(label) for label in sample.labels], sample.value)
    return iter(found.values())


class Gauges(Collector):
    """Gauges that are made of samples whenever metrics are scraped."""

    def __init__(self, samples: Callable[[], Iterable[Sample]]) -> None:
        self._samples = samples

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges, for prometheus_client."""
        return families(self._samples())
