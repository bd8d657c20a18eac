"""The DNS records that an SES identity needs.

Source: SES Developer Guide, "Verifying a domain identity" (Easy DKIM: three CNAMEs for each region; BYODKIM: one TXT)
and "Using a custom MAIL FROM domain" (one MX, one SPF TXT). DMARC, which SES does not require: RFC 7489.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from ses_operator.core.model.record_values.dmarc import Dmarc, dmarc_name
from ses_operator.core.model.record_values.spf import INCLUDE_SES
from ses_operator.core.model.record_values.spf import VERSION as SPF_VERSION

MAX_NAME_OCTETS = 253
SPF_VALUE = f"{SPF_VERSION} {INCLUDE_SES} ~all"
MX_PREFERENCE = 10


class RecordType(StrEnum):
    """The types of DNS record that SES requires."""

    CNAME = "CNAME"
    MX = "MX"
    TXT = "TXT"


class Purpose(StrEnum):
    """The purpose of a record, as status shows it."""

    DKIM = "DKIM"
    MAIL_FROM = "MailFrom"
    SPF = "SPF"
    DMARC = "DMARC"


class RecordId(NamedTuple):
    """The identity of a record set in a zone. A tuple: it is made, hashed and compared for each record of each look."""

    name: str
    type: RecordType

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


@dataclass(frozen=True, slots=True, order=True)
class RecordSet:
    """One DNS record set, in a form that belongs to no provider.

    ``name`` is absolute, in lower case, without the closing dot. ``values`` are sorted: a CNAME's target without the
    closing dot, an MX as ``"10 host"``, a TXT as the whole text, neither quoted nor split (each publisher does that
    its own way). ``ttl`` is in seconds. ``regions`` are those that require this record.
    """

    name: str
    type: RecordType
    values: tuple[str, ...]
    ttl: int
    purpose: Purpose
    regions: tuple[str, ...]

    @property
    def id(self) -> RecordId:
        """Name and type, which identify the set in its zone."""
        return RecordId(self.name, self.type)

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


def dkim_records(
    domain: str, region: str, tokens: Iterable[str], signing_hosted_zone: str, ttl: int
) -> tuple[RecordSet, ...]:
    """Return the CNAMEs of Easy DKIM: ``<token>._domainkey.<domain>`` to ``<token>.<signing hosted zone>``."""
    return tuple(
        RecordSet(
            name=f"{token}._domainkey.{domain}".lower(),
            type=RecordType.CNAME,
            values=(f"{token}.{signing_hosted_zone}",),
            ttl=ttl,
            purpose=Purpose.DKIM,
            regions=(region,),
        )
        for token in tokens
    )


def own_key_record(domain: str, region: str, selector: str, public_key: str, ttl: int) -> RecordSet:
    """Return the TXT of BYODKIM, the same for all regions: the public key at ``<selector>._domainkey.<domain>``."""
    return RecordSet(
        name=f"{selector}._domainkey.{domain}".lower(),
        type=RecordType.TXT,
        values=(f"v=DKIM1; k=rsa; p={public_key}",),
        ttl=ttl,
        purpose=Purpose.DKIM,
        regions=(region,),
    )


def mail_from_records(
    mail_from_domain: str, mx_region: str, ttl: int, regions: Iterable[str] | None = None
) -> tuple[RecordSet, ...]:
    """Return the one MX, of ``mx_region``, and the SPF TXT of a custom MAIL FROM domain. SES's status depends on the MX alone.

    ``regions``: those that share the domain; that of the MX alone, unless said otherwise.
    """
    sharing = (mx_region,) if regions is None else tuple(sorted(regions))
    return (
        RecordSet(
            name=mail_from_domain.lower(),
            type=RecordType.MX,
            values=(f"{MX_PREFERENCE} feedback-smtp.{mx_region}.amazonses.com",),
            ttl=ttl,
            purpose=Purpose.MAIL_FROM,
            regions=sharing,
        ),
        RecordSet(
            name=mail_from_domain.lower(),
            type=RecordType.TXT,
            values=(SPF_VALUE,),
            ttl=ttl,
            purpose=Purpose.SPF,
            regions=sharing,
        ),
    )


def dmarc_record(domain: str, dmarc: Dmarc, regions: Iterable[str], ttl: int) -> RecordSet:
    """Return the TXT with the DMARC policy, the same for all regions. SES never looks at it."""
    return RecordSet(
        name=dmarc_name(domain),
        type=RecordType.TXT,
        values=(dmarc.text,),
        ttl=ttl,
        purpose=Purpose.DMARC,
        regions=tuple(sorted(regions)),
    )


def merge(records: Iterable[RecordSet]) -> tuple[RecordSet, ...]:
    """Return the same records, sorted, with those that several regions need (same name, type and values) made one."""
    merged: dict[RecordId, RecordSet] = {}
    for record in records:
        known = merged.get(record.id)
        if known is None:
            merged[record.id] = record
        else:
            values = tuple(sorted({*known.values, *record.values}))
            regions = tuple(sorted({*known.regions, *record.regions}))
            merged[record.id] = replace(known, values=values, regions=regions)
    return tuple(sorted(merged.values()))
