"""The metrics that a replica exposes are those that are described, each with a sentence, and no others of ours."""

from __future__ import annotations

import re

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from ses_operator.api.base.reasons import Reason
from ses_operator.aws.calls.budget import Bucket
from ses_operator.aws.calls.calls import CallReport, CallResult
from ses_operator.aws.errors.translation import Request
from ses_operator.controllers.shared.telemetry import Telemetry
from ses_operator.core.metrics.metric import Metric, MetricKind, MetricSource
from ses_operator.core.metrics.registry import LABELS, METRICS
from ses_operator.core.state.answers import Outcome
from ses_operator.runtime.workqueue import WorkQueue
from unit.simulated_loop import simulate

CALL = Request("sesv2", "CreateEmailIdentity", "eu-west-1")


def exposed(telemetry: Telemetry) -> dict[str, str]:
    """What is exposed, the process itself apart: names to types, whether there is a value yet or not."""
    text = generate_latest(telemetry.registry).decode()
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    return {name: kind for name, kind in types.items() if not name.startswith(("process_", "python_"))}


def test_a_replica_exposes_what_is_described_but_for_the_census_which_needs_identities() -> None:
    described = {metric.name: str(metric.kind) for metric in METRICS}
    of_objects = {metric.name for metric in METRICS if metric.source is not MetricSource.PROCESS}
    assert exposed(Telemetry()).items() <= described.items()
    assert described.keys() - exposed(Telemetry()).keys() <= of_objects


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_each_metric_is_described_as_prometheus_would_have_it(metric: Metric) -> None:
    assert re.fullmatch(r"[A-Z0-9][^\n]*[^.]", metric.meaning)
    assert set(metric.labels) <= LABELS.keys()
    assert metric.name.endswith("_total") == (metric.kind is MetricKind.COUNTER)
    assert bool(metric.buckets) == (metric.kind is MetricKind.HISTOGRAM)
    assert list(metric.buckets) == sorted(set(metric.buckets))


def test_each_label_is_used_and_each_metric_named_once() -> None:
    assert {label for metric in METRICS for label in metric.labels} == LABELS.keys()
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def value(telemetry: Telemetry, series: str, /, **labels: str) -> float | None:
    return telemetry.registry.get_sample_value(series, labels)


def test_a_call_is_counted_by_how_it_ended_and_an_error_by_its_reason() -> None:
    telemetry = Telemetry()
    telemetry.aws.on_call(CallReport(CALL, CallResult.OK, 0.1))
    telemetry.aws.on_call(CallReport(CALL, CallResult.THROTTLED, 0.1, Reason.THROTTLED))
    telemetry.aws.on_wait(Bucket("123456789012", "eu-west-1", "CreateEmailIdentity"), 3.0)

    call = {"service": "sesv2", "operation": "CreateEmailIdentity", "region": "eu-west-1"}
    assert value(telemetry, "ses_operator_aws_requests_total", **call, result="ok") == 1
    assert value(telemetry, "ses_operator_aws_requests_total", **call, result="throttled") == 1
    assert value(telemetry, "ses_operator_aws_errors_total", **call, reason="Throttled") == 1
    assert value(telemetry, "ses_operator_aws_request_seconds_count", service="sesv2") == 2
    assert value(telemetry, "ses_operator_budget_wait_seconds_sum", action="CreateEmailIdentity") == 3


def test_the_lease_and_the_queues_are_asked_when_somebody_looks() -> None:
    holding = [False]

    async def play() -> tuple[float | None, ...]:
        telemetry = Telemetry()
        telemetry.watch_lease("ses-operator-prod", lambda: holding[0])
        queue: WorkQueue[str] = WorkQueue("sesidentity", telemetry.queues)
        before = value(telemetry, "leader_election_master_status", name="ses-operator-prod")
        holding[0] = True
        queue.add("key")
        return (
            before,
            value(telemetry, "leader_election_master_status", name="ses-operator-prod"),
            value(telemetry, "workqueue_depth", name="sesidentity"),
        )

    assert simulate(play()) == (0, 1, 1)


def test_dns_queries_are_counted_and_a_quota_goes_with_its_account() -> None:
    telemetry = Telemetry()
    telemetry.on_dns_query(Outcome.NO_NAME)
    telemetry.on_quota("default", "eu-west-1", 150.0)
    telemetry.on_quota("default", "us-east-1", None)
    text = generate_latest(telemetry.registry).decode()
    assert value(telemetry, "ses_operator_dns_queries_total", outcome="NoName") == 1
    assert 'ses_operator_sent_last_24_hours_messages{account="default",region="eu-west-1"} 150.0' in text
    assert 'region="us-east-1"' not in text

    telemetry.forget_account("default")
    assert 'account="default"' not in generate_latest(telemetry.registry).decode()
    assert list(text_string_to_metric_families(text))
