"""Sending: who may send what to whom, and what arrives in the outbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.ses_world import REGION, SesWorld, dkim_lines, refused, ses_world

SIMPLE = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "world"}}}}


@pytest.fixture
def world() -> Iterator[SesWorld]:
    """A verified example.com in an account with production access."""
    with ses_world() as world:
        world.zone("example.com", dkim_lines(world.client().create_email_identity(EmailIdentity="example.com")))
        assert world.checked("example.com")["VerificationStatus"] == "SUCCESS"
        knob(world, productionAccess=True, max24HourSend=-1)
        yield world


def knob(world: SesWorld, **settings: Any) -> None:
    """Decides for AWS about the world's account."""
    status, answer = world.control("POST", "/account", {"account": world.account, "region": REGION, **settings})
    assert status == 200, answer


def send(world: SesWorld, sender: str, *to: str, **params: Any) -> Any:
    """Sends a simple message, and returns it as it stands in the outbox."""
    answer = world.client().send_email(
        **{"FromEmailAddress": sender, "Destination": {"ToAddresses": list(to)}, "Content": SIMPLE, **params}
    )
    messages = world.control("GET", "/outbox")[1]["messages"]
    return next(message for message in messages if message["id"] == answer["MessageId"])


@pytest.mark.parametrize("sender", ["a@example.com", "A Name <a@example.com>", "a@sub.example.com", "a@EXAMPLE.com"])
def test_any_address_at_or_under_a_verified_domain_may_send(world: SesWorld, sender: str) -> None:
    """Developer Guide: "send email from any subdomain or email address of the verified domain"."""
    message = send(world, sender, "b@example.org")
    assert (message["to"], message["subject"], message["text"]) == (["b@example.org"], "Hello", "world")
    assert (message["identity"], message["dkim_domain"]) == ("example.com", "example.com")
    assert message["mail_from"] == "eu-west-1.amazonses.com"


def test_an_unverified_sender_is_rejected_and_named(world: SesWorld) -> None:
    """API reference, SendEmail: MessageRejected."""
    with refused("MessageRejected", "in region EU-WEST-1: a@example.org"):
        send(world, "a@example.org", "b@example.com")


def test_in_the_ses_sandbox_recipients_must_be_verified_too(world: SesWorld) -> None:
    """Developer Guide, "Request production access": verified recipients and the mailbox simulator only."""
    knob(world, productionAccess=False)
    with refused("MessageRejected", "b@example.org"):
        send(world, "a@example.com", "b@example.org")
    assert send(world, "a@example.com", "b@example.com")
    assert send(world, "a@example.com", "success@simulator.amazonses.com")


def test_the_envelope_of_an_email_is_kept_with_both_of_its_bodies(world: SesWorld) -> None:
    """API reference, SendEmail: ReplyToAddresses, Body, Charset."""
    utf8 = {"Charset": "UTF-8"}
    content = {
        "Simple": {
            "Subject": {"Data": "Grüße", **utf8},
            "Body": {"Text": {"Data": "Text", **utf8}, "Html": {"Data": "<p>é</p>", **utf8}},
        }
    }
    message = send(
        world, "a@example.com", "b@example.org", "c@example.org", Content=content, ReplyToAddresses=["desk@example.net"]
    )
    assert (message["subject"], message["text"], message["html"]) == ("Grüße", "Text", "<p>é</p>")
    assert (message["to"], message["reply_to"]) == (["b@example.org", "c@example.org"], ["desk@example.net"])
    with refused("BadRequestException", "Reply-To"):
        send(world, "a@example.com", "b@example.org", ReplyToAddresses=["nobody"])


def test_characters_beyond_ascii_need_a_character_set(world: SesWorld) -> None:
    """API reference, Content: SES "uses 7-bit ASCII by default"; for other characters "you have to specify a character set"."""
    content = {"Simple": {"Subject": {"Data": "Grüße"}, "Body": {"Text": {"Data": "x"}}}}
    with refused("BadRequestException", "character set"):
        send(world, "a@example.com", "b@example.org", Content=content)


