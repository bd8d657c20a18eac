"""The gauges over the statuses of all identities and accounts. Pure.

They are made in two steps, so that thousands of identities cost nothing while they do not change. ``metric_labels``
says of one identity, when it is seen, what it counts as; the store of the identities keeps a count for each mark.
``identity_samples`` makes samples of these counts at each scrape.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ses_operator.api.account.audit import AuditStatus
from ses_operator.api.account.findings import Finding
from ses_operator.api.account.kind import AccountRegionStatus, SesAccount
from ses_operator.api.base.conditions import ConditionStatus, ConditionType, find
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import RegionStatus
from ses_operator.core.metrics import registry as metrics
from ses_operator.core.metrics.metric import Metric
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.ses import VerificationStatus

ABSENT = "ABSENT"
"""The status of an identity that is wanted in a region and was not seen there yet."""

UNSUPPORTED = "unsupported"
"""The region of what is wanted where SES is not: made-up names make no series."""

AGES: tuple[tuple[str, timedelta], ...] = (
    ("<1h", timedelta(hours=1)),
    ("1h-24h", timedelta(hours=24)),
    ("24h-72h", timedelta(hours=72)),
    (">72h", timedelta.max),
)
"""Names of ages, and the limit that each is below."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An identity, by the status that SES reports in a region."""

    account: str
    region: str
    status: str


@dataclass(frozen=True, slots=True)
class Unverified:
    """An identity that is not verified in a region; since when, if that is known."""

    account: str
    region: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Readiness:
    """An object with this condition Ready."""

    account: str
    ready: ConditionStatus
    reason: str


@dataclass(frozen=True, slots=True)
class Leaving:
    """An object that is being deleted."""

    account: str


