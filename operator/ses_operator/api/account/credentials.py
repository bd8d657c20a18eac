"""Which AWS credentials an account is worked with: the part of a SesAccount about access."""

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
    """Whether the role that container or instance has is asked for, and before or after what."""

    LAST = "Last"
    FIRST = "First"
    DISABLED = "Disabled"


class RoleToAssume(Model):
    """A role, and how it is assumed through STS."""

    role_arn: RoleARN = Field(
        alias="roleARN",
        description="ARN of the IAM role to assume, such as arn:aws:iam::123456789012:role/ses-operator.",
    )
    external_id: ExternalID | None = Field(
        None,
        alias="externalID",
        description="External id that the role's trust policy asks for. Omitted: none is sent.",
    )
    session_name: SessionName = Field(
        DEFAULT_SESSION_NAME,
        description="Name of the session, as CloudTrail shows it. Default: ses-operator.",
        json_schema_extra=SERVER_DEFAULT,
    )


class AssumeRole(RoleToAssume):
    """The role to work as, and the roles on the way to it."""

    via: tuple[RoleToAssume, ...] = Field(
        (),
        max_length=MAX_INTERMEDIATE_ROLES,
        description=(
            "Roles to assume on the way, in this order, at most 4: the first with the credentials above, each further one, "
            "and at last roleARN, as the role before it. AWS lets sessions of such a chain last an hour; they are renewed "
            "before. Omitted: none."
        ),
    )


class WebIdentity(Model):
    """A role that trusts tokens of this cluster: that of a ServiceAccount is exchanged for its credentials."""

    service_account_ref: NamedReference = Field(
        description=(
            "A ServiceAccount in the operator's own namespace. The operator asks the apiserver for its token (TokenRequest), "
            "for which it needs the right to create serviceaccounts/token of this name."
        )
    )
    role_arn: RoleARN = Field(
        alias="roleARN",
        description="ARN of the IAM role whose trust policy names the cluster's OIDC provider and the ServiceAccount.",
    )
    audience: Annotated[str, Field(max_length=256)] = Field(
        DEFAULT_AUDIENCE,
        description="Audience of the token, as the OIDC provider of the AWS account has it. Default: sts.amazonaws.com.",
        json_schema_extra=SERVER_DEFAULT,
    )
    session_name: SessionName = Field(
        DEFAULT_SESSION_NAME,
        description="Name of the session, as CloudTrail shows it. Default: ses-operator.",
        json_schema_extra=SERVER_DEFAULT,
    )


class Credentials(Model):
    """Which AWS credentials the operator works with. The first of secretRef, profile and webIdentity that is there counts."""

    secret_ref: NamedReference | None = Field(
        None,
        description=(
            "A Secret with static keys, in the operator's own namespace: aws_access_key_id, aws_secret_access_key "
            "and, for temporary keys, aws_session_token. A change takes effect at once if the Secret has the label "
            f"{WATCH_LABEL} with the value true, else at the next try. It counts before profile and webIdentity."
        ),
    )
    profile: ProfileName | None = Field(
        None,
        description=(
            "A profile of the AWS configuration and credentials files of the operator's pod. Where its keys are replaced, "
            "the files are read anew as soon as AWS no longer accepts the old ones. It counts before webIdentity. With none "
            "of the three: the default chain of the pod (environment, IRSA, files, EKS Pod Identity or ECS, instance "
            "profile)."
        ),
    )
    web_identity: WebIdentity | None = Field(
        None,
        description=(
            "A role assumed with the token of a ServiceAccount (AssumeRoleWithWebIdentity): an account with an identity of "
            "its own, whatever the operator's pod runs as."
        ),
    )
    assume_role: AssumeRole | None = Field(
        None,
        description="A role to assume with the credentials above, for example one in another account. Omitted: none.",
    )
    instance_metadata: InstanceMetadata = Field(
        InstanceMetadata.LAST,
        description=(
            "When the default chain, or a profile without keys, comes to the role that container or EC2 instance has. Last, "
            "the default: after everything else, as in all AWS SDKs. First: before environment variables and files. "
            "Disabled: the instance metadata service (IMDS) is never asked."
        ),
        json_schema_extra=SERVER_DEFAULT,
    )
