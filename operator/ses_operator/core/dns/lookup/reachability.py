"""Diagnoses why name servers cannot say anything about a record: they fail, are silent, or are not those of its zone. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from ses_operator.api.base.reasons import Reason
from ses_operator.core.dns.lookup.record_case import RecordCase
from ses_operator.core.state.answers import Answer, FindingState, LookupFinding, Outcome

OWN_VIEW = (
    "If this cluster has a view of DNS of its own (split-horizon DNS), name servers that show the public one in "
    "spec.dns.nameservers of the SesAccount"
)
"""The way out where the cluster's resolvers show something else than SES and the receivers of mail see."""


def server_failure(case: RecordCase) -> LookupFinding | None:
    """Diagnose SERVFAIL."""
    if case.answer.outcome is not Outcome.SERVER_FAILURE:
        return None
    return case.finding(
        FindingState.UNREACHABLE,
        Reason.DNS_SERVER_FAILURE,
        f"cannot be looked up: the name servers{_of_zone(case)} fail (SERVFAIL). Check that they hold the zone and can load "
        f"it. {OWN_VIEW}",
    )


def broken_signatures(case: RecordCase) -> LookupFinding | None:
    """Diagnose DNSSEC that is broken: there is an answer, and resolvers that check signatures refuse it."""
    if case.answer.outcome is not Outcome.BOGUS:
        return None
    return case.finding(
        FindingState.UNREACHABLE,
        Reason.DNS_SERVER_FAILURE,
        "cannot be looked up: DNSSEC is broken, so that resolvers refuse the answer (SERVFAIL). Check that the DS record at "
        "the registrar belongs to the keys of the zone, or remove it",
    )


def no_answer(case: RecordCase) -> LookupFinding | None:
    """Diagnose name servers that do not answer."""
    if case.answer.outcome is not Outcome.TIMEOUT:
        return None
    return case.finding(
        FindingState.UNREACHABLE,
        Reason.DNS_SERVER_FAILURE,
        f"cannot be looked up: no name server{_of_zone(case)} answers{_listed(case.answer.servers)}. Check that they run "
        f"and can be reached on UDP and TCP port 53. {OWN_VIEW}",
    )


def not_asked(case: RecordCase) -> LookupFinding | None:
    """Diagnose NS records that lead to the operator's own machine or network, or to the metadata of a cloud."""
    if case.answer.outcome is not Outcome.NOT_ASKED:
        return None
    return case.finding(
        FindingState.UNREACHABLE,
        Reason.DNS_NOT_DELEGATED,
        f"cannot be looked up: the name servers{_of_zone(case)}{_listed(case.answer.servers)} have only loopback, link-local, "
        "metadata or reserved addresses, which are not asked. Correct their addresses, or have the platform team name other "
        "name servers in spec.dns.nameservers of the SesAccount",
    )


def lame_delegation(case: RecordCase) -> LookupFinding | None:
    """Diagnose servers that do not hold the zone that they are asked about."""
    if case.answer.outcome is not Outcome.REFUSED:
        return None
    return case.finding(
        FindingState.UNREACHABLE,
        Reason.DNS_NOT_DELEGATED,
        f"cannot be looked up: the name servers{_of_zone(case)} refuse to answer{_listed(case.answer.servers)}, because "
        f"they do not hold the zone. Correct the NS records at the registrar or in the parent zone. {OWN_VIEW}",
    )


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
    elif ours.is_on_other_servers(asked):
        sentence = (
            f"was written to a zone with other name servers{servers} than {ours.zone} is delegated to{_listed(asked.servers)}. "
            "Correct the NS records at the registrar, or publish in the zone that the delegation names"
        )
    else:
        return None
    return case.finding(FindingState.MISSING, Reason.DNS_NOT_DELEGATED, f"{sentence}. {OWN_VIEW}")


def no_such_domain(case: RecordCase) -> LookupFinding | None:
    """Diagnose a domain that is not registered, or has no name servers: the nearest zone is a top-level domain, or the root."""
    if case.answer.outcome is not Outcome.NO_NAME or "." in case.answer.zone:
        return None
    domain = ".".join(case.wanted.name.split(".")[-2:])
    return case.finding(
        FindingState.MISSING,
        Reason.DNS_NOT_DELEGATED,
        f"cannot be found, because {domain} does not exist in DNS. Register the domain, or set its name servers at the "
        f"registrar. {OWN_VIEW}",
    )


def is_inside(answer: Answer) -> bool:
    """Return True if all name servers of the zone have private addresses, which SES and receivers cannot reach."""
    return bool(answer.addresses) and all(map(_is_private, answer.addresses))


def _is_private(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return parsed.is_private and not parsed.is_loopback


def _of_zone(case: RecordCase) -> str:
    return f" of {case.answer.zone}" if case.answer.zone else ""


def _listed(servers: Sequence[str]) -> str:
    return f" ({', '.join(servers)})" if servers else ""
