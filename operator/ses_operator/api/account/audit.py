"""The part of a SesAccount about audits: when and how everything in the account's SES is checked, and what was found."""

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
    """When and how everything in the account's SES is checked. An audit changes and deletes nothing."""

    regions: tuple[Region, ...] = Field(
        (),
        max_length=MAX_AUDITED_REGIONS,
        description=(
            "The AWS regions to check. If omitted, every region of the account's partition that has SES; "
            "regions that are not enabled for the account are skipped. Behind endpoints that serve some "
            "regions only, list these."
        ),
        json_schema_extra=rules(
            rule("self.all(region, self.exists_one(other, other == region))", "name each region once")
        ),
    )
    interval: Interval = Field(
        "24h",
        description=(
            "The time from the end of one audit to the start of the next, from 1h to 720h. Default: 24h. "
            "An audit reads each identity once, at the lowest priority: with 10,000 in a region, and the "
            "request rate that SES allows, it takes about four hours."
        ),
        json_schema_extra=SERVER_DEFAULT,
    )
    owner_tags: tuple[Annotated[str, Field(max_length=MAX_TAG_KEY)], ...] = Field(
        ("owner",),
        max_length=MAX_OWNER_TAGS,
        description=(
            "Keys of AWS tags that say who owns an identity. An identity that has a value for none of "
            "them, and no owner tag of an operator either, is Unmanaged. Default: owner."
        ),
    )
    pending_longer_than: Patience = Field(
        "24h",
        description="How long an identity may be pending before the audit reports it, from 0s to 72h. Default: 24h.",
        json_schema_extra=SERVER_DEFAULT,
    )
    unused_for_days: int | None = Field(
        None,
        ge=1,
        le=365,
        description=(
            "The number of days without sending after which an identity is Unused, from 1 to 365. It can "
            "be determined only in regions where the Virtual Deliverability Manager is on and has counted "
            "for that long, without mail to several recipients at once; it costs one more call for each "
            "ten identities. If omitted, unused identities are not reported."
        ),
    )
    quota_near_percent: int = Field(
        80,
        ge=1,
        le=100,
        description=(
            "The share in percent from which the audit reports use of the send quota, and of the 10,000 "
            "identities that SES allows in a region. Default: 80."
        ),
        json_schema_extra=SERVER_DEFAULT,
    )


class AuditRegionStatus(Model):
    """The findings of an audit in one region."""

    region: str = Field(description="The AWS region.")
    identities: Mapping[str, int] = Field(
        default_factory=dict, description="The number of identities that SES has here, by verification status."
    )
    findings: Mapping[str, int] = Field(default_factory=dict, description="The number of findings of each kind here.")
    reason: str | None = Field(None, description="One word in PascalCase: why the region could not be audited.")
    message: str | None = Field(None, description="The obstacle to the audit here, and what to do about it.")


class AuditExample(Model):
    """One finding among others of its kind."""

    finding: str = Field(description="The kind of finding.")
    severity: str = Field(description="The severity: high, medium or low.")
    region: str = Field(description="The AWS region.")
    identity: str | None = Field(None, description="The identity; absent if the finding is about the account.")
    message: str = Field(description="The problem, and what to do about it.")


class AuditReportStatus(Model):
    """Where to find all findings of the audit."""

    kind: str = Field(description="The kind of the objects that hold the findings.")
    selector: str = Field(description="The label selector that selects these objects in kubectl get.")
    objects: int = Field(description="The number of these objects.")
    results: int = Field(description="The number of findings in them.")
    message: str | None = Field(
        None, description="Why there is no report, or only a part of it, and what to do about it."
    )


class AuditStatus(Model):
    """The findings of the last audit, and when the next starts."""

    started_at: Timestamp | None = Field(None, description="When the last completed audit started.")
    completed_at: Timestamp | None = Field(None, description="When the last completed audit ended.")
    duration_seconds: int | None = Field(None, description="The duration of the last completed audit.")
    next_at: Timestamp | None = Field(None, description="When the next audit is due.")
    progress: str | None = Field(None, description="The progress of an audit that is running.")
    identities: int | None = Field(
        None, description="The number of identities that SES has, each counted once for each region that it is in."
    )
    findings: int | None = Field(None, description="The number of findings.")
    regions: tuple[AuditRegionStatus, ...] = Field(
        (), description="The regions with identities, and those that could not be audited."
    )
    examples: tuple[AuditExample, ...] = Field(
        (), description="Some findings of each kind; the report has all of them."
    )
    report: AuditReportStatus | None = Field(None, description="Where to find all findings.")
    applied_configuration: str | None = Field(
        None, description="A digest of the configuration that the last audit used."
    )
    last_handled_reconcile_at: str | None = Field(
        None,
        description="The value of the annotation ses-operator.io/reconcile-requested-at when the last audit started.",
    )
