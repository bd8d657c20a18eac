"""Sending authorization: what a delegate of another account may send as an identity, and what it is refused.

Sources: Developer Guide, "Using sending authorization", "Sending emails for the identity owner" (ARN, region, headers),
"Sending policy examples" (condition keys); API reference, SendEmail.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from sandbox.ses_world import OTHER_REGION, REGION, SesWorld, dkim_lines, refused, ses_world

OWNER = "123456789012"
SIMPLE = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "world"}}}}
ARN = f"arn:aws:ses:{REGION}:{OWNER}:identity/example.com"
numbers = count()


@pytest.fixture
def owner() -> Iterator[SesWorld]:
    """A verified example.com in an account with production access."""
    with ses_world() as world:
        world.account = OWNER
        world.zone("example.com", dkim_lines(world.client().create_email_identity(EmailIdentity="example.com")))
        assert world.checked("example.com")["VerificationStatus"] == "SUCCESS"
        produce(world)
        yield world


@pytest.fixture
def delegate(owner: SesWorld) -> SesWorld:
    """Another account with production access, and no identity of its own."""
    world = SesWorld(owner.sandbox)
    produce(world)
    return world


def produce(world: SesWorld, region: str = REGION, *, access: bool = True) -> None:
    """Says whether an account has production access in a region."""
    settings = {"account": world.account, "region": region, "productionAccess": access, "max24HourSend": -1}
    status, answer = world.control("POST", "/account", settings)
    assert status == 200, answer


def allow(owner: SesWorld, principal: str, *actions: str, **conditions: Any) -> None:
    """Attaches a policy for one principal."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": list(actions) or ["ses:SendEmail", "ses:SendRawEmail"],
        "Resource": ARN,
        "Condition": conditions,
    }
    owner.client().create_email_identity_policy(
        EmailIdentity="example.com",
        PolicyName=f"p{next(numbers)}",
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


def root(world: SesWorld) -> str:
    return f"arn:aws:iam::{world.account}:root"


def send(world: SesWorld, sender: str = "a@example.com", to: str = "b@example.org", **params: Any) -> Any:
    """Sends as the owner's identity, and returns the message as it stands in the outbox."""
    answer = world.client().send_email(
        **{
            "FromEmailAddress": sender,
            "FromEmailAddressIdentityArn": ARN,
            "Destination": {"ToAddresses": [to]},
            "Content": SIMPLE,
            **params,
        }
    )
    return message(world, answer["MessageId"])


def message(world: SesWorld, number: str) -> Any:
    return next(sent for sent in world.control("GET", "/outbox")[1]["messages"] if sent["id"] == number)


def raw(*headers: str) -> dict[str, Any]:
    """The source of a message with these headers."""
    lines = ("From: A <a@example.com>", "To: b@example.org", "Subject: Raw", *headers, "", "Body", "")
    return {"Raw": {"Data": "\r\n".join(lines).encode()}}


def test_a_delegate_sends_under_its_own_account_and_with_the_owners_signature(
    owner: SesWorld, delegate: SesWorld
) -> None:
    """Developer Guide: mail counts against the delegate's quota; it is signed as the owner decides."""
    allow(owner, root(delegate))
    sent = send(delegate)
    assert (sent["account"], sent["identity"], sent["dkim_domain"]) == (delegate.account, "example.com", "example.com")
    assert delegate.client().get_account()["SendQuota"]["SentLast24Hours"] == 1
    assert owner.client().get_account()["SendQuota"]["SentLast24Hours"] == 0


def test_whom_no_policy_allows_is_refused_by_name_action_and_identity(owner: SesWorld, delegate: SesWorld) -> None:
    """Developer Guide, "Amazon SES API errors": User … is not authorized to perform ses:SendEmail on resource …"""
    allow(owner, "arn:aws:iam::999988887777:root")
    with refused("AccessDeniedException", f"is not authorized to perform: ses:SendEmail on resource: {ARN}"):
        send(delegate)


def test_without_the_arn_the_identity_is_nobody_elses(owner: SesWorld, delegate: SesWorld) -> None:
    """Developer Guide: "the delegate sender passes the ARN of your identity"."""
    allow(owner, root(delegate))
    with refused("MessageRejected", "a@example.com"):
        delegate.client().send_email(
            FromEmailAddress="a@example.com", Destination={"ToAddresses": ["b@example.org"]}, Content=SIMPLE
        )


def test_the_arn_is_good_in_its_own_region_only(owner: SesWorld, delegate: SesWorld) -> None:
    """Developer Guide: the delegate has to send from the region in which the identity is verified."""
    allow(owner, root(delegate))
    produce(delegate, OTHER_REGION)
    with refused("BadRequestException", f"not in this region, {OTHER_REGION}"):
        delegate.client(region=OTHER_REGION).send_email(
            FromEmailAddress="a@example.com",
            FromEmailAddressIdentityArn=ARN,
            Destination={"ToAddresses": ["b@example.org"]},
            Content=SIMPLE,
        )


def test_the_arn_is_good_for_addresses_of_its_identity_only(owner: SesWorld, delegate: SesWorld) -> None:
    """API reference: the ARN "of the identity that … permits you to use the email address specified"."""
    allow(owner, root(delegate))
    with refused("MessageRejected", "a@example.net"):
        send(delegate, "a@example.net")


@pytest.mark.parametrize("arn", ["example.com", "arn:aws:sns:eu-west-1:123456789012:topic", f"{ARN}.au"])
def test_an_arn_of_no_identity_is_refused(owner: SesWorld, delegate: SesWorld, arn: str) -> None:
    allow(owner, root(delegate))
    with refused("BadRequestException", arn):
        send(delegate, FromEmailAddressIdentityArn=arn)


CONDITIONS = (
    ({"StringLike": {"ses:FromAddress": "a@*"}}, True),
    ({"StringLike": {"ses:FromAddress": ["z@*", "y@*"]}}, False),
    ({"StringLike": {"ses:FromDisplayName": "Ada*"}}, True),
    ({"StringLike": {"ses:FromDisplayName": "Bob"}}, False),
    ({"ForAllValues:StringLike": {"ses:Recipients": "*@example.org"}}, True),
    ({"ForAllValues:StringLike": {"ses:Recipients": "*@example.net"}}, False),
    ({"StringEquals": {"ses:FeedbackAddress": "bounces@example.com"}}, True),
    ({"StringEquals": {"ses:FeedbackAddress": "other@example.com"}}, False),
    ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True),
    ({"IpAddress": {"aws:SourceIp": ["192.0.2.0/24"]}}, False),
    ({"DateLessThan": {"aws:CurrentTime": "2999-01-01T00:00:00Z"}}, True),
    ({"DateLessThan": {"aws:CurrentTime": "2001-01-01T00:00:00Z"}}, False),
    ({"DateGreaterThan": {"aws:CurrentTime": "2999-01-01T00:00:00Z"}}, False),
)  # fmt: skip


