"""Emails of the operator's own, as SES takes them and refuses them. Source: API reference, SendEmail."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.operator_aws_world import REGION, AwsWorld, aws_world
from sandbox.ses_world import fetch
from ses_operator.api.account.notifications import Notifications
from ses_operator.api.base.reasons import Reason
from ses_operator.aws.calls.budget import Priority
from ses_operator.core.model.problems import Blocked, OperatorError, Retry
from ses_operator.core.notifications.emails import Email

SENDER, RECIPIENT = "ses@example.com", "team@example.org"
LETTER = Email("Grüße: mail.example.com is stuck", "Text – of it", "<p>HTML &lt;of&gt; it</p>")


def control(world: AwsWorld, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    status, answer = fetch(f"{world.sandbox.aws_url}/_sandbox/{path}", "GET" if body is None else "POST", data)
    assert status == 200, answer
    return json.loads(answer)


def verify(world: AwsWorld, address: str) -> None:
    """Somebody has an address verified, and follows the link."""
    world.somebody_else().create_email_identity(EmailIdentity=address)
    links = [mail["link"] for mail in control(world, "outbox")["messages"] if mail["to"] == [address]]
    assert fetch(links[-1])[0] == 200


def knob(world: AwsWorld, **settings: Any) -> None:
    """Decides for AWS about the account."""
    control(world, "account", {"region": REGION, **settings})


async def send(world: AwsWorld, **members: Any) -> str:
    asked = {"from": SENDER, "to": [RECIPIENT], "region": REGION, **members}
    account = await world.account()
    return await account.mail(REGION).send(LETTER, Notifications.model_validate(asked), Priority.PENDING)


async def refusal(world: AwsWorld, **members: Any) -> OperatorError:
    with pytest.raises(OperatorError) as caught:
        await send(world, **members)
    return caught.value


async def test_text_html_and_envelope_arrive_as_they_are() -> None:
    async with aws_world() as world:
        verify(world, SENDER)
        knob(world, productionAccess=True)
        world.somebody_else().create_configuration_set(ConfigurationSetName="ops")
        message_id = await send(
            world, to=[RECIPIENT, "b@example.net"], replyTo=["desk@example.com"], configurationSetName="ops"
        )
        mail = control(world, "outbox")["messages"][-1]
        assert (mail["id"], mail["sender"], mail["configuration_set"]) == (message_id, SENDER, "ops")
        assert (mail["subject"], mail["text"], mail["html"]) == (LETTER.subject, LETTER.text, LETTER.html)
        assert (mail["to"], mail["reply_to"]) == ([RECIPIENT, "b@example.net"], ["desk@example.com"])


async def test_a_sender_that_is_not_verified_is_told_from_recipients_that_are_not() -> None:
    async with aws_world() as world:
        error = await refusal(world)
        assert (type(error), error.problem.reason) == (Blocked, Reason.FROM_ADDRESS_NOT_VERIFIED)
        assert (
            f"SES in {REGION} does not send from {SENDER}, because neither it nor its domain is verified there"
            in error.problem.message
        )
        verify(world, SENDER)
        error = await refusal(world)
        assert (type(error), error.problem.reason) == (Blocked, Reason.PRODUCTION_ACCESS_NOT_GRANTED)
        assert RECIPIENT in error.problem.message
        verify(world, RECIPIENT)
        assert await send(world)


@pytest.mark.parametrize(
    ("settings", "members", "kind", "reason"),
    [
        ({"sendingEnabled": False}, {}, Blocked, Reason.SENDING_PAUSED),
        ({"enforcementStatus": "SHUTDOWN"}, {}, Blocked, Reason.SENDING_PAUSED),
        ({"max24HourSend": 0}, {}, Retry, Reason.THROTTLED),
        ({}, {"configurationSetName": "none"}, Blocked, Reason.CONFIGURATION_SET_NOT_FOUND),
        ({}, {"to": ["nobody@localhost"]}, Blocked, Reason.MESSAGE_REJECTED),
    ],
    ids=["sending is paused", "the account is suspended", "the quota is used up", "no such set", "no such recipient"],
)
async def test_it_is_said_why_ses_does_not_send(
    settings: dict[str, Any], members: dict[str, Any], kind: type[OperatorError], reason: Reason
) -> None:
    async with aws_world() as world:
        verify(world, SENDER)
        knob(world, productionAccess=True, **settings)
        error = await refusal(world, **members)
        assert (type(error), error.problem.reason) == (kind, reason)
        assert REGION in error.problem.message
