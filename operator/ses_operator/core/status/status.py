"""The whole status of a SesIdentity, as a value. The previous one is needed for its timers alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.base.meta import RECONCILE_REQUESTED_AT
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import (
    DnsStatus,
    FormerPlaceStatus,
    HandoverStatus,
    PendingChangeStatus,
    PendingRecordStatus,
    RecordStatus,
    RegionDkimStatus,
    RegionMailFromStatus,
    RegionStatus,
    ReportAuthorizationStatus,
    SesIdentityStatus,
    VerificationEmailStatus,
    WarningStatus,
    ZoneStatus,
)
from ses_operator.core.dns.migration import FormerPlace
from ses_operator.core.dns.record_formats import zone_file_values
from ses_operator.core.features.deterministic_dkim import hosted_zone_of
from ses_operator.core.features.dkim import dkim_differs, fingerprint_at_ses
from ses_operator.core.features.keys.key_identity import own_selector
from ses_operator.core.features.ownership import is_ours
from ses_operator.core.features.verification_email import LIFETIME
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.record_values.dmarc import VERSION as DMARC_VERSION
from ses_operator.core.model.record_values.dmarc import report_authorizations
from ses_operator.core.model.ses import IdentityFacts, VerificationStatus, identity_arn
from ses_operator.core.planning.contention import told
from ses_operator.core.planning.pending_changes import PendingChange
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.observed import Observed, Remembered
from ses_operator.core.state.publication import DnsZone
from ses_operator.core.status.report import ReportInput, is_provisioned, refused, verdicts
from ses_operator.core.status.verdicts import MAX_MESSAGE, Verdict, conditions, not_ready
from ses_operator.core.status.waits import known_waits, waits_in_status


def identity_status(identity: SesIdentity, case: ReportInput, zone: DnsZone | None, now: datetime) -> SesIdentityStatus:
    """Return the status of an accepted identity."""
    before, digest = identity.status, case.desired.digest()
    same = before.applied_configuration == digest
    known = {each.region: each if same else each.model_copy(update={"provisioned_at": None}) for each in before.regions}
    regions = tuple(
        _region(case, region, known.get(region, RegionStatus(region=region)), now) for region in case.desired.regions
    )
    verified = sum(region.verification_status == VerificationStatus.SUCCESS for region in regions)
    return _with_conditions(identity, verdicts(case), now).model_copy(
        update={
            "regions": regions,
            "dns": None if case.desired.is_address else _dns(case, identity, zone),
            "verified_regions": f"{verified}/{len(regions)}",
            "applied_configuration": digest,
            "pending_changes": _pending_changes(case),
            "repairs": told(case.repairs),
            "waits": waits_in_status(case, now),
        }
    )


def refused_status(identity: SesIdentity, problem: Problem, now: datetime) -> SesIdentityStatus:
    """Return the status while the identity is not accepted: what was known of regions and records is kept."""
    return _with_conditions(identity, refused(problem), now)


def acknowledged_status(identity: SesIdentity) -> SesIdentityStatus:
    """Return the previous status, with a request for a reconcile acknowledged."""
    request = identity.metadata.annotations.get(RECONCILE_REQUESTED_AT)
    return identity.status.model_copy(update={"last_handled_reconcile_at": request})


def warned_status(status: SesIdentityStatus, warnings: tuple[WarningStatus, ...]) -> SesIdentityStatus:
    """Return the status with these warnings and no others."""
    return status.model_copy(update={"warnings": warnings})


def waiting_status(identity: SesIdentity, problem: Problem, now: datetime) -> SesIdentityStatus:
    """Return the status while nothing can go on, or the deletion waits, over what was known."""
    return _with_conditions(identity, not_ready(problem), now)


def handover_status(
    identity: SesIdentity, new_owner: str, problem: Problem, now: datetime, *, completed: bool
) -> SesIdentityStatus:
    """Return the status of a hand-over: while it waits over what was known, and when it is completed."""
    found = refused(problem) if completed else not_ready(problem)
    return _with_conditions(identity, found, now).model_copy(
        update={"handover": HandoverStatus(to=new_owner, completed=completed)}
    )


def remembered(identity: SesIdentity) -> dict[str, Remembered]:
    """Return what status remembers of each region; of one that has left the spec, what is waited for there."""
    waiting = {wait.region for wait in identity.status.waits or () if wait.region is not None}
    left = {region: Remembered(waits=known_waits(identity.status, region)) for region in waiting}
    return left | {
        region.region: Remembered(
            tokens=region.dkim.tokens if region.dkim else (),
            signing_hosted_zone=(region.dkim.signing_hosted_zone or "") if region.dkim else "",
            pending_since=region.pending_since,
            verified_at=region.verified_at,
            restarted_at=region.restarted_at,
            key_fingerprint=region.dkim.key_fingerprint if region.dkim else None,
            emailed_at=region.verification_email.last_sent_at if region.verification_email else None,
            emails=region.verification_email.count if region.verification_email else 0,
            mail_from=_verified_mail_from(region),
            waits=known_waits(identity.status, region.region),
        )
        for region in identity.status.regions
    }


def _verified_mail_from(region: RegionStatus) -> str | None:
    """Return the MAIL FROM domain that SES has verified once; a status of before only says that it is verified now."""
    known = region.mail_from
    if known is None or (known.verified_at is None and known.status != VerificationStatus.SUCCESS):
        return None
    return known.domain


def former_places(identity: SesIdentity) -> dict[str, FormerPlace]:
    """Return the places where records were published before, by status."""
    dns = identity.status.dns
    return {
        known.place: FormerPlace(known.place, known.reason, known.message, known.since)
        for known in (dns.former_places or () if dns else ())
    }


def _with_conditions(identity: SesIdentity, found: Mapping[ConditionType, Verdict], now: datetime) -> SesIdentityStatus:
    before, meta = identity.status, identity.metadata
    return before.model_copy(
        update={
            "observed_generation": meta.generation,
            "conditions": conditions(found, before.conditions, meta.generation, now),
            "verified_regions": before.verified_regions or f"0/{len(identity.spec.regions)}",
            "last_handled_reconcile_at": meta.annotations.get(RECONCILE_REQUESTED_AT),
            "pending_changes": None,
            "handover": None,
        }
    )


def _region(case: ReportInput, region: str, before: RegionStatus, now: datetime) -> RegionStatus:
    problem = case.problems.get(region)
    said = {
        "reason": problem.reason if problem else None,
        "message": problem.message[:MAX_MESSAGE] if problem else None,
    }
    facts = case.facts(region)
    if facts is None:
        return before.model_copy(update={**said, "verification_email": _verification_email(case.observed, region)})
    verified = facts.verification_status is VerificationStatus.SUCCESS
    restarted = _restarted_at(case.observed, region)
    return RegionStatus(
        region=region,
        arn=identity_arn(case.account_id, region, case.desired.identity, case.partition),
        verification_status=facts.verification_status,
        verification_email=None if verified else _verification_email(case.observed, region),
        # It is remembered in order to keep records published: not of an identity that is not the object's.
        dkim=None
        if case.desired.is_address or not is_ours(region, facts, case.desired.owner, case.observed.invited)
        else RegionDkimStatus(
            status=facts.dkim.status,
            tokens=facts.dkim.tokens,
            signing_hosted_zone=hosted_zone_of(facts, case.observed) if own_selector(facts) is None else None,
            key_fingerprint=fingerprint_at_ses(case.desired, region, facts, case.observed),
            parent_region=facts.dkim.parent_region,
        ),
        mail_from=_mail_from(facts, before.mail_from, now),
        sending_enabled=facts.sending_enabled,
        pending_since=(before.pending_since or now) if _dkim_waits(case, region, facts) else None,
        verified_at=(before.verified_at or now) if verified else None,
        provisioned_at=before.provisioned_at or (now if is_provisioned(case, region) else None),
        restarted_at=None if verified and problem is None else restarted or before.restarted_at,
        reason=said["reason"],
        message=said["message"],
    )


def _dkim_waits(case: ReportInput, region: str, facts: IdentityFacts) -> bool:
    """Return True if SES has not found the DKIM records yet, or has yet to get the key."""
    found = {facts.verification_status, facts.dkim.status} == {VerificationStatus.SUCCESS}
    return not found or dkim_differs(case.desired, region, case.observed)


def _restarted_at(observed: Observed, region: str) -> datetime | None:
    known = observed.remembered.get(region)
    return known.restarted_at if known else None


def _verification_email(observed: Observed, region: str) -> VerificationEmailStatus | None:
    known = observed.remembered.get(region)
    if known is None or known.emailed_at is None:
        return None
    return VerificationEmailStatus(
        count=known.emails, last_sent_at=known.emailed_at, expires_at=known.emailed_at + LIFETIME
    )


def _mail_from(facts: IdentityFacts, before: RegionMailFromStatus | None, now: datetime) -> RegionMailFromStatus | None:
    found = facts.mail_from
    if found is None:
        return None
    verified_at = before.verified_at if before is not None and before.domain == found.domain else None
    if verified_at is None and found.status is VerificationStatus.SUCCESS:
        verified_at = now
    return RegionMailFromStatus(status=found.status, domain=found.domain, verified_at=verified_at)


def _dns(case: ReportInput, identity: SesIdentity, zone: DnsZone | None) -> DnsStatus:
    """Return the records as observed; if DNS could not be observed in this run, those of before."""
    observed = case.observed.dns
    before = identity.status.dns
    records = (
        before.records
        if observed is None and before is not None
        else tuple(
            RecordStatus(
                name=entry.record.name,
                type=entry.record.type,
                ttl=entry.record.ttl,
                values=entry.record.values,
                zone_file_values=zone_file_values(entry.record),
                purpose=entry.record.purpose,
                regions=entry.record.regions,
                state=entry.state,
                message=entry.message[:MAX_MESSAGE] or None,
            )
            for entry in (observed.records if observed else ())
        )
    )
    return DnsStatus(
        provider=case.desired.provider,
        zone=ZoneStatus(name=zone.name, hosted_zone_id=zone.hosted_zone_id) if zone else None,
        records=records,
        former_places=tuple(
            FormerPlaceStatus(place=known.place, since=known.since, reason=known.reason, message=known.message)
            for known in case.former
        )
        or None,
        unproven_records=_unproven(case, before),
        report_authorizations=_report_authorizations(case.desired),
    )


def _unproven(case: ReportInput, before: DnsStatus | None) -> tuple[str, ...] | None:
    if case.observed.dns is None:
        return before.unproven_records if before else None
    return case.observed.dns.unproven or None


def _pending_changes(case: ReportInput) -> tuple[PendingChangeStatus, ...] | None:
    changes = case.preview.changes if case.preview else ()
    return tuple(map(_pending_change, changes)) or None


def _pending_change(change: PendingChange) -> PendingChangeStatus:
    record = change.record
    return PendingChangeStatus(
        action=change.action,
        region=change.region,
        description=change.description[:MAX_MESSAGE],
        record=PendingRecordStatus(name=record.name, type=record.type, ttl=record.ttl, values=record.values)
        if record
        else None,
    )


def _report_authorizations(desired: Desired) -> tuple[ReportAuthorizationStatus, ...] | None:
    needed = report_authorizations(desired.identity, desired.dmarc) if desired.dmarc else ()
    said = (ReportAuthorizationStatus(name=each.name, values=(DMARC_VERSION,), message=each.message) for each in needed)
    return tuple(said) or None
