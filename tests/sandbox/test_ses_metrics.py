"""What became of mail: the figures of the Virtual Deliverability Manager by identity, and those of the account."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.ses_world import OTHER_REGION, REGION, SesWorld, refused, ses_world, verified_domain

SIMPLE = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "world"}}}}
VDM = {
    "VdmEnabled": "ENABLED",
    "DashboardAttributes": {"EngagementMetrics": "DISABLED"},
    "GuardianAttributes": {"OptimizedSharedDelivery": "ENABLED"},
}


@pytest.fixture
def world() -> Iterator[SesWorld]:
    """A verified example.com in an account with production access and the Virtual Deliverability Manager."""
    with ses_world() as world:
        verified_domain(world)
        answered(world, "/account", productionAccess=True, max24HourSend=-1)
        world.client().put_account_vdm_attributes(VdmAttributes=VDM)
        yield world


def answered(world: SesWorld, path: str, **fields: Any) -> Any:
    """What the control API answers for the world's account in its region."""
    status, answer = world.control("POST", path, {"account": world.account, "region": REGION, **fields})
    assert status == 200, answer
    return answer


def query(world: SesWorld, metric: str, days: int = 7, **dimensions: str) -> dict[str, Any]:
    """A query over the last days."""
    now = world.sandbox.clock.now()
    chosen = {"Dimensions": dimensions} if dimensions else {}
    window = {"StartDate": now - timedelta(days=days), "EndDate": now}
    return {"Id": metric.lower(), "Namespace": "VDM", "Metric": metric, **window, **chosen}


def total(world: SesWorld, metric: str, days: int = 7, **dimensions: str) -> int:
    """The sum of what one query answers."""
    answer = world.client().batch_get_metric_data(Queries=[query(world, metric, days, **dimensions)])
    [result] = answer["Results"]
    assert result["Id"] == metric.lower()
    return sum(result["Values"])


def send(world: SesWorld, *to: str) -> None:
    world.client().send_email(FromEmailAddress="a@example.com", Destination={"ToAddresses": list(to)}, Content=SIMPLE)


def test_sent_mail_is_counted_for_its_identity_with_one_recipient_and_not_to_the_simulator(world: SesWorld) -> None:
    """API reference v2, BatchGetMetricDataQuery, Metric."""
    send(world, "b@example.org")
    send(world, "b@example.org", "c@example.org")
    send(world, "success@simulator.amazonses.com")
    for metric in ("SEND", "DELIVERY", "DELIVERY_COMPLAINT"):
        assert total(world, metric, EMAIL_IDENTITY="example.com") == 1
        assert total(world, metric) == 1
        assert total(world, metric, EMAIL_IDENTITY="example.net") == 0
        assert total(world, metric, EMAIL_IDENTITY="*") == 1
    assert total(world, "PERMANENT_BOUNCE", EMAIL_IDENTITY="example.com") == 0


def test_values_are_sums_by_day_within_the_interval(world: SesWorld) -> None:
    """API reference v2, MetricDataResult: timestamps, and "values (cumulative / sum)"."""
    for hours, bounces in ((1, 2), (24, 3), (24, 4), (24 * 20, 5)):
        answered(world, "/mail", identity="example.com", hoursAgo=hours, sends=100, permanentBounces=bounces)
    asked = query(world, "PERMANENT_BOUNCE", EMAIL_IDENTITY="example.com")
    [result] = world.client().batch_get_metric_data(Queries=[asked])["Results"]
    days: list[datetime] = result["Timestamps"]
    assert days == sorted(set(days))
    assert {(day.hour, day.minute, day.second) for day in days} == {(0, 0, 0)}
    assert sum(result["Values"]) == 9
    assert total(world, "SEND", days=30, EMAIL_IDENTITY="example.com") == 400


def test_dimensions_choose_together(world: SesWorld) -> None:
    """API reference v2, BatchGetMetricDataQuery, Dimensions: filters, at most three."""
    answered(world, "/mail", identity="example.com", configurationSet="bulk", sends=2)
    answered(world, "/mail", identity="example.net", configurationSet="bulk", sends=3)
    assert total(world, "SEND", CONFIGURATION_SET="bulk") == 5
    assert total(world, "SEND", CONFIGURATION_SET="bulk", EMAIL_IDENTITY="example.net") == 3
    assert total(world, "SEND", CONFIGURATION_SET="other", EMAIL_IDENTITY="*") == 0


