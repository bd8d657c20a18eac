"""When to look at an identity again, if nothing wakes it before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.status import SesIdentityStatus
from ses_operator.core.dns.migration import Disposition
from ses_operator.core.dns.record_evidence import LOOKED_AT_BY_SES
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.schedule import (
    CONFLICT_READ,
    LONGEST_LOOKUP,
    LOOKUP_GRACE,
    LOOKUP_PATIENCE,
    SHORTEST_READ,
    lookup_interval,
    mail_from_interval,
    read_interval,
    watch_interval,
)
from ses_operator.core.model.ses import IdentityFacts, IdentityType, VerificationStatus
from ses_operator.core.state.observed import Present, RegionView, Remembered
from ses_operator.core.state.publication import RecordState
from ses_operator.core.status.report import ReportInput

HELD_BY_OTHERS = frozenset(
    {Reason.OWNED_BY_ANOTHER, Reason.NOT_ADOPTED, Reason.MAIL_FROM_CONFLICT, Reason.DKIM_CONFLICT}
)
"""The reasons of an identity that exists at SES and is left as it is."""


def requeue_after(case: ReportInput, now: datetime) -> float | None:
    """Return the seconds until the earliest thing that is worth another look; None if only an event can change something.

    A problem without a time of its own leaves it to the queue's backoff, which is the caller's.
    """
    return min(_intervals(case, now), default=None)


def needs_backoff(case: ReportInput) -> bool:
    """Return True if something failed, or was left undone, that is worth trying again without a better idea of when."""
    left_undone = case.suspended is None and not case.plan.is_empty
    return left_undone or any(problem.retry_after is None for problem in _problems(case))


def freshness(view: RegionView, seconds: float) -> float:
    """Return how old, in seconds, a reading may be that shows this, after ``seconds`` of waiting.

    What is verified does not age: the identity cache notices when it changes, and the resync reads what no list
    shows.
    """
    if not isinstance(view, Present):
        return SHORTEST_READ
    if view.facts.type is IdentityType.EMAIL_ADDRESS:
        return float("inf")  # nothing else can change but its status, which the lists have
    if view.facts.verification_status is not VerificationStatus.SUCCESS:
        return read_interval(seconds)
    if verification_waits(view.facts) or mail_from_waits(view.facts):
        return mail_from_interval(seconds)
    return float("inf")


def oldest_readings(status: SesIdentityStatus, waited: Mapping[str, float]) -> dict[str, float]:
    """Return how old, in seconds, a reading of each region may be, by status.

    What others hold or have set, only they can change, and no list shows it.
    """
    held = {region.region for region in status.regions if region.reason in HELD_BY_OTHERS}
    return {region: read_interval(seconds) if region in held else float("inf") for region, seconds in waited.items()}


def verification_waits(facts: IdentityFacts) -> bool:
    """Return True if SES has not seen the DKIM records, or no longer does; or the link to an address was not followed."""
    return facts.verifications != {VerificationStatus.SUCCESS}


def mail_from_waits(facts: IdentityFacts) -> bool:
    """Return True if there is a MAIL FROM domain whose MX SES has not seen."""
    return facts.mail_from is not None and facts.mail_from.status is not VerificationStatus.SUCCESS


def waited(known: Remembered | None, now: datetime) -> float:
    """Return the seconds since the region began to wait, as far as is remembered."""
    since = (known.pending_since or known.verified_at) if known else None
    return max((now - since).total_seconds(), 0.0) if since else 0.0


def is_early(provider: DnsProvider, seconds: float) -> bool:
    """Return True if it is too soon to query name servers: what Route 53 serves, SES mostly finds first."""
    return provider is DnsProvider.ROUTE53 and seconds < LOOKUP_GRACE


def lookup_due(provider: DnsProvider, seconds: float) -> float:
    """Return in how many seconds to query the name servers, after ``seconds`` of waiting."""
    return LOOKUP_GRACE - seconds if is_early(provider, seconds) else lookup_interval(seconds)


def _problems(case: ReportInput) -> Iterable[Problem]:
    """Return the problems in the regions, and at the publisher of the records."""
    dns = case.observed.dns
    everywhere = (case.observed.dns_failure, dns.problem if dns else None, case.plan.dns_problem)
    return [
        *(problem for plan in case.plan.regions.values() for problem in plan.blockers),
        *(problem for problem in everywhere if problem is not None),
    ]


def _intervals(case: ReportInput, now: datetime) -> Iterable[float]:
    for problem in _problems(case):
        if problem.retry_after is not None:
            yield problem.retry_after
    if _only_lookups_tell(case):
        yield lookup_interval(min(waited(case.observed.remembered.get(region), now) for region in case.desired.regions))
    if case.observed.dns and any(entry.state is RecordState.CONFLICT for entry in case.observed.dns.records):
        yield CONFLICT_READ
    yield from _intervals_of_moves(case, now)
    for plan in case.plan.regions.values():
        if plan.awaited is not None and plan.awaited.retry_after is not None:
            yield plan.awaited.retry_after
    for region, view in case.observed.regions.items():
        if not isinstance(view, Present) or region not in case.desired.regions or case.desired.is_address:
            continue
        seconds = waited(case.observed.remembered.get(region), now)
        if verification_waits(view.facts) or mail_from_waits(view.facts):
            yield freshness(view, seconds)
            yield lookup_due(case.desired.provider, seconds)


def _intervals_of_moves(case: ReportInput, now: datetime) -> Iterable[float]:
    """Yield the intervals of places where records were published before: what ExternalDNS may delete is looked at often."""
    for place in case.former:
        seconds = max((now - place.since).total_seconds(), 0.0)
        if place.retry_after is not None:
            yield max(place.retry_after, LONGEST_LOOKUP)
        elif place.fate is Disposition.WATCH:
            yield watch_interval(seconds)
        elif seconds < LOOKUP_PATIENCE:
            yield lookup_interval(seconds)


def _only_lookups_tell(case: ReportInput) -> bool:
    """Return True if only name servers can show when a record is served.

    SES reports nothing of SPF and DMARC; Route 53 reports it itself.
    """
    dns = case.observed.dns
    if dns is None or case.desired.provider is DnsProvider.ROUTE53:
        return False
    return any(
        entry.record.purpose not in LOOKED_AT_BY_SES
        and entry.state not in {RecordState.PUBLISHED, RecordState.CONFLICT}
        for entry in dns.records
    )
