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
            "The tokens that SES assigned; each is the first label of one CNAME record. They differ by "
            "region. With a key of your own (BYODKIM): its selector."
        ),
    )
    signing_hosted_zone: str | None = Field(
        None, description="The zone of SES that the CNAME records of this region point into; absent with BYODKIM."
    )
    key_fingerprint: str | None = Field(
        None,
        description=(
            "With BYODKIM: SHA-256 of the public key (DER) whose private key was sent to SES in this "
            "region, because SES does not return it."
        ),
    )
    parent_region: str | None = Field(
        None,
        description=(
            "If the identity of this region is a replica (mode Deterministic): the region whose DKIM key, "
            "tokens and records it shares."
        ),
    )


class RegionMailFromStatus(Model):
    """The custom MAIL FROM domain in one region."""

    status: str | None = Field(
        None, description="SES's MAIL FROM status: PENDING, SUCCESS, FAILED or TEMPORARY_FAILURE."
    )
    domain: str | None = Field(None, description="The MAIL FROM domain that SES has in this region.")
    verified_at: Timestamp | None = Field(
        None,
        description="When the operator first saw SES find the MX record of this domain. Before, Ready waits for it; if it is "
        "lost later, Ready depends on it only with behaviorOnMXFailure RejectMessage.",
    )


class VerificationEmailStatus(Model):
    """The emails that verify an address in one region."""

    count: int = Field(
        0, description="The number of emails sent. After three, the next is sent when a person requests it."
    )
    last_sent_at: Timestamp = Field(description="When the last one was sent.")
    expires_at: Timestamp = Field(description="When the link in it expires: after 24 hours.")


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
    sending_enabled: bool | None = Field(None, description="True if SES lets this identity send in this region.")
    pending_since: Timestamp | None = Field(
        None,
        description="The time since which SES has looked for the DKIM records without success; SES gives up after "
        "72 hours.",
    )
    verified_at: Timestamp | None = Field(None, description="When the operator first saw this region verified.")
    provisioned_at: Timestamp | None = Field(
        None,
        description=(
            "The time since which the identity is known to have had every setting of the current "
            "configuration. A later difference was made by another client."
        ),
    )
    restarted_at: Timestamp | None = Field(
        None, description="When the operator last asked SES to look for the records again, after SES had given up."
    )
    reason: str | None = Field(None, description="One word in PascalCase: why this region is in this state.")
    message: str | None = Field(None, description="The missing parts in this region, and what to do about them.")


class ZoneStatus(Model):
    """The hosted zone that the records are in."""

    name: str = Field(description="Name of the hosted zone, such as example.com.")
    hosted_zone_id: str | None = Field(None, alias="hostedZoneID", description="Id of the Route 53 hosted zone.")


class RecordStatus(Model):
    """One DNS record set that SES or the spec requires."""

    name: str = Field(description="Full name of the record, without the dot at the end.")
    type: str = Field(description="CNAME, MX or TXT.")
    ttl: int | None = Field(None, description="Time to live in seconds.")
    values: tuple[str, ...] = Field(
        description=(
            "The values: the target of a CNAME, an MX as preference and host, the text of a TXT without "
            "quotes. Enter them as they are where a form has a field for them."
        )
    )
    zone_file_values: tuple[str, ...] | None = Field(
        None,
        description=(
            "The same values as a zone file has them: a host name with its closing dot, a text in quotes, split "
            "after 255 characters. Put the dot after name, too."
        ),
    )
    purpose: str | None = Field(
        None, description="The purpose of the record: DKIM and MailFrom for SES, SPF and DMARC for receivers."
    )
    regions: tuple[str, ...] = Field((), description="The regions that require this record.")
    state: str | None = Field(
        None,
        description=(
            "Published: served as it should be. Pending: handed to the provider, not known to be served "
            "yet. Missing: not there. Different: there, with other values. Conflict: a record that the "
            "operator did not write is in its place."
        ),
    )
    message: str | None = Field(None, description="The problem of this record, and what to do about it.")


