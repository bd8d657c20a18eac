"""The status of a SesIdentity. Built by the core, written by the status writer when it differs."""

from __future__ import annotations

from pydantic import Field

from ses_operator.api.base.conditions import Condition
from ses_operator.api.base.model import Model, Timestamp, list_map


class RegionDkimStatus(Model):
    """DKIM of the identity in one region."""

    status: str | None = Field(
        None, description="SES's DKIM status: PENDING, SUCCESS, FAILED, TEMPORARY_FAILURE or NOT_STARTED."
    )
    tokens: tuple[str, ...] = Field(
        (),
        description=(
            "The tokens that SES gave; each is the first label of one CNAME record. They differ by region. With a key of "
            "yours (BYODKIM): its selector."
        ),
    )
    signing_hosted_zone: str | None = Field(
        None, description="The zone of SES that the CNAME records of this region point into; absent with BYODKIM."
    )
    key_fingerprint: str | None = Field(
        None,
        description=(
            "With BYODKIM: SHA-256 of the public key (DER) whose private key was given to SES in this region, for SES "
            "does not tell it back."
        ),
    )
    parent_region: str | None = Field(
        None,
        description=(
            "Where the identity of this region is a replica (mode Deterministic): the region whose DKIM key, tokens and "
            "records it shares."
        ),
    )


class RegionMailFromStatus(Model):
    """The custom MAIL FROM domain in one region."""

    status: str | None = Field(
        None, description="SES's MAIL FROM status: PENDING, SUCCESS, FAILED or TEMPORARY_FAILURE."
    )
    domain: str | None = Field(None, description="The MAIL FROM domain that SES has in this region.")


class VerificationEmailStatus(Model):
    """The emails by which an address is verified in one region."""

    count: int = Field(0, description="How many were sent. After three, the next is sent when a person asks for it.")
    last_sent_at: Timestamp = Field(description="When the last one was sent.")
    expires_at: Timestamp = Field(description="Until when the link in it works: 24 hours.")


class RegionStatus(Model):
    """The identity in one region."""

    region: str = Field(description="The AWS region.")
    arn: str | None = Field(None, description="ARN of the SES identity in this region; absent until it exists.")
    verification_status: str | None = Field(
        None,
        description="SES's verification status: PENDING, SUCCESS, FAILED, TEMPORARY_FAILURE or NOT_STARTED.",
    )
    dkim: RegionDkimStatus | None = Field(None, description="DKIM in this region.")
    mail_from: RegionMailFromStatus | None = Field(
        None, description="The custom MAIL FROM domain in this region, where one is set."
    )
    verification_email: VerificationEmailStatus | None = Field(
        None, description="The emails that were sent to an address; absent for a domain, and once it is verified."
    )
    sending_enabled: bool | None = Field(None, description="Whether SES lets this identity send in this region.")
    pending_since: Timestamp | None = Field(
        None,
        description="Since when SES has been asked for the DKIM records without success; SES gives up after 72 hours.",
    )
    verified_at: Timestamp | None = Field(None, description="When the operator first saw this region verified.")
    provisioned_at: Timestamp | None = Field(
        None,
        description=(
            "Since when the identity is known to have had every setting of the configuration as it is now. What differs after "
            "that has been changed by somebody."
        ),
    )
    restarted_at: Timestamp | None = Field(
        None, description="When the operator last asked SES to look for the records again, after SES had given up."
    )
    reason: str | None = Field(None, description="One word in PascalCase: why this region is where it is.")
    message: str | None = Field(None, description="What is missing in this region, and what to do about it.")


class ZoneStatus(Model):
    """The hosted zone that the records are in."""

    name: str = Field(description="Name of the hosted zone, such as example.com.")
    hosted_zone_id: str | None = Field(None, alias="hostedZoneID", description="Id of the Route 53 hosted zone.")


class RecordStatus(Model):
    """One DNS record set that SES or the spec asks for."""

    name: str = Field(description="Full name of the record, without the dot at the end.")
    type: str = Field(description="CNAME, MX or TXT.")
    ttl: int | None = Field(None, description="Time to live in seconds.")
    values: tuple[str, ...] = Field(
        description=(
            "The values: the target of a CNAME, an MX as preference and host, the text of a TXT without quotes. Enter"
            " them as they are; a provider may want quotes around a TXT or a dot after a host name."
        )
    )
    purpose: str | None = Field(
        None, description="What it is for: DKIM and MailFrom for SES, SPF and DMARC for receivers."
    )
    regions: tuple[str, ...] = Field((), description="The regions that ask for this record.")
    state: str | None = Field(
        None,
        description=(
            "Published: served as it should be. Pending: handed to the provider, not known to be served yet. Missing:"
            " not there. Different: there, with other values. Conflict: somebody else's record stands in its place."
        ),
    )
    message: str | None = Field(None, description="What is wrong with this record, and what to do about it.")


class ReportAuthorizationStatus(Model):
    """A record by which the owner of another domain accepts DMARC reports (RFC 7489, 7.1). The operator never writes it."""

    name: str = Field(description="Full name of the record, without the dot at the end.")
    type: str = Field("TXT", description="TXT.")
    values: tuple[str, ...] = Field(description="The text, without quotes.")
    message: str = Field(description="Who has to publish it, and what happens otherwise.")


class FormerPlaceStatus(Model):
    """A place where the records were published before, and that is not over with."""

    place: str = Field(description="The place: Route53/ and the id of the hosted zone, or DNSEndpoint.")
    since: Timestamp = Field(description="Since when that is so, as the message says it.")
    message: str = Field(description="Why, what is waited for, and what to do if it shall not be waited for.")


