"""Reads and steps of the operator, each as SES sees them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from sandbox.operator_aws_world import DOMAIN, REGION, AwsWorld, aws_world, perform
from ses_operator.api.base.reasons import Reason
from ses_operator.aws.calls.budget import Priority
from ses_operator.aws.errors.translation import Refused
from ses_operator.aws.ses.identities import SesRegion
from ses_operator.core.features.configuration_set import CONFIGURATION_SET
from ses_operator.core.features.mail_from import MAIL_FROM, MailFromValue
from ses_operator.core.features.settings import SETTINGS
from ses_operator.core.features.signing import KEY_LENGTH, SIGNING
from ses_operator.core.model.dkim_source import EasyDkim
from ses_operator.core.model.problems import Blocked, Gone, Retry, Stale
from ses_operator.core.model.ses import ListedIdentity, MailFromFacts, VerificationStatus
from ses_operator.core.state.setting import Setting
from ses_operator.core.state.steps import (
    CreateIdentity,
    DeleteIdentity,
    PutSetting,
    RestartVerification,
    SesStep,
    TagIdentity,
    UntagIdentity,
)
from ses_sandbox.faults import Fault, FaultKind
from ses_sandbox.server import SandboxSettings
from unit.strategies import CONFIGURATION_SETS, asked_for
from unit.strategies import DOMAIN as WANTED_DOMAIN

NOW = Priority.PERSON


async def region_of(world: AwsWorld, region: str = REGION) -> SesRegion:
    return (await world.account()).region(region)


async def test_a_created_identity_answers_with_all_that_its_records_need() -> None:
    async with aws_world() as world:
        created = await world.create(team="a")
        read = await (await region_of(world)).get(DOMAIN, NOW)
        assert created == read.dkim
        assert len(created.tokens) == 3
        assert created.key_length == 2048
        assert read.tags == {"team": "a"}
        assert read.verification_status is VerificationStatus.PENDING
        assert world.calls() == {"GetCallerIdentity": 1, "CreateEmailIdentity": 1, "GetEmailIdentity": 1}


async def test_tokens_and_signing_hosted_zone_differ_by_region() -> None:
    async with aws_world() as world:
        west, south = await world.create(region="eu-west-1"), await world.create(region="eu-south-1")
        assert set(west.tokens).isdisjoint(south.tokens)
        assert west.signing_hosted_zone != south.signing_hosted_zone


async def test_an_identity_that_exists_already_makes_a_creation_stale() -> None:
    async with aws_world() as world:
        await world.create()
        with pytest.raises(Stale):
            await world.create()


async def test_a_creation_with_a_configuration_set_that_does_not_exist_is_blocked() -> None:
    async with aws_world() as world:
        step = CreateIdentity(REGION, DOMAIN, EasyDkim(2048), {}, "missing")
        with pytest.raises(Blocked) as caught:
            await perform((await region_of(world)), step, NOW)
        assert caught.value.problem.reason is Reason.CONFIGURATION_SET_NOT_FOUND


async def test_a_missing_identity_is_gone_to_a_read_and_no_error_to_a_deletion() -> None:
    async with aws_world() as world:
        ses = await region_of(world)
        with pytest.raises(Gone):
            await ses.get(DOMAIN, NOW)
        await perform(ses, DeleteIdentity(REGION, DOMAIN), NOW)


@pytest.mark.parametrize(
    "step",
    [
        PutSetting(REGION, DOMAIN, SIGNING, False),
        PutSetting(REGION, DOMAIN, KEY_LENGTH, 1024),
        RestartVerification(REGION, DOMAIN),
        PutSetting(REGION, DOMAIN, MAIL_FROM, MailFromValue(f"bounce.{DOMAIN}", "USE_DEFAULT_VALUE")),
        PutSetting(REGION, DOMAIN, CONFIGURATION_SET, None),
        TagIdentity(REGION, DOMAIN, {"team": "a"}),
        UntagIdentity(REGION, DOMAIN, ("team",)),
    ],
    ids=lambda step: type(step).__name__,
)
async def test_a_step_that_needs_an_identity_says_that_it_is_gone(step: SesStep) -> None:
    async with aws_world() as world:
        with pytest.raises(Gone):
            await perform((await region_of(world)), step, NOW)


async def test_every_setting_is_written_and_read_back_and_may_be_written_twice() -> None:
    async with aws_world() as world:
        world.somebody_else().create_configuration_set(ConfigurationSetName="default")
        await world.create(team="a", stage="test")
        ses = await region_of(world)
        steps: tuple[SesStep, ...] = (
            PutSetting(REGION, DOMAIN, SIGNING, False),
            PutSetting(REGION, DOMAIN, MAIL_FROM, MailFromValue(f"bounce.{DOMAIN}", "REJECT_MESSAGE")),
            PutSetting(REGION, DOMAIN, CONFIGURATION_SET, "default"),
            TagIdentity(REGION, DOMAIN, {"team": "b"}),
            UntagIdentity(REGION, DOMAIN, ("stage",)),
        )
        for step in (*steps, *steps):
            await perform(ses, step, NOW)
        facts = await ses.get(DOMAIN, NOW)
        assert not facts.dkim.signing_enabled
        assert facts.mail_from == MailFromFacts(f"bounce.{DOMAIN}", VerificationStatus.PENDING, "REJECT_MESSAGE")
        assert facts.configuration_set_name == "default"
        assert facts.tags == {"team": "b"}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
async def test_each_setting_is_set_read_back_and_reset(setting: Setting[Any]) -> None:
    async with aws_world() as world:
        for name in CONFIGURATION_SETS:
            world.somebody_else().create_configuration_set(ConfigurationSetName=name)
        await world.create(WANTED_DOMAIN)
        ses = await region_of(world)
        for value in (asked_for(setting), setting.reset_to):
            await perform(ses, PutSetting(REGION, WANTED_DOMAIN, setting, value), NOW)
            facts = await ses.get(WANTED_DOMAIN, NOW)
            if setting.read is not None:
                facts = await ses.read(setting.read, WANTED_DOMAIN, facts, NOW)
            assert setting.found(facts) == value
            await asyncio.to_thread(world.sandbox.advance, timedelta(hours=25))


async def test_mail_from_and_configuration_set_are_taken_away() -> None:
    async with aws_world() as world:
        world.somebody_else().create_configuration_set(ConfigurationSetName="default")
        await world.create()
        ses = await region_of(world)
        for step in (
            PutSetting(REGION, DOMAIN, MAIL_FROM, MailFromValue(f"bounce.{DOMAIN}", "REJECT_MESSAGE")),
            PutSetting(REGION, DOMAIN, MAIL_FROM, MailFromValue(None, "USE_DEFAULT_VALUE")),
            PutSetting(REGION, DOMAIN, CONFIGURATION_SET, "default"),
            PutSetting(REGION, DOMAIN, CONFIGURATION_SET, None),
        ):
            await perform(ses, step, NOW)
        facts = await ses.get(DOMAIN, NOW)
        assert facts.mail_from is None
        assert facts.configuration_set_name is None


async def test_a_key_length_is_changed_once_in_24_hours() -> None:
    async with aws_world() as world:
        await world.create()
        ses = await region_of(world)
        await perform(ses, PutSetting(REGION, DOMAIN, KEY_LENGTH, 1024), NOW)
        assert (await ses.get(DOMAIN, NOW)).dkim.next_key_length == 1024
        with pytest.raises(Blocked) as caught:
            await perform(ses, PutSetting(REGION, DOMAIN, KEY_LENGTH, 2048), NOW)
        assert caught.value.problem.reason is Reason.KEY_LENGTH_TOO_SOON


async def test_a_mail_from_domain_that_ses_refuses_is_blocked_and_not_taken_for_a_missing_identity() -> None:
    async with aws_world() as world:
        await world.create()
        with pytest.raises(Refused) as caught:
            await perform(
                (await region_of(world)),
                PutSetting(REGION, DOMAIN, MAIL_FROM, MailFromValue("bounce.elsewhere.example", "USE_DEFAULT_VALUE")),
                NOW,
            )
        assert caught.value.problem.reason is Reason.INVALID_SPEC


async def test_verification_that_failed_is_restarted_without_deleting_anything() -> None:
    async with aws_world() as world:
        created = await world.create()
        ses = await region_of(world)
        await asyncio.to_thread(world.sandbox.advance, timedelta(hours=73))
        assert (await ses.get(DOMAIN, NOW)).verification_status is VerificationStatus.FAILED
        await perform(ses, RestartVerification(REGION, DOMAIN), NOW)
        facts = await ses.get(DOMAIN, NOW)
        assert facts.verification_status is VerificationStatus.PENDING
        assert facts.dkim.tokens == created.tokens
        assert world.calls()["DeleteEmailIdentity"] == 0


async def test_where_ses_refuses_the_restart_the_first_api_version_is_asked() -> None:
    async with aws_world() as world:
        created = await world.create()
        operation = "PutEmailIdentityDkimSigningAttributes"
        world.sandbox.faults.add(Fault(FaultKind.ERROR, operation=operation, status=400, code="BadRequestException"))
        ses = await region_of(world)
        await perform(ses, RestartVerification(REGION, DOMAIN), NOW)
        assert world.calls()["VerifyDomainDkim"] == 1
        assert (await ses.get(DOMAIN, NOW)).dkim.tokens == created.tokens


async def test_listing_gives_every_identity_page_by_page_or_those_of_one_status() -> None:
    async with aws_world() as world:
        ses = await region_of(world)
        for number in range(3):
            await world.create(f"{number}.{DOMAIN}")
        entries, token = await ses.list_page()
        assert token is None
        assert set(entries) == {
            ListedIdentity(f"{number}.{DOMAIN}", VerificationStatus.PENDING, sending_enabled=False)
            for number in range(3)
        }
        assert (await ses.list_page(status=VerificationStatus.PENDING))[0] == entries
        assert await ses.list_page(status=VerificationStatus.SUCCESS) == ((), None)


async def test_the_account_says_whether_it_may_send_to_anybody() -> None:
    async with aws_world() as world:
        account = await (await region_of(world)).get_account()
        assert account.sending_enabled
        assert account.enforcement_status == "HEALTHY"
        assert account.max_24_hour_send is not None


async def test_a_throttled_call_is_made_again_and_nobody_notices() -> None:
    async with aws_world() as world:
        world.sandbox.faults.add(Fault(FaultKind.THROTTLE, operation="CreateEmailIdentity", times=2))
        await world.create()
        assert world.calls()["CreateEmailIdentity"] == 3


async def test_a_call_that_is_throttled_again_and_again_is_a_retry() -> None:
    async with aws_world() as world:
        world.sandbox.faults.add(Fault(FaultKind.THROTTLE, operation="CreateEmailIdentity"))
        with pytest.raises(Retry) as caught:
            await world.create()
        assert caught.value.problem.reason is Reason.THROTTLED


async def test_an_answer_that_is_lost_is_a_retry_after_which_the_identity_exists() -> None:
    async with aws_world() as world:
        world.sandbox.faults.add(Fault(FaultKind.LOST_RESPONSE, operation="CreateEmailIdentity", times=1))
        with pytest.raises(Retry):
            await world.create()
        with pytest.raises(Stale):
            await world.create()


async def test_a_region_that_is_down_does_not_hinder_another() -> None:
    async with aws_world() as world:
        world.sandbox.faults.add(Fault(FaultKind.REGION_DOWN, region="eu-west-1"))
        with pytest.raises(Retry) as caught:
            await world.create(region="eu-west-1")
        assert caught.value.problem.reason is Reason.REGION_UNREACHABLE
        await world.create(region="us-east-1")


async def test_a_region_that_does_not_exist_is_to_be_removed_from_the_spec() -> None:
    async with aws_world() as world:
        with pytest.raises(Blocked) as caught:
            await world.create(region="eu-nowhere-1")
        assert caught.value.problem.reason is Reason.REGION_NOT_SUPPORTED


async def test_nothing_is_sent_while_the_gate_is_shut() -> None:
    is_leader = True

    def gate() -> None:
        if not is_leader:
            raise Retry(Reason.PROGRESSING, "another replica is active")

    async with aws_world(gate=gate) as world:
        await world.create()
        made = world.calls()
        is_leader = False
        with pytest.raises(Retry):
            await world.create("other.example.com")
        with pytest.raises(Retry):
            await (await region_of(world)).get(DOMAIN, NOW)
        assert world.calls() == made


async def test_creating_at_the_rate_of_the_account_is_not_throttled() -> None:
    """How much of the rate is used is in tests/unit/aws/test_budget.py, on simulated time."""
    async with aws_world(SandboxSettings(rate=20.0)) as world:
        await asyncio.gather(*(world.create(f"{number}.{DOMAIN}") for number in range(60)))
        assert world.calls()["CreateEmailIdentity"] == 60
