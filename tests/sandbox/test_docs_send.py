"""The programs of docs/how-to/send.md send, as they stand there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from docs.pages import blocks
from docs.writing import ROOT
from sandbox.ses_world import OTHER_REGION, REGION, SesWorld, dkim_lines, ses_world

ONE_REGION, SEVERAL_REGIONS = blocks(ROOT / "docs" / "how-to" / "send.md", "python")
MESSAGE = {
    "FromEmailAddress": "orders@example.com",
    "Destination": {"ToAddresses": ["customer@example.net"]},
    "Content": {"Simple": {"Subject": {"Data": "Your order"}, "Body": {"Text": {"Data": "It is on its way."}}}},
}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[SesWorld]:
    """example.com verified in two regions, and the environment that the page gives the program."""
    with ses_world() as world:
        world.account = "123456789012"  # that of credentials which say nothing else
        regions = (REGION, OTHER_REGION)
        made = [world.client(region=region).create_email_identity(EmailIdentity="example.com") for region in regions]
        world.zone("example.com", "".join(map(dkim_lines, made)))
        for region in regions:
            assert world.checked("example.com", region)["VerificationStatus"] == "SUCCESS"
            world.control("POST", "/account", {"account": world.account, "region": region, "productionAccess": True})
        environment = {
            "AWS_ENDPOINT_URL": world.sandbox.aws_url,
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "MAIL_FROM": "orders@example.com",
            "SES_REGIONS": ",".join(regions),
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield world


def sent(world: SesWorld) -> list[tuple[str, str]]:
    """Region and subject of what was sent."""
    return [(message["region"], message["subject"]) for message in world.control("GET", "/outbox")[1]["messages"]]


def send() -> Any:
    """The function that the page defines."""
    names: dict[str, Any] = {}
    exec(SEVERAL_REGIONS.text, names)  # noqa: S102 - that is what is tested
    return names["send"]


def test_the_program_sends(world: SesWorld) -> None:
    exec(ONE_REGION.text, {})  # noqa: S102 - that is what is tested
    assert sent(world) == [(REGION, "Your order")]


def test_a_region_that_fails_is_passed_over(world: SesWorld) -> None:
    fault = {
        "kind": "error",
        "service": "ses",
        "operation": "SendEmail",
        "region": REGION,
        "status": 503,
        "code": "Down",
    }
    world.control("POST", "/faults", fault)
    send()(**MESSAGE)
    assert sent(world) == [(OTHER_REGION, "Your order")]


def test_what_one_region_refuses_is_not_tried_in_another(world: SesWorld) -> None:
    with pytest.raises(ClientError, match="MessageRejected"):
        send()(**{**MESSAGE, "FromEmailAddress": "orders@example.org"})
    calls = world.control("GET", "/calls?operation=SendEmail")[1]["calls"]
    assert [call["region"] for call in calls] == [REGION]