@pytest.mark.parametrize(
    ("conditions", "allowed"), CONDITIONS, ids=[json.dumps(conditions) for conditions, _ in CONDITIONS]
)
def test_conditions_are_held_against_the_message(
    owner: SesWorld, delegate: SesWorld, conditions: dict[str, Any], allowed: bool
) -> None:
    """Developer Guide, "Sending policy examples", conditions specific to sending authorization."""
    allow(owner, root(delegate), **conditions)
    message_ = {"sender": "Ada <a@example.com>", "FeedbackForwardingEmailAddress": "bounces@example.com"}
    if allowed:
        assert send(delegate, **message_)["account"] == delegate.account
    else:
        with refused("AccessDeniedException"):
            send(delegate, **message_)


def test_every_recipient_has_to_match(owner: SesWorld, delegate: SesWorld) -> None:
    """Developer Guide, ses:Recipients: "the recipient addresses, which include the To:, CC, and BCC addresses"."""
    allow(owner, root(delegate), **{"ForAllValues:StringLike": {"ses:Recipients": "*@example.org"}})
    with refused("AccessDeniedException"):
        send(delegate, Destination={"ToAddresses": ["b@example.org"], "BccAddresses": ["c@example.net"]})


def test_the_return_path_is_the_sender_unless_another_is_given(owner: SesWorld, delegate: SesWorld) -> None:
    """API reference (v1), SendRawEmail: with SourceArn alone, the Return-Path is of the same identity."""
    allow(owner, root(delegate), StringEquals={"ses:FeedbackAddress": "a@example.com"})
    assert send(delegate)
    with refused("AccessDeniedException"):
        send(delegate, FeedbackForwardingEmailAddress="x@example.com", FeedbackForwardingEmailAddressIdentityArn=ARN)