def test_a_query_that_fails_leaves_the_others_their_results(world: SesWorld) -> None:
    """API reference v2, MetricDataError: INTERNAL_FAILURE, ACCESS_DENIED."""
    answered(world, "/mail", identity="example.net", queryError="ACCESS_DENIED")
    answer = world.client().batch_get_metric_data(
        Queries=[
            query(world, "SEND", EMAIL_IDENTITY="example.com"),
            query(world, "DELIVERY", EMAIL_IDENTITY="example.net"),
        ]
    )
    assert [result["Id"] for result in answer["Results"]] == ["send"]
    assert [(error["Id"], error["Code"]) for error in answer["Errors"]] == [("delivery", "ACCESS_DENIED")]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Namespace": "SES"}, "Member must satisfy enum value set: [VDM]"),
        ({"Metric": "REJECT"}, "enum value set"),
        ({"Dimensions": {"SENDER": "x"}}, "enum value set"),
        ({"Dimensions": {}}, "greater than or equal to 1"),
        ({"Id": ""}, "greater than or equal to 1"),
        ({"StartDate": None}, "Member must not be null"),
        ({"EndDate": datetime(2000, 1, 1, tzinfo=UTC)}, "EndDate"),
    ],
)
def test_queries_that_the_model_does_not_allow_are_refused(world: SesWorld, change: dict[str, Any], words: str) -> None:
    """API reference v2, BatchGetMetricData: BadRequestException."""
    asked = {**query(world, "SEND"), **change}
    with refused("BadRequestException", words):
        world.client().batch_get_metric_data(
            Queries=[{key: value for key, value in asked.items() if value is not None}]
        )


@pytest.mark.parametrize(("number", "words"), [(0, "greater than or equal to 1"), (11, "less than or equal to 10")])
def test_a_batch_has_one_to_ten_queries(world: SesWorld, number: int, words: str) -> None:
    """API reference v2, BatchGetMetricData, Queries."""
    with refused("BadRequestException", words):
        world.client().batch_get_metric_data(Queries=[query(world, "SEND")] * number)


def test_the_manager_is_switched_on_for_each_region_and_counts_from_then_on(world: SesWorld) -> None:
    """API reference v2, PutAccountVdmAttributes, GetAccount; Developer Guide, "Virtual Deliverability Manager"."""
    assert world.client().get_account()["VdmAttributes"] == VDM
    elsewhere = world.client(region=OTHER_REGION)
    assert elsewhere.get_account()["VdmAttributes"] == {"VdmEnabled": "DISABLED"}
    with refused("BadRequestException", "Virtual Deliverability Manager"):
        elsewhere.batch_get_metric_data(Queries=[query(world, "SEND")])
    world.client().put_account_vdm_attributes(VdmAttributes={"VdmEnabled": "DISABLED"})
    send(world, "b@example.org")
    world.client().put_account_vdm_attributes(VdmAttributes=VDM)
    send(world, "b@example.org")
    assert total(world, "SEND") == 1
    with refused("BadRequestException", "enum value set"):
        world.client().put_account_vdm_attributes(VdmAttributes={"VdmEnabled": "YES"})


def test_the_accounts_statistics_cover_two_weeks_in_quarter_hours(world: SesWorld) -> None:
    """API reference (2010-12-01), GetSendStatistics, SendDataPoint."""
    send(world, "b@example.org", "c@example.org")
    answered(world, "/mail", identity="example.com", hoursAgo=24, sends=50, permanentBounces=4, complaints=1, rejects=2)
    answered(world, "/mail", identity="example.com", hoursAgo=24 * 15, sends=1000)
    points = world.client("ses").get_send_statistics()["SendDataPoints"]
    assert {point["Timestamp"].minute % 15 for point in points} == {0}
    names = ("DeliveryAttempts", "Bounces", "Complaints", "Rejects")
    assert [sum(point[name] for point in points) for name in names] == [51, 4, 1, 2]
    assert world.client("ses", OTHER_REGION).get_send_statistics()["SendDataPoints"] == []
