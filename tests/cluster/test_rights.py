"""AWS that lets nobody in unasked: keys that it does not know and rights that are missing, told and then given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from cluster.conftest import SANDBOX
from cluster.tenant import PATIENCE, ZONE, Tenant
from cluster.verdicts import explains
from cluster.worlds import world
from devcluster.environment import Environment
from devcluster.operator_process import OperatorProcess
from devcluster.sandbox_process import ACCOUNT_ID, SandboxOptions
from devcluster.waiting import eventually
from ses_operator.api.base.reasons import Reason

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

pytestmark = pytest.mark.usefixtures("operator")

GUARDED = SandboxOptions(
    speed=SANDBOX.speed, rate=SANDBOX.rate, route53_rate=SANDBOX.route53_rate, check_interval=SANDBOX.check_interval,
    zones=SANDBOX.zones, flags=("--access-control",),
)  # fmt: skip
# Each test has a region of its own: what hinders the lists of one SesAccount there would hinder the next. All of them can be
# parents of Deterministic Easy DKIM (API reference, DkimSigningAttributesOrigin).
REGIONS = cycle(
    ["sa-east-1", "us-east-2", "us-west-1", "af-south-1", "ap-northeast-2", "ap-southeast-1", "ap-southeast-3",
     "ca-central-1", "il-central-1", "me-south-1", "me-central-1", "ca-west-1"]
)  # fmt: skip
ARN = f"arn:aws:iam::{ACCOUNT_ID}"


@dataclass(frozen=True)
class IamUser:
    """An IAM user with a policy of its own and one access key."""

    iam: IAMClient
    name: str
    key_id: str

    @classmethod
    def create(cls, iam: IAMClient, name: str) -> IamUser:
        iam.create_user(UserName=name)
        user = cls(iam, name, iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"])
        user.allow()
        return user

    @property
    def arn(self) -> str:
        return f"{ARN}:user/{self.name}"

    def allow(self, *, but: str = "iam:*") -> None:
        """From now on the user may do everything but this action."""
        statement = {"Effect": "Allow", "NotAction": [but], "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.iam.put_user_policy(UserName=self.name, PolicyName="all", PolicyDocument=document)


@pytest.fixture(scope="module")
def guarded(
    environment: Environment,
    operator: OperatorProcess,  # noqa: ARG001 - it lets the identities go
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Environment]:
    """An AWS that accepts only the keys of its users, for what their policies allow."""
    with world(environment, GUARDED, tmp_path_factory.mktemp("sandbox") / "guarded.log") as guarded:
        yield guarded


@pytest.fixture
def iam(guarded: Environment) -> IAMClient:
    session = boto3.Session(aws_access_key_id="AKIAADMINISTRATOR", aws_secret_access_key="any")
    return session.client("iam", region_name="us-east-1", endpoint_url=guarded.sandbox.aws_url)


@pytest.fixture
def iam_user(iam: IAMClient, namespace: str) -> IamUser:
    return IamUser.create(iam, namespace)


@pytest.fixture
def tenant(guarded: Environment, namespace: str) -> Tenant:
    """A tenant with a SesAccount of its own, which is for the test to make."""
    return Tenant(guarded, guarded.plane.api, namespace, account=namespace)


@pytest.fixture
def region() -> str:
    return next(REGIONS)


def test_keys_that_aws_does_not_know_are_rejected_and_a_corrected_secret_wakes_everybody(
    guarded: Environment, tenant: Tenant, iam_user: IamUser, region: str
) -> None:
    _add_account(guarded, tenant, "AKIAUNKNOWN")
    tenant.create(region)
    explains(tenant, Reason.CREDENTIALS_REJECTED, "access key", "Check the credentials of the SesAccount")
    tenant.account_not_ready(Reason.CREDENTIALS_REJECTED)

    _give_key(guarded, tenant, iam_user.key_id)

    tenant.ready()


def test_keys_that_are_withdrawn_are_told_and_new_ones_taken_up(
    guarded: Environment, tenant: Tenant, iam: IAMClient, iam_user: IamUser, region: str
) -> None:
    _add_account(guarded, tenant, iam_user.key_id)
    tenant.create_ready(region)
    iam.delete_access_key(UserName=iam_user.name, AccessKeyId=iam_user.key_id)
    tenant.change(tags={"team": "payments"})
    explains(tenant, Reason.CREDENTIALS_REJECTED, "access key", "Check the credentials of the SesAccount")

    _give_key(guarded, tenant, iam.create_access_key(UserName=iam_user.name)["AccessKey"]["AccessKeyId"])

    tenant.ready()


RIGHTS = (
    "ses:ListEmailIdentities",
    "ses:CreateEmailIdentity",
    "ses:GetEmailIdentity",
    "ses:PutEmailIdentityMailFromAttributes",
    "route53:ListHostedZones",
    "route53:ListResourceRecordSets",
    "route53:ChangeResourceRecordSets",
)


@pytest.mark.parametrize("action", RIGHTS)
def test_a_right_that_is_missing_is_named_and_used_as_soon_as_it_is_given(
    guarded: Environment, tenant: Tenant, iam_user: IamUser, region: str, action: str
) -> None:
    iam_user.allow(but=action)
    _add_account(guarded, tenant, iam_user.key_id)
    tenant.create(region, mailFrom={"subdomain": "bounce"})

    where = f"{action} in {region}" if action.startswith("ses:") else action
    explains(tenant, Reason.ACCESS_DENIED, iam_user.arn, f"may not perform {where}", "Allow it in the IAM policy")

    iam_user.allow()
    tenant.request_reconcile()
    tenant.ready()


def test_a_replica_made_without_the_right_to_its_parents_key_says_so_and_is_made_anew_by_way_of_the_spec(
    guarded: Environment, tenant: Tenant, iam_user: IamUser, region: str
) -> None:
    right, replica = "ses:ReplicateEmailIdentityDKIMSigningKey", next(REGIONS)
    iam_user.allow(but=right)
    _add_account(guarded, tenant, iam_user.key_id)
    dkim = {"mode": "Deterministic", "deterministic": {"parentRegion": region}}
    tenant.create(region, replica, dkim=dkim)
    eventually(
        lambda: "ErrorType" in tenant.at_ses().get(replica, {}).get("VerificationInfo", ()),
        timeout=PATIENCE,
        of="SES to look at the replica",
    )
    tenant.request_reconcile()
    explains(tenant, Reason.REPLICATION_FAILED, replica, right, f"remove {replica} from spec.regions")

    iam_user.allow()
    tenant.change(regions=[region])
    tenant.ready()
    tenant.change(regions=[region, replica])

    tenant.ready()


def test_a_zone_whose_role_may_not_be_assumed_is_told_with_both_sides_of_the_remedy(
    guarded: Environment, tenant: Tenant, iam: IAMClient, iam_user: IamUser, region: str
) -> None:
    role = _make_role(iam, tenant.namespace, trusted=f"{ARN}:user/somebody-else")
    zone = {"name": "corp", "hostedZoneID": guarded.sandbox.zones[ZONE], "roleARN": role, "externalID": "of-the-team"}
    _add_account(guarded, tenant, iam_user.key_id, zones=[zone])
    tenant.create(region, dns={"route53": {"zoneRef": {"name": "corp"}}})
    explains(tenant, Reason.ACCESS_DENIED, iam_user.arn, "may not assume", role, "sts:AssumeRole", "trust policy")

    document = json.dumps(_trust(iam_user.arn))
    iam.update_assume_role_policy(RoleName=tenant.namespace, PolicyDocument=document)
    tenant.request_reconcile()

    tenant.ready()


def _add_account(guarded: Environment, tenant: Tenant, key_id: str, **dns: Any) -> None:
    secret = f"{tenant.account}-keys"
    _give_key(guarded, tenant, key_id)
    guarded.kubectl.apply(guarded.account(tenant.account, secret, guarded.sandbox.aws_url, dns))


def _give_key(guarded: Environment, tenant: Tenant, key_id: str) -> None:
    guarded.kubectl.apply(guarded.secret(f"{tenant.account}-keys", key_id))


def _make_role(iam: IAMClient, name: str, *, trusted: str) -> str:
    """The ARN of a role that may do everything in Route 53."""
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_trust(trusted)))
    statement = {"Effect": "Allow", "Action": ["route53:*"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=name, PolicyName="zone", PolicyDocument=document)
    return made["Role"]["Arn"]


def _trust(arn: str) -> dict[str, Any]:
    condition = {"StringEquals": {"sts:ExternalId": "of-the-team"}}
    statement = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole", "Condition": condition}
    return {"Version": "2012-10-17", "Statement": [statement]}
