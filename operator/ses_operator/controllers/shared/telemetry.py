"""All metrics of one replica, in a registry of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from itertools import product
from typing import Any

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ses_operator.api.account.kind import SesAccount
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import SesIdentityStatus
from ses_operator.aws.calls.metrics import AwsMetrics
from ses_operator.core.metrics import registry as metrics
from ses_operator.core.metrics.identity_metrics import (
    Mark,
    Sample,
    account_samples,
    each_identity,
    identity_samples,
    verification_times,
)
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.state.answers import Outcome
from ses_operator.instruments import counter, families, gauge, histogram
from ses_operator.runtime.metrics import WorkQueueMetrics
from ses_operator.runtime.watch.cache import ObjectStore
from ses_operator.runtime.watch.coverage import Coverage, WatchState
from ses_operator.settings import MetricsDetail

Details = Callable[[Mapping[Mark, Iterable[ObjectKey]]], Iterator[Sample]]

BY_MARK = "mark"
"""The index of identities by what they are counted as."""


def queue_metrics(registry: CollectorRegistry) -> WorkQueueMetrics:
    """Return the metrics of work queues, under the names that controller-runtime gave them."""
    return WorkQueueMetrics(
        depth=gauge(metrics.QUEUE_DEPTH, registry),
        oldest=gauge(metrics.QUEUE_OLDEST, registry),
        delayed=gauge(metrics.QUEUE_DELAYED, registry),
        adds=counter(metrics.QUEUE_ADDS, registry),
        retries=counter(metrics.QUEUE_RETRIES, registry),
        wait=histogram(metrics.QUEUE_WAIT, registry),
        work=histogram(metrics.RECONCILE_SECONDS, registry),
        busy=gauge(metrics.ACTIVE_WORKERS, registry),
        reconciles=counter(metrics.RECONCILES, registry),
        errors=counter(metrics.RECONCILE_ERRORS, registry),
    )


class Telemetry:
    """All metrics of a replica. Its methods are hooks: what is measured knows nothing of Prometheus."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collect in (ProcessCollector, PlatformCollector, GCCollector):
            collect(registry=self.registry)
        self.queues = queue_metrics(self.registry)
        self.aws = AwsMetrics(self.registry)
        self._leader = gauge(metrics.LEADER, self.registry)
        self._namespaces = gauge(metrics.NAMESPACE_STATE, self.registry)
        self._dns_queries = counter(metrics.DNS_QUERIES, self.registry)
        self._time_to_verify = histogram(metrics.TIME_TO_VERIFY, self.registry)
        self._sent = gauge(metrics.SENT, self.registry)
        self._notifications = counter(metrics.NOTIFICATIONS, self.registry)
        self._writes_refused = counter(metrics.WRITES_REFUSED, self.registry)
        self._unreadable = gauge(metrics.UNREADABLE, self.registry)

    def watch_store(self, kind: str, store: ObjectStore[Any]) -> None:
        """Count the objects of a store that cannot be read, whenever metrics are scraped."""
        self._unreadable.labels(kind).set_function(lambda: store.unreadable)

    def watch_lease(self, name: str, may_write: Callable[[], bool]) -> None:
        """Read the state of the Lease whenever metrics are scraped."""
        self._leader.labels(name).set_function(may_write)

    def watch_namespaces(self, coverage: Coverage) -> None:
        """Read the state of the watches of each namespace whenever metrics are scraped."""
        for name, state in product(coverage.names, WatchState):
            self._namespaces.labels(name, state.value).set_function(partial(_holds, coverage, name, state))

    def on_dns_query(self, outcome: Outcome) -> None:
        """Count a query to a name server."""
        self._dns_queries.labels(outcome).inc()

    def on_status(self, identity: SesIdentity, status: SesIdentityStatus) -> None:
        """Observe a status of an identity that was written in place of the one that it has."""
        for region, seconds in verification_times(identity.status.regions, status.regions):
            self._time_to_verify.labels(identity.spec.account_ref.name, region).observe(seconds)

    def on_write_refused(self, controller: str, part: str) -> None:
        """Count a write to an object that the apiserver refused: to its ``metadata``, or its ``status``."""
        self._writes_refused.labels(controller, part).inc()

    def on_quota(self, account: str, region: str, sent: float | None) -> None:
        """Note how many messages the account has sent in 24 hours by SES; None if SES did not say."""
        if sent is not None:
            self._sent.labels(account, region).set(sent)

    def on_notification(self, account: str, result: str) -> None:
        """Count an email about identities that was sent, or not."""
        self._notifications.labels(account, result).inc()

    def forget_account(self, account: str) -> None:
        """Forget a SesAccount that is gone."""
        self._notifications.remove_by_labels({"account": account})
        self._sent.remove_by_labels({"account": account})


def _holds(coverage: Coverage, name: str, state: WatchState) -> bool:
    return coverage.state(name) is state


class IdentityMetrics(Collector):
    """The gauges over identities and accounts, made from what the watches hold whenever metrics are scraped.

    ``is_leading``: only one replica exposes them, or every sum would be a multiple of what it is. ``details``: what
    is exposed of single identities beside the totals.
    """

    def __init__(
        self,
        identities: ObjectStore[SesIdentity],
        accounts: ObjectStore[SesAccount],
        *,
        is_leading: Callable[[], bool],
        details: Details,
        now: Callable[[], datetime],
    ) -> None:
        self._identities = identities
        self._accounts = accounts
        self._is_leading = is_leading
        self._details = details
        self._now = now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges, for prometheus_client."""
        return families(self._samples()) if self._is_leading() else iter(())

    def _samples(self) -> Iterator[Sample]:
        holders = {mark: keys for mark, keys in self._identities.index(BY_MARK) if isinstance(mark, Mark)}
        yield from identity_samples({mark: len(keys) for mark, keys in holders.items()}, self._now())
        yield from self._details(holders)
        for key in self._accounts:
            if (account := self._accounts.get(key)) is not None:
                yield from account_samples(account)


DETAILS: Mapping[MetricsDetail, Details] = {
    MetricsDetail.TOTALS: lambda _: iter(()),
    MetricsDetail.IDENTITIES: each_identity,
}
