"""Which hosted zone is found while Route 53 does not answer: rather none than the wrong one."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from ses_operator.api.account.kind import Zone as ZoneEntry
from ses_operator.api.base.reasons import Reason
from ses_operator.aws.calls.budget import RequestBudget
from ses_operator.aws.calls.calls import Calls
from ses_operator.aws.calls.clients import Clients
from ses_operator.aws.calls.config import AccountConfig
from ses_operator.aws.calls.executor import Executor
from ses_operator.aws.route53 import Route53Access
from ses_operator.aws.sessions import AwsAccount
from ses_operator.core.model.problems import Retry
from ses_operator.dns.zones import ZoneDirectory

PARENT = ZoneEntry(name="corp", hosted_zone_id="ZPARENT")


class Route53Client:
    """botocore's client of an account with two zones, of which listing may fail."""

    def __init__(self, listing_fails_with: str = "", status: int = 400) -> None:
        self._code, self._status = listing_fails_with, status

    def list_hosted_zones(self, **_: Any) -> Any:
        if self._code:
            error: Any = {
                "Error": {"Code": self._code, "Message": ""},
                "ResponseMetadata": {"HTTPStatusCode": self._status},
            }
            raise ClientError(error, "ListHostedZones")
        return {"HostedZones": [{"Id": "/hostedzone/ZNEAR", "Name": "mail.example.com."}], "IsTruncated": False}

    def get_hosted_zone(self, **_: Any) -> Any:
        return {"HostedZone": {"Id": "/hostedzone/ZPARENT", "Name": "example.com."}}


class Account(AwsAccount):
    """An account whose only client is given."""

    def __init__(self, client: Route53Client, calls: Calls) -> None:
        config = AccountConfig("default")
        super().__init__(config, Clients(config, 1), calls, "123456789012", "arn:aws:iam::123456789012:root")
        self._client = client

    def route53_client(self, role: Any = None) -> Any:
        del role
        return lambda: self._client


def directory(client: Route53Client) -> ZoneDirectory:
    calls = Calls(Executor(threads=1), RequestBudget(1000.0))
    return ZoneDirectory(Route53Access(Account(client, calls), calls), [PARENT])


async def test_the_nearest_zone_is_found() -> None:
    zone = await directory(Route53Client()).zone_for("mail.example.com")
    assert zone.hosted_zone_id == "ZNEAR"


async def test_a_parent_zone_is_not_written_to_because_listing_failed_for_a_moment() -> None:
    with pytest.raises(Retry) as failed:
        await directory(Route53Client("ServiceUnavailable", 503)).zone_for("mail.example.com")
    assert failed.value.problem.reason is Reason.SERVICE_ERROR


async def test_who_may_not_list_zones_finds_those_that_are_named() -> None:
    zone = await directory(Route53Client("AccessDenied", 403)).zone_for("mail.example.com")
    assert zone.hosted_zone_id == "ZPARENT"
