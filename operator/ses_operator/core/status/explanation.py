"""Explains why a region is not ready yet, in words that a person can act on.

The first rule that applies wins: obstacles of the operator, then of DNS, then what SES reports, then patience.
Sources: SES Developer Guide, "Troubleshooting domain verification"; API reference, VerificationInfo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.reasons import Reason
from ses_operator.core.features.deterministic_dkim import replication_problem
from ses_operator.core.features.dkim import has_failed
from ses_operator.core.features.mail_from import is_mail_from_verified
from ses_operator.core.features.references import DependencyCase, unmet
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.records import Purpose
from ses_operator.core.model.ses import IdentityFacts, VerificationStatus
from ses_operator.core.planning.region_plan import RegionPlan, by_gravity
from ses_operator.core.state.desired import Desired, MailFromBehavior
from ses_operator.core.state.observed import Absent, Observed, Present
from ses_operator.core.state.publication import PublishedRecord, RecordState, severity

ERROR_TYPES = {
    "SERVICE_ERROR": "SES could not check them because of an error of its own, and retries",
    "DNS_SERVER_ERROR": "the domain's name servers answered SES with an error; check the zone, its delegation and DNSSEC",
    "HOST_NOT_FOUND": "the name servers told SES that the names do not exist",
    "TYPE_NOT_FOUND": "SES found the names, but no record of the type that it needs, as with a proxied or flattened CNAME",
    "INVALID_VALUE": "SES found the records, but with other values than it asked for",
}
"""VerificationInfo.ErrorType in words."""

_SAID_LAST = frozenset({Reason.WAITING_FOR_VERIFICATION, Reason.WAITING_FOR_MAIL_FROM})


@dataclass(frozen=True, slots=True)
class RegionCase:
    """One region, with all that is known of it."""

    desired: Desired
    region: str
    observed: Observed
    plan: RegionPlan

    @property
    def facts(self) -> IdentityFacts | None:
        """The identity's facts, None if it does not exist or was not read."""
        view = self.observed.regions.get(self.region)
        return view.facts if isinstance(view, Present) else None

    def problem(self, reason: Reason, message: str) -> Problem:
        """Return a problem of this region."""
        return Problem(reason, message, region=self.region)

    def records(self, *purposes: Purpose) -> tuple[PublishedRecord, ...]:
        """Return the region's records of these purposes that are not known to be served."""
        dns = self.observed.dns
        if dns is None:
            return ()
        return tuple(
            entry
            for entry in dns.records
            if self.region in entry.record.regions
            and entry.record.purpose in purposes
            and entry.state is not RecordState.PUBLISHED
        )


ExplanationRule = Callable[[RegionCase], Problem | None]


def not_created(case: RegionCase) -> Problem | None:
    """Explain that the identity is about to be created."""
    if isinstance(case.observed.regions.get(case.region), Absent):
        return case.problem(Reason.CREATING_IDENTITY, f"{case.desired.identity} is about to be created")
    return None


def not_as_asked(case: RegionCase) -> Problem | None:
    """Name the steps that are left: they were not carried out in this run."""
    if case.plan.steps:
        steps = "; ".join(str(step) for step in case.plan.steps)
        return Problem(Reason.PROGRESSING, f"Not done yet: {steps}")
    return None


def replica_hindered(case: RegionCase) -> Problem | None:
    """Explain why SES cannot copy the parent's DKIM key, or has given up on a replica."""
    return None if case.facts is None else replication_problem(case.desired, case.region, case.facts)


def awaited(case: RegionCase) -> Problem | None:
    """Explain that all is done, and the link in an email has to be followed."""
    return case.plan.awaited


def dns_hindered(case: RegionCase) -> Problem | None:
    """Explain why DNS as a whole cannot be published, while SES still needs it."""
    dns = case.observed.dns
    problem = case.observed.dns_failure or (dns.problem if dns else None)
    return problem if problem is not None and _waits(case) else None


