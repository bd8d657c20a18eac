"""Identities: created, read, listed, tagged and deleted, as the SESv2 API reference has it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED, xform_name
from botocore.config import Config
from botocore.model import OperationModel

from sandbox.ses_world import OTHER_REGION, REGION, SesWorld, refused, ses_world
from ses_sandbox.ses.context import Context
from ses_sandbox.ses.identity_settings import SETTINGS, IdentitySetting
from ses_sandbox.ses.protocol.wire import service_model
from ses_sandbox.ses.state.models import Identity


@pytest.fixture
def world() -> Iterator[SesWorld]:
    with ses_world() as world:
        yield world


def test_a_new_domain_is_pending_with_three_tokens_and_the_zone_to_point_them_to(world: SesWorld) -> None:
    """API reference, CreateEmailIdentity and DkimAttributes."""
    created = world.client().create_email_identity(EmailIdentity="example.com")
    dkim = created["DkimAttributes"]
    assert (created["IdentityType"], created["VerifiedForSendingStatus"]) == ("DOMAIN", False)
    assert (dkim["Status"], dkim["SigningEnabled"], dkim["SigningAttributesOrigin"]) == ("PENDING", True, "AWS_SES")
    assert len(set(dkim["Tokens"])) == 3
    assert all(len(token) == 32 and token == token.lower() and token.isalnum() for token in dkim["Tokens"])
    assert dkim["SigningHostedZone"] == "dkim.amazonses.com"
    assert dkim["CurrentSigningKeyLength"] == "RSA_2048_BIT"


def test_a_new_identity_shows_no_verification_info_and_only_the_behaviour_of_mail_from(world: SesWorld) -> None:
    """notes: "New VerificationInfo is empty; unset MAIL FROM returns only BehaviorOnMxFailure"."""
    world.client().create_email_identity(EmailIdentity="example.com")
    read = world.client().get_email_identity(EmailIdentity="example.com")
    assert read["VerificationInfo"] == {}
    assert read["MailFromAttributes"] == {"BehaviorOnMxFailure": "USE_DEFAULT_VALUE"}
    assert (read["VerificationStatus"], read["FeedbackForwardingStatus"]) == ("PENDING", True)


def test_tokens_differ_between_regions_and_stay_the_same_when_recreated(world: SesWorld) -> None:
    """notes: "Tokens differ by region"; "Recreating an identity gives the same tokens"."""
    here, there = world.client(), world.client(region=OTHER_REGION)
    first = here.create_email_identity(EmailIdentity="example.com")["DkimAttributes"]["Tokens"]
    other = there.create_email_identity(EmailIdentity="example.com")["DkimAttributes"]["Tokens"]
    here.delete_email_identity(EmailIdentity="example.com")
    again = here.create_email_identity(EmailIdentity="example.com")["DkimAttributes"]["Tokens"]
    assert first == again
    assert not set(first) & set(other)


@pytest.mark.parametrize(
    ("region", "zone"),
    [
        ("us-east-1", "dkim.amazonses.com"),
        ("eu-south-1", "dkim.eu-south-1.amazonses.com"),
        ("il-central-1", "dkim.il-central-1.amazonses.com"),
    ],
)
def test_each_region_has_its_signing_hosted_zone(world: SesWorld, region: str, zone: str) -> None:
    """notes, Easy DKIM: the regions with a zone of their own."""
    created = world.client(region=region).create_email_identity(EmailIdentity="example.com")
    assert created["DkimAttributes"]["SigningHostedZone"] == zone


def test_creating_what_is_there_is_refused(world: SesWorld) -> None:
    """API reference, CreateEmailIdentity: AlreadyExistsException; domains are case-insensitive (Developer Guide)."""
    world.client().create_email_identity(EmailIdentity="example.com")
    with refused("AlreadyExistsException", "EXAMPLE.com"):
        world.client().create_email_identity(EmailIdentity="EXAMPLE.com")


def test_addresses_are_case_sensitive_and_have_no_dkim_of_their_own(world: SesWorld) -> None:
    """Developer Guide: "Email addresses are case sensitive"; notes: DKIM NOT_STARTED."""
    client = world.client()
    client.create_email_identity(EmailIdentity="Sender@example.com")
    created = client.create_email_identity(EmailIdentity="sender@example.com")
    assert created["IdentityType"] == "EMAIL_ADDRESS"
    assert created["DkimAttributes"]["Status"] == "NOT_STARTED"
    with refused("BadRequestException", "domain"):
        client.put_email_identity_dkim_attributes(EmailIdentity="sender@example.com", SigningEnabled=True)


def test_an_address_under_a_registered_domain_shows_the_dkim_of_the_domain(world: SesWorld) -> None:
    """notes: "under a registered domain it shows the domain's"."""
    client = world.client()
    domain = client.create_email_identity(EmailIdentity="example.com")
    address = client.create_email_identity(EmailIdentity="a@example.com")
    assert address["DkimAttributes"]["Tokens"] == domain["DkimAttributes"]["Tokens"]


@pytest.mark.parametrize(
    "name", ["localhost", "-a.example.com", "a..example.com", f"{'a' * 64}.com", "a b@example.com"]
)
def test_what_is_neither_domain_nor_address_is_refused(world: SesWorld, name: str) -> None:
    """API reference, BadRequestException; RFC 1035."""
    with refused("BadRequestException", "Invalid"):
        world.client().create_email_identity(EmailIdentity=name)


@pytest.mark.parametrize("cleared", [{}, {"ConfigurationSetName": ""}], ids=["omitted", "empty"])
def test_a_configuration_set_must_exist_before_it_is_made_the_default(world: SesWorld, cleared: dict[str, str]) -> None:
    """API reference, CreateEmailIdentity: NotFoundException."""
    client = world.client()
    with refused("NotFoundException", "marketing"):
        client.create_email_identity(EmailIdentity="example.com", ConfigurationSetName="marketing")
    client.create_configuration_set(ConfigurationSetName="marketing")
    client.create_email_identity(EmailIdentity="example.com", ConfigurationSetName="marketing")
    assert client.get_email_identity(EmailIdentity="example.com")["ConfigurationSetName"] == "marketing"
    client.put_email_identity_configuration_set_attributes(EmailIdentity="example.com", **cleared)
    assert "ConfigurationSetName" not in client.get_email_identity(EmailIdentity="example.com")


def test_more_identities_than_the_quota_are_refused(world: SesWorld) -> None:
    """Developer Guide, quotas: 10,000 identities in each region; here lowered to 2."""
    world.control("POST", "/account", {"account": world.account, "region": REGION, "maxIdentities": 2})
    client = world.client()
    for number in range(2):
        client.create_email_identity(EmailIdentity=f"d{number}.example.com")
    with refused("LimitExceededException", "2 identities"):
        client.create_email_identity(EmailIdentity="d2.example.com")
    world.client(region=OTHER_REGION).create_email_identity(EmailIdentity="d2.example.com")


def _another_value(setting: IdentitySetting[Any]) -> Any:
    """Return a value that a new identity does not have: of the type that the service model gives the parameter."""
    shape = service_model("sesv2").operation_model(setting.operation).input_shape
    assert shape is not None
    parameter = shape.members[setting.parameter]
    values = {"boolean": [not setting.default], "string": getattr(parameter, "enum", None) or ["marketing"]}
    return next(value for value in values[parameter.type_name] if value != setting.default)


def _put(client: Any, setting: IdentitySetting[Any], params: dict[str, Any]) -> Any:
    """Put a setting; return what GetEmailIdentity then shows of it, None if nothing."""
    getattr(client, xform_name(setting.operation))(EmailIdentity="example.com", **params)
    return client.get_email_identity(EmailIdentity="example.com").get(setting.member)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.operation)
def test_a_setting_has_its_default_is_put_read_back_and_put_without_a_value(
    world: SesWorld, setting: IdentitySetting[Any]
) -> None:
    """API v2 reference, PutEmailIdentity* and GetEmailIdentity."""
    client, value = world.client(), _another_value(setting)
    client.create_configuration_set(ConfigurationSetName="marketing")
    client.create_email_identity(EmailIdentity="example.com")
    assert client.get_email_identity(EmailIdentity="example.com").get(setting.member) == setting.default
    assert _put(client, setting, {setting.parameter: value}) == value
    assert _put(client, setting, {}) == setting.omitted


MISSING_CODES: dict[Callable[[Context, str], Identity], str] = {
    Context.identity: "NotFoundException",
    Context.identity_to_change: "BadRequestException",
}
MISSING: list[tuple[str, dict[str, Any], str]] = [
    ("get_email_identity", {}, "NotFoundException"),
    ("delete_email_identity", {}, "NotFoundException"),
    ("get_email_identity_policies", {}, "NotFoundException"),
    ("put_email_identity_dkim_signing_attributes", {"SigningAttributesOrigin": "AWS_SES"}, "NotFoundException"),
    ("put_email_identity_dkim_attributes", {"SigningEnabled": True}, "BadRequestException"),
    ("put_email_identity_mail_from_attributes", {"MailFromDomain": "b.example.com"}, "BadRequestException"),
    *((xform_name(setting.operation), {}, MISSING_CODES[setting.find]) for setting in SETTINGS),
]


@pytest.mark.parametrize(("operation", "params", "code"), MISSING, ids=[case[0] for case in MISSING])
def test_a_missing_identity_is_reported_in_each_operations_own_way(
    world: SesWorld, operation: str, params: dict[str, Any], code: str
) -> None:
    """notes, Calls: NotFoundException from some, BadRequestException from others."""
    with refused(code, "example.com"):
        getattr(world.client(), operation)(EmailIdentity="example.com", **params)


def test_lists_go_by_pages_whatever_comes_and_goes_between_them(world: SesWorld) -> None:
    """API reference, ListEmailIdentities: PageSize and NextToken."""
    client = world.client()
    for number in range(5):
        client.create_email_identity(EmailIdentity=f"d{number}.example.com")
    first = client.list_email_identities(PageSize=2)
    client.delete_email_identity(EmailIdentity="d1.example.com")
    second = client.list_email_identities(PageSize=2, NextToken=first["NextToken"])
    third = client.list_email_identities(PageSize=2, NextToken=second["NextToken"])
    names = [item["IdentityName"] for page in (first, second, third) for item in page["EmailIdentities"]]
    assert names == [f"d{number}.example.com" for number in range(5)]
    assert "NextToken" not in third


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"PageSize": 1001}, "PageSize"),
        ({"NextToken": "nonsense"}, "NextToken"),
        ({"Filter": {"IDENTITY_TYPE": "COUNTRY"}}, "IDENTITY_TYPE"),
        ({"Filter": {"VERIFICATION_STATUS": "MAYBE"}}, "VERIFICATION_STATUS"),
        ({"Filter": {"COLOUR": "RED"}}, "IDENTITY_NAME_CONTAINS"),
    ],
)
def test_lists_refuse_what_they_cannot_use(world: SesWorld, params: dict[str, Any], words: str) -> None:
    """API reference, ListEmailIdentities: PageSize ≤ 1000; IdentityFilter keys in botocore's model."""
    with refused("BadRequestException", words):
        world.client().list_email_identities(**params)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({"IDENTITY_NAME_CONTAINS": "shop"}, ["shop.example.com", "shop@example.org"]),
        ({"IDENTITY_TYPE": "EMAIL_ADDRESS"}, ["shop@example.org"]),
        ({"VERIFICATION_STATUS": "SUCCESS"}, []),
        ({"VERIFICATION_STATUS": "PENDING", "IDENTITY_TYPE": "DOMAIN"}, ["mail.example.com", "shop.example.com"]),
    ],
)
def test_lists_can_be_filtered(world: SesWorld, wanted: dict[str, str], names: list[str]) -> None:
    """API reference, ListEmailIdentities, Filter."""
    client = world.client()
    for name in ("shop.example.com", "mail.example.com", "shop@example.org"):
        client.create_email_identity(EmailIdentity=name)
    listed = client.list_email_identities(Filter=wanted)["EmailIdentities"]
    assert [item["IdentityName"] for item in listed] == names


