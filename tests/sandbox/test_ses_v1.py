"""SESv1 (query protocol), as far as SESv2 has no operation for it. Source: Amazon SES API reference, version 2010-12-01."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from sandbox.ses_world import REGION, SesWorld, dkim_lines, refused, ses_world

TOPIC = f"arn:aws:sns:{REGION}:123456789012:bounces"


@pytest.fixture
def world() -> Iterator[SesWorld]:
    with ses_world() as world:
        yield world


def test_verify_domain_dkim_gives_the_tokens_of_v2(world: SesWorld) -> None:
    """API reference, VerifyDomainDkim."""
    tokens = world.client("ses").verify_domain_dkim(Domain="example.com")["DkimTokens"]
    assert world.client().get_email_identity(EmailIdentity="example.com")["DkimAttributes"]["Tokens"] == tokens


def test_verify_domain_dkim_restarts_what_failed(world: SesWorld) -> None:
    """notes: "then v1 VerifyDomainDkim"."""
    lines = dkim_lines(world.client().create_email_identity(EmailIdentity="example.com"))
    world.advance(hours=73)
    assert world.checked("example.com")["VerificationStatus"] == "FAILED"
    world.client("ses").verify_domain_dkim(Domain="example.com")
    world.zone("example.com", lines)
    assert world.checked("example.com")["VerificationStatus"] == "SUCCESS"


def test_a_domain_can_be_verified_by_a_txt_record_without_dkim(world: SesWorld) -> None:
    """API reference, VerifyDomainIdentity: a TXT record at _amazonses."""
    client = world.client("ses")
    token = client.verify_domain_identity(Domain="example.com")["VerificationToken"]
    world.zone("example.com", f'_amazonses 300 IN TXT "{token}"\n')
    read = world.checked("example.com")
    assert (read["VerificationStatus"], read["DkimAttributes"]["Status"]) == ("SUCCESS", "NOT_STARTED")
    attributes = client.get_identity_verification_attributes(Identities=["example.com", "absent.com"])
    assert attributes["VerificationAttributes"] == {
        "example.com": {"VerificationStatus": "Success", "VerificationToken": token}
    }


def test_dkim_attributes_are_told_by_identity(world: SesWorld) -> None:
    """API reference, GetIdentityDkimAttributes."""
    created = world.client().create_email_identity(EmailIdentity="example.com")
    answer = world.client("ses").get_identity_dkim_attributes(Identities=["example.com"])
    assert answer["DkimAttributes"]["example.com"] == {
        "DkimEnabled": True,
        "DkimVerificationStatus": "Pending",
        "DkimTokens": created["DkimAttributes"]["Tokens"],
    }


def test_notification_topics_are_set_and_removed(world: SesWorld) -> None:
    """API reference, SetIdentityNotificationTopic, SetIdentityHeadersInNotificationsEnabled."""
    world.client().create_email_identity(EmailIdentity="example.com")
    client = world.client("ses")
    client.set_identity_notification_topic(Identity="example.com", NotificationType="Bounce", SnsTopic=TOPIC)
    client.set_identity_headers_in_notifications_enabled(
        Identity="example.com", NotificationType="Bounce", Enabled=True
    )
    read = client.get_identity_notification_attributes(Identities=["example.com"])["NotificationAttributes"][
        "example.com"
    ]
    assert (read["BounceTopic"], read["HeadersInBounceNotificationsEnabled"]) == (TOPIC, True)
    client.set_identity_notification_topic(Identity="example.com", NotificationType="Bounce")
    read = client.get_identity_notification_attributes(Identities=["example.com"])["NotificationAttributes"][
        "example.com"
    ]
    assert "BounceTopic" not in read


def test_forwarding_can_be_switched_off_only_with_topics_for_bounces_and_complaints(world: SesWorld) -> None:
    """API reference, SetIdentityFeedbackForwardingEnabled."""
    world.client().create_email_identity(EmailIdentity="example.com")
    client = world.client("ses")
    with refused("InvalidParameterValue", "topics"):
        client.set_identity_feedback_forwarding_enabled(Identity="example.com", ForwardingEnabled=False)
    for kind in ("Bounce", "Complaint"):
        client.set_identity_notification_topic(Identity="example.com", NotificationType=kind, SnsTopic=TOPIC)
    client.set_identity_feedback_forwarding_enabled(Identity="example.com", ForwardingEnabled=False)
    assert world.client().get_email_identity(EmailIdentity="example.com")["FeedbackForwardingStatus"] is False


def test_identities_are_listed_by_type_and_deleted_without_complaint(world: SesWorld) -> None:
    """API reference, ListIdentities, DeleteIdentity."""
    client = world.client("ses")
    client.verify_domain_dkim(Domain="example.com")
    client.verify_email_identity(EmailAddress="a@example.com")
    assert client.list_identities(IdentityType="Domain")["Identities"] == ["example.com"]
    page = client.list_identities(MaxItems=1)
    rest = client.list_identities(MaxItems=1, NextToken=page["NextToken"])
    assert page["Identities"] + rest["Identities"] == ["a@example.com", "example.com"]
    client.delete_identity(Identity="example.com")
    client.delete_identity(Identity="example.com")
    assert client.list_identities()["Identities"] == ["a@example.com"]


def test_the_quota_is_told(world: SesWorld) -> None:
    """API reference, GetSendQuota."""
    quota = world.client("ses").get_send_quota()
    assert (quota["Max24HourSend"], quota["MaxSendRate"], quota["SentLast24Hours"]) == (200.0, 1.0, 0.0)


def test_wrong_input_is_refused_in_the_first_versions_way(world: SesWorld) -> None:
    """API reference, common errors: ValidationError; InvalidParameterValue."""
    client = world.client("ses")
    with refused("ValidationError", "Domain"):
        client.verify_domain_dkim()
    with refused("InvalidParameterValue", "Invalid identity name"):
        client.verify_domain_dkim(Domain="no domain")
    with refused("ValidationError", "Bounce"):
        client.set_identity_notification_topic(Identity="example.com", NotificationType="Whatever")
    with refused("InvalidParameterValue", "does not exist"):
        client.set_identity_notification_topic(Identity="example.com", NotificationType="Bounce")


def test_mail_from_is_one_in_both_versions(world: SesWorld) -> None:
    """API reference, SetIdentityMailFromDomain, GetIdentityMailFromDomainAttributes."""
    world.client().create_email_identity(EmailIdentity="example.com")
    client = world.client("ses")
    client.set_identity_mail_from_domain(
        Identity="example.com", MailFromDomain="bounce.example.com", BehaviorOnMXFailure="RejectMessage"
    )
    read = world.client().get_email_identity(EmailIdentity="example.com")["MailFromAttributes"]
    assert (read["MailFromDomain"], read["BehaviorOnMxFailure"]) == ("bounce.example.com", "REJECT_MESSAGE")
    told = client.get_identity_mail_from_domain_attributes(Identities=["example.com", "absent.com"])
    assert told["MailFromDomainAttributes"] == {
        "example.com": {
            "MailFromDomain": "bounce.example.com",
            "MailFromDomainStatus": "Pending",
            "BehaviorOnMXFailure": "RejectMessage",
        }
    }
    client.set_identity_mail_from_domain(Identity="example.com")
    told = client.get_identity_mail_from_domain_attributes(Identities=["example.com"])["MailFromDomainAttributes"]
    assert told == {"example.com": {"BehaviorOnMXFailure": "UseDefaultValue"}}


def test_signing_is_switched_in_both_versions(world: SesWorld) -> None:
    """API reference, SetIdentityDkimEnabled."""
    world.client().create_email_identity(EmailIdentity="example.com")
    world.client("ses").set_identity_dkim_enabled(Identity="example.com", DkimEnabled=False)
    assert not world.client().get_email_identity(EmailIdentity="example.com")["DkimAttributes"]["SigningEnabled"]


def test_policies_are_put_over_one_another_and_deleted_twice(world: SesWorld) -> None:
    """API reference, PutIdentityPolicy ("adds or updates"), DeleteIdentityPolicy ("successfully even if … does not exist")."""
    world.client().create_email_identity(EmailIdentity="example.com")
    client, arn = world.client("ses"), f"arn:aws:ses:{REGION}:{world.account}:identity/example.com"
    for action in ("ses:SendEmail", "ses:SendRawEmail"):
        statement = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": action, "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        client.put_identity_policy(Identity="example.com", PolicyName="partner", Policy=policy)
    assert client.list_identity_policies(Identity="example.com")["PolicyNames"] == ["partner"]
    read = client.get_identity_policies(Identity="example.com", PolicyNames=["partner", "absent"])["Policies"]
    assert read == {"partner": policy} == world.client().get_email_identity(EmailIdentity="example.com")["Policies"]
    with refused("InvalidPolicy"):
        client.put_identity_policy(Identity="example.com", PolicyName="partner", Policy="{}")
    for _ in range(2):
        client.delete_identity_policy(Identity="example.com", PolicyName="partner")
    assert client.list_identity_policies(Identity="example.com")["PolicyNames"] == []


def test_mail_is_sent_only_as_what_is_verified(world: SesWorld) -> None:
    """API reference, SendEmail, SendRawEmail; errors MessageRejected, AccountSendingPausedException."""
    created = world.client().create_email_identity(EmailIdentity="example.com")
    client, message = world.client("ses"), {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "There"}}}
    simple = {"Source": "a@example.com", "Destination": {"ToAddresses": ["b@example.com"]}, "Message": message}
    with refused("MessageRejected", "a@example.com"):
        client.send_email(**simple)
    world.zone("example.com", dkim_lines(created))
    world.checked("example.com")
    raw = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: Raw\r\n\r\nThere"

    sent = [client.send_email(**simple), client.send_raw_email(RawMessage={"Data": raw})]

    messages = world.control("GET", f"/outbox?account={world.account}")[1]["messages"]
    kept = {mail["id"]: mail["subject"] for mail in messages}
    assert [kept[answer["MessageId"]] for answer in sent] == ["Hello", "Raw"]
    client.update_account_sending_enabled(Enabled=False)
    assert client.get_account_sending_enabled()["Enabled"] is False
    with refused("AccountSendingPausedException"):
        client.send_email(**simple)


def test_configuration_sets_are_the_same_in_both_versions(world: SesWorld) -> None:
    """API reference, CreateConfigurationSet, DescribeConfigurationSet, ListConfigurationSets, DeleteConfigurationSet."""
    client = world.client("ses")
    client.create_configuration_set(ConfigurationSet={"Name": "default"})
    with refused("ConfigurationSetAlreadyExists"):
        client.create_configuration_set(ConfigurationSet={"Name": "default"})
    assert world.client().list_configuration_sets()["ConfigurationSets"] == ["default"]
    assert client.list_configuration_sets()["ConfigurationSets"] == [{"Name": "default"}]
    assert client.describe_configuration_set(ConfigurationSetName="default")["ConfigurationSet"] == {"Name": "default"}
    client.delete_configuration_set(ConfigurationSetName="default")
    with refused("ConfigurationSetDoesNotExist"):
        client.describe_configuration_set(ConfigurationSetName="default")


def test_what_the_sandbox_cannot_do_is_said_as_aws_says_errors(world: SesWorld) -> None:
    with refused("NotImplemented", "sandbox"):
        world.client("ses").put_configuration_set_delivery_options(ConfigurationSetName="default")


@pytest.mark.parametrize("arn", [False, True], ids=["by name", "by ARN"])
def test_the_operations_whose_reference_says_so_take_an_identity_by_its_arn(world: SesWorld, arn: bool) -> None:
    """API reference: "You can specify an identity by using its name or by using its Amazon Resource Name (ARN)"."""
    world.client().create_email_identity(EmailIdentity="example.com")
    given = f"arn:aws:ses:{REGION}:{world.account}:identity/example.com" if arn else "example.com"
    client = world.client("ses")
    client.set_identity_notification_topic(Identity=given, NotificationType="Bounce", SnsTopic=TOPIC)
    read = client.get_identity_notification_attributes(Identities=[given])["NotificationAttributes"]
    assert read[given]["BounceTopic"] == TOPIC
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::210987654321:root"},
        "Action": "ses:SendEmail",
        "Resource": f"arn:aws:ses:{REGION}:{world.account}:identity/example.com",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client.put_identity_policy(Identity=given, PolicyName="p", Policy=document)
    assert client.list_identity_policies(Identity=given)["PolicyNames"] == ["p"]
    assert client.get_identity_policies(Identity=given, PolicyNames=["p"])["Policies"] == {"p": document}
    client.delete_identity_policy(Identity=given, PolicyName="p")
    assert client.list_identity_policies(Identity="example.com")["PolicyNames"] == []
    calls = world.control("GET", "/calls?operation=PutIdentityPolicy")[1]["calls"]
    assert {call["identity"] for call in calls} == {"example.com"}


def test_an_arn_of_another_region_names_no_identity_here(world: SesWorld) -> None:
    world.client().create_email_identity(EmailIdentity="example.com")
    arn = f"arn:aws:ses:us-east-1:{world.account}:identity/example.com"
    with refused("InvalidParameterValue", arn):
        world.client("ses").list_identity_policies(Identity=arn)