def record_in_the_way(case: RegionCase) -> Problem | None:
    """Name another client's record in the place of one that SES still needs."""
    wrong = _wrong_records(case)
    if not wrong or wrong[0].state is not RecordState.CONFLICT:
        return None
    return case.problem(Reason.DNS_RECORD_CONFLICT, _first_of(wrong))


def failed(case: RegionCase) -> Problem | None:
    """Explain that SES gave up, or no longer sees what it saw: its words, and which record is wrong if that is known."""
    facts = case.facts
    if facts is None:
        return None
    wrong = _wrong_records(case)
    record = f". {_first_of(wrong)}" if wrong else ""
    if has_failed(facts):
        return case.problem(
            Reason.VERIFICATION_FAILED,
            f"SES did not find the DKIM records of {case.desired.identity} within 72 hours and stopped looking{_error(facts)}. "
            f"It is asked to look again once they are published{record}",
        )
    if VerificationStatus.TEMPORARY_FAILURE in facts.verifications:
        return case.problem(
            Reason.VERIFICATION_REVOKED,
            f"{case.desired.identity} was verified, but SES no longer finds its DKIM records{_error(facts)}. "
            f"Mail is sent unsigned, and sending stops if they are missing for 72 hours{record}",
        )
    return None


def record_wrong(case: RegionCase) -> Problem | None:
    """Name a record that SES still needs and that is missing or different."""
    facts, wrong = case.facts, _wrong_records(case)
    if facts is None or not wrong:
        return None
    return case.problem(wrong[0].reason or _waiting_reason(case), f"{_first_of(wrong)}{_unsigned(facts)}")


def waiting_for_verification(case: RegionCase) -> Problem | None:
    """Explain that all is published as far as is known, and SES has not looked or not seen it yet."""
    facts = case.facts
    if facts is None or not _dkim_waits(case):
        return None
    if case.desired.provider is DnsProvider.MANUAL and case.records(Purpose.DKIM):
        names = ", ".join(entry.record.name for entry in case.records(Purpose.DKIM))
        return case.problem(
            Reason.MANUAL_RECORDS_PENDING,
            f"Publish the records listed in status.dns.records; not seen yet: {names}{_unsigned(facts)}",
        )
    if facts.dkim.parent_region is not None and not facts.dkim.tokens:
        return case.problem(
            Reason.WAITING_FOR_VERIFICATION,
            f"Waiting for SES to copy the DKIM key of {facts.dkim.parent_region}",
        )
    return case.problem(
        Reason.WAITING_FOR_VERIFICATION,
        f"Waiting for SES to find the DKIM records{_error(facts)}; "
        f"this usually takes minutes, and up to 72 hours{_unsigned(facts)}",
    )


def waiting_for_mail_from(case: RegionCase) -> Problem | None:
    """Explain that the identity is verified and its MAIL FROM domain is not."""
    facts = case.facts
    if facts is None or facts.mail_from is None or facts.mail_from.status is VerificationStatus.SUCCESS:
        return None
    domain = facts.mail_from.domain
    known = case.observed.remembered.get(case.region)
    if known is not None and known.mail_from == domain:
        rejects = facts.mail_from.behavior_on_mx_failure == MailFromBehavior.REJECT_MESSAGE
        so = "mail is rejected" if rejects else "mail is sent with a MAIL FROM domain of SES"
        return case.problem(
            Reason.MAIL_FROM_REVOKED, f"SES no longer finds exactly one MX record at {domain}; until it does, {so}"
        )
    if facts.mail_from.status is VerificationStatus.FAILED:
        return case.problem(
            Reason.WAITING_FOR_MAIL_FROM,
            f"SES did not find exactly one MX record at {domain} and stopped looking. "
            "The MAIL FROM domain is set again once that record is published",
        )
    return case.problem(Reason.WAITING_FOR_MAIL_FROM, f"Waiting for SES to find the MX record of {domain}")


