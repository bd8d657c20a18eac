"""From a metric as it is described to something of prometheus_client that counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ses_operator.core.metrics.identity_metrics import Sample
from ses_operator.core.metrics.registry import Metric


def counter(metric: Metric, registry: CollectorRegistry) -> Counter:
    """prometheus_client adds the ``_total`` by itself."""
    return Counter(metric.name.removesuffix("_total"), metric.meaning, metric.labels, registry=registry)


def gauge(metric: Metric, registry: CollectorRegistry) -> Gauge:
    return Gauge(metric.name, metric.meaning, metric.labels, registry=registry)


def histogram(metric: Metric, registry: CollectorRegistry) -> Histogram:
    return Histogram(metric.name, metric.meaning, metric.labels, buckets=metric.buckets, registry=registry)


def families(samples: Iterable[Sample]) -> Iterator[GaugeMetricFamily]:
    """Samples of gauges, put together by metric, for a collector to give away."""
    found: dict[str, GaugeMetricFamily] = {}
    for sample in samples:
        metric = sample.metric
        if metric.name not in found:
            found[metric.name] = GaugeMetricFamily(metric.name, metric.meaning, labels=metric.labels)
        found[metric.name].add_metric(sample.labels, sample.value)
    return iter(found.values())


class Gauges(Collector):
    """Gauges that are made of samples whenever metrics are scraped."""

    def __init__(self, samples: Callable[[], Iterable[Sample]]) -> None:
        self._samples = samples

    def collect(self) -> Iterator[GaugeMetricFamily]:
        return families(self._samples())
