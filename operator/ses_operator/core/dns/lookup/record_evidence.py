"""The evidence about each record, combined: from the publisher, the name servers, and SES itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.reasons import Reason
from ses_operator.core.features.keys.key_identity import ses_looks_at
from ses_operator.core.model.records import Purpose, RecordId, RecordSet, RecordType
from ses_operator.core.model.ses import IdentityFacts, VerificationStatus
from ses_operator.core.state.answers import FindingState, LookupFinding
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.observed import Observed, Present
from ses_operator.core.state.publication import DnsObservation, PublishedRecord, RecordState

Findings = Mapping[RecordId, LookupFinding]

LOOKED_AT_BY_SES = frozenset({Purpose.DKIM, Purpose.MAIL_FROM})
"""The purposes that SES checks: SPF and DMARC are for the receivers of mail."""

_WAY_OUT = {
    (Purpose.DMARC, RecordType.TXT): "change it by hand where the zone is served",
    (Purpose.DKIM, RecordType.TXT): "choose another selector in spec.dkim.byodkim, or change it by hand",
}


def worth_a_look(desired: Desired, observed: Observed) -> tuple[RecordSet, ...]:
    """Return the records that are not known to be served: not by SES, and not by a publisher that would know."""
    if observed.dns is None:
        return ()
    return tuple(
        entry.record
        for entry in observed.dns.records
        if entry.state is not RecordState.CONFLICT
        and not seen_by_ses(observed, entry.record)
        and not (desired.provider is DnsProvider.ROUTE53 and _route53_tells(observed, entry))
    )


def _route53_tells(observed: Observed, entry: PublishedRecord) -> bool:
    """Return True if Route 53 knows best: of what SES does not need, and of what is not even in sync.

    Before something is changed at SES by it, the name servers that the world queries are queried, too; and so they are
    where a CNAME leads out of the zone.
    """
    if entry.alias:
        return False
    if is_awaited(observed, entry.record):
        return entry.state is not RecordState.PUBLISHED
    return entry.record.purpose not in LOOKED_AT_BY_SES


def seen_by_ses(observed: Observed, record: RecordSet) -> bool:
    """Return True if every region that needs the record has found it."""
    return record.purpose in LOOKED_AT_BY_SES and all(_found(observed, region, record) for region in record.regions)


def _found(observed: Observed, region: str, record: RecordSet) -> bool:
    view = observed.regions.get(region)
    if not isinstance(view, Present):
        return False
    if not _is_looked_for(observed, region, view.facts, record):
        return False
    mail_from = view.facts.mail_from
    status = view.facts.dkim.status if record.purpose is Purpose.DKIM else mail_from and mail_from.status
    return status is VerificationStatus.SUCCESS


def is_awaited(observed: Observed, record: RecordSet) -> bool:
    """Return True if a setting at verified SES identities waits until the record is seen."""
    return record.purpose in LOOKED_AT_BY_SES and any(
        isinstance(view := observed.regions.get(region), Present)
        and view.facts.verification_status is VerificationStatus.SUCCESS
        and not _is_looked_for(observed, region, view.facts, record)
        for region in record.regions
    )


def _is_looked_for(observed: Observed, region: str, facts: IdentityFacts, record: RecordSet) -> bool:
    """Return True if SES looks for the record in the region.

    Of a key, or a name, that is about to replace another it reports nothing yet.
    """
    if record.purpose is Purpose.DKIM:
        return ses_looks_at(record, region, observed)
    return facts.mail_from is not None and facts.mail_from.domain.lower() == record.name


def with_findings(desired: Desired, observed: Observed, findings: Findings) -> Observed:
    """Return the observation of DNS with the answers of the name servers and of SES about each record."""
    dns = observed.dns
    if dns is None:
        return observed
    records = tuple(_heard(desired, observed, entry, findings.get(entry.record.id)) for entry in dns.records)
    heard: DnsObservation = replace(dns, records=records)
    return replace(observed, dns=heard)


def _heard(
    desired: Desired, observed: Observed, entry: PublishedRecord, finding: LookupFinding | None
) -> PublishedRecord:
    """Combine the evidence about one record.

    A conflict is known for certain; a different answer contradicts all others; what SES has seen needs no other
    evidence.
    """
    if entry.state is RecordState.CONFLICT:
        return entry
    if finding is not None and finding.state is FindingState.DIFFERENT:
        return replace(entry, state=RecordState.DIFFERENT, message=_hint(desired, finding), reason=finding.reason)
    if seen_by_ses(observed, entry.record):
        return replace(entry, state=RecordState.PUBLISHED, message="")
    if finding is not None and _is_an_inside_view(desired, observed, entry, finding):
        return entry
    match finding:
        case None:
            return entry
        case LookupFinding(state=FindingState.PUBLISHED):
            return replace(entry, state=RecordState.PUBLISHED, message="")
        case LookupFinding(state=FindingState.MISSING):
            return replace(entry, state=RecordState.MISSING, message=finding.message, reason=_reason(entry, finding))
        case _:
            if entry.state is RecordState.PUBLISHED:
                return entry
            return replace(entry, message=finding.message, reason=finding.reason)


def _is_an_inside_view(desired: Desired, observed: Observed, entry: PublishedRecord, finding: LookupFinding) -> bool:
    """Return True if name servers that are not those of the zone contradict Route 53, and SES has found records of the zone.

    Then the cluster's resolvers show a view of their own (split-horizon DNS): what Route 53 has in sync is what the
    world sees.
    """
    return (
        desired.provider is DnsProvider.ROUTE53
        and entry.state is RecordState.PUBLISHED
        and finding.reason is Reason.DNS_NOT_DELEGATED
        and observed.dns is not None
        and any(
            other.state is RecordState.PUBLISHED and seen_by_ses(observed, other.record)
            for other in observed.dns.records
        )
    )


def _reason(entry: PublishedRecord, finding: LookupFinding) -> Reason | None:
    """Return the reason; None for a record that may simply not be served yet, because no publisher reports it as served."""
    if finding.reason is Reason.DNS_RECORD_MISSING and entry.state is not RecordState.PUBLISHED:
        return None
    return finding.reason


def _hint(desired: Desired, finding: LookupFinding) -> str:
    """Return what is different; of a text that people change, a DMARC policy or a key of theirs, also why it stays so."""
    way_out = _WAY_OUT.get((finding.record.purpose, finding.record.type))
    if way_out is None or desired.provider is not DnsProvider.DNS_ENDPOINT:
        return finding.message
    return (
        f"{finding.message}. If the operator wrote the older value: ExternalDNS up to version 0.21 never changes a TXT record; "
        f"{way_out}"
    )
