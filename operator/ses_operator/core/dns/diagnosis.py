"""Diagnoses a wanted record from the answers of name servers, in words that a person can act on. Pure.

A chain of rules, each of one kind of mistake that keeps identities pending in practice; the first that applies wins.
The sentences are the same from run to run: no times, no ids, values in a fixed order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from ses_operator.api.base.reasons import Reason
from ses_operator.core.dns.matching import SPF_VERSION, is_spf, mail_host, matches
from ses_operator.core.model.dmarc import VERSION as DMARC_VERSION
from ses_operator.core.model.dmarc import is_dmarc
from ses_operator.core.model.records import Purpose, RecordSet, RecordType
from ses_operator.core.state.answers import Answer, FindingState, LookupFinding, Outcome, Probes, PublishedAt

AMAZON_DOMAIN = ".amazonses.com"
NO_PROBES = Probes()
POLICIES = {Purpose.SPF: (SPF_VERSION, is_spf), Purpose.DMARC: (DMARC_VERSION, is_dmarc)}
FEEDBACK_HOST = re.compile(r"feedback-smtp\.(?P<region>[a-z0-9-]+)\.amazonses\.com")


@dataclass(frozen=True, slots=True)
class RecordCase:
    """One wanted record with all that is known of it."""

    wanted: RecordSet
    answer: Answer
    probes: Probes = NO_PROBES
    published_at: PublishedAt | None = None

    @property
    def value(self) -> str:
        """The wanted value, as people write it."""
        return ", ".join(self.wanted.values)

    @property
    def found(self) -> str:
        """The values found, as people write them."""
        return ", ".join(self.answer.values)

    def relative(self, name: str) -> str:
        """Return the name as many providers want it: without the zone's own."""
        return name.removesuffix(f".{self.answer.zone}")

    def finding(self, state: FindingState, reason: Reason, sentence: str) -> LookupFinding:
        """Return a finding about this record; the sentence follows its name."""
        return LookupFinding(self.wanted, state, reason, f"{self.wanted} {sentence}", self.answer)

    def missing(self, sentence: str) -> LookupFinding:
        """Return a finding that the record is missing."""
        return self.finding(FindingState.MISSING, Reason.DNS_RECORD_MISSING, sentence)

    def different(self, sentence: str) -> LookupFinding:
        """Return a finding that the record has other values."""
        return self.finding(FindingState.DIFFERENT, Reason.DNS_RECORD_WRONG, sentence)


DiagnosisRule = Callable[[RecordCase], LookupFinding | None]


def server_failure(case: RecordCase) -> LookupFinding | None:
    """Diagnose SERVFAIL."""
    if case.answer.outcome is not Outcome.SERVER_FAILURE:
        return None
    return case.finding(
        FindingState.UNREACHABLE,
        Reason.DNS_SERVER_FAILURE,
        f"cannot be looked up: the name servers{_of_zone(case)} fail (SERVFAIL), most often because DNSSEC is broken. Check "
        "that the DS record at the "
        "registrar belongs to the keys of the zone, or remove it",
    )


def no_answer(case: RecordCase) -> LookupFinding | None:
    """Diagnose name servers that do not answer."""
    if case.answer.outcome is not Outcome.TIMEOUT:
        return None
    return case.finding(
        FindingState.UNREACHABLE,
        Reason.DNS_SERVER_FAILURE,
        f"cannot be looked up: no name server{_of_zone(case)} answers{_listed(case.answer.servers)}. Check that they run "
        "and can be reached on "
        "UDP and TCP port 53",
    )


def lame_delegation(case: RecordCase) -> LookupFinding | None:
    """Diagnose servers that do not hold the zone that they are asked about."""
    if case.answer.outcome is not Outcome.REFUSED:
        return None
    return case.finding(
        FindingState.UNREACHABLE,
        Reason.DNS_NOT_DELEGATED,
        f"cannot be looked up: the name servers{_of_zone(case)} refuse to answer{_listed(case.answer.servers)}, because "
        "they do not hold the zone. "
        "Correct the NS records at the registrar or in the parent zone",
    )


def published(case: RecordCase) -> LookupFinding | None:
    """Recognise a record that is as it should be."""
    if case.answer.outcome is not Outcome.FOUND or not matches(case.wanted, case.answer.values):
        return None
    return LookupFinding(case.wanted, FindingState.PUBLISHED, Reason.SUCCEEDED, "", case.answer)


