"""What the calls to AWS measure."""

from __future__ import annotations

from enum import StrEnum

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

WAIT_BUCKETS = (0.01, 0.1, 1.0, 10.0, 60.0, 600.0)
CALL_BUCKETS = (0.05, 0.2, 1.0, 5.0, 15.0)


class Result(StrEnum):
    """How a call ended."""

    OK = "ok"
    GONE = "gone"
    THROTTLED = "throttled"
    RETRY = "retry"
    BLOCKED = "blocked"
    ABANDONED = "abandoned"  # the gate was shut, or the caller was cancelled


class AwsMetrics:
    """The metrics of all calls to AWS of one registry."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.requests = Counter(
            "ses_operator_aws_requests",
            "Requests sent to AWS, by how they ended",
            ["service", "operation", "region", "result"],
            registry=registry,
        )
        self.duration = Histogram(
            "ses_operator_aws_request_seconds",
            "How long AWS took to answer, with the wait for a free thread",
            ["service"],
            buckets=CALL_BUCKETS,
            registry=registry,
        )
        self.budget_wait = Histogram(
            "ses_operator_budget_wait_seconds",
            "How long requests waited for their turn under AWS's request limit",
            ["action"],
            buckets=WAIT_BUCKETS,
            registry=registry,
        )


METRICS = AwsMetrics()
