"""AWS that lets nobody in unasked: keys that it does not know and rights that are missing, told and then given."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from cluster.tenant import ZONE, Tenant
from cluster.verdicts import explains
from controllers.guarded.accounts import add_account, give_key
from controllers.guarded.aws_accounts import AwsAccount
from controllers.host import Host
from devcluster.sandbox_process import ACCOUNT_ID
from ses_operator.api.base.reasons import Reason

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

REGION, REPLICA = "sa-east-1", "us-east-2"
"""Both can be parents of Deterministic Easy DKIM (API reference, DkimSigningAttributesOrigin)."""
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


@pytest.fixture
def iam(home: AwsAccount) -> IAMClient:
    return home.iam


@pytest.fixture
def iam_user(iam: IAMClient, namespace: str) -> IamUser:
    return IamUser.create(iam, namespace)


def test_keys_that_aws_does_not_know_are_rejected_and_a_corrected_secret_wakes_everybody(
    tenant: Tenant, iam_user: IamUser
) -> None:
    add_account(tenant, "AKIAUNKNOWN")
    tenant.create(REGION)
    explains(tenant, Reason.CREDENTIALS_REJECTED, "access key", "Check the credentials of the SesAccount")
    tenant.account_not_ready(Reason.CREDENTIALS_REJECTED)

    give_key(tenant, iam_user.key_id)

    tenant.ready()


def test_keys_that_are_withdrawn_are_told_and_new_ones_taken_up(
    tenant: Tenant, iam: IAMClient, iam_user: IamUser
) -> None:
    add_account(tenant, iam_user.key_id)
    tenant.create_ready(REGION)
    iam.delete_access_key(UserName=iam_user.name, AccessKeyId=iam_user.key_id)
    tenant.change(tags={"team": "payments"})
    explains(tenant, Reason.CREDENTIALS_REJECTED, "access key", "Check the credentials of the SesAccount")

    give_key(tenant, iam.create_access_key(UserName=iam_user.name)["AccessKey"]["AccessKeyId"])

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
    tenant: Tenant, iam_user: IamUser, action: str
) -> None:
    iam_user.allow(but=action)
    add_account(tenant, iam_user.key_id)
    tenant.create(REGION, mailFrom={"subdomain": "bounce"})

    where = f"{action} in {REGION}" if action.startswith("ses:") else action
    explains(tenant, Reason.ACCESS_DENIED, iam_user.arn, f"may not perform {where}", "Allow it in the IAM policy")

    iam_user.allow()
    tenant.request_reconcile()
    tenant.ready()


def test_a_replica_made_without_the_right_to_its_parents_key_says_so_and_is_made_anew_by_way_of_the_spec(
    tenant: Tenant, iam_user: IamUser
) -> None:
    right = "ses:ReplicateEmailIdentityDKIMSigningKey"
    iam_user.allow(but=right)
    add_account(tenant, iam_user.key_id)
    dkim = {"mode": "Deterministic", "deterministic": {"parentRegion": REGION}}
    tenant.create(REGION, REPLICA, dkim=dkim)
    tenant.wait(
        lambda: "ErrorType" in tenant.at_ses().get(REPLICA, {}).get("VerificationInfo", ()),
        "SES to look at the replica",
    )
    tenant.request_reconcile()
    explains(tenant, Reason.REPLICATION_FAILED, REPLICA, right, f"remove {REPLICA} from spec.regions")

    iam_user.allow()
    tenant.change(regions=[REGION])
    tenant.ready()
    tenant.change(regions=[REGION, REPLICA])

    tenant.ready()


def test_a_zone_whose_role_may_not_be_assumed_is_told_with_both_sides_of_the_remedy(
    host: Host, tenant: Tenant, iam: IAMClient, iam_user: IamUser
) -> None:
    role = _make_role(iam, tenant.namespace, trusted=f"{ARN}:user/somebody-else")
    zone = {"name": "corp", "hostedZoneID": host.sandbox.zones[ZONE], "roleARN": role, "externalID": "of-the-team"}
    add_account(tenant, iam_user.key_id, dns={"zones": [zone]})
    tenant.create(REGION, dns={"route53": {"zoneRef": {"name": "corp"}}})
    explains(tenant, Reason.ACCESS_DENIED, iam_user.arn, "may not assume", role, "sts:AssumeRole", "trust policy")

    document = json.dumps(_trust(iam_user.arn))
    iam.update_assume_role_policy(RoleName=tenant.namespace, PolicyDocument=document)
    tenant.request_reconcile()

    tenant.ready()


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
