"""The IAM policies that are printed: as narrow as what they are printed for, decided as IAM decides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from controllers.specs import MEMBERS
from ses_operator.api.account.kind import SesAccountSpec
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.cli.main import main
from ses_operator.core.features.settings import SETTINGS, actions_of_settings
from ses_operator.core.iam.permissions import ACTIONS, AUDIT_ACTIONS
from ses_operator.core.iam.policy import PolicyScope, Sending, operator_policy
from ses_operator.core.model.iam_actions import Feature
from ses_operator.core.model.keys import Installation, ObjectKey
from ses_operator.core.state.desired import Desired, desired_identity
from ses_operator.core.state.setting import UNMANAGED, Setting
from ses_sandbox.access.policy import AccessRequest, Decision, decide

IDENTITY: dict[str, Any] = {
    "apiVersion": "ses-operator.io/v1alpha1",
    "kind": "SesIdentity",
    "metadata": {"name": "mail", "namespace": "team"},
    "spec": {"domain": "mail.example.com", "regions": ["eu-west-1"], "accountRef": {"name": "default"}},
}
ROLE, ZONE_ROLE = "arn:aws:iam::123456789012:role/ses", "arn:aws:iam::210987654321:role/dns"
ACCOUNT: dict[str, Any] = {
    "apiVersion": "ses-operator.io/v1alpha1",
    "kind": "SesAccount",
    "metadata": {"name": "default"},
    "spec": {"credentials": {"assumeRole": {"roleARN": ROLE}}},
    "status": {"accountID": "123456789012"},
}
CHANGE = "route53:ChangeResourceRecordSets"
IRELAND_ARN = "arn:aws:ses:eu-west-1:123456789012:identity/mail.example.com"


def printed(*arguments: str, files: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    """The policy that the command prints for these manifests, given by standard input."""
    command = ["iam-policy", *arguments, *(["-f", "-"] if files else [])]
    result = CliRunner().invoke(main, command, input=yaml.safe_dump_all(files))
    assert result.exit_code == 0, result.output
    policy: dict[str, Any] = json.loads(result.stdout)
    return policy


def refused(*arguments: str, text: str = "") -> str:
    result = CliRunner().invoke(main, ["iam-policy", *arguments], input=text)
    assert result.exit_code == 2
    return result.output


def actions(policy: dict[str, Any]) -> set[str]:
    return {action for statement in policy["Statement"] for action in statement["Action"]}


def allows(policy: dict[str, Any], action: str, resource: str, **context: list[str]) -> bool:
    """Whether IAM would; context keys with a colon in place of two underscores."""
    keys = {name.replace("__", ":"): values for name, values in context.items()}
    return decide([policy], AccessRequest(action, resource, context=keys)) is Decision.ALLOW


def changes(policy: dict[str, Any], name: str, kind: str = "CNAME", action: str = "CREATE", zone: str = "Z1") -> bool:
    keys = {f"{CHANGE}NormalizedRecordNames": [name], f"{CHANGE}RecordTypes": [kind], f"{CHANGE}Actions": [action]}
    request = AccessRequest(CHANGE, f"arn:aws:route53:::hostedzone/{zone}", context=keys)
    return decide([policy], request) is Decision.ALLOW


def with_spec(**spec: Any) -> dict[str, Any]:
    return {**IDENTITY, "spec": {**IDENTITY["spec"], **spec}}


def test_without_manifests_every_feature_is_allowed_everywhere_but_to_send_as_anybody() -> None:
    assert actions(printed()) == {action.name for action in ACTIONS} - {"ses:SendEmail"}


def test_a_plain_identity_needs_nothing_of_other_features_regions_and_domains() -> None:
    policy = printed(files=(ACCOUNT, IDENTITY))
    plain = {Feature.IDENTITIES, Feature.ROUTE53, Feature.FIND_ZONES}
    assert actions(policy) == {action.name for action in ACTIONS if action.feature in plain}
    assert allows(policy, "ses:CreateEmailIdentity", IRELAND_ARN)
    assert not allows(policy, "ses:CreateEmailIdentity", IRELAND_ARN.replace("eu-west-1", "us-east-1"))
    assert not allows(policy, "ses:DeleteEmailIdentity", IRELAND_ARN.replace("mail.", "other."))
    assert allows(policy, "ses:ListEmailIdentities", "*", aws__RequestedRegion=["eu-west-1"])
    assert not allows(policy, "ses:ListEmailIdentities", "*", aws__RequestedRegion=["us-east-1"])


TEMPLATE: dict[str, Any] = {
    "apiVersion": "ses-operator.io/v1alpha1",
    "kind": "SesVerificationTemplate",
    "metadata": {"name": "welcome", "namespace": "team"},
    "spec": {
        "fromEmailAddress": "hello@mail.example.com",
        "subject": "Please confirm",
        "content": "Welcome",
        "successRedirectURL": "https://www.example.com/yes",
        "failureRedirectURL": "https://www.example.com/no",
        "regions": ["us-east-1"],
    },
}


def test_a_template_is_allowed_in_its_own_regions_before_an_identity_uses_it() -> None:
    policy = printed(files=(ACCOUNT, IDENTITY, TEMPLATE))
    create = "ses:CreateCustomVerificationEmailTemplate"
    assert allows(policy, create, "*", aws__RequestedRegion=["us-east-1"])
    assert not allows(policy, create, "*", aws__RequestedRegion=["ap-south-1"])
    elsewhere = {**TEMPLATE, "spec": {**TEMPLATE["spec"], "accountRef": {"name": "other"}}}
    assert create not in actions(printed(files=(ACCOUNT, IDENTITY, elsewhere)))
    assert create in actions(printed(files=(ACCOUNT, TEMPLATE)))


def test_an_audit_may_read_every_identity_in_its_regions_and_change_none() -> None:
    def audited(*regions: str) -> dict[str, Any]:
        return {**ACCOUNT, "spec": {**ACCOUNT["spec"], "audit": {"regions": list(regions)}}}

    ireland, virginia = {"aws__RequestedRegion": ["eu-west-1"]}, {"aws__RequestedRegion": ["us-east-1"]}
    stranger = IRELAND_ARN.replace("mail.example.com", "stranger.example.org")
    policy = printed(files=(audited("eu-west-1"), IDENTITY))
    assert allows(policy, "ses:GetEmailIdentity", stranger, **ireland)
    assert not allows(policy, "ses:GetEmailIdentity", stranger.replace("eu-west-1", "us-east-1"), **virginia)
    assert not allows(policy, "ses:ListEmailIdentities", "*", **virginia)
    assert not allows(policy, "ses:DeleteEmailIdentity", stranger, **ireland)
    assert allows(printed(files=(audited(), IDENTITY)), "ses:ListEmailIdentities", "*", **virginia)
    assert not allows(printed(files=(ACCOUNT, IDENTITY)), "ses:GetEmailIdentity", stranger, **ireland)
    assert actions(printed(files=(audited(),))) == set(AUDIT_ACTIONS[Feature.AUDIT])
    of_use = {**ACCOUNT, "spec": {"audit": {"unusedForDays": 90}}}
    assert actions(printed(files=(of_use,))) - actions(printed(files=(audited(),))) == {"ses:BatchGetMetricData"}


ADDRESS = {
    **IDENTITY,
    "spec": {"email": "billing@example.com", "regions": ["eu-west-1"], "accountRef": {"name": "default"}},
}


def test_an_address_needs_nothing_of_dns_and_may_be_sent_from_alone() -> None:
    policy = printed(files=(ACCOUNT, ADDRESS))
    needed = {Feature.IDENTITIES, Feature.EMAIL}
    assert actions(policy) == {action.name for action in ACTIONS if action.feature in needed}
    arn = IRELAND_ARN.replace("mail.example.com", "billing@example.com")
    assert allows(policy, "ses:CreateEmailIdentity", arn)
    sender = printed("--sender", files=(ACCOUNT, ADDRESS))
    assert allows(sender, "ses:SendEmail", arn, ses__FromAddress=["billing@example.com"])
    assert not allows(sender, "ses:SendEmail", arn, ses__FromAddress=["boss@example.com"])


TOPIC = {"topicARN": "arn:aws:sns:eu-west-1:123456789012:mail"}


@pytest.mark.parametrize(
    ("spec", "feature"),
    [
        ({"mailFrom": {"subdomain": "bounce"}}, Feature.MAIL_FROM),
        ({"configurationSetName": "default"}, Feature.CONFIGURATION_SETS),
        ({"regionOverrides": [{"region": "eu-west-1", "configurationSetName": "eu"}]}, Feature.CONFIGURATION_SETS),
        ({"feedback": {"emailForwardingEnabled": False}}, Feature.FEEDBACK),
        ({"regionOverrides": [{"region": "eu-west-1", "feedback": {"topics": {"bounce": TOPIC}}}]}, Feature.TOPICS),
        ({"authorizedSenders": [{"name": "a", "principals": ["111122223333"]}]}, Feature.SENDING_POLICIES),
        ({"dkim": {"mode": "Deterministic", "deterministic": {"parentRegion": "eu-west-1"}}}, Feature.DEED),
    ],
)
def test_a_feature_that_is_used_brings_its_rights_and_no_others(spec: dict[str, Any], feature: Feature) -> None:
    more = actions(printed(files=(with_spec(**spec),))) - actions(printed(files=(IDENTITY,)))
    assert more == {action.name for action in ACTIONS if action.feature is feature}


REGIONS = ["eu-west-1", "us-east-1"]


def desired(**spec: Any) -> Desired:
    identity = SesIdentity.model_validate(with_spec(regions=REGIONS, **spec))
    return desired_identity(Installation("test"), ObjectKey("team", "mail"), identity.spec, SesAccountSpec(), None)


def used_settings(**spec: Any) -> list[Setting[Any]]:
    """Those that are managed, and not as a plain spec has them."""

    def is_used(setting: Setting[Any], region: str) -> bool:
        return setting.wanted(using, region) not in (UNMANAGED, setting.wanted(plain, region))

    using, plain = desired(**spec), desired()
    return [setting for setting in SETTINGS if any(is_used(setting, region) for region in REGIONS)]


@pytest.mark.parametrize("member", MEMBERS)
def test_a_spec_that_uses_settings_may_read_and_set_these_and_no_others(member: str) -> None:
    of_settings = {action.name for action in actions_of_settings()}
    for value in MEMBERS[member](REGIONS):
        needed = {action.name for setting in used_settings(**{member: value}) for action in setting.iam_actions}
        policy = printed(files=(with_spec(regions=REGIONS, **{member: value}),))
        assert actions(policy) & of_settings == (actions(printed(files=(IDENTITY,))) & of_settings) | needed, value


def test_a_spec_without_regions_may_use_its_settings_in_all_of_them() -> None:
    policy = printed(files=(with_spec(regions=[], mailFrom={"subdomain": "bounce"}),))
    for region in REGIONS:
        arn = IRELAND_ARN.replace("eu-west-1", region)
        assert allows(policy, "ses:PutEmailIdentityMailFromAttributes", arn)


def test_each_setting_that_needs_rights_of_its_own_is_used_by_one_of_these_specs() -> None:
    used = {
        setting
        for member, values in MEMBERS.items()
        for v in values(REGIONS)
        for setting in used_settings(**{member: v})
    }
    assert {setting for setting in SETTINGS if setting.iam_action.feature is not Feature.IDENTITIES} <= used


def test_a_feature_that_a_setting_switches_on_is_asked_for_beside_those_of_the_manifests() -> None:
    more = actions(printed("--with=mail-figures", files=(IDENTITY,))) - actions(printed(files=(IDENTITY,)))
    assert more == {"ses:BatchGetMetricData", "ses:GetSendStatistics"}


@pytest.mark.parametrize("provider", ["DNSEndpoint", "Manual"])
def test_who_has_others_publish_needs_nothing_of_route_53(provider: str) -> None:
    assert not any(
        action.startswith("route53:") for action in actions(printed(files=(with_spec(dns={"provider": provider}),)))
    )


@pytest.mark.parametrize(
    ("name", "kind", "action", "expected"),
    [
        ("token._domainkey.mail.example.com", "CNAME", "CREATE", True),
        ("_ses-operator.mail.example.com", "TXT", "DELETE", True),
        ("bounce-eu-west-1.mail.example.com", "MX", "CREATE", True),
        ("mail.example.com", "CNAME", "CREATE", False),
        ("www.example.com", "CNAME", "CREATE", False),
        ("www.mail.example.com", "A", "CREATE", False),
        ("www.mail.example.com", "CNAME", "UPSERT", False),
    ],
)
def test_records_are_held_to_what_the_operator_writes(name: str, kind: str, action: str, expected: bool) -> None:
    assert changes(printed(files=(IDENTITY,)), name, kind, action) is expected


def test_a_zone_that_is_given_is_the_only_one_and_need_not_be_found() -> None:
    zones = [{"name": "corp", "hostedZoneID": "Z1"}, {"name": "far", "hostedZoneID": "Z2", "roleARN": ZONE_ROLE}]
    account = {**ACCOUNT, "spec": {**ACCOUNT["spec"], "dns": {"zones": zones}}}
    identity = with_spec(dns={"route53": {"zoneRef": {"name": "corp"}}})
    policy = printed(files=(account, identity))
    name = "x._domainkey.mail.example.com"
    assert changes(policy, name)
    assert not changes(policy, name, zone="Z2"), "that is its role's to do"
    assert "route53:ListHostedZones" not in actions(policy)
    assert allows(policy, "sts:AssumeRole", ZONE_ROLE)
    assert actions(printed("--for", "pod", files=(account,))) == {"sts:AssumeRole"}
    assert allows(printed("--for", "pod", files=(account,)), "sts:AssumeRole", ROLE)
    assert not any(action.startswith("ses:") for action in actions(printed("--for", "zone-role", "--zone", "Z2")))


def test_a_sender_may_send_from_its_own_domains_only() -> None:
    policy = printed("--sender", files=(ACCOUNT, IDENTITY))
    mine, others = ["news@mail.example.com"], ["ceo@example.com"]
    assert allows(policy, "ses:SendEmail", IRELAND_ARN, ses__FromAddress=mine)
    assert not allows(policy, "ses:SendEmail", IRELAND_ARN, ses__FromAddress=others)
    assert not allows(policy, "ses:SendEmail", IRELAND_ARN)
    assert not allows(policy, "ses:SendEmail", IRELAND_ARN.replace("mail.", "other."), ses__FromAddress=mine)
    assert not allows(policy, "ses:DeleteEmailIdentity", IRELAND_ARN, ses__FromAddress=mine)


def test_notifications_may_be_sent_from_their_one_address_in_their_one_region() -> None:
    notifications = {
        "from": "ses@ops.example.com",
        "to": ["team@example.org"],
        "region": "eu-central-1",
        "configurationSetName": "ops",
    }
    account = {**ACCOUNT, "spec": {**ACCOUNT["spec"], "notifications": notifications}}
    policy = printed(files=(account, IDENTITY))
    address, other = ["ses@ops.example.com"], ["ceo@ops.example.com"]
    arn = "arn:aws:ses:eu-central-1:123456789012:"
    for name in ("identity/ses@ops.example.com", "identity/ops.example.com", "identity/example.com"):
        assert allows(policy, "ses:SendEmail", f"{arn}{name}", ses__FromAddress=address)
    assert allows(policy, "ses:SendEmail", f"{arn}configuration-set/ops", ses__FromAddress=address)
    assert not allows(policy, "ses:SendEmail", f"{arn}identity/ops.example.com", ses__FromAddress=other)
    assert not allows(policy, "ses:SendEmail", f"{arn}identity/ops.example.com")
    assert not allows(policy, "ses:SendEmail", f"{arn}identity/mail.example.com", ses__FromAddress=address)
    assert not allows(policy, "ses:SendEmail", IRELAND_ARN, ses__FromAddress=address)
    assert not allows(policy, "ses:SendEmail", f"{arn}configuration-set/other", ses__FromAddress=address)


def test_the_address_of_notifications_may_be_given_and_has_to_be() -> None:
    policy = printed("--notify-from=ses@example.com", "--region=eu-west-1", files=(IDENTITY,))
    arn = "arn:aws:ses:eu-west-1:*:identity/example.com"
    assert allows(policy, "ses:SendEmail", arn, ses__FromAddress=["ses@example.com"])
    assert "name the address that notifications come from" in refused("--feature=notifications")


def test_a_list_as_kubectl_prints_it_is_read(tmp_path: Path) -> None:
    listed = tmp_path / "list.yaml"
    items = [ACCOUNT, IDENTITY, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "other"}}]
    listed.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items}))
    assert printed("-f", str(listed)) == printed(files=(ACCOUNT, IDENTITY))


def test_what_cannot_be_printed_is_said_in_words() -> None:
    two = yaml.safe_dump_all([ACCOUNT, {**ACCOUNT, "metadata": {"name": "other"}}])
    assert "--account is required, because the files have several SesAccounts: default, other" in refused(
        "-f", "-", text=two
    )
    assert "--account is nobody, but the files have no such SesAccount" in refused(
        "-f", "-", "--account", "nobody", text=two
    )
    assert "name the domains or addresses" in refused("--sender")
    assert "names no role" in refused("--for", "pod")
    assert "a SesIdentity cannot be read: spec.regions: " in refused(
        "-f", "-", text=yaml.safe_dump(with_spec(regions=3))
    )


def test_a_policy_that_iam_would_not_take_is_told_with_the_way_out() -> None:
    domains = [f"--domain=mail-{number}.example.com" for number in range(80)]
    result = CliRunner().invoke(main, ["iam-policy", *domains])
    assert json.loads(result.stdout)
    assert "IAM takes 6144" in result.stderr
    assert CliRunner().invoke(main, ["iam-policy", "--domain=*.example.com"]).stderr == ""


@given(st.frozensets(st.sampled_from(Feature)))
def test_no_statement_is_empty_and_no_action_stands_twice(features: frozenset[Feature]) -> None:
    scope = PolicyScope(features=features, sending=Sending("ses@example.com"))
    policy = json.loads(json.dumps(operator_policy(scope)))
    listed = [action for statement in policy["Statement"] for action in statement["Action"]]
    assert all(statement["Action"] and statement["Resource"] for statement in policy["Statement"])
    audit = {name for feature, names in AUDIT_ACTIONS.items() if feature in features for name in names}
    assert set(listed) == {action.name for action in ACTIONS if action.feature in features} | audit