class ReportAuthorizationStatus(Model):
    """A record by which the owner of another domain accepts DMARC reports (RFC 7489, 7.1). The operator never writes it."""

    name: str = Field(description="Full name of the record, without the dot at the end.")
    type: str = Field("TXT", description="TXT.")
    values: tuple[str, ...] = Field(description="The text, without quotes.")
    message: str = Field(description="The domain owner who has to publish it, and what happens otherwise.")


class FormerPlaceStatus(Model):
    """A place where the records were published before, and where some of them still are."""

    place: str = Field(description="The place: Route53/ and the id of the hosted zone, or DNSEndpoint.")
    since: Timestamp = Field(description="The time since which that is so, for this reason.")
    reason: str = Field(
        "",
        description=(
            "The reason, as one word in PascalCase: RegionsUnknown, NotPublished, NotAnswered, "
            "StillDelegated, NotDelegated, CachedDelegation, ExternalDNSRemoves or ExternalDNSPublishes; "
            "or the reason of an error."
        ),
    )
    message: str = Field(description="Why, what is waited for, and what to do in order not to wait for it.")


class DnsStatus(Model):
    """The DNS records and where they are published."""

    provider: str | None = Field(
        None, description="The provider in effect: Route53, DNSEndpoint or Manual; from spec.dns or the SesAccount."
    )
    zone: ZoneStatus | None = Field(None, description="The hosted zone, where the provider is Route53.")
    records: tuple[RecordStatus, ...] = Field(
        (), description="Every record that SES or the spec requires, ready to copy, with its state."
    )
    former_places: tuple[FormerPlaceStatus, ...] | None = Field(
        None,
        description=(
            "Where the records were published before the provider or the zone changed, as long as some of "
            "them are kept there: until name servers answer them from the new place."
        ),
        json_schema_extra=list_map("place"),
    )
    unproven_records: tuple[str, ...] | None = Field(
        None,
        description=(
            "Records that the ledger in the hosted zone names, without a proof that the operator wrote them: the key that "
            "signed the line is lost, or others wrote it. They are left as they are, also when the object is deleted. "
            "Remove those that are not needed by hand; one that is needed is then written again."
        ),
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
        description="The values as they would be, or as they are where the record would be deleted; what SES has "
        "yet to assign, such as DKIM tokens, is in angle brackets."
    )


class PendingChangeStatus(Model):
    """One call or record that the operator would make, change or remove, and that the spec holds back."""

    action: str = Field(
        description=(
            "The change, in one word: a step at SES such as CreateIdentity, TagIdentity or SetMailFrom; "
            "CreateRecord, ChangeRecord, DeleteRecord or ReleaseRecord in DNS; LeaveRecord for a record "
            "that the operator did not write and would leave as it is; LeavePlace for all records of a "
            "place where they were published before; More for what is not listed."
        )
    )
    region: str | None = Field(None, description="The AWS region; absent where the change is in DNS.")
    description: str = Field(description="The change in words, with the current value.")
    record: PendingRecordStatus | None = Field(None, description="The record set, if the change is in DNS.")


class WarningStatus(Model):
    """What the author has to know and Ready does not depend on: a guardrail that only warns, the state of the AWS account."""

    reason: str = Field(description="One word in PascalCase: which guardrail it is, or AccountInSandbox.")
    message: str = Field(description="What it means, which field to change, and how.")


class RepairStatus(Model):
    """A setting or record that another client had changed, and that the operator corrected."""

    setting: str = Field(
        description="The setting, such as signing, mail-from, tags or policy:partner; in DNS, type and name of the record."
    )
    description: str = Field(description="The correction in words, such as: switch DKIM signing on in eu-west-1.")
    region: str | None = Field(None, description="The AWS region; absent where it is in DNS.")
    found: str = Field("", description="The value found before the last correction.")
    count: int = Field(description="The number of corrections since the first.")
    last_at: Timestamp = Field(description="When it was last corrected.")
    message: str | None = Field(
        None,
        description="A warning that another client keeps changing it back, and what to do; present from the third "
        "time on.",
    )


