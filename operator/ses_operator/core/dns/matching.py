"""Compares the answers of name servers with wanted records, by what they achieve. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ses_operator.core.model.dmarc import is_dmarc, says_the_same
from ses_operator.core.model.records import RecordSet, RecordType, published_key

SPF_VERSION = "v=spf1"
SPF_MECHANISM = "include:amazonses.com"
SPF_TERM = re.compile(r"[+?~-]?(all|include:\S+|a|a[:/]\S+|mx|mx[:/]\S+|ip[46]:\S+|exists:\S+|ptr(:\S+)?)|[a-z]\S*=\S*")


def matches(record: RecordSet, found: Sequence[str]) -> bool:
    """Return True if these values serve the record's purpose. Both in the form of RecordSet.values."""
    return bool(found) and MATCHES[record.type](record.values, found)


def is_spf(value: str) -> bool:
    """Return True if a TXT value is an SPF policy (RFC 7208, 4.5)."""
    return value.lower().split(" ")[0] == SPF_VERSION


def mail_host(value: str) -> str:
    """Return the host of an MX value, in lower case."""
    return value.lower().partition(" ")[2]


def _same_names(wanted: Sequence[str], found: Sequence[str]) -> bool:
    """Compare domain names, alone or after a preference: case does not count."""
    return sorted(value.lower() for value in wanted) == sorted(value.lower() for value in found)


def _same_text(wanted: Sequence[str], found: Sequence[str]) -> bool:
    """Compare texts, beside which other texts may exist.

    An SPF policy that lets SES send is as good as the wanted one, as long as it is the only one; a DMARC policy is
    compared by its tags, and has to be the only one, too; of a DKIM key record the key counts.
    """
    if all(map(is_spf, wanted)):
        policies = [value for value in found if is_spf(value)]
        return len(policies) == 1 and _lets_ses_send(policies[0].lower().split())
    if all(map(published_key, wanted)):
        return {published_key(value) for value in wanted} <= {published_key(value) for value in found}
    if all(map(is_dmarc, wanted)):
        policies = [value for value in found if is_dmarc(value)]
        return len(policies) == 1 and says_the_same(wanted[0], policies[0])
    return set(wanted) <= set(found)


def _lets_ses_send(terms: Sequence[str]) -> bool:
    return SPF_MECHANISM in terms and all(SPF_TERM.fullmatch(term) for term in terms)


MATCHES: dict[RecordType, Callable[[Sequence[str], Sequence[str]], bool]] = {
    RecordType.CNAME: _same_names,
    RecordType.MX: _same_names,
    RecordType.TXT: _same_text,
}
