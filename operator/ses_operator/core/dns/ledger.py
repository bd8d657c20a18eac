"""The ledger: a record in the zone itself that names the record sets there that an identity owns.

Route 53 records carry no tags. So every identity has one TXT set at ``_ses-operator.<domain>``, written in the same
batch as the records it names: the first line names the owner, each further line names one record set, holds a digest
of what was written there, and is signed (``keyring``)::

    heritage=ses-operator,owner=prod/team-a/mail
    CNAME abc._domainkey Dx4tPEtaaXg q83v:bM0eT1hJZ0hFqk9yqj1m2A
    MX bounce-eu-west-1 h5alw9Lh8LQ q83v:0Zf3mXgT1mC2x0pXw0l9hQ

Names are relative to the domain (``@`` is the domain itself), or absolute with a closing dot. Others may be able to
write in the zone, so a line by itself proves nothing: ``Seal`` says what does.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ses_operator.core.dns.keyring import Keyring, Statement
from ses_operator.core.dns.zone_sets import ZoneSet
from ses_operator.core.model.keys import Owner
from ses_operator.core.model.records import RecordId, RecordSet, RecordType
from ses_operator.core.state.publication import Witness, recollection

LEDGER_LABEL = "_ses-operator"
LEDGER_TTL = 300

_HERITAGE = "heritage=ses-operator,owner="
_DIGEST_BYTES = 8
_DIGEST = re.compile(r"[\w-]{11}|[0-9a-f]{16}", re.ASCII)
"""As it is written, and as it was before lines were signed."""

_SIGNATURE = re.compile(r"[\w-]{4}:[\w-]{22}", re.ASCII)
_TYPES = frozenset(RecordType)


@dataclass(frozen=True, slots=True)
class Line:
    """What a ledger says of one record set: the digest of what was written, and the signature; "" if there is none."""

    digest: str
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The owner of the records, and a line for each of its record sets."""

    owner: Owner
    lines: Mapping[RecordId, Line] = field(default_factory=dict)

    def encode(self, domain: str) -> tuple[str, ...]:
        """Return the TXT values, unquoted: the owner first, then the record sets in order."""
        entries = (
            " ".join(filter(None, (str(record.type), _relative(record.name, domain), line.digest, line.signature)))
            for record, line in sorted(self.lines.items())
        )
        return (f"{_HERITAGE}{self.owner}", *entries)

    @classmethod
    def decode(cls, values: Iterable[str], domain: str) -> Ledger | None:
        """Read the ledger from unquoted TXT values, in any order; None if they are no ledger of ses-operator.

        Lines that cannot be read are left out: a person may have edited them, and what they named is then no longer
        owned. Of two lines for one record set neither is read.
        """
        texts = list(values)
        owners = [text.removeprefix(_HERITAGE) for text in texts if text.startswith(_HERITAGE)]
        owner = Owner.parse(owners[0]) if len(owners) == 1 else None
        if owner is None:
            return None
        lines: dict[RecordId, list[Line]] = {}
        for record, line in filter(None, (_entry(text, domain) for text in texts)):
            lines.setdefault(record, []).append(line)
        return cls(owner, {record: found[0] for record, found in lines.items() if len(found) == 1})


@dataclass(frozen=True, slots=True)
class Seal:
    """Signs the lines of one ledger, and says which lines prove that a record is the owner's.

    A line proves it if it is signed with a key of the installation. A line whose key is not known (it was lost, with
    the Secret) proves it if the object remembers the same, and was there before the Secret: only then can a key have
    been lost since. All else proves nothing: others may have written it.
    """

    domain: str
    zone_id: str
    keys: Keyring
    witness: Witness = field(default_factory=Witness)
    identity: str = ""

    @property
    def whole(self) -> str:
        """The domain of the identity; that of the ledger may be a part of it, in a zone of its own."""
        return self.identity or self.domain

    def line(self, owner: Owner, record: RecordId, digest: str) -> Line:
        """Return the line for a record set of this owner."""
        return Line(digest, self.keys.sign(self._statement(owner, record, digest)))

    def proves(self, owner: Owner, record: RecordId, line: Line) -> bool:
        """Return True if the line, in a ledger of this owner, proves that the record set was written for it."""
        if self.keys.verifies(self._statement(owner, record, line.digest), line.signature):
            return True
        if self.keys.knows(line.signature) or not self._may_have_lost_a_key:
            return False
        return recollection(record, line.digest) in self.witness.records

    @property
    def _may_have_lost_a_key(self) -> bool:
        made, since = self.keys.made_at, self.witness.since
        return made is not None and since is not None and since <= made

    def _statement(self, owner: Owner, record: RecordId, digest: str) -> Statement:
        return Statement(str(owner), self.zone_id, self.domain, record, digest)


def ledger_name(domain: str) -> str:
    """Return the name of the ledger of a domain."""
    return f"{LEDGER_LABEL}.{domain}"


def digest(standing: ZoneSet) -> str:
    """Return a short digest of the values and the ttl of a record set; equal meanings have equal digests."""
    text = "\n".join((str(standing.ttl), *standing.meaning))
    octets = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()[:_DIGEST_BYTES]
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def recollections(records: Iterable[RecordSet]) -> frozenset[str]:
    """Return what an object remembers of these records, as they are written."""
    return frozenset(recollection(record.id, digest(ZoneSet.of(record))) for record in records)


def _entry(text: str, domain: str) -> tuple[RecordId, Line] | None:
    match text.split(" "):
        case [type_, name, written] if type_ in _TYPES and name and _DIGEST.fullmatch(written):
            return RecordId(_absolute(name, domain), RecordType(type_)), Line(written)
        case [type_, name, written, signature] if (
            type_ in _TYPES and name and _DIGEST.fullmatch(written) and _SIGNATURE.fullmatch(signature)
        ):
            return RecordId(_absolute(name, domain), RecordType(type_)), Line(written, signature)
    return None


def _relative(name: str, domain: str) -> str:
    if name == domain:
        return "@"
    inside = name.removesuffix(f".{domain}")
    return inside if inside != name else f"{name}."


def _absolute(name: str, domain: str) -> str:
    if name == "@":
        return domain
    return name.removesuffix(".") if name.endswith(".") else f"{name}.{domain}"