class WaitStatus(Model):
    """One thing that is waited for, and how long it has been."""

    for_: str = Field(
        alias="for",
        description=(
            "What is waited for, in one word: verification, mail-from, the setting, policy or step that is refused, "
            "such as policy:partner; dns if no record can be published; or type and name of a record that only "
            "receivers of mail look at."
        ),
    )
    region: str | None = Field(None, description="The AWS region; absent where it is in DNS.")
    reason: str | None = Field(
        None, description="One word in PascalCase: why. With another reason the wait begins again."
    )
    since: Timestamp = Field(
        description="The time since which it is waited for. How often it is looked at depends on this time alone."
    )


class HandoverStatus(Model):
    """The hand-over that the annotation ses-operator.io/hand-over-to requests."""

    to: str = Field(
        description="The installationID of the installation that becomes the owner of what the object owns."
    )
    completed: bool = Field(
        description="True once it owns all of it. Until then, the condition Ready says what is waited for."
    )


class SesIdentityStatus(Model):
    """The state of the identity as the operator found it."""

    observed_generation: int = Field(
        -1,
        description="The metadata.generation that this status is about; -1 until the operator has seen the object.",
    )
    conditions: tuple[Condition, ...] = Field(
        (),
        description=(
            "Ready, and what it is made of: Accepted, Provisioned, DNSPublished, Verified, DKIMVerified, "
            "MailFromVerified, ReferencesResolved, SendingEnabled. In addition Reconciling while it may still become ready, or "
            "Stalled when "
            "only a change of the spec can help."
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
            "Guardrails of the SesAccount that the spec does not meet and that are set to warn; AccountInSandbox, if the "
            "AWS account may send to verified recipients only. Ready does not depend on them."
        ),
        json_schema_extra=list_map("reason"),
    )
    verified_regions: str | None = Field(
        None, description="The number of its regions that report verified, such as 2/3."
    )
    applied_configuration: str | None = Field(
        None,
        description=(
            "Digest of the configuration, account defaults included, that this status is about. While it "
            "is the same and everything is verified, the operator reads only the lists of SES."
        ),
    )
    pending_changes: tuple[PendingChangeStatus, ...] | None = Field(
        None,
        description=(
            "The changes that the spec holds back: under spec.suspend all of them; under adoptionPolicy "
            "Never those that adopting the existing identities would make. At most 100 entries. Absent if "
            "nothing is held back."
        ),
    )
    repairs: tuple[RepairStatus, ...] | None = Field(
        None,
        description=(
            "Settings and records that another client had changed and the operator corrected, under the "
            "current configuration. Removed when nothing had to be corrected for 36 hours. What keeps "
            "being changed back is marked, and corrected less and less often."
        ),
    )
    waits: tuple[WaitStatus, ...] | None = Field(
        None,
        description=(
            "What is waited for, each with the time since when: one that has just begun is looked at often, whatever else "
            "has been waited for, or was verified, long ago. Absent if nothing is waited for."
        ),
    )
    notified: str | None = Field(
        None,
        description=(
            "The last report by an email of the SesAccount's spec.notifications: Stuck, Failed or "
            "Revoked; Nothing while there may be something to report. Absent once it is verified, and "
            "that was reported."
        ),
    )
    handover: HandoverStatus | None = Field(
        None, description="The hand-over to another installation; absent where none is asked for."
    )
    last_handled_reconcile_at: str | None = Field(
        None,
        description="The value of the annotation ses-operator.io/reconcile-requested-at that was last acted on.",
    )


STATUS_DEFAULT = {"observedGeneration": -1}
"""The status that the apiserver writes into a new object, so that kstatus reads it as in progress and not as current."""
