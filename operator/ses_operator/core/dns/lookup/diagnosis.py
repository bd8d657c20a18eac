"""Diagnoses a wanted record from the answers of name servers, in words that a person can act on. Pure.

A chain of rules, each of one kind of mistake that keeps identities pending in practice; the first that applies wins.
The sentences are the same from run to run: no times, no ids, values in a fixed order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ses_operator.api.base.reasons import Reason
from ses_operator.core.dns.judge import RecordVerdict, advice, is_for
from ses_operator.core.dns.lookup.reachability import (
    OWN_VIEW,
    broken_signatures,
    is_inside,
    lame_delegation,
    no_answer,
    no_such_domain,
    not_asked,
    not_delegated,
    server_failure,
)
from ses_operator.core.dns.lookup.record_case import DiagnosisRule, RecordCase
from ses_operator.core.dns.record_formats import unquoted_text, zone_file_values
from ses_operator.core.model.record_values.dmarc import VERSION as DMARC_VERSION
from ses_operator.core.model.record_values.spf import VERSION as SPF_VERSION
from ses_operator.core.model.records import Purpose, RecordType
from ses_operator.core.state.answers import FindingState, LookupFinding, Outcome

AMAZON_DOMAIN = ".amazonses.com"
SEVERAL = {
    Purpose.SPF: f"values that begin with {SPF_VERSION}, so receivers ignore them all",
    Purpose.DMARC: f"values that begin with {DMARC_VERSION}, so receivers ignore them all",
    Purpose.DKIM: "public keys, and it is not defined which of them receivers take",
}
"""Why there may be one only: RFC 7208, 4.5; RFC 7489, 6.6.3; RFC 6376, 3.6.2.2."""
FEEDBACK_HOST = re.compile(r"feedback-smtp\.(?P<region>[a-z0-9-]+)\.amazonses\.com")


def published(case: RecordCase) -> LookupFinding | None:
    """Recognise a record that is as it should be."""
    if case.verdict is not RecordVerdict.PUBLISHED:
        return None
    return LookupFinding(case.wanted, FindingState.PUBLISHED, Reason.SUCCEEDED, "", case.answer)


def wildcard(case: RecordCase) -> LookupFinding | None:
    """Diagnose a wildcard that answers in place of a missing record."""
    probes, answered = case.probes, case.found
    if probes.addresses and probes.addresses == probes.wildcard_addresses:
        answered = ", ".join(probes.addresses)
    elif not probes.wildcard or probes.wildcard != case.answer.values:
        return None
    return case.missing(
        f"is missing; a wildcard record answers {answered} in its place. Publish the record itself with the "
        f"value {case.value}"
    )


def unknown_target(case: RecordCase) -> LookupFinding | None:
    """Diagnose a CNAME to a name about which no server answers."""
    if case.verdict is not RecordVerdict.ALIAS:
        return None
    return case.finding(
        FindingState.UNREACHABLE,
        Reason.DNS_SERVER_FAILURE,
        f"cannot be looked up: it is a CNAME to {case.found}, about which no name server answers. Correct the CNAME, or "
        f"publish {case.wanted.type} {case.value} in its place",
    )


def wrong_target(case: RecordCase) -> LookupFinding | None:
    """Diagnose a CNAME that receivers follow, to a name where something else is."""
    if case.answer.outcome is not Outcome.OTHER_TYPE or case.answer.behind is None:
        return None
    behind = case.answer.behind
    if not behind:
        return case.different(
            f"is a CNAME to {case.found}, where there is no {case.wanted.type}. Publish {case.value} there, or in place of "
            "the CNAME"
        )
    return case.different(
        f"is a CNAME to {case.found}, which has the value {', '.join(behind)}. {advice(case.wanted, behind)} at {case.found}"
    )


def other_type(case: RecordCase) -> LookupFinding | None:
    """Diagnose a CNAME in the place of a type for which it is not followed."""
    if case.answer.outcome is not Outcome.OTHER_TYPE:
        return None
    return case.different(
        f"is hidden by a CNAME to {case.found}, beside which DNS allows no other record. Remove the CNAME and publish "
        f"{case.wanted.type} {case.value}"
    )


def too_many_mail_exchanges(case: RecordCase) -> LookupFinding | None:
    """Diagnose an MX with more values than the one that SES accepts."""
    if case.wanted.type is not RecordType.MX or len(case.answer.values) <= len(case.wanted.values):
        return None
    return case.different(
        f"has {len(case.answer.values)} values ({case.found}), but SES accepts exactly one. Keep only {case.value}"
    )


def several_policies(case: RecordCase) -> LookupFinding | None:
    """Diagnose two policies, or keys, at one name."""
    if case.wanted.type is not RecordType.TXT or case.verdict is not RecordVerdict.SEVERAL:
        return None
    count = sum(1 for value in case.answer.values if is_for(case.wanted, value))
    return case.different(f"has {count} {SEVERAL[case.wanted.purpose]}. {advice(case.wanted, case.answer.values)}")


def quoted(case: RecordCase) -> LookupFinding | None:
    """Diagnose quotation marks of the notation that became a part of the value."""
    if not _equal_after(case, lambda value: value.replace('\\"', "").replace('"', "")):
        return None
    return case.different(f"was published with quotation marks in its value. Enter {case.value} without them")


def unquoted(case: RecordCase) -> LookupFinding | None:
    """Diagnose a text without quotation marks in a zone file: blanks divide it, and a semicolon begins a comment."""
    found = set(case.answer.values)
    if case.wanted.type is not RecordType.TXT or found != {unquoted_text(value) for value in case.wanted.values}:
        return None
    return case.different(
        f"was published without quotation marks, so that blanks, and all after a semicolon, are lost ({case.found}). Enter "
        f"{', '.join(zone_file_values(case.wanted))}"
    )


def closing_dot(case: RecordCase) -> LookupFinding | None:
    """Diagnose a closing dot of the notation that became a part of the value."""
    if not _equal_after(case, lambda value: value.rstrip(".\\")):
        return None
    return case.different(f"was published with the closing dot as part of its value. Enter {case.value} without it")


def zone_appended_to_value(case: RecordCase) -> LookupFinding | None:
    """Diagnose a target without closing dot that was read as relative to the zone."""
    zone = case.answer.zone
    if not zone or not _equal_after(case, lambda value: value.removesuffix(f".{zone}")):
        return None
    return case.different(
        f"has a value to which the DNS provider appended the zone's name ({case.found}). Enter {case.value} with a closing dot"
    )


def lower_cased(case: RecordCase) -> LookupFinding | None:
    """Diagnose a text that lost its case where it matters, such as a key."""
    lowered = {value.lower() for value in case.answer.values}
    if case.wanted.type is not RecordType.TXT or lowered != {value.lower() for value in case.wanted.values}:
        return None
    return case.different(f"was published in another case, but upper and lower case count. Enter exactly {case.value}")


def another_regions_mail_exchange(case: RecordCase) -> LookupFinding | None:
    """Diagnose the MX of one region at the MAIL FROM name of another."""
    if case.wanted.type is not RecordType.MX or len(case.answer.values) != 1:
        return None
    host = FEEDBACK_HOST.fullmatch(case.answer.values[0].lower().partition(" ")[2])
    if host is None or case.answer.values[0].lower().partition(" ")[2] == _mail_host(case.wanted.values[0]):
        return None
    return case.different(f"has the value of another region, {host['region']} ({case.found}). Enter {case.value}")


def another_regions_signing_zone(case: RecordCase) -> LookupFinding | None:
    """Diagnose a DKIM CNAME that points to the signing zone or the token of another region."""
    if (
        case.wanted.purpose is not Purpose.DKIM
        or case.wanted.type is not RecordType.CNAME
        or len(case.answer.values) != 1
    ):
        return None
    found = case.answer.values[0].lower()
    if not found.endswith(AMAZON_DOMAIN):
        return None
    what = (
        "the signing zone" if found.partition(".")[0] == case.wanted.values[0].partition(".")[0] else "the DKIM token"
    )
    return case.different(f"points to {what} of another region or identity ({found}). Enter {case.value}")


def preference(case: RecordCase) -> LookupFinding | None:
    """Diagnose the right host with another preference."""
    if case.wanted.type is not RecordType.MX or [_mail_host(value) for value in case.answer.values] != [
        _mail_host(value) for value in case.wanted.values
    ]:
        return None
    return case.different(f"has another preference ({case.found}) than SES asks for. Enter {case.value}")


def shared(case: RecordCase) -> LookupFinding | None:
    """Diagnose a set that has texts for other purposes only."""
    if case.verdict is not RecordVerdict.SHARED:
        return None
    return case.different(f"has only texts for other purposes: {case.found}. {advice(case.wanted, case.answer.values)}")


def different(case: RecordCase) -> LookupFinding | None:
    """Diagnose any other value."""
    if case.answer.outcome is not Outcome.FOUND:
        return None
    return case.different(f"has the value {case.found}. {advice(case.wanted, case.answer.values)}")


def flattened(case: RecordCase) -> LookupFinding | None:
    """Diagnose a provider that answers addresses in place of a CNAME."""
    if case.wanted.type is not RecordType.CNAME or not case.probes.addresses:
        return None
    return case.finding(
        FindingState.DIFFERENT,
        Reason.DNS_RECORD_WRONG,
        f"is answered with addresses ({', '.join(case.probes.addresses)}), because the DNS provider proxies or flattens it. "
        'Switch that off for this record ("DNS only")',
    )


def doubled_suffix(case: RecordCase) -> LookupFinding | None:
    """Diagnose a provider that appended the zone's name to a name that had it already."""
    if not case.probes.doubled_suffix:
        return None
    if case.probes.doubled_value:
        name, values = f"{case.wanted.name}.", ", ".join(zone_file_values(case.wanted))
        return case.missing(
            f"is at {case.probes.doubled_suffix} instead, with the value {case.probes.doubled_value}: name and value were "
            f"read as a zone file has them. Enter them with closing dots and quotation marks: {name} {case.wanted.type} {values}"
        )
    return case.missing(
        f"is at {case.probes.doubled_suffix} instead: the DNS provider appends the zone's name itself. Enter the name as "
        f"{case.relative(case.wanted.name)}"
    )


