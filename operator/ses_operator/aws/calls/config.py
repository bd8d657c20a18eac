"""The access to one AWS account: plain values, equal if nothing about the access differs. Secrets stay out of ``repr``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ses_operator.api.account.credentials import DEFAULT_SESSION_NAME, InstanceMetadata

_NOT_IN_SESSION_NAMES = re.compile(r"[^A-Za-z0-9_+=,.@-]+")


@dataclass(frozen=True, slots=True)
class StaticCredentials:
    """Keys from a Secret. ``session_token`` for temporary ones."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Role:
    """A role to assume through STS."""

    role_arn: str
    external_id: str | None = field(default=None, repr=False)
    session_name: str = DEFAULT_SESSION_NAME

    @property
    def partition(self) -> str:
        """The part of the ARN that names the partition, such as "aws", "aws-cn" or "aws-eusc"."""
        parts = self.role_arn.split(":")
        return parts[1] if len(parts) > 2 else "aws"


@dataclass(frozen=True, slots=True)
class WebIdentityAccess:
    """A role that is assumed with the token of a Kubernetes ServiceAccount for an audience."""

    service_account: str
    audience: str
    role: Role


@dataclass(frozen=True, slots=True)
class ServiceEndpoints:
    """URLs in place of those of AWS; None for those of AWS."""

    sesv2: str | None = None
    ses: str | None = None
    route53: str | None = None
    sts: str | None = None
    sns: str | None = None

    @property
    def has_sns(self) -> bool:
        """False if SES is simulated, or reached through a proxy, and nothing is said of SNS: AWS's own is not asked then."""
        return self.sns is not None or (self.sesv2 is None and self.ses is None)

    def url(self, service: str) -> str | None:
        """Return the URL for botocore's name of a service."""
        urls = {"sesv2": self.sesv2, "ses": self.ses, "route53": self.route53, "sts": self.sts, "sns": self.sns}
        return urls[service]


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """The access to one AWS account under the name of its SesAccount.

    The first of ``credentials``, ``profile`` and ``web_identity`` that is set is used; without any, the default
    chain. ``roles`` are assumed from there, each as the one before. ``requests_per_second``: what SES allows for each
    action and region.
    """

    name: str
    credentials: StaticCredentials | None = None
    profile: str | None = None
    web_identity: WebIdentityAccess | None = None
    roles: tuple[Role, ...] = ()
    instance_metadata: InstanceMetadata = InstanceMetadata.LAST
    endpoints: ServiceEndpoints = ServiceEndpoints()
    requests_per_second: float = 1.0

    @property
    def partition(self) -> str:
        """That of the first role that is assumed; empty without one, for then only the credentials know."""
        roles = (*self.roles, self.web_identity.role) if self.web_identity else self.roles
        return roles[0].partition if roles else ""


def session_name(text: str) -> str:
    """Return ``text`` as STS accepts it for a RoleSessionName: 2 to 64 of ``[A-Za-z0-9_+=,.@-]``.

    Source: API reference, AssumeRole.
    """
    name = _NOT_IN_SESSION_NAMES.sub("-", text)[:64]
    return name if len(name) >= 2 else DEFAULT_SESSION_NAME
