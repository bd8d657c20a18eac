"""The keys that ledgers are signed with, and what a signature is over. Pure.

A ledger stands in DNS, where others may write. So each line is signed (HMAC-SHA256, RFC 2104, truncated to 128 bits)
with a key of the installation that stands in a Secret of the operator's own namespace, which tenants cannot read. One
key signs; others are accepted: the one before during a rotation, and those of installations that handed over.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from ses_operator.core.model.records import RecordId

KEY_BYTES = 32
MIN_KEY_BYTES = 16
"""Shorter ones would be weaker than the signature."""

_SIGNATURE_BYTES = 16
_ID_BYTES = 3


@dataclass(frozen=True, slots=True)
class LedgerKey:
    """One key. ``id`` says which key a line is signed with, and nothing of the key."""

    secret: bytes = field(repr=False)
    id: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        named = hashlib.sha256(b"ses-operator ledger key id\0" + self.secret).digest()
        object.__setattr__(self, "id", _text(named[:_ID_BYTES]))

    def sign(self, statement: Statement) -> str:
        """Return the signature of a line: the id of the key, and the code."""
        code = hmac.new(self.secret, statement.octets, hashlib.sha256).digest()
        return f"{self.id}:{_text(code[:_SIGNATURE_BYTES])}"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a line of a ledger says: this owner wrote this value at this name, in this zone.

    ``owner`` as the ledger names it; ``domain`` that of the ledger; ``digest`` that of the value.
    """

    owner: str
    zone_id: str
    domain: str
    record: RecordId
    digest: str

    @property
    def octets(self) -> bytes:
        """The statement as it is signed: no two have the same."""
        parts = [self.owner, self.zone_id, self.domain, self.record.name, str(self.record.type), self.digest]
        return json.dumps(parts).encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Keyring:
    """``current`` signs, ``accepted`` count too. ``made_at``: when the installation got its Secret, by the apiserver."""

    current: LedgerKey
    accepted: tuple[LedgerKey, ...] = ()
    made_at: datetime | None = None

    def sign(self, statement: Statement) -> str:
        """Return the signature of a line by the current key."""
        return self.current.sign(statement)

    def knows(self, signature: str) -> bool:
        """Return True if the signature says that it was made with one of these keys."""
        return signature.partition(":")[0] in {key.id for key in self._keys}

    def verifies(self, statement: Statement, signature: str) -> bool:
        """Return True if one of the keys made this signature of this statement."""
        named = signature.partition(":")[0]
        return any(
            hmac.compare_digest(key.sign(statement).encode(), signature.encode("utf-8", "surrogateescape"))
            for key in self._keys
            if key.id == named
        )

    @property
    def _keys(self) -> Iterable[LedgerKey]:
        return (self.current, *self.accepted)


def new_key() -> bytes:
    """Return a new random key."""
    return secrets.token_bytes(KEY_BYTES)


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")
