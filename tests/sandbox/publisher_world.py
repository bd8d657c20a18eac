"""Publication through Route 53 against a sandbox: the publisher, and what others see and do in the same zones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import boto3
from moto.route53.models import route53_backends

from sandbox.operator_aws_world import AwsWorld, aws_world
from ses_operator.api.account.kind import Zone as ZoneEntry
from ses_operator.aws.calls.budget import RequestBudget
from ses_operator.aws.calls.calls import Calls
from ses_operator.aws.route53 import Route53Access
from ses_operator.core.dns.keyring import Keyring, LedgerKey
from ses_operator.core.model.keys import ObjectKey, Owner
from ses_operator.core.model.records import RecordSet, dkim_records, mail_from_records, merge
from ses_operator.core.state.publication import Publication
from ses_operator.dns.route53 import Route53Publisher
from ses_operator.dns.zones import ZoneDirectory
from ses_sandbox.route53 import Route53Settings
from ses_sandbox.server import SandboxSettings

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client

REGIONS = ("eu-west-1", "us-east-1", "ap-south-2")
UNHURRIED = Route53Settings(requests_per_second=0, propagation_seconds=30, processing_seconds=0)
SetsByName = Mapping[tuple[str, str], tuple[str, ...]]

_numbers = count(1)


@dataclass
class PublisherWorld:
    """``served`` has the owners that were told to be in sync."""

    aws: AwsWorld
    access: Route53Access
    publisher: Route53Publisher
    served: asyncio.Queue[Owner]
    domain: str = field(default_factory=lambda: f"example{next(_numbers)}.com")

    def others(self, account_id: str = "") -> Route53Client:
        """boto3 of somebody else, in the account of the sandbox or in another one."""
        url = self.aws.sandbox.aws_url
        keys: tuple[str, str, str | None] = ("AKIASOMEBODYELSE", "secret", None)
        if account_id:
            sts = boto3.client("sts", "us-east-1", endpoint_url=url, aws_access_key_id="A", aws_secret_access_key="s")
            role = f"arn:aws:iam::{account_id}:role/dns"
            given = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
            keys = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        return boto3.client(
            "route53",
            "us-east-1",
            endpoint_url=url,
            aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1],
            aws_session_token=keys[2],
        )

    def zone(self, name: str = "", account_id: str = "", **settings: Any) -> str:
        """A new hosted zone; its id."""
        reference = f"{name} {next(_numbers)}"
        created = self.others(account_id).create_hosted_zone(
            Name=name or self.domain, CallerReference=reference, **settings
        )
        return created["HostedZone"]["Id"].rpartition("/")[2]

    def change(self, zone_id: str, action: str, name: str, kind: str, *values: str, ttl: int = 300) -> None:
        """Somebody else changes a record set."""
        batch: Any = {"Changes": [change(name, kind, *values, action=action, ttl=ttl)]}
        self.others().change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch=batch)

    def contents(self, zone_id: str, account_id: str = "") -> SetsByName:
        """All record sets of a zone but SOA and NS."""
        pages = self.others(account_id).get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone_id)
        return {
            (found["Name"].rstrip("."), found["Type"]): tuple(record["Value"] for record in found["ResourceRecords"])
            for page in pages
            for found in page["ResourceRecordSets"]
            if found["Type"] not in ("SOA", "NS")
        }

    def directory(self, *entries: ZoneEntry) -> ZoneDirectory:
        return ZoneDirectory(self.access, entries)

    async def publication(self, domain: str = "", name: str = "mail", *entries: ZoneEntry) -> Publication:
        """For a domain, into the zone that is found for it."""
        domain = domain or self.domain
        zone = await self.directory(*entries).zone_for(domain)
        return Publication(Owner("test", ObjectKey("team-a", name)), domain, zone)

    def wait(self, seconds: float = 60) -> None:
        """Lets simulated time pass."""
        self.aws.sandbox.clock.advance(timedelta(seconds=seconds))


def change(name: str, kind: str, *values: str, action: str = "CREATE", ttl: int = 300) -> dict[str, Any]:
    """One change of a batch, as boto3 takes it."""
    records = [{"Value": value} for value in values]
    return {"Action": action, "ResourceRecordSet": {"Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": records}}


async def same_keys() -> Keyring:
    """The keys of ledgers, of whichever publisher."""
    return Keyring(LedgerKey(b"k" * 32))


@asynccontextmanager
async def publisher_restarted(world: PublisherWorld) -> AsyncIterator[Route53Publisher]:
    """Another publisher, which remembers nothing."""
    publisher = Route53Publisher(world.access.for_zone, lambda _: None, same_keys)
    try:
        yield publisher
    finally:
        await publisher.close()


def records_of(domain: str, regions: Sequence[str] = REGIONS) -> tuple[RecordSet, ...]:
    """What SES asks for: three CNAMEs, an MX and a TXT for each region."""
    wanted: list[RecordSet] = []
    for region in regions:
        tokens = [f"{region.replace('-', '')}{number}" for number in range(3)]
        wanted += dkim_records(domain, region, tokens, f"dkim.{region}.amazonses.com", 300)
        wanted += mail_from_records(f"bounce-{region}.{domain}", region, 300)
    return merge(wanted)


@asynccontextmanager
async def publisher_world(route53: Route53Settings = UNHURRIED, rate: float = 1000.0) -> AsyncIterator[PublisherWorld]:
    """The clock moves in steps only, as ``wait`` says. There is one moto in a process: it is emptied first."""
    route53_backends.reset()
    async with aws_world(SandboxSettings(rate=0, speed=0.001, route53=route53, threads=8)) as aws:
        access = Route53Access(await aws.account(), Calls(aws.executor, RequestBudget(rate)))
        served: asyncio.Queue[Owner] = asyncio.Queue()
        publisher = Route53Publisher(access.for_zone, served.put_nowait, same_keys)
        try:
            yield PublisherWorld(aws, access, publisher, served)
        finally:
            await publisher.close()