def without_underscore(case: RecordCase) -> LookupFinding | None:
    """Diagnose a missing underscore of ``_domainkey`` or ``_dmarc``."""
    if not case.probes.without_underscore:
        return None
    label = "_dmarc" if case.wanted.purpose is Purpose.DMARC else "_domainkey"
    return case.missing(
        f"is at {case.probes.without_underscore} instead, without the underscore of {label}. Publish it with the underscore"
    )


def value_as_name(case: RecordCase) -> LookupFinding | None:
    """Diagnose name and value that were exchanged."""
    if not case.probes.value_as_name:
        return None
    return case.missing(
        f"has name and value swapped: its value is the name ({case.probes.value_as_name}). Enter "
        f"{case.relative(case.wanted.name)} as the name and {case.value} as the value"
    )


def missing(case: RecordCase) -> LookupFinding | None:
    """Report a missing record for which no cause is known."""
    asked = f" in {case.answer.zone}" if case.answer.zone else ""
    view = f". {OWN_VIEW}" if is_inside(case.answer) else ""
    return case.missing(f"is missing{asked}. Publish it with the value {case.value}{view}")


RULES: tuple[DiagnosisRule, ...] = (
    server_failure,
    broken_signatures,
    no_answer,
    not_asked,
    lame_delegation,
    published,
    not_delegated,
    no_such_domain,
    wildcard,
    unknown_target,
    wrong_target,
    other_type,
    too_many_mail_exchanges,
    several_policies,
    quoted,
    unquoted,
    closing_dot,
    zone_appended_to_value,
    lower_cased,
    another_regions_mail_exchange,
    another_regions_signing_zone,
    preference,
    shared,
    different,
    flattened,
    doubled_suffix,
    without_underscore,
    value_as_name,
    missing,
)


