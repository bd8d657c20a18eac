"""The identity cache: what listings tell whom, and how few calls it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import boto3
import pytest

from sandbox.operator_aws_world import DOMAIN, REGION, AwsWorld, aws_world, perform, until
from ses_operator.api.base.reasons import Reason
from ses_operator.aws.calls.budget import Priority
from ses_operator.aws.listing.identity_cache import IdentityCache, Intervals, Listed, NotListed, NotYetListed
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Retry
from ses_operator.core.model.records import dkim_records
from ses_operator.core.model.ses import DkimFacts, ListedIdentity, VerificationStatus
from ses_operator.core.state.steps import DeleteIdentity
from ses_sandbox.calls import CallFilter
from ses_sandbox.faults import Fault, FaultKind
from ses_sandbox.server import SandboxSettings
from ses_sandbox.ses.state.verification import Status

MAIL = ObjectKey("team-a", "mail")
OTHER = ObjectKey("team-b", "mail")
ACCOUNT = "123456789012"
OFTEN = Intervals(idle=3600.0, pending=0.1)
PENDING = ListedIdentity(DOMAIN, VerificationStatus.PENDING, sending_enabled=False)
# Hosted zones outlive a sandbox within one process, and an identity always has the same tokens: a domain of its own.
VERIFIED = "verified.example"
FAST = SandboxSettings(rate=100.0, speed=600.0, seed_zones=(VERIFIED,))


class Woken:
    """Collects the keys that the identity cache calls for."""

    def __init__(self) -> None:
        self.keys: list[ObjectKey] = []
        self._called = asyncio.Event()

    def __call__(self, key: ObjectKey) -> None:
        self.keys.append(key)
        self._called.set()

    async def once(self) -> list[ObjectKey]:
        async with asyncio.timeout(60):
            await self._called.wait()
        return self.keys


@asynccontextmanager
async def identity_cache(woken: Woken, intervals: Intervals = OFTEN) -> AsyncIterator[IdentityCache]:
    kept = IdentityCache(woken, intervals)
    try:
        yield kept
    finally:
        await kept.close()


def listings(world: AwsWorld, region: str = REGION) -> int:
    return len(world.sandbox.calls.calls(CallFilter(operation="ListEmailIdentities", region=region), 10_000))


def crowd(world: AwsWorld, number: int) -> None:
    """So many verified identities beside the one that is there, put into the sandbox's store: calls would take long."""
    with world.sandbox.store.lock:
        state = world.sandbox.store.region(ACCOUNT, REGION)
        (model,) = state.identities.values()
        verified = replace(model.verification, status=Status.SUCCESS)
        for count in range(number):
            name = f"crowd-{count}.example"
            state.identities[name] = replace(model, name=name, verification=verified, next_check_at=None)


def publish(world: AwsWorld, facts: DkimFacts) -> None:
    """The CNAMEs of Easy DKIM, into the sandbox's hosted zone."""
    route53 = boto3.client(
        "route53",
        region_name="us-east-1",
        endpoint_url=world.sandbox.aws_url,
        aws_access_key_id="AKIASOMEBODYELSE",
        aws_secret_access_key="secret",
    )
    records = dkim_records(VERIFIED, REGION, facts.tokens, facts.signing_hosted_zone, 60)
    route53.change_resource_record_sets(
        HostedZoneId=world.sandbox.seeded_zones[VERIFIED],
        ChangeBatch={
            "Changes": [
                {
                    "Action": "CREATE",
                    "ResourceRecordSet": {
                        "Name": record.name,
                        "Type": "CNAME",
                        "TTL": record.ttl,
                        "ResourceRecords": [{"Value": record.values[0]}],
                    },
                }
                for record in records
            ]
        },
    )