def test_a_raw_message_names_the_identity_in_a_header_and_asks_for_the_raw_right(
    owner: SesWorld, delegate: SesWorld
) -> None:
    """Developer Guide, "Sending emails for the identity owner": X-SES-SOURCE-ARN, X-SES-FROM-ARN, X-SES-RETURN-PATH-ARN."""
    content = raw(f"X-SES-SOURCE-ARN: {ARN}", f"X-SES-FROM-ARN: {ARN}", f"X-SES-RETURN-PATH-ARN: {ARN}")
    allow(owner, root(delegate), "ses:SendEmail")
    with refused("AccessDeniedException", "ses:SendRawEmail"):
        delegate.client().send_email(Content=content)
    allow(owner, root(delegate), "ses:SendRawEmail")
    answer = delegate.client().send_email(Content=content)
    assert message(delegate, answer["MessageId"])["account"] == delegate.account


def test_to_unverified_recipients_both_accounts_need_production_access(owner: SesWorld, delegate: SesWorld) -> None:
    """Developer Guide: "the AWS accounts of both the identity owner and the delegate sender"."""
    allow(owner, root(delegate))
    produce(owner, access=False)
    with refused("MessageRejected", "b@example.org"):
        send(delegate)


def test_the_owners_default_configuration_set_is_not_asked_of_the_delegate(owner: SesWorld, delegate: SesWorld) -> None:
    owner.client().create_configuration_set(ConfigurationSetName="main")
    owner.client().put_email_identity_configuration_set_attributes(
        EmailIdentity="example.com", ConfigurationSetName="main"
    )
    allow(owner, root(delegate))
    assert send(delegate)["configuration_set"] is None


def test_an_unverified_identity_lends_nothing(owner: SesWorld, delegate: SesWorld) -> None:
    """Developer Guide: the identity owner verifies the identity first."""
    owner.client().create_email_identity(EmailIdentity="example.net")
    arn = ARN.replace("example.com", "example.net")
    policy = {"Effect": "Allow", "Principal": {"AWS": root(delegate)}, "Action": "ses:SendEmail", "Resource": arn}
    owner.client().create_email_identity_policy(
        EmailIdentity="example.net", PolicyName="p", Policy=json.dumps({"Statement": [policy]})
    )
    with refused("MessageRejected", "a@example.net"):
        send(delegate, "a@example.net", FromEmailAddressIdentityArn=arn)


def test_of_an_account_one_user_may_be_let_in_and_another_not() -> None:
    """Developer Guide: "An AWS account, an AWS Identity and Access Management (IAM) user, or an AWS service"."""
    with ses_world(access_control=True) as world:
        client = world.new_client(key=user(world, "admin", OWNER))
        world.zone("example.com", dkim_lines(client.create_email_identity(EmailIdentity="example.com")))
        identity = world.sandbox.store.region(OWNER, REGION).identities["example.com"]
        world.sandbox.check_now()
        assert identity.may_send
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::210987654321:user/ada"},
            "Action": "ses:SendEmail",
            "Resource": ARN,
        }
        policy = json.dumps({"Statement": [statement]})
        client.create_email_identity_policy(EmailIdentity="example.com", PolicyName="p", Policy=policy)

        assert as_user(world, "ada")["MessageId"]
        with refused("AccessDeniedException", "user/bob is not authorized to perform: ses:SendEmail"):
            as_user(world, "bob")


def as_user(world: SesWorld, name: str) -> Any:
    """Sends as the owner's identity, as a new user of the delegate's account who may do anything there."""
    return world.new_client(key=user(world, name, "210987654321")).send_email(
        FromEmailAddress="a@example.com",
        FromEmailAddressIdentityArn=ARN,
        Destination={"ToAddresses": ["success@simulator.amazonses.com"]},
        Content=SIMPLE,
    )


def user(world: SesWorld, name: str, account: str) -> str:
    """A user that may do anything with SES, as far as its own account decides; the access key."""
    iam = world.new_client("iam", key="root")
    iam.meta.events.register(
        "before-sign", lambda request, **_: request.headers.__setitem__("x-moto-account-id", account)
    )
    iam.create_user(UserName=name)
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ses:*", "Resource": "*"}]}
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))
    return str(iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"])
