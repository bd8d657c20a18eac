"""The shapes of the records that the operator writes: nothing else is ever deleted, whatever a ledger says. Pure.

Each is recognized from the record alone, name and value, so that it holds for what was written by any version and for
any configuration.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ses_operator.core.dns.zone_sets import ZoneSet
from ses_operator.core.model.name_rights import governing_name, is_within
from ses_operator.core.model.record_values.dkim_key_record import published_key
from ses_operator.core.model.record_values.dmarc import dmarc_name, is_dmarc
from ses_operator.core.model.records import SPF_VALUE, Purpose, RecordType

_DKIM_LABEL = "_domainkey"
_MX = re.compile(r"10 feedback-smtp\.[a-z0-9-]+\.[a-z0-9.-]+")

Shape = Callable[[ZoneSet, str], bool]


def _is_dkim(found: ZoneSet, domain: str) -> bool:
    """Return True for a token that leads to itself at SES, or for a public key."""
    selector, _, rest = found.name.partition(".")
    if rest != f"{_DKIM_LABEL}.{domain}":
        return False
    (value,) = found.meaning
    if found.type == RecordType.CNAME:
        return value.partition(".")[0].lower() == selector
    return found.type == RecordType.TXT and bool(published_key(value))


def _is_mail_from(found: ZoneSet, domain: str) -> bool:
    return found.type == RecordType.MX and _is_host_below(found, domain) and bool(_MX.fullmatch(found.meaning[0]))


def _is_spf(found: ZoneSet, domain: str) -> bool:
    return found.type == RecordType.TXT and _is_host_below(found, domain) and found.meaning == (SPF_VALUE,)


def _is_dmarc(found: ZoneSet, domain: str) -> bool:
    return found.type == RecordType.TXT and found.name == dmarc_name(domain) and is_dmarc(found.meaning[0])


SHAPES: Mapping[Purpose, Shape] = {
    Purpose.DKIM: _is_dkim,
    Purpose.MAIL_FROM: _is_mail_from,
    Purpose.SPF: _is_spf,
    Purpose.DMARC: _is_dmarc,
}


def may_be_ours(found: ZoneSet, domain: str) -> bool:
    """Return True if the operator may have written this record set for an identity of the domain."""
    return len(found.values) == 1 and not found.routing and any(shape(found, domain) for shape in SHAPES.values())


def _is_host_below(found: ZoneSet, domain: str) -> bool:
    return found.name != domain and is_within(found.name, domain) and governing_name(found.name) == found.name
