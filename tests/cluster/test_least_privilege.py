"""The policy that `ses-operator iam-policy` prints is what the operator needs for what it is printed for, and nothing more.

The sandbox decides by it as IAM does. An action that the policy lacks leaves the identities short of Ready; one that it has
and that nobody used is found in the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest
import yaml
from click.testing import CliRunner

from cluster.conftest import QUICK, SANDBOX
from cluster.templates import template
from cluster.tenant import PATIENCE, ZONE, Tenant
from cluster.worlds import world
from devcluster.apiclient import ACCOUNTS
from devcluster.environment import Environment
from devcluster.operator_process import OperatorOptions, OperatorProcess
from devcluster.sandbox_process import ACCOUNT_ID
from devcluster.waiting import eventually
from ses_operator.api.base.reasons import Reason
from ses_operator.cli.main import main
from ses_operator.core.iam.permissions import ACTIONS
from ses_operator.core.model.iam_actions import Feature

pytestmark = pytest.mark.usefixtures("operator")

# In use by no other module: their worlds stand for the same AWS account.
HYDERABAD, MALAYSIA = "ap-south-2", "ap-southeast-5"
ASKED_BY_SES = {"ses:ReplicateEmailIdentityDKIMSigningKey"}
"""A right that a call needs beside its own, and that no call is named after."""
FREE = {"sts:GetCallerIdentity"}
"""AWS lets everybody ask who they are."""
SENDER = {"name": "partner", "principals": ["111122223333"]}


@pytest.fixture(scope="module")
def operator(environment: Environment) -> Iterator[OperatorProcess]:
    """An operator with every setting that needs rights of its own."""
    with environment.operator(
        OperatorOptions(installation_id="tests", flags={**QUICK, "mail-figures-interval": 1})
    ) as operator:
        yield operator


@pytest.fixture(scope="module")
def guarded(
    environment: Environment,
    operator: OperatorProcess,  # noqa: ARG001 - it lets the identities go
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Environment]:
    """An AWS that accepts only the keys of its users, for what their policies allow."""
    options = replace(SANDBOX, flags=("--access-control",))
    with world(environment, options, tmp_path_factory.mktemp("sandbox") / "least-privilege.log") as guarded:
        yield guarded


@dataclass(frozen=True)
class KnownTenant(Tenant):
    """A tenant whom this AWS knows: an IAM user who may do everything, beside the operator's."""

    access_key: str = ""

    @property
    def _access_key(self) -> str:
        return self.access_key


@pytest.fixture
def tenant(guarded: Environment, namespace: str) -> Tenant:
    """A tenant with a SesAccount of its own, which is for the test to make."""
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    _, key = _user(guarded, f"{namespace}-administrator", everything)
    api = guarded.plane.api
    return KnownTenant(guarded, api, namespace, account=namespace, access_key=key)


def test_the_printed_policy_suffices_for_every_feature_and_has_nothing_that_is_not_used(tenant: Tenant) -> None:
    _make_configuration_sets(tenant)
    tenant.ses(HYDERABAD).put_account_vdm_attributes(VdmAttributes={"VdmEnabled": "ENABLED"})
    identities = _identities(tenant)
    account = _account(tenant)
    account["spec"]["endpoints"]["sns"] = tenant.environment.sandbox.aws_url
    policy = _printed(account, *identities, options=[f"--with={Feature.MAIL_FIGURES}"])
    user = _user_with(tenant, policy)
    tenant.environment.sandbox.ask("account", {"region": HYDERABAD, "productionAccess": True})
    tenant.environment.kubectl.apply(account, *identities, template(tenant, regions=[HYDERABAD]))
    for name in ("mail", "replicated"):
        tenant.ready(name)

    _make_topic(tenant)
    tenant.reconciled()
    tenant.ready()
    _send_words_of_our_own_and_change_them(tenant)
    _change_everything(tenant)
    _fail_and_be_asked_for_by_the_first_api(tenant)
    _associate_with_a_tenant(tenant)
    for identity in identities:
        tenant.delete(identity["metadata"]["name"])
    _end_the_association(tenant)
    for identity in identities:
        tenant.gone(identity["metadata"]["name"])
    tenant.environment.kubectl("delete", "sestpl", "welcome", "-n", tenant.namespace, "--timeout=90s")

    calls = [call for call in tenant.calls() if call["caller"] == user]
    assert [call for call in calls if call["error"] and call["error"].startswith("AccessDenied")] == []
    used = {f"{call['service']}:{call['operation']}" for call in calls} - FREE
    allowed = {action for statement in policy["Statement"] for action in statement["Action"]}
    known = {action.name for action in ACTIONS}
    assert allowed == known, "give a new feature to one of the identities here"
    assert used == allowed - ASKED_BY_SES


