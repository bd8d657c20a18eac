"""When the key length of Easy DKIM may be changed. Pure.

Source: Developer Guide, "Easy DKIM", "Changing the Easy DKIM signing key length".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

CHANGE_INTERVAL = timedelta(hours=24)


class KeyLength(StrEnum):
    """DkimSigningKeyLength."""

    RSA_1024_BIT = "RSA_1024_BIT"
    RSA_2048_BIT = "RSA_2048_BIT"


class KeyLengthRefused(ValueError):
    """The change is against the rules; the message says which."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key in force, the one that replaces it, and when changes were requested (None: never)."""

    current: KeyLength
    next: KeyLength
    generated_at: datetime
    changed_at: datetime | None = None
    downgraded_at: datetime | None = None

    @classmethod
    def generate(cls, length: KeyLength, now: datetime) -> SigningKey:
        """Return the first key of an identity."""
        return cls(current=length, next=length, generated_at=now)

    def change(self, wanted: KeyLength, now: datetime) -> SigningKey:
        """Request another length. Raises KeyLengthRefused: once in 24 hours, the first change down to 1024 excepted."""
        if wanted is self.next:
            raise KeyLengthRefused(f"The signing key length is already set to {wanted}.")
        down = wanted is KeyLength.RSA_1024_BIT
        first_downgrade = down and _is_over(self.downgraded_at, now)
        if not first_downgrade and not _is_over(self.changed_at, now):
            raise KeyLengthRefused("The signing key length can be changed at most once in a 24-hour period.")
        return replace(
            self, next=wanted, generated_at=now, changed_at=now, downgraded_at=now if down else self.downgraded_at
        )

    def in_force(self) -> SigningKey:
        """Put the next key in force: it has been verified and signs from now on."""
        return self if self.current is self.next else replace(self, current=self.next)


def _is_over(last: datetime | None, now: datetime) -> bool:
    return last is None or now - last >= CHANGE_INTERVAL
