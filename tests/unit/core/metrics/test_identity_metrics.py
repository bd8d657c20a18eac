"""What is counted of identities and accounts, and what is not shown by name unless it is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from ses_operator.api.account.findings import Finding
from ses_operator.api.account.kind import SesAccount
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import RegionStatus
from ses_operator.controllers.shared.cluster import ACCOUNT_INDEXES, IDENTITY_INDEXES
from ses_operator.controllers.shared.telemetry import DETAILS, IdentityMetrics
from ses_operator.core.metrics import registry as metrics
from ses_operator.core.metrics.identity_metrics import (
    AGES,
    Sample,
    account_samples,
    age_of,
    identity_samples,
    metric_labels,
    verification_times,
)
from ses_operator.core.metrics.metric import Metric
from ses_operator.runtime.watch.cache import ObjectStore
from ses_operator.settings import MetricsDetail

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
IRELAND, VIRGINIA = "eu-west-1", "us-east-1"


def identity(name: str = "mail", wanted: Iterable[str] = (IRELAND,), **status: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "namespace": "team",
            "name": name,
            "uid": name,
            "resourceVersion": "1",
            "creationTimestamp": (NOW - timedelta(days=30)).isoformat(),
        },
        "spec": {"domain": f"{name}.example.com", "regions": list(wanted), "accountRef": {"name": "default"}},
        "status": status,
    }


def region(name: str, status: str, pending: timedelta | None = None) -> dict[str, Any]:
    since = {} if pending is None else {"pendingSince": (NOW - pending).isoformat()}
    return {"region": name, "verificationStatus": status, **since}


def ready(status: str, reason: str = "Succeeded") -> list[dict[str, Any]]:
    return [{"type": "Ready", "status": status, "reason": reason, "lastTransitionTime": NOW.isoformat()}]


def told(*objects: dict[str, Any]) -> dict[tuple[str, ...], float]:
    """The samples of these identities, by the name of the metric and its labels."""
    counts = Counter(mark for each in objects for mark in metric_labels(SesIdentity.model_validate(each)))
    return by_labels(identity_samples(counts, NOW))


def by_labels(samples: Iterable[Sample]) -> dict[tuple[str, ...], float]:
    return {(sample.metric.name.removeprefix("ses_operator_"), *sample.labels): sample.value for sample in samples}


def test_each_region_of_each_identity_is_counted_by_what_ses_says() -> None:
    samples = told(
        identity("a", [IRELAND, VIRGINIA], regions=[region(IRELAND, "SUCCESS"), region(VIRGINIA, "SUCCESS")]),
        identity("b", [IRELAND, VIRGINIA], regions=[region(IRELAND, "SUCCESS"), region(VIRGINIA, "FAILED")]),
        identity("c"),
    )
    assert {labels[1:]: value for labels, value in samples.items() if labels[0] == "identities"} == {
        ("default", IRELAND, "SUCCESS"): 2,
        ("default", VIRGINIA, "SUCCESS"): 1,
        ("default", VIRGINIA, "FAILED"): 1,
        ("default", IRELAND, "ABSENT"): 1,
    }


def test_what_left_the_spec_is_not_counted() -> None:
    samples = told(
        identity(regions=[region(IRELAND, "SUCCESS")]) | {"status": {"regions": [region(VIRGINIA, "FAILED")]}}
    )
    assert [labels for labels in samples if VIRGINIA in labels] == []


def test_the_unverified_are_counted_by_how_long_and_every_age_has_a_value() -> None:
    samples = told(
        identity("a", regions=[region(IRELAND, "PENDING", timedelta(minutes=5))]),
        identity("b", regions=[region(IRELAND, "TEMPORARY_FAILURE", timedelta(hours=30))]),
        identity("never-seen"),
    )
    assert {labels[3]: value for labels, value in samples.items() if labels[0] == "unverified_identities"} == {
        "<1h": 1,
        "1h-24h": 0,
        "24h-72h": 1,
        ">72h": 1,
    }


def test_with_everything_verified_the_unverified_are_none_and_not_unknown() -> None:
    samples = told(identity(regions=[region(IRELAND, "SUCCESS")]))
    unverified = {labels: value for labels, value in samples.items() if labels[0] == "unverified_identities"}
    assert len(unverified) == len(AGES)
    assert set(unverified.values()) == {0}


def test_objects_are_counted_by_ready_and_its_reason_and_while_they_go() -> None:
    going = identity("b", conditions=ready("False", "AccessDenied"))
    going["metadata"]["deletionTimestamp"] = NOW.isoformat()
    samples = told(identity("a", conditions=ready("True")), going, identity("c"))
    assert samples["sesidentities", "default", "True", "Succeeded", "none"] == 1
    assert samples["sesidentities", "default", "False", "AccessDenied", "platform"] == 1
    assert samples["sesidentities", "default", "Unknown", "", "operator"] == 1
    assert samples["sesidentities_deleting", "default"] == 1


@given(st.timedeltas(min_value=timedelta(days=-1), max_value=timedelta(days=4000)))
def test_every_age_has_one_name_and_names_follow_the_age(age: timedelta) -> None:
    names = [name for name, _ in AGES]
    older = age_of(NOW - age - timedelta(hours=1), NOW)
    assert names.index(age_of(NOW - age, NOW)) <= names.index(older)


@pytest.mark.parametrize(
    ("before", "after", "seconds"),
    [
        ({"pending_since": NOW}, {"verified_at": NOW + timedelta(minutes=3)}, [180.0]),
        ({"pending_since": NOW}, {"pending_since": NOW}, []),
        ({"verified_at": NOW}, {"verified_at": NOW}, []),
        ({"verified_at": NOW}, {"pending_since": NOW}, []),
        ({}, {"verified_at": NOW}, []),
        ({"pending_since": NOW}, {"verified_at": NOW - timedelta(seconds=1)}, [0.0]),
    ],
    ids=["verified at last", "still pending", "still verified", "lost", "verified when first seen", "clock set back"],
)
def test_only_the_moment_of_verification_tells_how_long_it_took(
    before: dict[str, datetime], after: dict[str, datetime], seconds: list[float]
) -> None:
    regions = (RegionStatus.model_validate({"region": IRELAND, **timers}) for timers in (before, after))
    found = verification_times([next(regions)], [next(regions)])
    assert [took for _, took in found] == seconds


ACCOUNT = {
    "metadata": {"name": "default", "uid": "a", "resourceVersion": "1"},
    "spec": {},
    "status": {
        "conditions": ready("True"),
        "regions": [
            {
                "region": IRELAND,
                "reachable": True,
                "productionAccessEnabled": False,
                "sendingEnabled": True,
                "enforcementStatus": "PROBATION",
                "sendQuota": {"max24HourSend": 200.0, "maxSendRate": 1.0},
            },
            {"region": VIRGINIA, "reachable": False},
        ],
    },
}


def test_an_account_is_told_by_its_regions_and_what_is_not_known_is_not_told() -> None:
    assert by_labels(account_samples(SesAccount.model_validate(ACCOUNT))) == {
        ("account_ready", "default", "Succeeded"): 1,
        ("account_region_reachable", "default", IRELAND): 1,
        ("account_production_access", "default", IRELAND): 0,
        ("account_sending_enabled", "default", IRELAND): 1,
        ("account_enforcement", "default", IRELAND, "PROBATION"): 1,
        ("send_quota_messages_per_day", "default", IRELAND): 200,
        ("send_quota_messages_per_second", "default", IRELAND): 1,
        ("account_region_reachable", "default", VIRGINIA): 0,
    }


def test_that_emails_are_not_sent_is_told_while_it_is_so() -> None:
    failing = {"notifications": {"reason": "FromAddressNotVerified", "message": "verify it"}}
    samples = by_labels(account_samples(SesAccount.model_validate(ACCOUNT | {"status": failing})))
    assert samples == {("account_notifications_failing", "default", "FromAddressNotVerified"): 1}


def test_an_audit_is_told_with_every_kind_of_finding_in_each_region_that_it_tells_of() -> None:
    audit = {
        "completedAt": NOW.isoformat(),
        "nextAt": (NOW + timedelta(days=1)).isoformat(),
        "durationSeconds": 60,
        "regions": [
            {"region": IRELAND, "identities": {"SUCCESS": 3}, "findings": {"Orphaned": 2}},
            {"region": VIRGINIA, "reason": "AccessDenied"},
        ],
    }
    samples = by_labels(account_samples(SesAccount.model_validate(ACCOUNT | {"status": {"audit": audit}})))
    found = {labels[1:]: value for labels, value in samples.items() if labels[0] == "audit_findings"}
    assert len(found) == 2 * len(Finding)
    assert {labels: value for labels, value in found.items() if value} == {
        ("default", IRELAND, "Orphaned", "medium"): 2
    }
    assert {labels: value for labels, value in samples.items() if labels[0] != "audit_findings"} == {
        ("audit_identities", "default", IRELAND, "SUCCESS"): 3,
        ("audit_region_failed", "default", VIRGINIA, "AccessDenied"): 1,
        ("audit_completed_timestamp_seconds", "default"): NOW.timestamp(),
        ("audit_next_timestamp_seconds", "default"): NOW.timestamp() + 86400,
        ("audit_duration_seconds", "default"): 60,
    }


def test_a_quota_without_limit_is_no_number() -> None:
    status = {"regions": [{"region": IRELAND, "sendQuota": {"max24HourSend": -1.0}}]}
    account = SesAccount.model_validate(ACCOUNT | {"status": status})
    assert metrics.SEND_QUOTA not in {sample.metric for sample in account_samples(account)}


class World:
    """What a replica holds, and what it would expose."""

    def __init__(self, detail: MetricsDetail = MetricsDetail.TOTALS) -> None:
        self.leading = True
        self.identities = ObjectStore(SesIdentity.model_validate, IDENTITY_INDEXES)
        self.accounts = ObjectStore(SesAccount.model_validate, ACCOUNT_INDEXES)
        self.registry = CollectorRegistry()
        self.registry.register(
            IdentityMetrics(
                self.identities,
                self.accounts,
                is_leading=lambda: self.leading,
                details=DETAILS[detail],
                now=lambda: NOW,
            )
        )

    def value(self, metric: Metric, *labels: str) -> float | None:
        return self.registry.get_sample_value(metric.name, dict(zip(metric.labels, labels, strict=True)))


def test_the_census_follows_what_the_watches_tell() -> None:
    world = World()
    pending, verified = (identity(regions=[region(IRELAND, said)]) for said in ("PENDING", "SUCCESS"))
    verified["metadata"] = verified["metadata"] | {"resourceVersion": "2"}
    world.identities.observe(pending)
    assert world.value(metrics.IDENTITIES, "default", IRELAND, "PENDING") == 1

    sighting = world.identities.observe(verified)
    assert world.value(metrics.IDENTITIES, "default", IRELAND, "PENDING") is None
    assert world.value(metrics.IDENTITIES, "default", IRELAND, "SUCCESS") == 1

    world.identities.remove(sighting.key, "mail")
    assert generate_latest(world.registry) == b""


def test_a_standby_tells_nothing_that_the_active_replica_tells() -> None:
    world = World()
    world.identities.observe(identity())
    world.accounts.observe(ACCOUNT)
    world.leading = False
    assert generate_latest(world.registry) == b""


def test_identities_are_named_only_where_that_was_asked_for() -> None:
    quiet, loud = World(), World(MetricsDetail.IDENTITIES)
    seen = identity(conditions=ready("True"), regions=[region(IRELAND, "SUCCESS")])
    for world in (quiet, loud):
        world.identities.observe(seen)
    assert b'identity="mail"' not in generate_latest(quiet.registry)
    assert loud.value(metrics.IDENTITY_READY, "team", "mail", "default", "Succeeded") == 1
    assert loud.value(metrics.IDENTITY_VERIFIED, "team", "mail", "default", IRELAND, "SUCCESS") == 1
