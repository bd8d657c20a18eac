"""The metrics of the calls to AWS."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from ses_operator.aws.calls.budget import Bucket
from ses_operator.aws.calls.calls import CallReport
from ses_operator.core.metrics import registry as metrics
from ses_operator.instruments import counter, histogram


class AwsMetrics:
    """The metrics of all calls to AWS of one registry; its methods are the hooks of ``Calls`` and ``RequestBudget``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = counter(metrics.AWS_REQUESTS, registry)
        self._errors = counter(metrics.AWS_ERRORS, registry)
        self._seconds = histogram(metrics.AWS_SECONDS, registry)
        self._budget_wait = histogram(metrics.BUDGET_WAIT, registry)

    def on_call(self, report: CallReport) -> None:
        """Count a call that ended."""
        call = report.request
        self._requests.labels(call.service, call.operation, call.region, report.result).inc()
        self._seconds.labels(call.service).observe(report.seconds)
        if report.reason is not None:
            self._errors.labels(call.service, call.operation, call.region, report.reason).inc()

    def keep_regions(self, regions: frozenset[str]) -> None:
        """Forget the series of all regions but these, and of services that have none."""
        for counted in (self._requests, self._errors):
            known = {sample.labels["region"] for metric in counted.collect() for sample in metric.samples}
            for region in known - regions - {""}:
                counted.remove_by_labels({"region": region})

    def on_wait(self, bucket: Bucket, seconds: float) -> None:
        """Observe how long a call waited for its turn."""
        self._budget_wait.labels(bucket.action).observe(seconds)