def test_the_list_route_of_older_sdks_answers_too(world: SesWorld) -> None:
    """notes: "older SDKs send GET /v2/email/identities"."""
    world.client().create_email_identity(EmailIdentity="a.example.com")
    world.client().create_email_identity(EmailIdentity="b.example.com")

    def as_older_sdk(request: Any, **_: Any) -> None:
        request.method, request.data = "GET", b""
        request.url = request.url.replace("list-identities", "identities") + "?PageSize=1"

    older = world.client()
    older.meta.events.register_first("before-sign", as_older_sdk)
    page = older.list_email_identities()
    assert [item["IdentityName"] for item in page["EmailIdentities"]] == ["a.example.com"]
    assert "NextToken" in page


def test_tags_are_added_changed_and_removed(world: SesWorld) -> None:
    """API reference, TagResource, UntagResource, ListTagsForResource."""
    client = world.client()
    client.create_email_identity(EmailIdentity="example.com", Tags=[{"Key": "team", "Value": "a"}])
    arn = f"arn:aws:ses:{REGION}:{world.account}:identity/example.com"
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "b"}, {"Key": "cost", "Value": ""}])
    client.untag_resource(ResourceArn=arn, TagKeys=["cost", "absent"])
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "b"}]
    assert client.get_email_identity(EmailIdentity="example.com")["Tags"] == [{"Key": "team", "Value": "b"}]


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ([{"Key": f"k{number}", "Value": ""} for number in range(51)], "50 tags"),
        ([{"Key": "k" * 129, "Value": ""}], "128"),
        ([{"Key": "", "Value": ""}], "between 1"),
        ([{"Key": "k", "Value": "v" * 257}], "256"),
        ([{"Key": "aws:k", "Value": ""}], "reserved"),
        ([{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}], "Duplicate"),
        ([{"Key": "k"}], "tags.1.member.value"),
    ],
)
def test_tags_beyond_the_limits_are_refused(world: SesWorld, tags: list[dict[str, str]], words: str) -> None:
    """notes, Limits: ≤ 50 tags, key ≤ 128, value ≤ 256."""
    with refused("BadRequestException", words):
        world.client().create_email_identity(EmailIdentity="example.com", Tags=tags)


