"""SesAccount: what the platform team decides once for an AWS account, and what the operator found about it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from ses_operator.api.account.audit import AuditSpec, AuditStatus
from ses_operator.api.account.credentials import Credentials
from ses_operator.api.account.guardrails import Guardrails
from ses_operator.api.account.notifications import Notifications, NotificationsStatus
from ses_operator.api.account.tenancy import MAX_PATTERNS, DomainPattern, NamespaceSelector, Tenancy
from ses_operator.api.base.conditions import Condition
from ses_operator.api.base.fields import (
    MAX_PROVIDER_SPECIFIC,
    DnsProvider,
    ExternalID,
    ObjectName,
    ProviderSpecific,
    RoleARN,
    Tags,
)
from ses_operator.api.base.meta import ObjectMeta
from ses_operator.api.base.model import SERVER_DEFAULT, Model, list_map, rule, rules


class TxtQuoting(StrEnum):
    """The form of a TXT value in a DNSEndpoint."""

    QUOTED = "Quoted"
    VERBATIM = "Verbatim"


Endpoint = Annotated[
    str,
    Field(
        max_length=512,
        json_schema_extra=rules(
            rule(
                "isURL(self) && self.matches('^https?://')",
                "write the endpoint as a URL, such as https://vpce-0a1b2c.email.eu-west-1.vpce.amazonaws.com",
            )
        ),
    ),
]


class Endpoints(Model):
    """URLs to use in place of those of AWS: VPC endpoints, proxies, or a simulation. One URL serves all regions."""

    sesv2: Endpoint | None = Field(None, description="URL for the SES API v2. If omitted, that of AWS in each region.")
    ses: Endpoint | None = Field(None, description="URL for the SES API v1. If omitted, that of AWS in each region.")
    route53: Endpoint | None = Field(None, description="URL for Route 53. If omitted, that of AWS.")
    sts: Endpoint | None = Field(None, description="URL for STS. If omitted, that of AWS.")
    sns: Endpoint | None = Field(
        None,
        description=(
            "URL for SNS, which is asked whether the topics of specs exist. If omitted, that of AWS in each region, or none "
            "at all if there is a URL for SES."
        ),
    )


class Zone(Model):
    """A Route 53 hosted zone that identities may name, or that is written with a role of its own."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.externalID) || has(self.roleARN)",
                "add roleARN, or remove externalID: the external id is sent when the role is assumed",
            )
        )
    )

    name: ObjectName = Field(
        description="Name by which an identity refers to the zone, in spec.dns.route53.zoneRef.name."
    )
    hosted_zone_id: Annotated[
        str,
        Field(
            max_length=64,
            json_schema_extra=rules(
                rule(
                    "self.matches('^[A-Z0-9]{1,32}$')",
                    "write the bare id of the hosted zone, such as Z0123456789ABCDEFGHIJ, without /hostedzone/",
                )
            ),
        ),
    ] = Field(alias="hostedZoneID", description="Id of the hosted zone, such as Z0123456789ABCDEFGHIJ.")
    role_arn: RoleARN | None = Field(
        None,
        alias="roleARN",
        description=(
            "Role to assume for every call on this zone, if it belongs to another AWS account. If "
            "omitted, the account's own credentials are used."
        ),
    )
    external_id: ExternalID | None = Field(
        None,
        alias="externalID",
        description="External id that this role's trust policy requires. If omitted, none is sent.",
    )
    namespaces: NamespaceSelector | None = Field(
        None,
        description="The namespaces whose identities may have records in this zone. If omitted, every namespace.",
    )
    allowed_domains: tuple[DomainPattern, ...] = Field(
        (),
        max_length=MAX_PATTERNS,
        description=(
            "The domains whose records, all of which are at or below the domain, may be written into this "
            "zone: an exact name, or *.team-a.example.com for every name below it. If omitted, every "
            "domain that the zone holds."
        ),
    )


NameServer = Annotated[
    str,
    Field(
        max_length=270,
        json_schema_extra=rules(
            rule(
                r"self.matches('^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[[][0-9A-Fa-f:.]+[]])(:[0-9]{1,5})?$')",
                "write a name server as host or host:port, such as 10.0.0.2:53 or [2001:db8::53]:53",
            )
        ),
    ),
]


