"""Where the key pair comes from that SES signs the mail of an identity with: one value of a closed set.

What follows from it (what may be asked of SES, which records, what is in the way) is decided in ``dkim``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EasyDkim:
    """Easy DKIM: SES makes and rotates the keys. ``key_length`` in bits."""

    key_length: int


DkimSource = EasyDkim
