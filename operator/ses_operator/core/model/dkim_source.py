"""The source of the key pair that SES signs the mail of an identity with: one value of a closed set.

What follows from it (what may be asked of SES, which records, what is in the way) is decided in ``dkim``.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from ses_operator.core.model.problems import Problem


class PrivateKey:
    """A private key as SES takes it. No printed form shows it: neither logs, nor tracebacks, nor digests."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Take the base64 of the key in PKCS#1 (DER), on one line."""
        self._text = text

    def reveal(self) -> str:
        """Return the key itself. To be called where it goes into a request, and nowhere else."""
        return self._text

    def __repr__(self) -> str:
        return "PrivateKey(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PrivateKey) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True, slots=True)
class EasyDkim:
    """Easy DKIM: SES makes and rotates the keys. ``key_length`` in bits."""

    key_length: int


@dataclass(frozen=True, slots=True)
class ReplicaDkim:
    """Deterministic Easy DKIM in a region that replicates: SES copies the key of the identity in ``parent_region``."""

    parent_region: str


@dataclass(frozen=True, slots=True)
class NoDkim:
    """None: an email address. Its mail is signed with the key of its domain, if that is an identity too."""


@dataclass(frozen=True, slots=True)
class OwnKey:
    """BYODKIM: a key pair of the customer's. ``public_key``: base64 of the SubjectPublicKeyInfo (DER), as in ``p=``."""

    selector: str
    public_key: str
    private_key: PrivateKey

    @property
    def fingerprint(self) -> str:
        """The value by which the key is recognised later, because SES does not return it."""
        return fingerprint(self.public_key)


@dataclass(frozen=True, slots=True)
class MissingKey:
    """BYODKIM with a key that is not available for the moment, and why. The current key is left as it is."""

    selector: str
    problem: Problem


GivenDkim = EasyDkim | ReplicaDkim | OwnKey | NoDkim
"""The sources that SES can be given."""

DkimSource = GivenDkim | MissingKey
"""The source in one region."""


@dataclass(frozen=True, slots=True)
class DeterministicChoice:
    """Deterministic Easy DKIM as a whole: Easy DKIM in the parent's region, replicas in all others."""

    parent_region: str
    parent: EasyDkim

    def in_region(self, region: str) -> DkimSource:
        """Return the source of one region."""
        return self.parent if region == self.parent_region else ReplicaDkim(self.parent_region)


DkimChoice = EasyDkim | DeterministicChoice | OwnKey | MissingKey | NoDkim
"""The source in all regions."""


def fingerprint(public_key: str) -> str:
    """Return the SHA-256, in hexadecimal, of a public key in base64: that of the DER form, as openssl shows it."""
    return hashlib.sha256(base64.b64decode(public_key)).hexdigest()