def diagnose(case: RecordCase) -> LookupFinding:
    """Return the diagnosis of one record by itself."""
    return next(finding for rule in RULES if (finding := rule(case)) is not None)


def diagnose_all(cases: Iterable[RecordCase]) -> tuple[LookupFinding, ...]:
    """Return the diagnoses of an identity's records, each also in the light of the others."""
    diagnosed = [(case, diagnose(case)) for case in cases]
    findings = [finding for _, finding in diagnosed]
    unexplained = {finding.record.id for case, finding in diagnosed if finding == missing(case)}
    return tuple(
        _of_another_region(finding, findings) if finding.record.id in unexplained else finding for finding in findings
    )


def _of_another_region(finding: LookupFinding, findings: Sequence[LookupFinding]) -> LookupFinding:
    """Diagnose that only another region's DKIM records were published: none of this region's is there."""
    if finding.record.purpose is not Purpose.DKIM:
        return finding
    dkim = [other for other in findings if other.record.purpose is Purpose.DKIM]
    there = {name for other in dkim if other.state is FindingState.PUBLISHED for name in other.record.regions}
    regions = ", ".join(finding.record.regions)
    if not there or not there.isdisjoint(finding.record.regions):
        return finding
    message = (
        f"{finding.record} is missing: only the records of {', '.join(sorted(there))} are published, but {regions} has DKIM "
        "tokens of its "
        f"own. Publish this one too, with the value {', '.join(finding.record.values)}"
    )
    return replace(finding, message=message)


def _equal_after(case: RecordCase, change: Callable[[str], str]) -> bool:
    """Return True if the values found are not the wanted ones, but become them by this change."""
    found = {value.lower() for value in case.answer.values}
    changed = {change(value) for value in found}
    return changed != found and changed == {value.lower() for value in case.wanted.values}


def _mail_host(value: str) -> str:
    """Return the host of an MX value, in lower case."""
    return value.lower().partition(" ")[2]
