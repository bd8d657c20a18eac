"""The part of a SesAccount about access: the AWS credentials that the operator uses for the account."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ses_operator.api.base.fields import ExternalID, NamedReference, RoleARN
from ses_operator.api.base.meta import WATCH_LABEL
from ses_operator.api.base.model import SERVER_DEFAULT, Model, rule, rules

ACCESS_KEY_ID = "aws_access_key_id"
SECRET_ACCESS_KEY = "aws_secret_access_key"  # noqa: S105 - the name of a key, not its value
SESSION_TOKEN = "aws_session_token"  # noqa: S105 - the name of a key, not its value

DEFAULT_SESSION_NAME = "ses-operator"
DEFAULT_AUDIENCE = "sts.amazonaws.com"
MAX_INTERMEDIATE_ROLES = 4

SessionName = Annotated[
    str,
    Field(
        max_length=128,
        json_schema_extra=rules(
            rule(
                "self.matches('^[A-Za-z0-9_+=,.@-]{2,64}$')",
                "write a session name of 2 to 64 letters, digits and characters of _+=,.@-",
            )
        ),
    ),
]

ProfileName = Annotated[
    str,
    Field(
        max_length=128,
        json_schema_extra=rules(
            rule("size(self) >= 1", "write the name of a profile, such as production, or remove profile")
        ),
    ),
]


class InstanceMetadata(StrEnum):
    """When the role of the container or instance is used, relative to the other sources of credentials."""

    LAST = "Last"
    FIRST = "First"
    DISABLED = "Disabled"


class RoleToAssume(Model):
    """A role, and how to assume it through STS."""

    role_arn: RoleARN = Field(
        alias="roleARN",
        description="ARN of the IAM role to assume, such as arn:aws:iam::123456789012:role/ses-operator.",
    )
    external_id: ExternalID | None = Field(
        None,
        alias="externalID",
        description="External id that the role's trust policy requires. If omitted, none is sent.",
    )
    session_name: SessionName = Field(
        DEFAULT_SESSION_NAME,
        description="Name of the session, as CloudTrail shows it. Default: ses-operator.",
        json_schema_extra=SERVER_DEFAULT,
    )


class AssumeRole(RoleToAssume):
    """The role to assume, and the roles on the way to it."""

    via: tuple[RoleToAssume, ...] = Field(
        (),
        max_length=MAX_INTERMEDIATE_ROLES,
        description=(
            "Roles to assume on the way, in this order, at most 4: the first with the credentials above, "
            "each further one, and finally roleARN, as the role before it. AWS limits sessions of such a "
            "chain to one hour; the operator renews them before. If omitted, roleARN is assumed directly."
        ),
    )


class WebIdentity(Model):
    """A role that trusts this cluster: the token of a ServiceAccount is exchanged for its credentials."""

    service_account_ref: NamedReference = Field(
        description=(
            "A ServiceAccount in the operator's own namespace. The operator requests its token from the "
            "apiserver (TokenRequest), for which it needs permission to create serviceaccounts/token of "
            "this name."
        )
    )
    role_arn: RoleARN = Field(
        alias="roleARN",
        description="ARN of the IAM role whose trust policy names the cluster's OIDC provider and the ServiceAccount.",
    )
    audience: Annotated[str, Field(max_length=256)] = Field(
        DEFAULT_AUDIENCE,
        description="Audience of the token, as the OIDC provider of the AWS account has it. Default: "
        "sts.amazonaws.com.",
        json_schema_extra=SERVER_DEFAULT,
    )
    session_name: SessionName = Field(
        DEFAULT_SESSION_NAME,
        description="Name of the session, as CloudTrail shows it. Default: ses-operator.",
        json_schema_extra=SERVER_DEFAULT,
    )


class Credentials(Model):
    """The AWS credentials that the operator uses: the first of secretRef, profile and webIdentity that is set."""

    secret_ref: NamedReference | None = Field(
        None,
        description=(
            "A Secret with static keys, in the operator's own namespace: aws_access_key_id, "
            "aws_secret_access_key and, for temporary keys, aws_session_token. A change takes effect at "
            f"once if the Secret has the label {WATCH_LABEL} with the value true, else at the next "
            "attempt. It takes precedence over profile and webIdentity."
        ),
    )
    profile: ProfileName | None = Field(
        None,
        description=(
            "A profile of the AWS configuration and credentials files of the operator's pod. When its "
            "keys are replaced, the files are read again as soon as AWS no longer accepts the old ones. "
            "It takes precedence over webIdentity. If all three are omitted, the default chain of the pod "
            "is used (environment, IRSA, files, EKS Pod Identity or ECS, instance profile)."
        ),
    )
    web_identity: WebIdentity | None = Field(
        None,
        description=(
            "A role to assume with the token of a ServiceAccount (AssumeRoleWithWebIdentity): access of "
            "this account's own, independent of the credentials of the operator's pod."
        ),
    )
    assume_role: AssumeRole | None = Field(
        None,
        description="A role to assume with the credentials above, for example one in another account. If omitted, "
        "those credentials are used as they are.",
    )
    instance_metadata: InstanceMetadata = Field(
        InstanceMetadata.LAST,
        description=(
            "When the default chain, or a profile without keys, uses the role of the container or EC2 "
            "instance. Last, the default: after everything else, as in all AWS SDKs. First: before "
            "environment variables and files. Disabled: the instance metadata service (IMDS) is never "
            "used."
        ),
        json_schema_extra=SERVER_DEFAULT,
    )