class AccountDns(Model):
    """DNS for the identities of this account."""

    default_provider: DnsProvider | None = Field(
        None,
        description=(
            "The provider that publishes the records of identities that choose none: Route53, DNSEndpoint "
            "or Manual. Default: Route53."
        ),
    )
    zones: tuple[Zone, ...] = Field(
        (),
        max_length=64,
        description=(
            "Hosted zones that identities may refer to by name, and that are found by longest match in "
            "addition to those that the account's credentials can list. A zone of another AWS account "
            "needs its roleARN here."
        ),
        json_schema_extra=list_map("name"),
    )
    nameservers: tuple[NameServer, ...] = Field(
        (),
        max_length=16,
        description=(
            "Name servers for looking up records, as host or host:port, for split-horizon DNS or where "
            "port 53 is closed. If omitted, the name servers of the zone itself."
        ),
    )
    provider_specific: tuple[ProviderSpecific, ...] = Field(
        (),
        max_length=MAX_PROVIDER_SPECIFIC,
        description=(
            "Properties for every entry of each DNSEndpoint, as providerSpecific in ExternalDNS, such as "
            "external-dns.alpha.kubernetes.io/cloudflare-proxied with the value false. Used only with the "
            "provider DNSEndpoint. An identity's own property of the same name overrides it."
        ),
        json_schema_extra=list_map("name"),
    )
    txt_quoting: TxtQuoting = Field(
        TxtQuoting.QUOTED,
        description=(
            "The form of TXT values in a DNSEndpoint. Quoted, the default: in double quotes, split after "
            "255 characters, as ExternalDNS's provider for Route 53 needs it, because it passes the text "
            "on unchanged. Verbatim: the bare text, for providers that add the quotes themselves."
        ),
        json_schema_extra=SERVER_DEFAULT,
    )


class SesAccountSpec(Model):
    """How the operator works in one AWS account."""

    credentials: Credentials = Field(
        Credentials(),
        description="The AWS credentials that the operator uses. If omitted, the default chain of the operator's pod.",
    )
    installation_id: str | None = Field(
        None,
        alias="installationID",
        max_length=63,
        description=(
            "The installationID of the operator that manages this account, if several run in one cluster. "
            "The others ignore the account, and every object that refers to it. If omitted, each operator "
            "that sees the account manages it; then run only one."
        ),
        json_schema_extra=rules(
            rule(
                "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
                "write the installationID of an operator: lower-case letters, digits and hyphens, such as production-eu",
            )
        ),
    )
    account_id: str | None = Field(
        None,
        alias="accountID",
        max_length=12,
        description=(
            "Id of the AWS account that is meant, 12 digits in quotes. If the credentials are for another one, nothing is "
            "read or written there, and the reason is AccountMismatch. It may be changed while no object has anything in the "
            "former account. If omitted, the account of the first write is recorded, and is the one that is meant from then on."
        ),
        json_schema_extra=rules(
            rule(
                "self.matches('^[0-9]{12}$')",
                "write the id of the AWS account as 12 digits in quotes, such as '123456789012'",
            )
        ),
    )
    endpoints: Endpoints = Field(
        Endpoints(), description="URLs to use in place of those of AWS. If omitted, those of AWS."
    )
    requests_per_second: float = Field(
        1,
        ge=0.1,
        le=1000,
        description=(
            "The number of requests per second that SES allows, per action and region, from 0.1 to 1000. "
            "Default: 1, which is what SES allows every account. The operator plans its resyncs to use at "
            "most 70 percent, and slows down when AWS throttles it."
        ),
        json_schema_extra={
            **SERVER_DEFAULT,
            # The apiserver cuts a broken bound to a whole number before it compares a whole number with it: 0 passes 0.1.
            **rules(rule("self > 0.0", "write a rate above 0, such as 1, which is what SES allows every account")),
        },
    )
    max_deletions_per_hour: int | None = Field(
        None,
        ge=0,
        le=10_000,
        description=(
            "The deletion limit: the number of this account's SesIdentities that may be deleted from AWS "
            "in an hour, or lose regions that are removed from their spec, from 0 (each waits for a "
            "person) to 10000. Those beyond it wait, untouched, and say so in status; the annotation "
            "ses-operator.io/allow-deletion with the value true lets a single one proceed at once. "
            "Objects with deletionPolicy Retain are not counted. If omitted, there is no limit."
        ),
    )
    default_tags: Tags = Field(
        default_factory=dict,
        description="AWS tags for every identity of this account; an identity's own tag of the same key overrides it.",
    )
    dns: AccountDns = Field(AccountDns(), description="DNS for the identities of this account.")
    tenancy: Tenancy = Field(
        Tenancy(),
        description="The namespaces that may use this account, and for which domains. If omitted, all of them, "
        "for any domain.",
    )
    guardrails: Guardrails = Field(
        Guardrails(), description="Requirements for every identity of this account. If omitted, none."
    )
    audit: AuditSpec | None = Field(
        None,
        description=(
            "Checks everything in the account's SES, whoever made it, at an interval: what is stuck, "
            "forgotten, unmanaged or open. It reports, and changes nothing. If omitted, there is no "
            "audit."
        ),
    )
    notifications: Notifications | None = Field(
        None,
        description=(
            "Emails about identities of this account that are stuck, failed, revoked or verified. If "
            "omitted, none are sent; Events and status report the same in any case."
        ),
    )