async def test_one_listing_tells_what_is_there_and_what_is_not() -> None:
    async with aws_world() as world, identity_cache(Woken()) as known:
        await world.create()
        account = await world.account()
        assert known.listed(ACCOUNT, REGION, DOMAIN) == NotYetListed()
        known.watch(MAIL, account, DOMAIN, {REGION: False})
        assert known.listed(ACCOUNT, REGION, DOMAIN) == NotYetListed()
        await known.first_listing(ACCOUNT, REGION)
        assert known.listed(ACCOUNT, REGION, DOMAIN.upper()) == Listed(PENDING)
        assert known.listed(ACCOUNT, REGION, "other.example") == NotListed()
        assert listings(world) == 1


async def test_an_identity_that_is_verified_wakes_its_watcher() -> None:
    woken = Woken()
    async with aws_world(FAST) as world, identity_cache(woken) as known:
        facts = await world.create(VERIFIED)
        known.watch(MAIL, await world.account(), VERIFIED, {REGION: True})
        await known.first_listing(ACCOUNT, REGION)
        publish(world, facts)
        assert await woken.once() == [MAIL]
        verified = ListedIdentity(VERIFIED, VerificationStatus.SUCCESS, sending_enabled=True)
        assert known.listed(ACCOUNT, REGION, VERIFIED) == Listed(verified)
        assert world.calls()["GetEmailIdentity"] == 0


async def test_an_identity_that_somebody_deletes_wakes_everybody_who_watches_it() -> None:
    woken = Woken()
    async with aws_world() as world, identity_cache(woken) as known:
        await world.create()
        account = await world.account()
        for key in (MAIL, OTHER):
            known.watch(key, account, DOMAIN, {REGION: True})
        await known.first_listing(ACCOUNT, REGION)
        world.somebody_else().delete_email_identity(EmailIdentity=DOMAIN)
        await woken.once()
        assert sorted(woken.keys) == [MAIL, OTHER]
        assert known.listed(ACCOUNT, REGION, DOMAIN) == NotListed()


async def test_creating_and_deleting_an_identity_oneself_wakes_nobody() -> None:
    woken = Woken()
    async with aws_world() as world, identity_cache(woken, Intervals(idle=3600.0, pending=3600.0)) as known:
        account = await world.account()
        known.watch(MAIL, account, DOMAIN, {REGION: True})
        await known.first_listing(ACCOUNT, REGION)
        await world.create()
        known.learn(ACCOUNT, REGION, DOMAIN, PENDING)
        assert known.listed(ACCOUNT, REGION, DOMAIN) == Listed(PENDING)
        await listed_twice_more(world, known)
        await perform(account.region(REGION), DeleteIdentity(REGION, DOMAIN), Priority.PERSON)
        known.learn(ACCOUNT, REGION, DOMAIN, None)
        await listed_twice_more(world, known)
        assert woken.keys == []


async def listed_twice_more(world: AwsWorld, known: IdentityCache) -> None:
    """The region is listed now and once more, so that what the first listing told has been taken in."""
    for wanted in (listings(world) + 1, listings(world) + 2):
        known.wake()
        await until(partial(_were_listed, world, wanted))


def _were_listed(world: AwsWorld, times: int) -> bool:
    return listings(world) >= times


async def test_a_region_is_listed_often_only_while_something_is_pending_there() -> None:
    async with aws_world() as world, identity_cache(Woken()) as known:
        await world.create(region="eu-west-1")
        known.watch(MAIL, await world.account(), DOMAIN, {"eu-west-1": True, "us-east-1": False})
        await known.first_listing(ACCOUNT, "us-east-1")
        await until(lambda: listings(world, "eu-west-1") >= 5)
        assert listings(world, "us-east-1") == 1


async def test_a_region_is_listed_rarely_for_the_sake_of_who_rests() -> None:
    async with aws_world() as world, identity_cache(Woken()) as known:
        account = await world.account()
        known.watch(MAIL, account, DOMAIN, {"eu-west-1": True})
        known.watch(OTHER, account, DOMAIN, {"us-east-1": True})
        await known.first_listing(ACCOUNT, "eu-west-1")
        known.rest(MAIL)
        await until(lambda: listings(world, "us-east-1") >= 5)
        assert listings(world, "eu-west-1") <= 2  # the one that was due already, and no more