def test_tags_of_what_is_not_there_are_not_found(world: SesWorld) -> None:
    """API reference, ListTagsForResource: NotFoundException, BadRequestException."""
    arn = f"arn:aws:ses:{REGION}:{world.account}:identity/example.com"
    with refused("NotFoundException"):
        world.client().list_tags_for_resource(ResourceArn=arn)
    with refused("BadRequestException", "ARN"):
        world.client().list_tags_for_resource(ResourceArn=arn.replace(REGION, OTHER_REGION))


INVALID: list[tuple[str, dict[str, Any], str]] = [
    ("create_email_identity", {"EmailIdentity": "a.com", "Colour": "red"}, "Unknown parameter 'colour'"),
    ("create_email_identity", {}, "Member must not be null"),
    (
        "create_email_identity",
        {"EmailIdentity": "a.com", "DkimSigningAttributes": {"NextSigningKeyLength": "RSA_512_BIT"}},
        "[RSA_1024_BIT, RSA_2048_BIT]",
    ),
    (
        "create_email_identity",
        {"EmailIdentity": "a.com", "DkimSigningAttributes": {"DomainSigningSelector": "under_score"}},
        "regular expression",
    ),
    (
        "put_email_identity_mail_from_attributes",
        {"EmailIdentity": "a.com", "BehaviorOnMxFailure": "IGNORE"},
        "enum value set",
    ),
]


