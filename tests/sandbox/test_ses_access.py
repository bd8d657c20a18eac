"""Access control: keys, sessions and IAM policies as AWS answers them. Sources: IAM User Guide; "Common errors" of the APIs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from sandbox.ses_world import REGION, SesWorld, refused, ses_world

HOME = "123456789012"
OTHER = "210987654321"
numbers = count()


@pytest.fixture
def world() -> Iterator[SesWorld]:
    with ses_world(access_control=True) as world:
        world.control("POST", "/reset")
        yield world


def statement(*actions: str, resource: str = "*", effect: str = "Allow", **more: Any) -> dict[str, Any]:
    """One statement of a policy."""
    return {"Effect": effect, "Action": list(actions), "Resource": resource, **more}


def user(world: SesWorld, *statements: dict[str, Any]) -> str:
    """A user with an inline policy; the access key."""
    iam, name = world.new_client("iam", key="root"), f"user{next(numbers)}"
    iam.create_user(UserName=name)
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
    return str(iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"])


def identity(name: str) -> str:
    """The ARN of an identity of the home account."""
    return f"arn:aws:ses:{REGION}:{HOME}:identity/{name}"


def test_an_unknown_key_is_refused_in_each_protocols_words(world: SesWorld) -> None:
    with refused("UnrecognizedClientException", "security token included in the request is invalid"):
        world.new_client(key="AKIAUNKNOWN").get_account()
    with refused("InvalidClientTokenId"):
        world.new_client("ses", key="AKIAUNKNOWN").get_send_quota()
    with refused("InvalidClientTokenId"):
        world.new_client("route53", key="AKIAUNKNOWN").list_hosted_zones()
    with refused("InvalidClientTokenId"):
        world.new_client("sts", key="AKIAUNKNOWN").get_caller_identity()


def test_a_user_may_do_what_its_policies_allow_and_nothing_else(world: SesWorld) -> None:
    key = user(world, statement("ses:Get*", "ses:CreateEmailIdentity", resource=identity("*.example.com")))
    client = world.new_client(key=key)
    client.create_email_identity(EmailIdentity="a.example.com")
    client.get_email_identity(EmailIdentity="a.example.com")
    with refused(
        "AccessDeniedException",
        f"is not authorized to perform: ses:CreateEmailIdentity on resource: {identity('example.org')}",
    ):
        client.create_email_identity(EmailIdentity="example.org")
    with refused("AccessDeniedException", "ses:ListEmailIdentities on resource: *"):
        client.list_email_identities()


def test_a_deny_wins(world: SesWorld) -> None:
    key = user(world, statement("*"), statement("ses:DeleteEmailIdentity", effect="Deny"))
    client = world.new_client(key=key)
    client.create_email_identity(EmailIdentity="example.com")
    with refused("AccessDeniedException", "explicit deny"):
        client.delete_email_identity(EmailIdentity="example.com")


def test_who_may_send_as_one_address_may_send_as_no_other(world: SesWorld) -> None:
    """Service Authorization Reference, Amazon SES v2: ses:FromAddress, ses:Recipients, ses:FromDisplayName."""
    one = {"StringEquals": {"ses:FromAddress": "ses@example.com", "ses:FromDisplayName": "SES"}}
    inside = {"ForAllValues:StringLike": {"ses:Recipients": "*@example.com"}}
    key = user(world, statement("ses:SendEmail", resource=identity("example.com"), Condition={**one, **inside}))
    client = world.new_client(key=key)

    def send(sender: str, recipient: str) -> None:
        content: Any = {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}}
        client.send_email(FromEmailAddress=sender, Destination={"ToAddresses": [recipient]}, Content=content)

    with refused("MessageRejected", "not verified"):  # it is let in
        send("SES <ses@example.com>", "a@example.com")
    for sender, recipient in (
        ("SES <ceo@example.com>", "a@example.com"),
        ("ses@example.com", "a@example.com"),
        ("SES <ses@example.com>", "a@example.org"),
    ):
        with refused("AccessDeniedException", "ses:SendEmail"):
            send(sender, recipient)


def test_conditions_on_tags_and_regions_hold(world: SesWorld) -> None:
    tagged = statement("ses:*", Condition={"StringEquals": {"aws:RequestTag/team": "a", "aws:RequestedRegion": REGION}})
    owned = statement("ses:DeleteEmailIdentity", Condition={"StringEquals": {"aws:ResourceTag/team": "a"}})
    key = user(world, tagged, owned)
    client = world.new_client(key=key)
    with refused("AccessDeniedException"):
        client.create_email_identity(EmailIdentity="example.com")
    client.create_email_identity(EmailIdentity="example.com", Tags=[{"Key": "team", "Value": "a"}])
    client.delete_email_identity(EmailIdentity="example.com")
    with refused("AccessDeniedException"):
        world.new_client(region="us-east-1", key=key).create_email_identity(
            EmailIdentity="example.com", Tags=[{"Key": "team", "Value": "a"}]
        )


def test_route_53_is_guarded_by_zone_and_by_record_names(world: SesWorld) -> None:
    root = world.new_client("iam", key="root")
    assert root.list_users()["Users"] == []
    admin = world.new_client("route53", key=user(world, statement("route53:*")))
    zone = admin.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"].removeprefix(
        "/hostedzone/"
    )
    names = {
        "ForAllValues:StringLike": {
            "route53:ChangeResourceRecordSetsNormalizedRecordNames": ["*._domainkey.example.com"]
        }
    }
    key = user(
        world,
        statement("route53:ChangeResourceRecordSets", resource=f"arn:aws:route53:::hostedzone/{zone}", Condition=names),
    )

    def change(name: str) -> None:
        record = {"Name": name, "Type": "CNAME", "TTL": 300, "ResourceRecords": [{"Value": "target.example.net"}]}
        world.new_client("route53", key=key).change_resource_record_sets(
            HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        )

    change("a._domainkey.Example.com.")
    with refused("AccessDenied", f"route53:ChangeResourceRecordSets on resource: arn:aws:route53:::hostedzone/{zone}"):
        change("www.example.com")


def role(world: SesWorld, trust_condition: dict[str, Any] | None = None) -> str:
    """A role in the other account that the home account may assume; its ARN."""
    iam = world.new_client("iam", key="root")
    iam.meta.events.register(
        "before-sign", lambda request, **_: request.headers.__setitem__("x-moto-account-id", OTHER)
    )
    trust: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{HOME}:root"},
        "Action": "sts:AssumeRole",
    }
    if trust_condition:
        trust["Condition"] = trust_condition
    created = iam.create_role(
        RoleName=f"role{next(numbers)}",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement("ses:*")]})
    iam.put_role_policy(RoleName=created["RoleName"], PolicyName="p", PolicyDocument=document)
    return str(created["Arn"])


def session(world: SesWorld, key: str, arn: str, **params: Any) -> Any:
    """A SESv2 client with the credentials of a session of the role."""
    sts = world.new_client("sts", key=key)
    credentials = sts.assume_role(RoleArn=arn, RoleSessionName="test", **params)["Credentials"]
    return world.new_client(key=credentials["AccessKeyId"], token=credentials["SessionToken"])


def test_a_role_session_acts_in_the_roles_account(world: SesWorld) -> None:
    arn = role(world)
    key = user(world, statement("sts:AssumeRole", resource=arn), statement("ses:*"))
    session(world, key, arn).create_email_identity(EmailIdentity="example.com")
    assert world.new_client(key=key).list_email_identities()["EmailIdentities"] == []
    assert world.control("GET", f"/state?account={OTHER}")[1]["regions"][0]["identities"].keys() == {"example.com"}


def test_a_role_asks_for_its_external_id(world: SesWorld) -> None:
    arn = role(world, {"StringEquals": {"sts:ExternalId": "secret"}})
    key = user(world, statement("sts:AssumeRole", resource=arn))
    with refused("AccessDenied", f"sts:AssumeRole on resource: {arn}"):
        session(world, key, arn)
    assert session(world, key, arn, ExternalId="secret").get_account()


def test_a_user_without_the_right_does_not_get_the_role(world: SesWorld) -> None:
    arn = role(world)
    with refused("AccessDenied", "sts:AssumeRole"):
        session(world, user(world), arn)


def test_a_session_policy_narrows_the_role(world: SesWorld) -> None:
    arn = role(world)
    key = user(world, statement("sts:AssumeRole", resource=arn))
    narrow = json.dumps({"Version": "2012-10-17", "Statement": [statement("ses:GetAccount")]})
    client = session(world, key, arn, Policy=narrow)
    client.get_account()
    with refused("AccessDeniedException", "assumed-role/"):
        client.list_email_identities()


def test_an_expired_session_is_refused(world: SesWorld) -> None:
    arn = role(world)
    client = session(world, user(world, statement("sts:AssumeRole", resource=arn)), arn)
    client.get_account()
    world.control("POST", "/sessions/expire")
    with refused("ExpiredTokenException", "expired"):
        client.get_account()
