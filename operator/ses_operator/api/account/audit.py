"""The part of a SesAccount about audits: when and how all that SES has of the account is looked over, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from ses_operator.api.base.durations import duration
from ses_operator.api.base.fields import MAX_TAG_KEY, Region
from ses_operator.api.base.model import SERVER_DEFAULT, Model, Timestamp, rule, rules

MAX_AUDITED_REGIONS = 64
MAX_OWNER_TAGS = 16

Interval = Annotated[str, duration("1h", "720h")]
Patience = Annotated[str, duration("0s", "72h")]


class AuditSpec(Model):
    """When and how everything that SES has of the account is looked over. Nothing is changed or deleted by it."""

    regions: tuple[Region, ...] = Field(
        (),
        max_length=MAX_AUDITED_REGIONS,
        description=(
            "The AWS regions to look at. Omitted: every region of the account's partition that has SES; regions that are not "
            "switched on for the account are passed over. Behind endpoints that serve some regions only, name these."
        ),
        json_schema_extra=rules(
            rule("self.all(region, self.exists_one(other, other == region))", "name each region once")
        ),
    )
    interval: Interval = Field(
        "24h",
        description=(
            "From the end of one audit to the beginning of the next, from 1h to 720h. Default: 24h. An audit reads each "
            "identity once, at the lowest priority: with 10,000 in a region, and the request rate that SES allows, it takes "
            "about four hours."
        ),
        json_schema_extra=SERVER_DEFAULT,
    )
    owner_tags: tuple[Annotated[str, Field(max_length=MAX_TAG_KEY)], ...] = Field(
        ("owner",),
        max_length=MAX_OWNER_TAGS,
        description=(
            "Keys of AWS tags that say who owns an identity. One that has a value for none of them, and no owner tag of an "
            "operator either, is Unmanaged. Default: owner."
        ),
    )
    pending_longer_than: Patience = Field(
        "24h",
        description="How long an identity may be pending before that is a finding, from 0s to 72h. Default: 24h.",
        json_schema_extra=SERVER_DEFAULT,
    )
    unused_for_days: int | None = Field(
        None,
        ge=1,
        le=365,
        description=(
            "For how many days nothing was sent from an identity that is Unused, from 1 to 365. It can be told only in regions "
            "where the Virtual Deliverability Manager is on and has counted since then, without mail to several recipients at "
            "once; and costs a call more for each ten identities. Omitted: not looked for."
        ),
    )
    quota_near_percent: int = Field(
        80,
        ge=1,
        le=100,
        description=(
            "From which share on, in percent, it is a finding how much is used of the send quota, and of the 10,000 identities "
            "that SES allows in a region. Default: 80."
        ),
        json_schema_extra=SERVER_DEFAULT,
    )


class AuditRegionStatus(Model):
    """What an audit found in one region."""

    region: str = Field(description="The AWS region.")
    identities: Mapping[str, int] = Field(
        default_factory=dict, description="How many identities SES has here, by verification status."
    )
    findings: Mapping[str, int] = Field(
        default_factory=dict, description="How many findings of each kind there are here."
    )
    reason: str | None = Field(None, description="One word in PascalCase: why the region could not be audited.")
    message: str | None = Field(None, description="What hindered the audit here, and what to do about it.")


class AuditExample(Model):
    """One finding among others of its kind."""

    finding: str = Field(description="The kind of finding.")
    severity: str = Field(description="How grave it is: high, medium or low.")
    region: str = Field(description="The AWS region.")
    identity: str | None = Field(None, description="The identity; absent where it is about the account.")
    message: str = Field(description="What is wrong, and what to do about it.")


class AuditReportStatus(Model):
    """Where all findings of the audit stand."""

    kind: str = Field(description="The kind of object that they stand in.")
    selector: str = Field(description="The label selector by which kubectl get finds these objects.")
    objects: int = Field(description="How many objects there are.")
    results: int = Field(description="How many findings they hold.")
    message: str | None = Field(None, description="Why there is no report, or not the whole, and what to do about it.")


class AuditStatus(Model):
    """What the last audit found, and when the next begins."""

    started_at: Timestamp | None = Field(None, description="When the last audit that came to its end began.")
    completed_at: Timestamp | None = Field(None, description="When it ended.")
    duration_seconds: int | None = Field(None, description="How long it took.")
    next_at: Timestamp | None = Field(None, description="When the next is due.")
    progress: str | None = Field(None, description="How far an audit is that runs now.")
    identities: int | None = Field(
        None, description="How many identities SES has, each counted once for each region that it is in."
    )
    findings: int | None = Field(None, description="How many findings there are.")
    regions: tuple[AuditRegionStatus, ...] = Field(
        (), description="The regions with identities, and those that could not be audited."
    )
    examples: tuple[AuditExample, ...] = Field((), description="Some findings of each kind; all stand in the report.")
    report: AuditReportStatus | None = Field(None, description="Where all findings stand.")
    applied_configuration: str | None = Field(
        None, description="A digest of the configuration that the last audit was made with."
    )
    last_handled_reconcile_at: str | None = Field(
        None,
        description="The value of the annotation ses-operator.io/reconcile-requested-at when the last audit began.",
    )
