"""AWS accounts with users, roles and hosted zones of their own, in a sandbox that was started with --access-control."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3

from devcluster.sandbox_process import Sandbox

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_route53 import Route53Client

Statement = Mapping[str, Any]

_SESSION = boto3.Session()
"""One for all clients: it reads what describes a service once."""


def allow(*actions: str, on: str = "*") -> Statement:
    """A statement of an IAM policy."""
    return {"Effect": "Allow", "Action": actions, "Resource": on}


@dataclass(frozen=True)
class AwsAccount:
    """One AWS account of a sandbox. It is there as soon as somebody speaks of it."""

    sandbox: Sandbox
    account_id: str

    @property
    def iam(self) -> IAMClient:
        """IAM as the account's administrator, whom the sandbox believes."""
        return _administrator(self.sandbox.aws_url, self.account_id)

    def add_user(self, name: str, *statements: Statement) -> str:
        """A user who may do what the statements say, everything without any; the id of the user's access key."""
        self.iam.create_user(UserName=name)
        self.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=_document(*statements or (allow("*"),)))
        return self.iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]

    def withdraw_key(self, user: str, key_id: str) -> None:
        """From now on AWS does not know the key."""
        self.iam.delete_access_key(UserName=user, AccessKeyId=key_id)

    def add_role(self, name: str, *, trusted: str, external_id: str, statements: tuple[Statement, ...]) -> str:
        """A role that `trusted` may assume who knows the external id; its ARN."""
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=_trust(trusted, external_id))
        self.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=_document(*statements))
        return made["Role"]["Arn"]

    def add_web_role(self, name: str, *, issuer: str, subject: str) -> str:
        """A role for whoever shows a token of this issuer about this subject; its ARN."""
        made = self.iam.create_open_id_connect_provider(
            Url=f"https://{issuer}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
        )
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": made["OpenIDConnectProviderArn"]},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{issuer}:sub": subject, f"{issuer}:aud": "sts.amazonaws.com"}},
        }
        role = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(statement))
        self.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=_document(allow("ses:*", "route53:*")))
        return role["Role"]["Arn"]

    def user_arn(self, name: str) -> str:
        return f"arn:aws:iam::{self.account_id}:user/{name}"

    @cached_property
    def route53(self) -> Route53Client:
        """Route 53 as a new user who may do everything."""
        key_id = self.add_user(f"user-{uuid4().hex}")
        return _SESSION.client(
            "route53", region_name="us-east-1", endpoint_url=self.sandbox.aws_url,
            aws_access_key_id=key_id, aws_secret_access_key="any",
        )  # fmt: skip

    def records(self, zone_id: str, domain: str) -> set[tuple[str, str]]:
        """Names and types of the record sets of a zone at and below the domain."""
        pages = self.route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone_id)
        found = [record for page in pages for record in page["ResourceRecordSets"]]
        return {(record["Name"], record["Type"]) for record in found if f".{record['Name']}".endswith(f".{domain}.")}

    def identities(self, domain: str) -> dict[str, dict[str, Any]]:
        """What SES has of the domain in this account, by region."""
        state = self.sandbox.ask(f"state?account={self.account_id}&identity={domain}")
        return {region["region"]: region["identities"][domain] for region in state["regions"]}


@cache
def _administrator(url: str, account_id: str) -> IAMClient:
    """Made once: to read the description of IAM takes longer than a test."""

    def name_account(request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = account_id

    iam = _SESSION.client(
        "iam", region_name="us-east-1", endpoint_url=url,
        aws_access_key_id="AKIAADMINISTRATOR", aws_secret_access_key="any",
    )  # fmt: skip
    iam.meta.events.register("before-sign", name_account)
    return iam


def _document(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _trust(arn: str, external_id: str) -> str:
    condition = {"StringEquals": {"sts:ExternalId": external_id}}
    return _document({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole", "Condition": condition})
