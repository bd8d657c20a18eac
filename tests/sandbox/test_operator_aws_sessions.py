"""Accounts: whose credentials they are, roles, and what happens when an access changes."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from sandbox.operator_aws_world import ACCESS_KEY, REGION, AwsWorld, aws_world
from ses_operator.api.base.reasons import Reason
from ses_operator.aws.calls.budget import Bucket, Priority, RequestBudget
from ses_operator.aws.calls.calls import Calls
from ses_operator.aws.calls.config import Role, ServiceEndpoints, StaticCredentials
from ses_operator.aws.errors.translation import Request
from ses_operator.core.model.problems import Blocked, Retry
from ses_sandbox.calls import CallFilter
from ses_sandbox.faults import Fault, FaultKind

ROLE = Role("arn:aws:iam::210987654321:role/mail", external_id="shared", session_name="team a")
LIST_ZONES = Request("route53", "ListHostedZones")


def keys_of(world: AwsWorld, operation: str) -> list[str]:
    return [call.access_key for call in world.sandbox.calls.calls(CallFilter(operation=operation), 100)]


async def test_the_account_id_comes_from_sts_and_is_asked_for_once() -> None:
    async with aws_world() as world:
        accounts = await asyncio.gather(*(world.account() for _ in range(5)))
        assert {account.account_id for account in accounts} == {"123456789012"}
        assert accounts[0].partition == "aws"
        assert len(set(map(id, accounts))) == 1
        assert world.calls()["GetCallerIdentity"] == 1


async def test_a_changed_secret_opens_the_account_anew() -> None:
    async with aws_world() as world:
        before = await world.account()
        world.config = replace(world.config, credentials=StaticCredentials("AKIARENEWED", "secret"))
        after = await world.account()
        await after.region(REGION).list_page()
        assert after is not before
        assert keys_of(world, "ListEmailIdentities") == ["AKIARENEWED"]


async def test_a_role_is_assumed_once_and_its_credentials_make_the_calls() -> None:
    async with aws_world(change=lambda config: replace(config, roles=(ROLE,))) as world:
        account = await world.account()
        assert account.account_id == "210987654321"
        for _ in range(3):
            await account.region(REGION).list_page()
        assert keys_of(world, "AssumeRole") == [ACCESS_KEY]
        assert ACCESS_KEY not in keys_of(world, "ListEmailIdentities")


async def test_the_role_of_a_zone_is_assumed_with_the_credentials_of_the_account() -> None:
    async with aws_world() as world:
        account = await world.account()
        calls = Calls(world.executor, RequestBudget(100.0))
        bucket = Bucket(account.account_id, "", "route53")
        await calls(account.route53_client(), LIST_ZONES, bucket, Priority.PERSON)
        await calls(account.route53_client(ROLE), LIST_ZONES, bucket, Priority.PERSON)
        own, assumed = keys_of(world, "ListHostedZones")
        assert own == ACCESS_KEY
        assert assumed != ACCESS_KEY
        assert keys_of(world, "AssumeRole") == [ACCESS_KEY]


async def test_a_role_that_may_not_be_assumed_blocks_and_names_the_role() -> None:
    async with aws_world(change=lambda config: replace(config, roles=(ROLE,))) as world:
        world.sandbox.faults.add(Fault(FaultKind.ERROR, operation="AssumeRole", status=403, code="AccessDenied"))
        with pytest.raises(Blocked) as caught:
            await world.account()
        assert caught.value.problem.reason is Reason.ACCESS_DENIED
        assert "sts:AssumeRole" in str(caught.value)


async def test_rejected_credentials_are_tried_once_for_all_who_ask_and_heal_when_they_change() -> None:
    async with aws_world() as world:
        world.sandbox.faults.add(
            Fault(FaultKind.ERROR, operation="GetCallerIdentity", status=403, code="InvalidClientTokenId", times=1)
        )
        for _ in range(3):
            with pytest.raises(Blocked) as caught:
                await world.account()
            assert caught.value.problem.reason is Reason.CREDENTIALS_REJECTED
        assert world.calls()["GetCallerIdentity"] == 1
        world.config = replace(world.config, credentials=StaticCredentials("AKIARENEWED", "secret"))
        await world.account()


async def test_credentials_that_one_region_rejects_are_shown_to_sts_and_the_account_stays_open() -> None:
    async with aws_world() as world:
        before = await world.account()
        rejected = Fault(
            FaultKind.ERROR, operation="ListEmailIdentities", status=403, code="UnrecognizedClientException"
        )
        world.sandbox.faults.add(rejected)
        for _ in range(2):
            with pytest.raises(Blocked):
                await before.region(REGION).list_page()
            assert await world.account() is before
        assert world.calls()["GetCallerIdentity"] == 2, "when it was opened, and once because of the region"


async def test_credentials_that_sts_rejects_as_well_open_nothing_until_they_are_accepted_again() -> None:
    async with aws_world() as world:
        before = await world.account()
        for operation in ("ListEmailIdentities", "GetCallerIdentity"):
            fault = Fault(FaultKind.ERROR, operation=operation, status=403, code="InvalidClientTokenId", times=1)
            world.sandbox.faults.add(fault)
        with pytest.raises(Blocked):
            await before.region(REGION).list_page()
        with pytest.raises(Blocked):
            await world.account()
        assert await world.account() is not before


async def test_a_default_chain_without_credentials_says_what_to_configure(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    async with aws_world(change=lambda config: replace(config, credentials=None)) as world:
        with pytest.raises(Blocked) as caught:
            await world.account()
        assert caught.value.problem.reason is Reason.CREDENTIALS_MISSING


async def test_the_default_chain_takes_the_credentials_of_the_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAPOD")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    async with aws_world(change=lambda config: replace(config, credentials=None)) as world:
        await (await world.account()).region(REGION).list_page()
        assert keys_of(world, "ListEmailIdentities") == ["AKIAPOD"]


async def test_an_endpoint_that_nobody_listens_on_is_named() -> None:
    async with aws_world(
        change=lambda config: replace(config, endpoints=ServiceEndpoints(sts="http://127.0.0.1:1"))
    ) as world:
        with pytest.raises(Retry) as caught:
            await world.account()
        assert "127.0.0.1:1" in str(caught.value)


async def test_an_account_that_is_forgotten_is_opened_anew() -> None:
    async with aws_world() as world:
        before = await world.account()
        world.sessions.forget(world.config.name)
        assert await world.account() is not before