def test_a_configuration_set_that_does_not_exist_is_named(world: SesWorld) -> None:
    """API reference, SendEmail: NotFoundException."""
    with refused("NotFoundException", "main"):
        send(world, "a@example.com", "b@example.org", ConfigurationSetName="main")


def test_a_raw_message_brings_its_own_headers(world: SesWorld) -> None:
    """API reference, SendEmail, RawMessage."""
    source = b"From: a@example.com\r\nTo: b@example.org, c@example.org\r\nSubject: Raw\r\n\r\nBody\r\n"
    answer = world.client().send_email(Content={"Raw": {"Data": source}})
    [message] = world.control("GET", "/outbox")[1]["messages"]
    assert message["id"] == answer["MessageId"]
    assert (message["sender"], message["to"], message["subject"]) == (
        "a@example.com",
        ["b@example.org", "c@example.org"],
        "Raw",
    )
    assert message["raw"].endswith("Body\r\n")


def test_mail_is_rejected_where_the_mail_from_domain_is_missing_and_that_was_asked_for(world: SesWorld) -> None:
    """API reference, MailFromAttributes.BehaviorOnMxFailure REJECT_MESSAGE."""
    client = world.client()
    client.put_email_identity_mail_from_attributes(
        EmailIdentity="example.com", MailFromDomain="bounce.example.com", BehaviorOnMxFailure="REJECT_MESSAGE"
    )
    with refused("MailFromDomainNotVerifiedException", "bounce.example.com"):
        send(world, "a@example.com", "b@example.org")
    client.put_email_identity_mail_from_attributes(EmailIdentity="example.com", MailFromDomain="bounce.example.com")
    assert send(world, "a@example.com", "b@example.org")["mail_from"] == "eu-west-1.amazonses.com"


def test_mail_goes_unsigned_while_dkim_is_switched_off(world: SesWorld) -> None:
    """API reference, DkimAttributes.SigningEnabled."""
    world.client().put_email_identity_dkim_attributes(EmailIdentity="example.com", SigningEnabled=False)
    assert send(world, "a@example.com", "b@example.org")["dkim_domain"] is None


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"sendingEnabled": False}, "SendingPausedException"),
        ({"enforcementStatus": "SHUTDOWN"}, "AccountSuspendedException"),
        ({"max24HourSend": 0}, "TooManyRequestsException"),
    ],
)
def test_an_account_that_may_not_send_is_refused(world: SesWorld, settings: dict[str, Any], code: str) -> None:
    """API reference, SendEmail, errors; Developer Guide, quotas."""
    knob(world, **settings)
    with refused(code):
        send(world, "a@example.com", "b@example.org")


def test_a_default_configuration_set_that_was_deleted_stops_the_mail(world: SesWorld) -> None:
    """notes: "A configuration set that is an identity's default must not be deleted: sends fail"."""
    client = world.client()
    client.create_configuration_set(ConfigurationSetName="main")
    client.put_email_identity_configuration_set_attributes(EmailIdentity="example.com", ConfigurationSetName="main")
    assert send(world, "a@example.com", "b@example.org")["configuration_set"] == "main"
    client.delete_configuration_set(ConfigurationSetName="main")
    assert client.get_email_identity(EmailIdentity="example.com")["ConfigurationSetName"] == "main"
    with refused("NotFoundException", "Configuration set <main> does not exist."):
        send(world, "a@example.com", "b@example.org")
    message = {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "world"}}}
    with refused("ConfigurationSetDoesNotExist", "Configuration set <main> does not exist."):
        world.client("ses").send_email(
            Source="a@example.com", Destination={"ToAddresses": ["b@example.org"]}, Message=message
        )
    client.create_configuration_set(ConfigurationSetName="main")
    assert send(world, "a@example.com", "b@example.org")["configuration_set"] == "main"