class SendQuotaStatus(Model):
    """The send quota in one region."""

    max24_hour_send: float | None = Field(
        None, alias="max24HourSend", description="Messages allowed in 24 hours; -1 means no limit."
    )
    max_send_rate: float | None = Field(None, description="Messages allowed per second.")


class AccountRegionStatus(Model):
    """SES in one region that identities of this account use."""

    region: str = Field(description="The AWS region.")
    reachable: bool | None = Field(None, description="True if SES answered in this region.")
    production_access_enabled: bool | None = Field(
        None,
        description=(
            "True if the account may send to any address here; false if it is in the SES sandbox and may "
            "send only to verified ones."
        ),
    )
    sending_enabled: bool | None = Field(None, description="True if sending is enabled for the account here.")
    enforcement_status: str | None = Field(
        None, description="Reputation of the account here: HEALTHY, PROBATION or SHUTDOWN."
    )
    send_quota: SendQuotaStatus | None = Field(None, description="The send quota here.")
    reason: str | None = Field(None, description="One word in PascalCase: why the region is not reachable.")
    message: str | None = Field(None, description="The problem in this region, and what to do about it.")


class SesAccountStatus(Model):
    """The state of the account as the operator found it."""

    observed_generation: int = Field(
        -1,
        description="The metadata.generation that this status is about; -1 until the operator has seen the object.",
    )
    conditions: tuple[Condition, ...] = Field(
        (),
        description=(
            "Ready: the credentials work and every region in use answers. In addition Reconciling while "
            "it may still become ready, or Stalled when only a change of the spec can help."
        ),
        json_schema_extra=list_map("type"),
    )
    account_id: str | None = Field(
        None, alias="accountID", description="Id of the AWS account that the credentials belong to."
    )
    identities: int | None = Field(None, description="The number of SesIdentity objects that refer to this account.")
    regions: tuple[AccountRegionStatus, ...] = Field(
        (),
        description="SES in each region that identities of this account use.",
        json_schema_extra=list_map("region"),
    )
    audit: AuditStatus | None = Field(None, description="The findings of the last audit. Absent without spec.audit.")
    notifications: NotificationsStatus | None = Field(
        None,
        description=(
            "Why the last email of spec.notifications could not be sent; absent if it was sent, and if none was due."
        ),
    )
    last_handled_reconcile_at: str | None = Field(
        None,
        description="The value of the annotation ses-operator.io/reconcile-requested-at that was last acted on.",
    )


class SesAccount(Model):
    """SesAccount configures how the operator uses one AWS account: credentials, DNS zones, tags and request rate.

    Platform teams write it; SesIdentity objects refer to it by name. Its status reports the state of the account in
    each region in use.
    """

    metadata: ObjectMeta
    spec: SesAccountSpec = Field(description="How the operator uses this AWS account.")
    status: SesAccountStatus = Field(
        SesAccountStatus(),
        description="The state of the account as the operator found it. Written by the operator only.",
    )
