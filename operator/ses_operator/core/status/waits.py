"""What an identity waits for, by its state, and as status remembers it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.status import SesIdentityStatus, WaitStatus
from ses_operator.core.dns.lookup.record_evidence import LOOKED_AT_BY_SES
from ses_operator.core.model.records import Purpose, RecordSet
from ses_operator.core.model.ses import IdentityFacts, VerificationStatus
from ses_operator.core.planning.region_plan import RegionPlan
from ses_operator.core.state.observed import Observed, Present, Remembered, Unread
from ses_operator.core.state.publication import RecordState
from ses_operator.core.state.steps import SetDkimSource
from ses_operator.core.state.waits import (
    DNS_WAIT,
    MAIL_FROM_WAIT,
    VERIFICATION,
    Wait,
    Waits,
    continued,
    seconds_waited,
)
from ses_operator.core.status.report import ReportInput

NOTHING_KNOWN = Remembered()

_KEYS_OF_RECORDS = {Purpose.DKIM: (VERIFICATION, SetDkimSource.KEY), Purpose.MAIL_FROM: (MAIL_FROM_WAIT,)}
"""The waits of a region for which SES has to see records of a purpose."""


def known_waits(status: SesIdentityStatus, region: str | None) -> Waits:
    """Return the waits of a region, or (None) of DNS, as status remembers them."""
    found = {wait.for_: Wait(wait.since, wait.reason or "") for wait in status.waits or () if wait.region == region}
    # A status that an operator before this member wrote has the time of this one wait only.
    pending = next((each.pending_since for each in status.regions if each.region == region), None)
    return {VERIFICATION: Wait(pending), **found} if pending and status.waits is None else found


def waits_of(case: ReportInput, now: datetime) -> dict[str | None, Waits]:
    """Return all that is waited for, by region; None: in DNS. What was waited for before keeps its time."""
    memory = case.observed.remembered
    found: dict[str | None, Waits] = {
        region: _in_region(case, region, memory.get(region, NOTHING_KNOWN).waits, now)
        for region in sorted({*case.desired.regions, *case.plan.regions})
    }
    return {**found, None: _in_dns(case, now)}


def waits_in_status(case: ReportInput, now: datetime) -> tuple[WaitStatus, ...] | None:
    """Return the waits as status lists them."""
    listed = tuple(
        WaitStatus(for_=key, region=region, reason=wait.reason or None, since=wait.since)
        for region, waits in waits_of(case, now).items()
        for key, wait in sorted(waits.items())
    )
    return listed or None


def verification_waits(facts: IdentityFacts) -> bool:
    """Return True if SES has not seen the DKIM records, or no longer does; or the link to an address was not followed."""
    return facts.verifications != {VerificationStatus.SUCCESS}


def mail_from_waits(facts: IdentityFacts) -> bool:
    """Return True if there is a MAIL FROM domain whose MX SES has not seen."""
    return facts.mail_from is not None and facts.mail_from.status is not VerificationStatus.SUCCESS


def record_waited(observed: Observed, record: RecordSet, now: datetime) -> float:
    """Return the seconds for which a record has been waited for: by the regions that need it, or by itself."""
    keys = _KEYS_OF_RECORDS.get(record.purpose)
    if keys is None:
        return seconds_waited(observed.waits, str(record), now)
    waits = (observed.remembered.get(region, NOTHING_KNOWN).waits for region in record.regions)
    return min((seconds_waited(known, key, now) for known in waits for key in keys if key in known), default=0.0)


def _in_region(case: ReportInput, region: str, before: Waits, now: datetime) -> Waits:
    view, plan = case.observed.regions.get(region), case.plan.regions.get(region, RegionPlan())
    reasons = {key: str(problem.reason) for key, problem in plan.problems.items()}
    if isinstance(view, Unread):
        return {**before, **continued(reasons, before, now)}  # nothing says that the others are over
    if isinstance(view, Present):
        reasons = dict(_at_ses(view.facts)) | reasons
    return continued(reasons, before, now)


def _at_ses(facts: IdentityFacts) -> Iterator[tuple[str, str]]:
    if verification_waits(facts):
        yield VERIFICATION, ""
    if mail_from_waits(facts):
        yield MAIL_FROM_WAIT, Reason.WAITING_FOR_MAIL_FROM


def _in_dns(case: ReportInput, now: datetime) -> Waits:
    observed, before = case.observed, case.observed.waits
    reasons = dict(_of_records(observed))
    problem = observed.dns_failure or (observed.dns.problem if observed.dns else None) or case.plan.dns_problem
    if problem is not None:
        reasons[DNS_WAIT] = problem.reason
    known = continued(reasons, before, now)
    return known if observed.dns is not None else {**before, **known}


def _of_records(observed: Observed) -> Iterator[tuple[str, str]]:
    """Yield the records that are not served yet and that SES does not look at: for the others, SES is what is waited for."""
    for entry in observed.dns.records if observed.dns else ():
        if entry.record.purpose not in LOOKED_AT_BY_SES and entry.state is not RecordState.PUBLISHED:
            yield str(entry.record), RecordState.CONFLICT if entry.state is RecordState.CONFLICT else ""
