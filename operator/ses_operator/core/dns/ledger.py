"""The ledger: a record in the zone itself that names the record sets there that an identity owns.

Route 53 records carry no tags. So every identity has one TXT set at ``_ses-operator.<domain>``, written in the same
batch as the records it names: the first line names the owner, each further line names one record set and holds a
digest of what was written there::

    heritage=ses-operator,owner=prod/team-a/mail
    CNAME abc._domainkey 0f1e2d3c4b5a6978
    MX bounce-eu-west-1 8796a5b4c3d2e1f0

Names are relative to the domain (``@`` is the domain itself), or absolute with a closing dot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ses_operator.core.dns.zone_sets import ZoneSet
from ses_operator.core.model.keys import Owner
from ses_operator.core.model.records import RecordId, RecordType

LEDGER_LABEL = "_ses-operator"
LEDGER_TTL = 300

_HERITAGE = "heritage=ses-operator,owner="
_DIGEST_CHARACTERS = 16
_TYPES = frozenset(RecordType)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The owner of the records, and for each of its record sets the digest of what was written."""

    owner: Owner
    digests: Mapping[RecordId, str] = field(default_factory=dict)

    def encode(self, domain: str) -> tuple[str, ...]:
        """Return the TXT values, unquoted: the owner first, then the record sets in order."""
        entries = (
            f"{record.type} {_relative(record.name, domain)} {digest}"
            for record, digest in sorted(self.digests.items())
        )
        return (f"{_HERITAGE}{self.owner}", *entries)

    @classmethod
    def decode(cls, values: Iterable[str], domain: str) -> Ledger | None:
        """Read the ledger from unquoted TXT values, in any order; None if they are no ledger of ses-operator.

        Lines that cannot be read are left out: a person may have edited them, and what they named is then no longer
        owned.
        """
        lines = list(values)
        owners = [line.removeprefix(_HERITAGE) for line in lines if line.startswith(_HERITAGE)]
        owner = Owner.parse(owners[0]) if len(owners) == 1 else None
        if owner is None:
            return None
        entries = (_entry(line, domain) for line in lines)
        return cls(owner, dict(entry for entry in entries if entry is not None))


def ledger_name(domain: str) -> str:
    """Return the name of the ledger of a domain."""
    return f"{LEDGER_LABEL}.{domain}"


def digest(standing: ZoneSet) -> str:
    """Return a short digest of the values and the ttl of a record set; equal meanings have equal digests."""
    text = "\n".join((str(standing.ttl), *standing.meaning))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_DIGEST_CHARACTERS]


def _entry(line: str, domain: str) -> tuple[RecordId, str] | None:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] not in _TYPES or not parts[1] or len(parts[2]) != _DIGEST_CHARACTERS:
        return None
    return RecordId(_absolute(parts[1], domain), RecordType(parts[0])), parts[2]


def _relative(name: str, domain: str) -> str:
    if name == domain:
        return "@"
    inside = name.removesuffix(f".{domain}")
    return inside if inside != name else f"{name}."


def _absolute(name: str, domain: str) -> str:
    if name == "@":
        return domain
    return name.removesuffix(".") if name.endswith(".") else f"{name}.{domain}"
