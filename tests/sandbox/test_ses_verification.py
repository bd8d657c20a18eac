"""Verification by real DNS queries, on the simulated clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.ses_world import (
    OTHER_REGION,
    REGION,
    SesWorld,
    dkim_lines,
    fetch,
    private_key,
    refused,
    ses_world,
    verified_domain,
)

DOMAIN = "example.com"
MX = f"bounce 300 IN MX 10 feedback-smtp.{REGION}.amazonses.com.\n"


@pytest.fixture
def world() -> Iterator[SesWorld]:
    with ses_world() as world:
        yield world


def test_a_domain_is_verified_once_all_three_cnames_are_in_dns(world: SesWorld) -> None:
    """API reference, CreateEmailIdentity: "verified when Amazon SES detects these records"."""
    lines = dkim_lines(world.client().create_email_identity(EmailIdentity=DOMAIN)).splitlines(keepends=True)
    world.zone(DOMAIN, "".join(lines[:2]))
    pending = world.checked(DOMAIN)
    assert (pending["VerificationStatus"], pending["VerificationInfo"]["ErrorType"]) == ("PENDING", "HOST_NOT_FOUND")
    world.zone(DOMAIN, "".join(lines))
    done = world.checked(DOMAIN)
    assert (done["VerificationStatus"], done["DkimAttributes"]["Status"]) == ("SUCCESS", "SUCCESS")
    assert done["VerifiedForSendingStatus"] is True
    assert "ErrorType" not in done["VerificationInfo"]
    assert done["VerificationInfo"]["LastSuccessTimestamp"] == done["VerificationInfo"]["LastCheckedTimestamp"]


def test_verification_comes_by_itself_on_the_clock(world: SesWorld) -> None:
    """notes: PENDING → SUCCESS when the records are seen."""
    world.zone(DOMAIN, dkim_lines(world.client().create_email_identity(EmailIdentity=DOMAIN)))
    world.advance(minutes=1)
    assert world.client().get_email_identity(EmailIdentity=DOMAIN)["VerificationStatus"] == "SUCCESS"


def test_the_soa_that_was_seen_is_told(world: SesWorld) -> None:
    """API reference, VerificationInfo.SOARecord."""
    world.client().create_email_identity(EmailIdentity=DOMAIN)
    world.zone(DOMAIN)
    assert world.checked(DOMAIN)["VerificationInfo"]["SOARecord"] == {
        "PrimaryNameServer": "ns1.example.net",
        "AdminEmail": "hostmaster.example.net",
        "SerialNumber": 7,
    }


WRONG = [
    ("nothing is published", "", "HOST_NOT_FOUND"),
    (
        "the provider doubled the zone",
        "{token}._domainkey.example.com 300 IN CNAME {token}.{zone}.\n",
        "HOST_NOT_FOUND",
    ),
    ("the underscore is gone", "{token}.domainkey 300 IN CNAME {token}.{zone}.\n", "HOST_NOT_FOUND"),
    ("the CNAME was flattened to an address", "{token}._domainkey 300 IN A 192.0.2.1\n", "TYPE_NOT_FOUND"),
    ("the value stands as text", '{token}._domainkey 300 IN TXT "{token}.{zone}"\n', "TYPE_NOT_FOUND"),
    ("the target is relative to the zone", "{token}._domainkey 300 IN CNAME {token}.{zone}\n", "INVALID_VALUE"),
    (
        "another region's zone",
        "{token}._domainkey 300 IN CNAME {token}.dkim.eu-south-1.amazonses.com.\n",
        "INVALID_VALUE",
    ),
    ("a wildcard answers", "* 300 IN CNAME elsewhere.example.net.\n", "INVALID_VALUE"),
]


@pytest.mark.parametrize(("line", "error"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_wrong_records_keep_a_domain_pending_and_the_error_says_why(world: SesWorld, line: str, error: str) -> None:
    """API reference, VerificationInfo.ErrorType; notes, "Why it stays pending"."""
    dkim = world.client().create_email_identity(EmailIdentity=DOMAIN)["DkimAttributes"]
    lines = [line.format(token=token, zone=dkim["SigningHostedZone"]) for token in dkim["Tokens"]]
    world.zone(DOMAIN, "".join(dict.fromkeys(lines)))
    read = world.checked(DOMAIN)
    assert (read["VerificationStatus"], read["VerificationInfo"]["ErrorType"]) == ("PENDING", error)


def test_names_are_compared_without_case(world: SesWorld) -> None:
    """RFC 4343: DNS names are case-insensitive."""
    world.zone(DOMAIN, dkim_lines(world.client().create_email_identity(EmailIdentity=DOMAIN)).upper())
    assert world.checked(DOMAIN)["VerificationStatus"] == "SUCCESS"


def test_a_failing_name_server_is_told_apart(world: SesWorld) -> None:
    """API reference, VerificationInfo.ErrorType DNS_SERVER_ERROR."""
    world.client().create_email_identity(EmailIdentity=DOMAIN)
    world.control("POST", "/faults", {"kind": "dns", "suffix": DOMAIN, "rcode": "SERVFAIL"})
    assert world.checked(DOMAIN)["VerificationInfo"]["ErrorType"] == "DNS_SERVER_ERROR"


def test_after_72_hours_without_records_it_failed_and_is_restarted_by_the_origin_alone(world: SesWorld) -> None:
    """Developer Guide: 72 hours; notes: PutEmailIdentityDkimSigningAttributes with SigningAttributesOrigin alone."""
    client = world.client()
    lines = dkim_lines(client.create_email_identity(EmailIdentity=DOMAIN))
    world.advance(hours=71)
    assert world.checked(DOMAIN)["VerificationStatus"] == "PENDING"
    world.advance(hours=2)
    failed = world.checked(DOMAIN)
    assert (failed["VerificationStatus"], failed["DkimAttributes"]["Status"]) == ("FAILED", "FAILED")
    world.zone(DOMAIN, lines)
    world.advance(hours=24)
    assert client.get_email_identity(EmailIdentity=DOMAIN)["VerificationStatus"] == "FAILED"
    restarted = client.put_email_identity_dkim_signing_attributes(
        EmailIdentity=DOMAIN, SigningAttributesOrigin="AWS_SES"
    )
    assert restarted["DkimStatus"] == "PENDING"
    assert world.checked(DOMAIN)["VerificationStatus"] == "SUCCESS"


def test_records_that_vanish_are_waited_for_72_hours(world: SesWorld) -> None:
    """notes: TEMPORARY_FAILURE, checked for 72 h, then FAILED; mail goes unsigned meanwhile."""
    lines = verified_domain(world)
    world.zone(DOMAIN)
    wavering = world.checked(DOMAIN)
    assert (wavering["VerificationStatus"], wavering["VerifiedForSendingStatus"]) == ("TEMPORARY_FAILURE", True)
    world.zone(DOMAIN, lines)
    assert world.checked(DOMAIN)["VerificationStatus"] == "SUCCESS"
    world.zone(DOMAIN)
    assert world.checked(DOMAIN)["VerificationStatus"] == "TEMPORARY_FAILURE"
    world.advance(hours=73)
    failed = world.checked(DOMAIN)
    assert (failed["VerificationStatus"], failed["VerifiedForSendingStatus"]) == ("FAILED", False)


def test_a_revocation_is_noticed_by_itself(world: SesWorld) -> None:
    """Developer Guide: SES checks verified identities from time to time."""
    verified_domain(world)
    world.zone(DOMAIN)
    world.advance(hours=12)
    assert world.client().get_email_identity(EmailIdentity=DOMAIN)["VerificationStatus"] == "TEMPORARY_FAILURE"


def test_two_regions_are_verified_side_by_side(world: SesWorld) -> None:
    """notes: "Tokens differ by region, so several regions live side by side"."""
    answers = [
        world.client(region=region).create_email_identity(EmailIdentity=DOMAIN) for region in (REGION, OTHER_REGION)
    ]
    world.zone(DOMAIN, "".join(dkim_lines(answer) for answer in answers))
    statuses = [world.checked(DOMAIN, region)["VerificationStatus"] for region in (REGION, OTHER_REGION)]
    assert statuses == ["SUCCESS", "SUCCESS"]


def test_an_address_or_subdomain_of_a_verified_domain_may_send_while_pending(world: SesWorld) -> None:
    """notes: VerifiedForSendingStatus can be true while pending."""
    verified_domain(world)
    client = world.client()
    for name in ("a@example.com", "sub.example.com"):
        created = client.create_email_identity(EmailIdentity=name)
        read = client.get_email_identity(EmailIdentity=name)
        assert (created["VerifiedForSendingStatus"], read["VerificationStatus"]) == (True, "PENDING")


def test_mail_from_is_verified_by_its_mx(world: SesWorld) -> None:
    """Developer Guide, "Using a custom MAIL FROM domain"; notes: the status depends on the MX alone."""
    lines = verified_domain(world)
    world.client().put_email_identity_mail_from_attributes(EmailIdentity=DOMAIN, MailFromDomain="bounce.example.com")
    assert world.checked(DOMAIN)["MailFromAttributes"]["MailFromDomainStatus"] == "PENDING"
    world.zone(DOMAIN, lines + MX)
    assert world.checked(DOMAIN)["MailFromAttributes"]["MailFromDomainStatus"] == "SUCCESS"


@pytest.mark.parametrize(
    ("records", "status"),
    [
        pytest.param(MX.replace(REGION, OTHER_REGION), "SUCCESS", id="another region's exchange"),
        pytest.param(MX + "bounce 300 IN MX 20 backup.example.com.\n", "PENDING", id="a second exchange"),
        pytest.param("bounce 300 IN MX 10 mx.example.com.\n", "PENDING", id="one's own exchange"),
        pytest.param(
            "bounce 300 IN MX 20 feedback-smtp.eu-west-1.amazonses.com.\n", "PENDING", id="another preference"
        ),
        pytest.param('bounce 300 IN TXT "v=spf1 include:amazonses.com ~all"\n', "PENDING", id="only the TXT"),
    ],
)
def test_mail_from_takes_exactly_one_mx_of_any_region(world: SesWorld, records: str, status: str) -> None:
    """notes, MAIL FROM: exactly one MX; that of another region is accepted."""
    lines = verified_domain(world)
    world.client().put_email_identity_mail_from_attributes(EmailIdentity=DOMAIN, MailFromDomain="bounce.example.com")
    world.zone(DOMAIN, lines + records)
    assert world.checked(DOMAIN)["MailFromAttributes"]["MailFromDomainStatus"] == status


def test_a_mail_from_that_failed_is_not_looked_for_until_it_is_set_anew(world: SesWorld) -> None:
    """notes: "FAILED is not checked again: it must be set anew"."""
    lines = verified_domain(world)
    client = world.client()
    client.put_email_identity_mail_from_attributes(EmailIdentity=DOMAIN, MailFromDomain="bounce.example.com")
    world.advance(hours=73)
    assert world.checked(DOMAIN)["MailFromAttributes"]["MailFromDomainStatus"] == "FAILED"
    world.zone(DOMAIN, lines + MX)
    assert world.checked(DOMAIN)["MailFromAttributes"]["MailFromDomainStatus"] == "FAILED"
    client.put_email_identity_mail_from_attributes(EmailIdentity=DOMAIN, MailFromDomain="bounce.example.com")
    assert world.checked(DOMAIN)["MailFromAttributes"]["MailFromDomainStatus"] == "SUCCESS"


def test_a_mail_from_that_stands_keeps_its_status_when_only_the_behaviour_changes(world: SesWorld) -> None:
    """API reference, PutEmailIdentityMailFromAttributes."""
    lines = verified_domain(world)
    world.zone(DOMAIN, lines + MX)
    client = world.client()
    client.put_email_identity_mail_from_attributes(EmailIdentity=DOMAIN, MailFromDomain="bounce.example.com")
    world.checked(DOMAIN)
    client.put_email_identity_mail_from_attributes(
        EmailIdentity=DOMAIN, MailFromDomain="bounce.example.com", BehaviorOnMxFailure="REJECT_MESSAGE"
    )
    read = client.get_email_identity(EmailIdentity=DOMAIN)["MailFromAttributes"]
    assert (read["MailFromDomainStatus"], read["BehaviorOnMxFailure"]) == ("SUCCESS", "REJECT_MESSAGE")
    client.put_email_identity_mail_from_attributes(EmailIdentity=DOMAIN)
    assert "MailFromDomain" not in client.get_email_identity(EmailIdentity=DOMAIN)["MailFromAttributes"]


@pytest.mark.parametrize("domain", ["example.com", "bounce.example.org", "notexample.com", "-bounce.example.com"])
def test_mail_from_must_be_a_subdomain_of_the_identity(world: SesWorld, domain: str) -> None:
    """Developer Guide: "must be a subdomain of the domain identity"."""
    world.client().create_email_identity(EmailIdentity=DOMAIN)
    with refused("BadRequestException", domain):
        world.client().put_email_identity_mail_from_attributes(EmailIdentity=DOMAIN, MailFromDomain=domain)


def test_a_changed_key_length_puts_dkim_alone_to_pending(world: SesWorld) -> None:
    """notes: "sets DKIM to PENDING while VerificationStatus stays SUCCESS; at most once in 24 h"."""
    verified_domain(world)
    client = world.client()

    def change(length: str) -> None:
        client.put_email_identity_dkim_signing_attributes(
            EmailIdentity=DOMAIN, SigningAttributesOrigin="AWS_SES", SigningAttributes={"NextSigningKeyLength": length}
        )

    with refused("BadRequestException", "already"):
        change("RSA_2048_BIT")
    change("RSA_1024_BIT")
    read = client.get_email_identity(EmailIdentity=DOMAIN)
    assert (read["VerificationStatus"], read["DkimAttributes"]["Status"]) == ("SUCCESS", "PENDING")
    assert read["DkimAttributes"]["CurrentSigningKeyLength"] == "RSA_2048_BIT"
    assert world.checked(DOMAIN)["DkimAttributes"]["CurrentSigningKeyLength"] == "RSA_1024_BIT"
    with refused("BadRequestException", "24-hour"):
        change("RSA_2048_BIT")
    world.advance(hours=25)
    change("RSA_2048_BIT")


def test_byodkim_is_verified_by_the_public_key_at_its_selector(world: SesWorld) -> None:
    """Developer Guide, BYODKIM; notes: TXT with p=<public key>, strings ≤ 255 each."""
    private, public = private_key()
    created = world.client().create_email_identity(
        EmailIdentity=DOMAIN,
        DkimSigningAttributes={"DomainSigningSelector": "s1", "DomainSigningPrivateKey": private},
    )
    dkim = created["DkimAttributes"]
    assert (dkim["SigningAttributesOrigin"], dkim["Tokens"]) == ("EXTERNAL", ["s1"])
    world.zone(DOMAIN, 's1._domainkey 300 IN TXT "v=DKIM1; p=wrong"\n')
    assert world.checked(DOMAIN)["VerificationInfo"]["ErrorType"] == "INVALID_VALUE"
    value = f"v=DKIM1; k=rsa; p={public}"
    world.zone(DOMAIN, f's1._domainkey 300 IN TXT "{value[:255]}" "{value[255:]}"\n')
    assert world.checked(DOMAIN)["VerificationStatus"] == "SUCCESS"


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"DomainSigningSelector": "s1"}, "together"),
        ({"DomainSigningSelector": "s1", "DomainSigningPrivateKey": "bm90IGEga2V5"}, "valid RSA key"),
        ({"DomainSigningSelector": "s1", "DomainSigningPrivateKey": private_key(3072)[0]}, "1024 to 2048"),
        ({"DomainSigningAttributesOrigin": "AWS_SES"}, "PARENT_REGION"),
    ],
)
def test_dkim_attributes_that_do_not_go_together_are_refused(
    world: SesWorld, attributes: dict[str, str], words: str
) -> None:
    """API reference, DkimSigningAttributes; Developer Guide, BYODKIM: RSA of 1024 to 2048 bits."""
    with refused("BadRequestException", words):
        world.client().create_email_identity(EmailIdentity=DOMAIN, DkimSigningAttributes=attributes)


def follow(link: str) -> int:
    """Opens a link; the HTTP status."""
    return fetch(link)[0]


def test_an_address_is_verified_by_the_link_in_its_mail(world: SesWorld) -> None:
    """Developer Guide, "Creating an email address identity"."""
    world.client().create_email_identity(EmailIdentity="a@example.com")
    [mail] = world.control("GET", "/outbox")[1]["messages"]
    assert (mail["kind"], mail["to"]) == ("verification", ["a@example.com"])
    assert follow(mail["link"]) == 200
    assert world.client().get_email_identity(EmailIdentity="a@example.com")["VerificationStatus"] == "SUCCESS"


def test_the_link_expires_after_24_hours_and_can_be_sent_anew(world: SesWorld) -> None:
    """Developer Guide: "The link in the verification email expires after 24 hours"; notes: v1 VerifyEmailIdentity."""
    world.client().create_email_identity(EmailIdentity="a@example.com")
    [mail] = world.control("GET", "/outbox")[1]["messages"]
    world.advance(hours=25)
    assert follow(mail["link"]) == 410
    assert world.client().get_email_identity(EmailIdentity="a@example.com")["VerificationStatus"] == "FAILED"
    world.client("ses").verify_email_identity(EmailAddress="a@example.com")
    *_, newest = world.control("GET", "/outbox")[1]["messages"]
    assert follow(mail["link"]) == 404
    assert follow(newest["link"]) == 200