def not_before_records_are_seen(case: RegionCase) -> Problem | None:
    """Name what comes only when the identity is verified, or the MX record of its new MAIL FROM domain is there."""
    return case.plan.problem


RULES: tuple[ExplanationRule, ...] = (
    awaited,
    not_created,
    not_as_asked,
    replica_hindered,
    dns_hindered,
    record_in_the_way,
    failed,
    record_wrong,
    waiting_for_verification,
    waiting_for_mail_from,
    not_before_records_are_seen,
)


def explain(case: RegionCase) -> Problem | None:
    """Return why the region is not ready yet; None if it is.

    All obstacles of the operator are reported, before what DNS and SES report. What another client keeps changing
    back hides nothing, and is not hidden.
    """
    found = _hindrances(case.plan) or next(([said] for rule in RULES if (said := rule(case)) is not None), [])
    around = DependencyCase.of(case.desired, case.region, case.observed.around(case.region), case.facts)
    return together((*case.plan.pauses, *found, *unmet(around).values()))


def together(problems: Iterable[Problem]) -> Problem | None:
    """Return all problems of a region as one, the most severe first; None if there is none."""
    ordered = by_gravity(dict.fromkeys(problems))
    if not ordered:
        return None
    first, *others = ordered
    more = (f" Also: {other.message}" for other in others)
    return Problem(first.reason, ".".join((first.message, *more)), first.retry_after, first.region)


def _hindrances(plan: RegionPlan) -> list[Problem]:
    """Return why the plan cannot go on; nothing if it only waits for SES to see records: what blocks that is worth more."""
    waits = [problem for problem in plan.problems.values() if problem.reason in _SAID_LAST]
    others = [problem for problem in plan.problems.values() if problem.reason not in _SAID_LAST]
    return [*others, *waits] if others else []


def _dkim_waits(case: RegionCase) -> bool:
    facts = case.facts
    return facts is not None and facts.verifications != {VerificationStatus.SUCCESS}


def _wrong_records(case: RegionCase) -> list[PublishedRecord]:
    """Return the records that SES needs next and that have something to report: conflicts first, then known mistakes."""
    if not _waits(case):
        return []
    purposes = (Purpose.DKIM,) if _dkim_waits(case) else (Purpose.MAIL_FROM,)
    wrong = [entry for entry in case.records(*purposes) if entry.message]
    return sorted(wrong, key=severity)


def _first_of(wrong: list[PublishedRecord]) -> str:
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return f"{wrong[0].message}{more}"


def _waits(case: RegionCase) -> bool:
    """Return True if SES still needs to see a record of this region."""
    facts = case.facts
    if facts is None:
        return False
    wanted = case.desired.mail_from.get(case.region)
    mail_from_waits = (wanted or facts.mail_from) is not None and not is_mail_from_verified(wanted, facts)
    return _dkim_waits(case) or mail_from_waits


def _waiting_reason(case: RegionCase) -> Reason:
    return Reason.MANUAL_RECORDS_PENDING if case.desired.provider is DnsProvider.MANUAL else Reason.WAITING_FOR_DNS


def _unsigned(facts: IdentityFacts) -> str:
    """Return the effect on a verified identity while SES looks for the records of another key.

    Only while Easy DKIM changes the length of its key does SES sign with the old one (Developer Guide, "Easy DKIM").
    """
    changes = (
        facts.verification_status is VerificationStatus.SUCCESS and facts.dkim.status is VerificationStatus.PENDING
    )
    signs = facts.dkim.key_length != facts.dkim.next_key_length
    return "; until then mail is sent unsigned" if changes and not signs else ""


def _error(facts: IdentityFacts) -> str:
    """Return what SES reports of its last look, with the name server that it saw."""
    info = facts.verification_info
    if info.error_type is None:
        return ""
    words = ERROR_TYPES.get(info.error_type, f"SES reports {info.error_type}")
    server = f" (name server seen: {info.primary_name_server})" if info.primary_name_server else ""
    return f": {words}{server}"