def test_another_account_sends_only_where_a_policy_of_the_identity_lets_it(world: SesWorld) -> None:
    """Developer Guide, "Sending authorization"."""
    arn = f"arn:aws:ses:{REGION}:{world.account}:identity/example.com"
    partner = SesWorld(world.sandbox)
    knob(partner, productionAccess=True)
    with refused("AccessDeniedException", "ses:SendEmail"):
        send(partner, "a@example.com", "b@example.org", FromEmailAddressIdentityArn=arn)
    policy = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{partner.account}:root"},
            "Action": "ses:SendEmail",
            "Resource": arn,
            "Condition": {"StringLike": {"ses:FromAddress": "a@*"}},
        },
    }
    world.client().create_email_identity_policy(
        EmailIdentity="example.com", PolicyName="partner", Policy=json.dumps(policy)
    )
    assert (
        send(partner, "a@example.com", "b@example.org", FromEmailAddressIdentityArn=arn)["account"] == partner.account
    )
    with refused("AccessDeniedException"):
        send(partner, "z@example.com", "b@example.org", FromEmailAddressIdentityArn=arn)


def test_policies_are_kept_per_identity_and_their_limits_held(world: SesWorld) -> None:
    """API reference, CreateEmailIdentityPolicy; notes, Limits: ≤ 20 of 4 KB, name ≤ 64."""
    client = world.client()
    for number in range(20):
        client.create_email_identity_policy(
            EmailIdentity="example.com", PolicyName=f"p{number}", Policy=policy_of(world)
        )
    with refused("LimitExceededException", "20"):
        client.create_email_identity_policy(EmailIdentity="example.com", PolicyName="p20", Policy=policy_of(world))
    with refused("AlreadyExistsException", "p0"):
        client.create_email_identity_policy(EmailIdentity="example.com", PolicyName="p0", Policy=policy_of(world))
    client.delete_email_identity_policy(EmailIdentity="example.com", PolicyName="p0")
    with refused("NotFoundException", "p0"):
        client.update_email_identity_policy(EmailIdentity="example.com", PolicyName="p0", Policy=policy_of(world))
    assert len(client.get_email_identity_policies(EmailIdentity="example.com")["Policies"]) == 19


def policy_of(world: SesWorld, **changes: Any) -> str:
    """A policy that SES accepts, with changes to its statement; None takes an element away."""
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "ses:SendEmail",
        "Resource": f"arn:aws:ses:{REGION}:{world.account}:identity/example.com",
        **changes,
    }
    elements = {name: value for name, value in statement.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [elements]})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Principal": None}, "Principal"),
        ({"Effect": "Maybe"}, "Effect"),
        ({"Action": "s3:GetObject"}, "Actions of ses"),
        ({"Resource": "*"}, "must be arn:aws:ses"),
        ({"Resource": "arn:aws:ses:eu-west-1:1:identity/example.org"}, "must be arn:aws:ses"),
        ({"Sid": "x" * 4096}, "4096 bytes"),
    ],
)
def test_a_policy_that_does_not_fit_is_refused(world: SesWorld, changes: dict[str, Any], words: str) -> None:
    """notes: "A policy needs a statement, a valid principal, and Resource = this identity's ARN"."""
    with refused("BadRequestException", words):
        world.client().create_email_identity_policy(
            EmailIdentity="example.com", PolicyName="p", Policy=policy_of(world, **changes)
        )


@pytest.mark.parametrize("policy", ["not json", "[]", '{"Version": "2012-10-17"}', '{"Version": "1999-01-01"}'])
def test_a_policy_that_is_no_document_is_refused(world: SesWorld, policy: str) -> None:
    """API reference, CreateEmailIdentityPolicy: BadRequestException."""
    with refused("BadRequestException", "malformed"):
        world.client().create_email_identity_policy(EmailIdentity="example.com", PolicyName="p", Policy=policy)
