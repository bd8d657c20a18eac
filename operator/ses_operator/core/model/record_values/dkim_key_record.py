"""DKIM key records (RFC 6376, 3.6.1): the TXT at ``<selector>._domainkey.<domain>``. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

VERSION = "DKIM1"


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """The tags of a key record, without blanks."""

    tags: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> KeyRecord | None:
        """Read a TXT value; None if it is no key record: one has a key, and a version, if any, that is DKIM1."""
        parts = (tag.partition("=") for tag in text.split(";"))
        tags = {name.strip(): "".join(value.split()) for name, _, value in parts}
        return cls(tags) if "p" in tags and tags.get("v", VERSION) == VERSION else None

    @property
    def key(self) -> str:
        """The public key, in base64; empty if it is revoked."""
        return self.tags["p"]

    def verifies_with(self, wanted: KeyRecord) -> bool:
        """Return True if receivers verify with this record what they verify with the wanted one: SES signs with SHA-256."""
        return (
            self.key == wanted.key
            and self.tags.get("k", "rsa").lower() == wanted.tags.get("k", "rsa").lower()
            and "sha256" in self.tags.get("h", "sha256").lower().split(":")
            and not {"*", "email"}.isdisjoint(self.tags.get("s", "*").lower().split(":"))
        )


def published_key(text: str) -> str | None:
    """Return the public key in a DKIM key record; None in any other text."""
    record = KeyRecord.parse(text)
    return record.key if record is not None else None
