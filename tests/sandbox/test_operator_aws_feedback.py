"""Feedback by both versions of the API, as SES sees it. Source: API references of SES v1 and v2, and the Developer Guide."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sandbox.operator_aws_world import DOMAIN, REGION, AwsWorld, aws_world, perform
from ses_operator.api.base.reasons import Reason
from ses_operator.aws.calls.budget import Priority
from ses_operator.aws.errors.translation import Refused
from ses_operator.aws.ses.identities import SesRegion
from ses_operator.core.features.feedback import FEEDBACK
from ses_operator.core.features.topics import TOPIC, TOPIC_HEADERS, TOPICS
from ses_operator.core.model.dkim_source import EasyDkim
from ses_operator.core.model.problems import Gone
from ses_operator.core.model.ses import NotificationType, Topic, Topics
from ses_operator.core.planning.expected import created
from ses_operator.core.state.steps import CreateIdentity, PutSetting
from unit.world import fresh_dkim

NOW = Priority.PERSON
ARN = f"arn:aws:sns:{REGION}:123456789012:mail"
BOUNCE, COMPLAINT, DELIVERY = NotificationType


async def region_of(world: AwsWorld) -> SesRegion:
    return (await world.account()).region(REGION)


async def topics_of(ses: SesRegion) -> Topics | None:
    """The SNS topics, by the operation that tells them."""
    fresh = created(CreateIdentity(REGION, DOMAIN, EasyDkim(2048)), fresh_dkim(REGION, 2048))
    return (await ses.read(TOPICS, DOMAIN, replace(fresh, topics=None), NOW)).topics


async def test_a_new_identity_forwards_feedback_and_has_no_topics() -> None:
    async with aws_world() as world:
        await world.create()
        ses = await region_of(world)
        assert FEEDBACK.found(await ses.get(DOMAIN, NOW))
        assert await topics_of(ses) == dict.fromkeys(NotificationType, Topic())


async def test_forwarding_is_switched_off_and_on() -> None:
    async with aws_world() as world:
        await world.create()
        ses = await region_of(world)
        for enabled in (False, True):
            await perform(ses, PutSetting(REGION, DOMAIN, FEEDBACK, enabled), NOW)
            assert FEEDBACK.found(await ses.get(DOMAIN, NOW)) is enabled


async def test_a_topic_and_its_headers_are_set_and_taken_away() -> None:
    async with aws_world() as world:
        await world.create()
        ses = await region_of(world)
        await perform(ses, PutSetting(REGION, DOMAIN, TOPIC[COMPLAINT], ARN), NOW)
        await perform(ses, PutSetting(REGION, DOMAIN, TOPIC_HEADERS[COMPLAINT], True), NOW)
        assert await topics_of(ses) == {
            BOUNCE: Topic(), COMPLAINT: Topic(ARN, include_headers=True), DELIVERY: Topic(),
        }  # fmt: skip
        await perform(ses, PutSetting(REGION, DOMAIN, TOPIC[COMPLAINT], None), NOW)
        await perform(ses, PutSetting(REGION, DOMAIN, TOPIC_HEADERS[COMPLAINT], False), NOW)
        assert await topics_of(ses) == dict.fromkeys(NotificationType, Topic())


async def test_feedback_of_an_identity_that_is_not_there_is_gone() -> None:
    async with aws_world() as world:
        ses = await region_of(world)
        with pytest.raises(Gone):
            await perform(ses, PutSetting(REGION, DOMAIN, FEEDBACK, False), NOW)
        assert await topics_of(ses) == dict.fromkeys(NotificationType, Topic())


async def test_a_topic_that_ses_refuses_is_for_the_author_to_correct() -> None:
    async with aws_world() as world:
        await world.create()
        with pytest.raises(Refused) as caught:
            await perform((await region_of(world)), PutSetting(REGION, DOMAIN, TOPIC[BOUNCE], "bounces"), NOW)
        assert caught.value.problem.reason is Reason.INVALID_SPEC
