"""Route 53: zones, record sets and changes as plain values.

Source: Route 53 API reference (2013-04-01). Route 53 is global; it throttles an account as a whole at five requests per
second, so there is one bucket for each account, shared by all operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ses_operator.aws.calls.budget import Bucket, Priority
from ses_operator.aws.calls.calls import Calls, ClientSource
from ses_operator.aws.calls.config import Role
from ses_operator.aws.errors.translation import Request
from ses_operator.aws.sessions import AwsAccount
from ses_operator.core.dns.zone_sets import Change, ZoneSet, plain_name
from ses_operator.core.dns.zones import HostedZone
from ses_operator.core.state.publication import DnsZone

REQUESTS_PER_SECOND = 5.0
PAGE_SIZE = 300  # the most that ListResourceRecordSets returns
ZONE_PAGE_SIZE = 100  # the most that ListHostedZones returns

_ROUTING_MEMBERS = ("Weight", "Region", "Failover", "MultiValueAnswer", "GeoLocation", "GeoProximityLocation")


@dataclass(frozen=True, slots=True)
class RecordStart:
    """Where a page of ListResourceRecordSets begins."""

    name: str
    type: str = ""
    identifier: str = ""


@dataclass(frozen=True, slots=True)
class RecordPage:
    """One page of record sets, in Route 53's order, and where the next page begins; None after the last."""

    sets: tuple[ZoneSet, ...]
    next: RecordStart | None


class Route53:
    """Route 53 with one set of credentials. Every method raises nothing but ``OperatorError``."""

    __slots__ = ("_bucket", "_calls", "_client")

    def __init__(self, account_id: str, client: ClientSource, calls: Calls) -> None:
        self._bucket = Bucket(account_id, "", "route53")
        self._client = client
        self._calls = calls

    async def list_hosted_zones(self) -> tuple[HostedZone, ...]:
        """Return all hosted zones of the account, public and private."""
        zones: list[HostedZone] = []
        parameters: dict[str, Any] = {"MaxItems": str(ZONE_PAGE_SIZE)}
        while True:
            answer = await self._call("ListHostedZones", "", **parameters)
            zones += map(_hosted_zone, answer["HostedZones"])
            if not answer.get("IsTruncated"):
                return tuple(zones)
            parameters["Marker"] = answer["NextMarker"]

    async def get_hosted_zone(self, zone_id: str) -> HostedZone:
        """Return one hosted zone. Blocked (HOSTED_ZONE_NOT_FOUND) if none has this id."""
        answer = await self._call("GetHostedZone", zone_id, Id=zone_id)
        name_servers = answer.get("DelegationSet", {}).get("NameServers", ())
        return replace(_hosted_zone(answer["HostedZone"]), name_servers=tuple(map(plain_name, name_servers)))

    async def list_record_sets(self, zone_id: str, start: RecordStart) -> RecordPage:
        """Return the page of record sets that begins at ``start`` or right after it. It shows pending changes as made."""
        parameters: dict[str, Any] = {"StartRecordName": start.name, "MaxItems": str(PAGE_SIZE)}
        if start.type:
            parameters["StartRecordType"] = start.type
        if start.identifier:
            parameters["StartRecordIdentifier"] = start.identifier
        answer = await self._call("ListResourceRecordSets", zone_id, HostedZoneId=zone_id, **parameters)
        following = None
        if answer.get("IsTruncated"):
            following = RecordStart(
                answer["NextRecordName"], answer["NextRecordType"], answer.get("NextRecordIdentifier", "")
            )
        return RecordPage(tuple(map(_zone_set, answer["ResourceRecordSets"])), following)

    async def change_record_sets(self, zone_id: str, changes: Iterable[Change]) -> str:
        """Apply the changes, all or none, and return the id of the change. Refused, if one of them cannot be made."""
        batch = {
            "Changes": [{"Action": change.action.value, "ResourceRecordSet": _wire(change.set)} for change in changes]
        }
        answer = await self._call("ChangeResourceRecordSets", zone_id, HostedZoneId=zone_id, ChangeBatch=batch)
        return _bare_id(answer["ChangeInfo"]["Id"])

    async def is_in_sync(self, change_id: str) -> bool:
        """Return True if all name servers of Route 53 have the change. Gone if Route 53 no longer knows it."""
        answer = await self._call("GetChange", change_id, Id=change_id)
        return bool(answer["ChangeInfo"]["Status"] == "INSYNC")

    async def _call(self, operation: str, subject: str, **parameters: Any) -> Mapping[str, Any]:
        request = Request("route53", operation, "", subject)
        return await self._calls(self._client, request, self._bucket, Priority.PENDING, **parameters)


class Route53Access:
    """Route 53 for an account: with its own credentials, and with each role that one of its zones names."""

    def __init__(self, account: AwsAccount, calls: Calls) -> None:
        """Take ``calls`` with a budget of Route 53's own rate, shared by all accounts."""
        self._account = account
        self._calls = calls.before_each_write(account.before_write)
        self._known: dict[tuple[str | None, str | None], Route53] = {}

    def for_zone(self, zone: DnsZone) -> Route53:
        """Return Route 53 with the role of the zone."""
        return self.for_role(zone.role_arn, zone.external_id)

    def for_role(self, role_arn: str | None = None, external_id: str | None = None) -> Route53:
        """Return Route 53 with the role, which the account's credentials assume; without one, with these credentials."""
        known = self._known.get((role_arn, external_id))
        if known is None:
            role = Role(role_arn, external_id) if role_arn else None
            account_id = role_arn.split(":")[4] if role_arn else self._account.account_id
            known = Route53(account_id, self._account.route53_client(role), self._calls)
            self._known[role_arn, external_id] = known
        return known


def _hosted_zone(answer: Mapping[str, Any]) -> HostedZone:
    private = bool(answer.get("Config", {}).get("PrivateZone"))
    return HostedZone(_bare_id(answer["Id"]), plain_name(answer["Name"]), private)


def _zone_set(answer: Mapping[str, Any]) -> ZoneSet:
    return ZoneSet(
        name=plain_name(answer["Name"]),
        type=answer["Type"],
        ttl=int(answer.get("TTL", 0)),
        values=tuple(record["Value"] for record in answer.get("ResourceRecords", ())),
        routing=_routing(answer),
    )


def _routing(answer: Mapping[str, Any]) -> str:
    if "AliasTarget" in answer:
        words = f"an alias of {plain_name(answer['AliasTarget']['DNSName'])}"
    elif "TrafficPolicyInstanceId" in answer:
        words = "made by a traffic policy"
    elif any(member in answer for member in _ROUTING_MEMBERS):
        words = "a record with a routing policy"
    else:
        return ""
    return f'{words} (set identifier "{answer["SetIdentifier"]}")' if "SetIdentifier" in answer else words


def _wire(record_set: ZoneSet) -> dict[str, Any]:
    return {
        "Name": f"{record_set.name}.",
        "Type": record_set.type,
        "TTL": record_set.ttl,
        "ResourceRecords": [{"Value": value} for value in record_set.values],
    }


def _bare_id(path: str) -> str:
    return path.rsplit("/", 1)[-1]