class DnsStatus(Model):
    """The DNS records and where they are published."""

    provider: str | None = Field(
        None, description="The provider in effect: Route53, DNSEndpoint or Manual; spec.dns or the SesAccount chose it."
    )
    zone: ZoneStatus | None = Field(None, description="The hosted zone, where the provider is Route53.")
    records: tuple[RecordStatus, ...] = Field(
        (), description="Every record that SES or the spec asks for, ready to copy, with its state."
    )
    former_places: tuple[FormerPlaceStatus, ...] | None = Field(
        None,
        description=(
            "Where the records were published before the provider or the zone changed, as long as something of them is "
            "kept there: until name servers are seen to answer them from the new place."
        ),
        json_schema_extra=list_map("place"),
    )
    report_authorizations: tuple[ReportAuthorizationStatus, ...] | None = Field(
        None,
        description=(
            "Records that the owners of other domains have to publish, so that receivers send DMARC reports to the "
            "addresses there that spec.dmarc names. The operator neither writes them nor looks at them."
        ),
    )


class PendingRecordStatus(Model):
    """The DNS record set that a pending change is about."""

    name: str = Field(description="Full name of the record, without the dot at the end.")
    type: str = Field(description="CNAME, MX or TXT.")
    ttl: int | None = Field(None, description="Time to live in seconds.")
    values: tuple[str, ...] = Field(
        description="The values as they would be, or as they are where the record would go; what SES has yet to tell, such "
        "as DKIM tokens, stands in angle brackets."
    )


class PendingChangeStatus(Model):
    """One call or record that the operator would make, change or remove, and that the spec holds it back from."""

    action: str = Field(
        description=(
            "What would be done, in one word: a step at SES such as CreateIdentity, TagIdentity or SetMailFrom; CreateRecord,"
            " ChangeRecord, DeleteRecord or ReleaseRecord in DNS; LeaveRecord for somebody else's record that would be left"
            " as it is; LeavePlace for all records of a place where they went before; More for what is not listed."
        )
    )
    region: str | None = Field(None, description="The AWS region; absent where the change is in DNS.")
    description: str = Field(description="The change in words, with the value that stands now.")
    record: PendingRecordStatus | None = Field(None, description="The record set, where the change is in DNS.")


class WarningStatus(Model):
    """A guardrail of the SesAccount that is not met, and does not have to be."""

    reason: str = Field(description="One word in PascalCase: which guardrail it is.")
    message: str = Field(description="Which field to change, and how.")


class RepairStatus(Model):
    """A setting or record that somebody else had changed, and that was put right."""

    setting: str = Field(description="What was done, in words, such as: switch DKIM signing on in eu-west-1.")
    region: str | None = Field(None, description="The AWS region; absent where it is in DNS.")
    found: str = Field("", description="What was found before it was put right the last time.")
    count: int = Field(description="How often, since it began.")
    last_at: Timestamp = Field(description="When it was put right the last time.")
    message: str | None = Field(
        None, description="That somebody else keeps changing it back, and what to do; present from the third time on."
    )


class SesIdentityStatus(Model):
    """What the operator found and did."""

    observed_generation: int = Field(
        -1,
        description="The metadata.generation that this status is about; -1 until the operator has seen the object.",
    )
    conditions: tuple[Condition, ...] = Field(
        (),
        description=(
            "Ready, and what it is made of: Accepted, Provisioned, DNSPublished, Verified, DKIMVerified, "
            "MailFromVerified. Beside them Reconciling while it may still come, or Stalled when only a change of the "
            "spec can help."
        ),
        json_schema_extra=list_map("type"),
    )
    regions: tuple[RegionStatus, ...] = Field(
        (), description="The identity in each region.", json_schema_extra=list_map("region")
    )
    dns: DnsStatus | None = Field(None, description="The DNS records and where they are published.")
    warnings: tuple[WarningStatus, ...] = Field(
        (),
        description=(
            "Guardrails of the SesAccount that the spec does not meet and that are set to warn. Ready does not depend on "
            "them."
        ),
        json_schema_extra=list_map("reason"),
    )
    verified_regions: str | None = Field(None, description="How many of the regions report verified, such as 2/3.")
    applied_configuration: str | None = Field(
        None,
        description=(
            "Digest of the configuration, account defaults included, that this status is about. While it is the same "
            "and everything is verified, nothing is read again but SES's lists."
        ),
    )
    pending_changes: tuple[PendingChangeStatus, ...] | None = Field(
        None,
        description=(
            "What would be done, if the spec did not hold it back: under spec.suspend everything; under adoptionPolicy Never "
            "what taking over the identities that exist already would change. At most 100 entries. Absent where nothing is "
            "held back."
        ),
    )
    repairs: tuple[RepairStatus, ...] | None = Field(
        None,
        description=(
            "What somebody else had changed and was put right, with the configuration as it is now. Forgotten when nothing had "
            "to be put right for 36 hours. What comes back again and again is named, and put right less and less often."
        ),
    )
    notified: str | None = Field(
        None,
        description=(
            "What was told last by an email of the SesAccount's spec.notifications: Stuck, Failed or Revoked; Nothing while "
            "there may be something to tell. Absent once it is verified, and that was told."
        ),
    )
    last_handled_reconcile_at: str | None = Field(
        None,
        description="The value of the annotation ses-operator.io/reconcile-requested-at that was last acted on.",
    )


STATUS_DEFAULT = {"observedGeneration": -1}
"""What the apiserver writes into a new object, so that kstatus reads it as in progress and not as current."""