def not_delegated(case: RecordCase) -> LookupFinding | None:
    """Diagnose a zone that was written to and is not the one that the public DNS asks, or is a private one."""
    if case.published_at is None or not case.answer.zone:
        return None
    ours, asked = case.published_at, case.answer
    servers = f" ({', '.join(ours.servers)})" if ours.servers else ""
    if asked.zone.endswith(f".{ours.zone}"):
        sentence = (
            f"was written to zone {ours.zone}, but {asked.zone} is a zone of its own{_listed(asked.servers)}. "
            "Publish the record there, or remove that delegation"
        )
    elif asked.zone != ours.zone:
        sentence = (
            f"was written to zone {ours.zone}, which is not delegated: name servers know only {asked.zone}. Add NS "
            f"records for {ours.zone} with its name servers{servers} to {asked.zone}"
        )
    elif _elsewhere(ours.servers, asked.servers):
        sentence = (
            f"was written to a zone with other name servers{servers} than {ours.zone} is delegated to{_listed(asked.servers)}. "
            "Correct the NS records at the registrar, or publish in the zone that the delegation names"
        )
    else:
        return None
    return case.finding(FindingState.MISSING, Reason.DNS_NOT_DELEGATED, sentence)


def no_such_domain(case: RecordCase) -> LookupFinding | None:
    """Diagnose a domain that is not registered, or has no name servers: the nearest zone is a top-level domain."""
    if case.answer.outcome is not Outcome.NO_NAME or not case.answer.zone or "." in case.answer.zone:
        return None
    domain = ".".join(case.wanted.name.split(".")[-2:])
    return case.finding(
        FindingState.MISSING,
        Reason.DNS_NOT_DELEGATED,
        f"cannot be found, because {domain} does not exist in DNS. Register the domain, or set its name servers at the registrar",
    )


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


def other_type(case: RecordCase) -> LookupFinding | None:
    """Diagnose a CNAME in the place of another type."""
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
    """Diagnose two SPF or DMARC policies at one name: receivers use neither (RFC 7208, 4.5; RFC 7489, 6.6.3)."""
    version, is_policy = POLICIES.get(case.wanted.purpose, (None, None))
    if is_policy is None or (count := sum(map(is_policy, case.answer.values))) < 2:
        return None
    return case.different(
        f"has {count} values that begin with {version}, so receivers ignore them all. Keep only {case.value}"
    )


def quoted(case: RecordCase) -> LookupFinding | None:
    """Diagnose quotation marks of the notation that became a part of the value."""
    if not _equal_after(case, lambda value: value.replace('\\"', "").replace('"', "")):
        return None
    return case.different(f"was published with quotation marks in its value. Enter {case.value} without them")


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
    if host is None or case.answer.values[0].lower().partition(" ")[2] == mail_host(case.wanted.values[0]):
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
    if case.wanted.type is not RecordType.MX or [mail_host(value) for value in case.answer.values] != [
        mail_host(value) for value in case.wanted.values
    ]:
        return None
    return case.different(f"has another preference ({case.found}) than SES asks for. Enter {case.value}")


def different(case: RecordCase) -> LookupFinding | None:
    """Diagnose any other value."""
    if case.answer.outcome is not Outcome.FOUND:
        return None
    return case.different(f"has the value {case.found}. Change it to {case.value}")


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
    other = ", although the name exists with another type" if case.answer.outcome is Outcome.NO_DATA else ""
    asked = f" in {case.answer.zone}" if case.answer.zone else ""
    return case.missing(f"is missing{asked}{other}. Publish it with the value {case.value}")


RULES: tuple[DiagnosisRule, ...] = (
    server_failure,
    no_answer,
    lame_delegation,
    published,
    not_delegated,
    no_such_domain,
    wildcard,
    other_type,
    too_many_mail_exchanges,
    several_policies,
    quoted,
    closing_dot,
    zone_appended_to_value,
    lower_cased,
    another_regions_mail_exchange,
    another_regions_signing_zone,
    preference,
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


def _of_zone(case: RecordCase) -> str:
    return f" of {case.answer.zone}" if case.answer.zone else ""


def _listed(servers: Sequence[str]) -> str:
    return f" ({', '.join(servers)})" if servers else ""


def _elsewhere(ours: Iterable[str], asked: Iterable[str]) -> bool:
    """Return True if both sets of servers are known and have none in common."""
    known, delegated = {name.lower().rstrip(".") for name in ours}, {name.lower().rstrip(".") for name in asked}
    return bool(known and delegated) and known.isdisjoint(delegated)


def _equal_after(case: RecordCase, change: Callable[[str], str]) -> bool:
    """Return True if the values found are not the wanted ones, but become them by this change."""
    found = {value.lower() for value in case.answer.values}
    changed = {change(value) for value in found}
    return changed != found and changed == {value.lower() for value in case.wanted.values}