def test_an_audit_runs_with_the_policy_that_is_printed_for_it_and_uses_all_of_it(tenant: Tenant) -> None:
    sandbox = tenant.environment.sandbox
    sandbox.ask("identities", {"region": MALAYSIA, "suffix": tenant.domain, "hoursAgo": 1000})
    tenant.ses(MALAYSIA).put_account_vdm_attributes(VdmAttributes={"VdmEnabled": "ENABLED"})
    account = _account(tenant)
    del account["spec"]["notifications"]
    account["spec"]["audit"] = {"regions": [MALAYSIA], "unusedForDays": 30}
    policy = _printed(account)
    user = _user_with(tenant, policy)

    tenant.environment.kubectl.apply(account)

    path = f"{ACCOUNTS}/{tenant.account}"
    audit = eventually(
        lambda: (tenant.api.get(path) or {}).get("status", {}).get("audit", {}).get("regions"),
        timeout=PATIENCE,
        of="the audit to end",
    )
    assert [(region["region"], region.get("reason")) for region in audit] == [(MALAYSIA, None)]
    calls = [call for call in tenant.calls() if call["caller"] == user]
    assert [call for call in calls if call["error"]] == []
    used = {f"{call['service']}:{call['operation']}" for call in calls} - FREE
    assert used == {action for statement in policy["Statement"] for action in statement["Action"]}
    tenant.ses(MALAYSIA).delete_email_identity(EmailIdentity=f"0.{tenant.domain}")


def test_a_right_that_the_policy_lacks_is_missed(tenant: Tenant) -> None:
    account, identity = _account(tenant), tenant.manifest(HYDERABAD, mailFrom={"subdomain": "bounce"})
    features = [f"--feature={feature}" for feature in Feature if feature is not Feature.MAIL_FROM]
    _user_with(tenant, _printed(account, identity, options=features))
    tenant.environment.kubectl.apply(account, identity)

    assert "ses:PutEmailIdentityMailFromAttributes" in tenant.not_ready(Reason.ACCESS_DENIED).message


def _identities(tenant: Tenant) -> list[dict[str, Any]]:
    """Together they use every feature."""
    mail = tenant.manifest(
        HYDERABAD,
        MALAYSIA,
        mailFrom={"subdomain": "bounce"},
        configurationSetName="transactional",
        feedback={"emailForwardingEnabled": False},
        regionOverrides=[{"region": HYDERABAD, "feedback": {"topics": {"bounce": _topic()}}}],
        authorizedSenders=[SENDER],
        dmarc={"policy": "none"},
        tags={"team": "payments"},
    )
    replicated = tenant.manifest(
        HYDERABAD,
        MALAYSIA,
        name="replicated",
        domain=f"replicated.{tenant.domain}",
        dkim={"mode": "Deterministic", "deterministic": {"parentRegion": HYDERABAD}},
        dns={"route53": {"zoneRef": {"name": "corp"}}},
    )
    late = tenant.manifest(HYDERABAD, name="late", domain=f"late.{tenant.domain}", dns={"provider": "Manual"})
    address = tenant.manifest(HYDERABAD, name="address", domain=None, email=_address(tenant))
    welcomed = tenant.manifest(
        HYDERABAD, name="welcomed", domain=None, email=_customer(tenant), verificationTemplateRef={"name": "welcome"}
    )
    return [mail, replicated, late, address, welcomed]


def _account(tenant: Tenant) -> dict[str, Any]:
    environment, zone_id = tenant.environment, tenant.environment.sandbox.zones[ZONE]
    zones = {"zones": [{"name": "corp", "hostedZoneID": zone_id}]}
    account = environment.account(tenant.account, f"{tenant.account}-keys", environment.sandbox.aws_url, zones)
    ours = f"ses@{tenant.domain}"
    notifications = {"from": ours, "to": [ours], "region": HYDERABAD, "moments": ["Failed"]}
    return {**account, "spec": {**account["spec"], "notifications": notifications}}


def _address(tenant: Tenant) -> str:
    return f"billing@{tenant.domain}"


def _customer(tenant: Tenant) -> str:
    return f"customer@{tenant.domain}"


def _topic() -> dict[str, Any]:
    return {"topicARN": f"arn:aws:sns:{HYDERABAD}:{ACCOUNT_ID}:mail", "includeHeaders": True}


def _associate_with_a_tenant(tenant: Tenant) -> None:
    """SES then refuses to delete the identity, and the operator asks it for whose sake."""
    arn = f"arn:aws:ses:{HYDERABAD}:{ACCOUNT_ID}:identity/{tenant.domain}"
    tenant.ses(HYDERABAD).create_tenant(TenantName="acme")
    tenant.ses(HYDERABAD).create_tenant_resource_association(TenantName="acme", ResourceArn=arn)


def _end_the_association(tenant: Tenant) -> None:
    assert "acme" in tenant.waits_for_deletion(Reason.DELETION_BLOCKED)
    tenant.ses(HYDERABAD).delete_tenant(TenantName="acme")
    tenant.request_reconcile()


def _make_topic(tenant: Tenant) -> None:
    """SES's own check is not simulated: it would have refused a topic that does not exist."""
    session = boto3.Session(aws_access_key_id=tenant._access_key, aws_secret_access_key="any")
    url = tenant.environment.sandbox.aws_url
    sns: Any = session.client("sns", region_name=HYDERABAD, endpoint_url=url)
    sns.create_topic(Name="mail")


