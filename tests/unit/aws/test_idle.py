"""What nothing uses any more is given back: clients, buckets of the request budget, series of metrics."""

from __future__ import annotations

import asyncio

from prometheus_client import CollectorRegistry

from ses_operator.aws.calls.budget import Bucket, Priority, RequestBudget
from ses_operator.aws.calls.calls import CallReport, CallResult
from ses_operator.aws.calls.clients import Clients
from ses_operator.aws.calls.config import AccountConfig, StaticCredentials
from ses_operator.aws.calls.metrics import AwsMetrics
from ses_operator.aws.errors.translation import Request

KEYS = StaticCredentials("AKIAIDLE", "secret")


def test_a_client_that_is_not_used_is_closed_and_made_again_when_it_is_asked_for() -> None:
    clients = Clients(AccountConfig("idle", credentials=KEYS), threads=1)
    source = clients.source("sesv2", "eu-west-1")
    first = source()
    clients.close_idle(60.0)
    assert source() is first
    clients.close_idle(-1.0)
    assert (clients.regions, clients.are_open) == (frozenset(), False)
    source()
    assert clients.regions == {"eu-west-1"}


async def test_a_bucket_is_forgotten_when_no_call_has_gone_out_for_long_and_none_waits() -> None:
    budget, waiting = RequestBudget(), Bucket("1", "eu-west-1", "GetAccount")
    gone = Bucket("1", "eu-west-2", "GetAccount")
    await budget.acquire(gone, Priority.SWEEP)
    await budget.acquire(waiting, Priority.SWEEP)
    held = asyncio.create_task(budget.acquire(waiting, Priority.SWEEP))
    await asyncio.sleep(0)
    budget.forget_idle(60.0)
    assert budget.buckets == {waiting, gone}
    budget.forget_idle(-60.0)
    assert budget.buckets == {waiting}
    held.cancel()


def test_series_of_a_region_go_with_its_last_client() -> None:
    registry = CollectorRegistry()
    measured = AwsMetrics(registry)
    for service, region in (("sesv2", "eu-west-1"), ("sesv2", "eu-west-2"), ("route53", "")):
        measured.on_call(CallReport(Request(service, "GetAccount", region), CallResult.OK, 0.1))
    measured.keep_regions(frozenset({"eu-west-2"}))
    left = {
        sample.labels["region"]
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "ses_operator_aws_requests_total"
    }
    assert left == {"eu-west-2", ""}