@pytest.mark.parametrize(("operation", "params", "words"), INVALID, ids=[case[2] for case in INVALID])
def test_input_is_checked_against_the_service_model(
    world: SesWorld, operation: str, params: dict[str, Any], words: str
) -> None:
    """botocore's sesv2 model; API reference, BadRequestException."""
    client = world.client()
    client.meta.events.register("before-call", _send_as_given(params))
    with refused("BadRequestException", words):
        getattr(client, operation)(EmailIdentity="a.com")


def _send_as_given(params: dict[str, Any]) -> Any:
    def send(**event: Any) -> None:
        event["params"]["body"] = json.dumps(params).encode()

    return send


def test_the_account_shows_quota_and_sandbox_state(world: SesWorld) -> None:
    """API reference, GetAccount; Developer Guide: 200 messages a day in the SES sandbox."""
    account = world.client().get_account()
    assert (account["ProductionAccessEnabled"], account["EnforcementStatus"]) == (False, "HEALTHY")
    assert account["SendQuota"] == {"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": 0.0}
    world.client().put_account_details(
        MailType="TRANSACTIONAL", WebsiteURL="https://example.com", ProductionAccessEnabled=True
    )
    assert world.client().get_account()["ProductionAccessEnabled"] is True
    with refused("ConflictException"):
        world.client().put_account_details(MailType="TRANSACTIONAL", WebsiteURL="https://example.com")


def test_accounts_and_regions_do_not_see_each_other(world: SesWorld) -> None:
    """Developer Guide: identities are per account and region."""
    world.client().create_email_identity(EmailIdentity="example.com")
    stranger = SesWorld(world.sandbox)
    assert stranger.client().list_email_identities()["EmailIdentities"] == []
    assert world.client(region=OTHER_REGION).list_email_identities()["EmailIdentities"] == []


def test_answers_have_only_members_that_the_model_has(world: SesWorld) -> None:
    """botocore's sesv2 model, output shapes."""
    client = world.client()
    raw: list[tuple[OperationModel, Any]] = []
    client.meta.events.register("after-call", lambda model, parsed, **_: raw.append((model, parsed)))
    client.create_email_identity(EmailIdentity="example.com", Tags=[{"Key": "a", "Value": "b"}])
    client.put_email_identity_mail_from_attributes(EmailIdentity="example.com", MailFromDomain="b.example.com")
    client.get_email_identity(EmailIdentity="example.com")
    client.list_email_identities()
    client.get_account()
    for model, parsed in raw:
        shape = service_model("sesv2").operation_model(model.name).output_shape
        assert shape is not None
        assert parsed.keys() - {"ResponseMetadata"} <= shape.members.keys()


def test_an_unsigned_request_is_served_in_us_east_1(world: SesWorld) -> None:
    """Any key is accepted unless access control is asked for; so is none."""
    client: Any = boto3.client(
        "sesv2",
        endpoint_url=world.sandbox.aws_url,
        region_name=REGION,
        config=Config(signature_version=UNSIGNED),
    )
    client.create_email_identity(EmailIdentity="example.com")
    assert world.control("GET", "/state?region=us-east-1&identity=example.com")[1]["regions"]