def _make_configuration_sets(tenant: Tenant) -> None:
    for region in (HYDERABAD, MALAYSIA):
        for name in ("transactional", "other"):
            tenant.ses(region).create_configuration_set(ConfigurationSetName=name)


def _printed(*manifests: dict[str, Any], options: list[str] | None = None) -> dict[str, Any]:
    """What the command prints for the manifests."""
    command = ["iam-policy", "-f", "-", "--account-id", ACCOUNT_ID, *(options or [])]
    result = CliRunner().invoke(main, command, input=yaml.safe_dump_all(manifests))
    assert result.exit_code == 0, result.output
    policy: dict[str, Any] = json.loads(result.stdout)
    return policy


def _user_with(tenant: Tenant, policy: dict[str, Any]) -> str:
    """A user with this policy, whose key is the SesAccount's; its ARN."""
    arn, key = _user(tenant.environment, tenant.namespace, policy)
    tenant.environment.kubectl.apply(tenant.environment.secret(f"{tenant.account}-keys", key))
    return arn


def _user(environment: Environment, name: str, policy: dict[str, Any]) -> tuple[str, str]:
    """The ARN and the access key of a new user with this policy."""
    session = boto3.Session(aws_access_key_id="AKIAADMINISTRATOR", aws_secret_access_key="any")
    iam = session.client("iam", region_name="us-east-1", endpoint_url=environment.sandbox.aws_url)
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    iam.put_user_policy(UserName=name, PolicyName="printed", PolicyDocument=json.dumps(policy))
    return arn, iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]


def _send_words_of_our_own_and_change_them(tenant: Tenant) -> None:
    """The sender's domain is verified by now; who waits for it is told to look again."""
    kubectl, named = tenant.environment.kubectl, ("sestpl", "welcome", "-n", tenant.namespace)
    kubectl("annotate", *named, "ses-operator.io/reconcile-requested-at=now")
    tenant.not_ready(Reason.WAITING_FOR_CLICK, "welcomed")
    tenant.follow_links(_customer(tenant))
    tenant.ready("welcomed")
    kubectl.apply(template(tenant, regions=[HYDERABAD], subject="Another"))
    eventually(lambda: _subjects(tenant) == ["Another"], timeout=PATIENCE, of="the template to change")


def _subjects(tenant: Tenant) -> list[str]:
    """Of the templates that SES has."""
    found = tenant.ses(HYDERABAD).list_custom_verification_email_templates()["CustomVerificationEmailTemplates"]
    return [each["TemplateSubject"] for each in found]


def _change_everything(tenant: Tenant) -> None:
    """What can be changed of an identity that exists is changed; what can be taken away is."""
    tenant.change(
        dkim={"signingEnabled": False, "keySize": 1024},
        configurationSetName="other",
        authorizedSenders=[{**SENDER, "fromAddresses": [f"news@{tenant.domain}"]}],
        tags={"team": None, "owner": "payments"},
    )
    tenant.ready()
    tenant.change(authorizedSenders=None, regionOverrides=None)
    tenant.ready()
    eventually(
        lambda: not any(found.get("Policies") for found in tenant.at_ses().values()),
        timeout=PATIENCE,
        of="the policies to go",
    )


def _has_sent_mail(tenant: Tenant) -> bool:
    """Whether the operator has told somebody by email."""
    calls = tenant.calls(operation="SendEmail", identity=f"ses@{tenant.domain}")
    return any(call["status"] == 200 for call in calls)


def _fail_and_be_asked_for_by_the_first_api(tenant: Tenant) -> None:
    """SES gives up on an identity without records, and then refuses the usual call to look again; a link runs out."""
    tenant.not_ready(Reason.WAITING_FOR_CLICK, "address")
    tenant.not_ready(Reason.MANUAL_RECORDS_PENDING, "late")
    tenant.environment.sandbox.ask("clock", {"advanceHours": 73})
    tenant.not_ready(Reason.VERIFICATION_FAILED, "late")
    eventually(lambda: _has_sent_mail(tenant), timeout=PATIENCE, of="the email that says that it failed")
    late = tenant.identity("late")
    assert late is not None
    assert late.status.dns is not None
    refusal = {"operation": "PutEmailIdentityDkimSigningAttributes", "identity": f"late.{tenant.domain}"}
    with tenant.fault("error", **refusal, status=400, code="BadRequestException", message="no"):
        for record in late.status.dns.records:
            tenant.add_record(record.name.removesuffix(f".{tenant.domain}"), record.type, record.values[0])
        tenant.request_reconcile("late")
        tenant.ready("late")
    eventually(
        lambda: len(tenant.emails(_address(tenant))) > 1, timeout=PATIENCE, of="another link, for the old has run out"
    )
    tenant.not_ready(Reason.WAITING_FOR_CLICK, "address")
    tenant.follow_links(_address(tenant))
    tenant.ready("address")
