"""When an account is audited, and the audit's part of status. Pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import datetime, timedelta

from ses_operator.api.account.audit import AuditReportStatus, AuditSpec, AuditStatus
from ses_operator.api.account.findings import Finding
from ses_operator.api.account.kind import SesAccountSpec
from ses_operator.api.base.durations import span
from ses_operator.core.audit.rules import Standards
from ses_operator.core.audit.tally import AuditTally
from ses_operator.core.status.transitions import EventType, Transition

AUDIT_FINDINGS = "AuditFindings"
"""The reason of an Event about findings that the previous audit did not have."""

RETRY = timedelta(hours=1)
"""The time to the next audit after one in which no region answered: the shortest interval."""


def standards_of(spec: SesAccountSpec, audit: AuditSpec) -> Standards:
    """Return the standards that the account's identities are compared with."""
    policies = spec.guardrails.sending_policies
    return Standards.of(audit, frozenset(policies.allowed_accounts if policies else ()))


def configuration(spec: SesAccountSpec, audit: AuditSpec) -> str:
    """Return a digest of all that decides what an audit looks at and finds; the interval is not part of it."""
    policies = spec.guardrails.sending_policies
    said = audit.model_dump(mode="json", exclude={"interval"}) | {
        "accounts": sorted(policies.allowed_accounts if policies else ())
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def due_at(
    audit: AuditSpec, status: AuditStatus | None, configured: str, requested_at: str | None, now: datetime
) -> datetime:
    """Return when the next audit starts.

    Now, if there was none yet, if it would look for something else, or if a person requests it.
    """
    if status is None or status.completed_at is None or status.applied_configuration != configured:
        return now
    if requested_at is not None and requested_at != status.last_handled_reconcile_at:
        return now
    silent = bool(status.regions) and all(region.reason and not region.identities for region in status.regions)
    return status.completed_at + (RETRY if silent else span(audit.interval))


def completed_audit(
    tally: AuditTally,
    *,
    started_at: datetime,
    now: datetime,
    configured: str,
    requested_at: str | None,
    report: AuditReportStatus,
) -> AuditStatus:
    """Return the status of a completed audit; when the next starts is added as it is written."""
    return AuditStatus(
        started_at=started_at,
        completed_at=now,
        duration_seconds=int((now - started_at).total_seconds()),
        identities=tally.identities,
        findings=tally.findings,
        regions=tally.told(),
        examples=tally.examples(),
        report=report,
        applied_configuration=configured,
        last_handled_reconcile_at=requested_at,
    )


def progress(read: int, listed: int) -> str:
    """Return how far an audit is, in steps of ten percent: each step is a write."""
    return (
        f"{10 * (10 * read // listed)} % of {listed:,} identities are read"
        if listed
        else "The regions are being listed"
    )


def news(before: AuditStatus | None, after: AuditStatus | None) -> tuple[Transition, ...]:
    """Return the Events of an audit: findings that the previous one did not have, or more of them."""
    if after is None or (before is not None and before.completed_at == after.completed_at):
        return ()
    old, new = _counts(before), _counts(after)
    more = [finding for finding in Finding if new[finding] > old[finding]]
    if not more:
        return ()
    said = ", ".join(f"{new[finding]:,} {finding}" for finding in more)
    return (Transition(EventType.WARNING, AUDIT_FINDINGS, f"The audit has new findings: {said}"),)


def _counts(status: AuditStatus | None) -> Counter[str]:
    counted: Counter[str] = Counter()
    for region in status.regions if status else ():
        counted.update(region.findings)
    return counted