Mark = Standing | Unverified | Readiness | Leaving


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a metric; ``labels`` in the order in which the metric names them."""

    metric: Metric
    labels: tuple[str, ...]
    value: float


def metric_labels(identity: SesIdentity) -> Iterator[Mark]:
    """Yield what an identity counts as: one mark of a kind for each of its regions, or for the object."""
    account, status = identity.spec.account_ref.name, identity.status
    ready = find(status.conditions, ConditionType.READY)
    yield Readiness(account, ready.status if ready else ConditionStatus.UNKNOWN, ready.reason if ready else "")
    if identity.metadata.is_deleting:
        yield Leaving(account)
    known = {region.region: region for region in status.regions}
    for wanted in identity.spec.regions:
        region = known.get(wanted)
        name = UNSUPPORTED if region and region.reason == Reason.REGION_NOT_SUPPORTED else wanted
        said = region.verification_status if region else None
        yield Standing(account, name, said or ABSENT)
        if said != VerificationStatus.SUCCESS:
            pending_since = region.pending_since if region else None
            yield Unverified(account, name, pending_since or identity.metadata.creation_timestamp)


def identity_samples(counts: Mapping[Mark, int], now: datetime) -> Iterator[Sample]:
    """Yield the gauges over identities. ``counts``: how many have each mark. Every region in use has a sample for every age."""
    unverified: Counter[tuple[str, str, str]] = Counter()
    for mark, count in counts.items():
        match mark:
            case Standing(account, region, status):
                yield Sample(metrics.IDENTITIES, (account, region, status), count)
                unverified.update({(account, region, age): 0 for age, _ in AGES})
            case Unverified(account, region, since):
                unverified[account, region, age_of(since, now)] += count
            case Readiness(account, ready, reason):
                yield Sample(metrics.OBJECTS, (account, ready, reason, actor_of(reason)), count)
            case Leaving(account):
                yield Sample(metrics.DELETING, (account,), count)
    for labels, count in unverified.items():
        yield Sample(metrics.UNVERIFIED, labels, count)


def each_identity(holders: Mapping[Mark, Iterable[ObjectKey]]) -> Iterator[Sample]:
    """Yield one sample for each object, and one for each of its regions. ``holders``: the objects that have each mark."""
    for mark, keys in holders.items():
        match mark:
            case Readiness(account, ready, reason):
                value = float(ready is ConditionStatus.TRUE)
                for key in keys:
                    yield Sample(metrics.IDENTITY_READY, (key.namespace, key.name, account, reason), value)
            case Standing(account, region, status):
                value = float(status == VerificationStatus.SUCCESS)
                for key in keys:
                    labels = (key.namespace, key.name, account, region, status)
                    yield Sample(metrics.IDENTITY_VERIFIED, labels, value)


def actor_of(reason: str) -> str:
    """Return who can act on the reason; the operator, if it is unknown or not given yet."""
    known = next((each for each in Reason if each == reason), Reason.PROGRESSING)
    return known.actor.name.lower()


def age_of(since: datetime | None, now: datetime) -> str:
    """Return the name of an age; what has no beginning has just begun."""
    age = now - since if since else timedelta(0)
    return next(name for name, limit in AGES if age < limit)


def account_samples(account: SesAccount) -> Iterator[Sample]:
    """Yield the gauges over one account, from its status."""
    name, ready = account.metadata.name, find(account.status.conditions, ConditionType.READY)
    if ready is not None:
        yield Sample(metrics.ACCOUNT_READY, (name, ready.reason), float(ready.is_true))
    if (failing := account.status.notifications) is not None:
        yield Sample(metrics.NOTIFICATIONS_FAILING, (name, failing.reason), 1.0)
    for region in account.status.regions:
        yield from _region_samples(name, region)
    if account.status.audit is not None:
        yield from _audit_samples(name, account.status.audit)


def _region_samples(account: str, status: AccountRegionStatus) -> Iterator[Sample]:
    labels = (account, status.region)
    quota = status.send_quota
    told: tuple[tuple[Metric, float | None], ...] = (
        (metrics.REGION_REACHABLE, status.reachable),
        (metrics.PRODUCTION_ACCESS, status.production_access_enabled),
        (metrics.SENDING_ENABLED, status.sending_enabled),
        (metrics.SEND_QUOTA, _limit(quota.max24_hour_send) if quota else None),
        (metrics.SEND_RATE, quota.max_send_rate if quota else None),
    )
    for metric, value in told:
        if value is not None:
            yield Sample(metric, labels, float(value))
    if status.enforcement_status is not None:
        yield Sample(metrics.ENFORCEMENT, (*labels, status.enforcement_status), 1.0)


def _audit_samples(account: str, audit: AuditStatus) -> Iterator[Sample]:
    if audit.completed_at is not None:
        yield Sample(metrics.AUDIT_COMPLETED, (account,), audit.completed_at.timestamp())
    if audit.next_at is not None:
        yield Sample(metrics.AUDIT_NEXT, (account,), audit.next_at.timestamp())
    if audit.duration_seconds is not None:
        yield Sample(metrics.AUDIT_SECONDS, (account,), audit.duration_seconds)
    for region in audit.regions:
        if region.reason is not None:
            yield Sample(metrics.AUDIT_FAILED, (account, region.region, region.reason), 1.0)
        for status, count in region.identities.items():
            yield Sample(metrics.AUDITED, (account, region.region, status), count)
        # All kinds, so that a kind without findings any more has the value 0.
        for finding in Finding:
            labels = (account, region.region, finding.value, finding.severity.value)
            yield Sample(metrics.AUDIT_FINDINGS, labels, region.findings.get(finding.value, 0))


def _limit(messages: float | None) -> float | None:
    """Return None for no limit, for which SES writes -1 (API reference, SendQuota)."""
    return None if messages is None or messages < 0 else messages


def verification_times(before: Iterable[RegionStatus], after: Iterable[RegionStatus]) -> Iterator[tuple[str, float]]:
    """Yield the regions that became verified between two statuses, and the seconds that each was waited for."""
    waiting = {region.region: region.pending_since for region in before}
    for region in after:
        since = waiting.get(region.region)
        if since is not None and region.verified_at is not None and region.pending_since is None:
            yield region.region, max(0.0, (region.verified_at - since).total_seconds())