async def test_many_watchers_of_one_region_cost_no_more_calls_than_one() -> None:
    async with aws_world() as world, identity_cache(Woken(), Intervals(idle=3600.0, pending=3600.0)) as known:
        account = await world.account()
        for number in range(200):
            known.watch(ObjectKey("team-a", str(number)), account, f"{number}.{DOMAIN}", {REGION: True})
        await known.first_listing(ACCOUNT, REGION)
        assert listings(world) == 1


async def test_among_thousands_only_the_pending_ones_are_listed_and_one_that_leaves_them_is_to_be_read() -> None:
    woken = Woken()
    async with aws_world() as world, identity_cache(woken) as known:
        await world.create()
        crowd(world, 1000)
        known.watch(MAIL, await world.account(), DOMAIN, {REGION: True})
        await known.first_listing(ACCOUNT, REGION)
        assert listings(world) == 2
        await until(lambda: listings(world) >= 5)
        world.somebody_else().delete_email_identity(EmailIdentity=DOMAIN)
        await woken.once()
        assert known.listed(ACCOUNT, REGION, DOMAIN) == NotYetListed()


async def test_what_becomes_pending_later_is_listed_soon_and_not_at_the_next_idle_listing() -> None:
    woken = Woken()
    async with aws_world() as world, identity_cache(woken) as known:
        account = await world.account()
        known.watch(MAIL, account, DOMAIN, {REGION: False})
        await known.first_listing(ACCOUNT, REGION)
        await world.create()
        known.watch(MAIL, account, DOMAIN, {REGION: True})
        assert await woken.once() == [MAIL]


async def test_a_region_that_cannot_be_listed_says_why_and_the_others_go_on_until_it_heals() -> None:
    woken = Woken()
    async with aws_world() as world, identity_cache(woken) as known:
        fault = world.sandbox.faults.add(Fault(FaultKind.REGION_DOWN, region="eu-west-1"))
        account = await world.account()
        known.watch(MAIL, account, DOMAIN, {"eu-west-1": True, "us-east-1": True})
        with pytest.raises(Retry):
            await known.first_listing(ACCOUNT, "eu-west-1")
        await known.first_listing(ACCOUNT, "us-east-1")
        problem = known.problem(ACCOUNT, "eu-west-1")
        assert problem is not None
        assert problem.reason is Reason.REGION_UNREACHABLE
        assert known.problem(ACCOUNT, "us-east-1") is None
        world.sandbox.faults.remove(fault.id)
        known.wake()
        assert await woken.once() == [MAIL]
        assert known.problem(ACCOUNT, "eu-west-1") is None


async def test_another_access_to_the_account_is_tried_at_once_where_the_old_one_failed() -> None:
    woken = Woken()
    async with aws_world() as world, identity_cache(woken) as known:
        fault = Fault(
            FaultKind.ERROR, operation="ListEmailIdentities", status=403, code="ExpiredTokenException", times=1
        )
        world.sandbox.faults.add(fault)
        known.watch(MAIL, await world.account(), DOMAIN, {REGION: True})
        await until(lambda: known.problem(ACCOUNT, REGION) is not None)
        world.sessions.forget(world.config.name)
        known.watch(MAIL, await world.account(), DOMAIN, {REGION: True})
        assert await woken.once() == [MAIL]


async def test_a_region_that_nobody_watches_any_longer_is_not_listed() -> None:
    async with aws_world() as world, identity_cache(Woken()) as known:
        account = await world.account()
        known.watch(MAIL, account, DOMAIN, {"eu-west-1": True, "us-east-1": True})
        await known.first_listing(ACCOUNT, "us-east-1")
        known.watch(MAIL, account, DOMAIN, {"eu-west-1": True})
        assert known.listed(ACCOUNT, "us-east-1", DOMAIN) == NotYetListed()
        before, west = listings(world, "us-east-1"), listings(world, "eu-west-1")
        await until(lambda: listings(world, "eu-west-1") >= west + 5)
        assert listings(world, "us-east-1") <= before + 1  # one may have been on its way
        known.unwatch(MAIL)
        assert known.listed(ACCOUNT, "eu-west-1", DOMAIN) == NotYetListed()
