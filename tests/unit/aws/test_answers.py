"""SES's answers as plain values, and what is meant by what they leave out."""

from __future__ import annotations

import pytest

from ses_operator.aws.ses.answers import account_facts, dkim_facts, identity_facts, listed_identities
from ses_operator.core.model.regions.ses_regions import signing_hosted_zone
from ses_operator.core.model.ses import (
    AccountFacts,
    ListedIdentity,
    SigningOrigin,
    VerificationInfo,
    VerificationStatus,
)


def test_an_identity_with_everything() -> None:
    facts = identity_facts(
        {
            "VerificationStatus": "SUCCESS",
            "VerifiedForSendingStatus": True,
            "DkimAttributes": {
                "SigningEnabled": True,
                "Status": "SUCCESS",
                "Tokens": ["a", "b", "c"],
                "SigningHostedZone": "x.dkim.amazonses.com",
                "SigningAttributesOrigin": "AWS_SES",
                "CurrentSigningKeyLength": "RSA_1024_BIT",
                "NextSigningKeyLength": "RSA_2048_BIT",
            },
            "MailFromAttributes": {
                "MailFromDomain": "bounce.example.com",
                "MailFromDomainStatus": "PENDING",
                "BehaviorOnMxFailure": "REJECT_MESSAGE",
            },
            "ConfigurationSetName": "default",
            "Tags": [{"Key": "team", "Value": "a"}],
            "VerificationInfo": {
                "ErrorType": "HOST_NOT_FOUND",
                "SOARecord": {"PrimaryNameServer": "ns1.example.com", "SerialNumber": 1},
            },
        },
        "eu-west-1",
    )
    assert facts.verification_status is VerificationStatus.SUCCESS
    assert facts.sending_enabled
    assert facts.dkim.tokens == ("a", "b", "c")
    assert facts.dkim.signing_hosted_zone == "x.dkim.amazonses.com"
    assert (facts.dkim.key_length, facts.dkim.next_key_length) == (1024, 2048)
    assert facts.mail_from is not None
    assert facts.mail_from.status is VerificationStatus.PENDING
    assert facts.configuration_set_name == "default"
    assert facts.tags == {"team": "a"}
    assert facts.verification_info == VerificationInfo("HOST_NOT_FOUND", "ns1.example.com")


def test_a_new_identity_has_no_mail_from_and_nothing_is_known_of_its_verification() -> None:
    facts = identity_facts({"MailFromAttributes": {"BehaviorOnMxFailure": "USE_DEFAULT_VALUE"}}, "eu-west-1")
    assert facts.mail_from is None
    assert facts.configuration_set_name is None
    assert facts.verification_status is VerificationStatus.PENDING
    assert facts.verification_info == VerificationInfo()


@pytest.mark.parametrize(
    ("region", "zone"),
    [("eu-west-1", "dkim.amazonses.com"), ("eu-south-1", "dkim.eu-south-1.amazonses.com")],
)
def test_an_answer_without_a_signing_hosted_zone_gets_that_of_its_region(region: str, zone: str) -> None:
    assert dkim_facts({}, region).signing_hosted_zone == zone == signing_hosted_zone(region)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("AWS_SES", SigningOrigin.EASY),
        ("EXTERNAL", SigningOrigin.EXTERNAL),
        ("AWS_SES_US_EAST_1", SigningOrigin.REPLICA),
        (None, SigningOrigin.EASY),
    ],
)
def test_where_the_key_comes_from(origin: str | None, expected: SigningOrigin) -> None:
    assert dkim_facts({"SigningAttributesOrigin": origin}, "eu-west-1").origin is expected


def test_a_status_that_ses_may_add_counts_as_pending() -> None:
    listed = listed_identities({"EmailIdentities": [{"IdentityName": "example.com", "VerificationStatus": "NEW"}]})
    assert listed == (ListedIdentity("example.com", VerificationStatus.PENDING, sending_enabled=False),)


def test_an_account_in_the_ses_sandbox() -> None:
    answer = {"SendingEnabled": True, "SendQuota": {"Max24HourSend": 200.0, "MaxSendRate": 1.0}}
    assert account_facts(answer) == AccountFacts(
        production_access=False,
        sending_enabled=True,
        enforcement_status="HEALTHY",
        max_24_hour_send=200.0,
        max_send_rate=1.0,
    )
