"""RSA keys for BYODKIM: read as people keep them, checked before SES sees them, and made. Pure, but for ``new_key``.

Sources: SES Developer Guide, "Provide your own DKIM authentication token (BYODKIM)"; API reference, DkimSigningAttributes;
RFC 6376, 3.6.1. ``cryptography`` is imported when it is needed: most identities do without it.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_operator.core.model.dkim_source import OwnKey, PrivateKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

MIN_BITS = 1024
MAX_BITS = 2048
NEW_KEY_BITS = 2048
MAX_SECRET_OCTETS = 20_480
"""The longest private key that SES takes (API reference, DkimSigningAttributes); generated keys are much shorter."""

_PEM = re.compile(rb"-----BEGIN ([A-Z ]+)-----")
_FORMS = {b"RSA PRIVATE KEY", b"PRIVATE KEY"}


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a text is no key that SES could sign with, and what to put in its place. Never holds a part of the text."""

    why: str


_UNREADABLE = Unusable("it cannot be read as a private key")


def read_key(selector: str, text: bytes) -> OwnKey | Unusable:
    """Return the key pair that ``text`` holds: PEM in PKCS#1 or PKCS#8, or base64 of either without the PEM header."""
    key = _parse(text.strip())
    return key if isinstance(key, Unusable) else _own_key(selector, key)


def key_bits(public_key: str) -> int:
    """Return the length in bits of a public key, as ``OwnKey`` has it."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    key = load_der_public_key(base64.b64decode(public_key))
    if not isinstance(key, RSAPublicKey):
        raise TypeError("an OwnKey is made of RSA keys only")
    return key.key_size


def new_key() -> bytes:
    """Return a new private key, as PEM in PKCS#8. Random, and slow: a tenth of a second and more."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=NEW_KEY_BITS)
    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())


def _parse(text: bytes) -> RSAPrivateKey | Unusable:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    der = _der_of(text)
    if isinstance(der, Unusable):
        return der
    try:
        # Measured first: to check that the numbers of a long key are prime takes minutes, in which nothing else runs.
        key = load_der_private_key(der, password=None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, RSAPrivateKey):
            return Unusable("it is not an RSA key, and SES signs with RSA only")
        if not MIN_BITS <= key.key_size <= MAX_BITS:
            return Unusable(f"it has {key.key_size} bits, and SES takes RSA keys of {MIN_BITS} to {MAX_BITS} bits")
        if not _is_in_proportion(key):
            return _UNREADABLE
        checked = load_der_private_key(der, password=None)
    except TypeError:
        return Unusable("it is encrypted; store it without a passphrase")
    except (ValueError, UnsupportedAlgorithm):
        return _UNREADABLE
    return checked if isinstance(checked, RSAPrivateKey) else _UNREADABLE


def _is_in_proportion(key: RSAPrivateKey) -> bool:
    """Return True if no part of the key is longer than its length allows: a short modulus may come with any other numbers."""
    numbers = key.private_numbers()
    parts = (numbers.d, numbers.dmp1, numbers.dmq1, numbers.iqmp, numbers.public_numbers.e)
    return numbers.p * numbers.q == numbers.public_numbers.n and max(parts) < numbers.public_numbers.n


def _der_of(text: bytes) -> bytes | Unusable:
    """Return the key in binary form, from its PEM or its bare base64."""
    if not text:
        return Unusable("it is empty")
    if len(text) > MAX_SECRET_OCTETS:
        return Unusable(f"it has more than {MAX_SECRET_OCTETS} octets")
    header = _PEM.match(text)
    if header is not None:
        form = header.group(1)
        if form == b"ENCRYPTED PRIVATE KEY" or b"ENCRYPTED" in text[:200]:
            return Unusable("it is encrypted; store it without a passphrase")
        if form not in _FORMS:
            return Unusable("its PEM header is neither RSA PRIVATE KEY nor PRIVATE KEY")
        text = text[header.end() :].partition(b"-----END ")[0]
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        return Unusable("it is neither PEM nor base64")


def _own_key(selector: str, key: RSAPrivateKey) -> OwnKey:
    from cryptography.hazmat.primitives import serialization as form

    private = key.private_bytes(form.Encoding.DER, form.PrivateFormat.TraditionalOpenSSL, form.NoEncryption())
    public = key.public_key().public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)
    return OwnKey(selector, _base64(public), PrivateKey(_base64(private)))


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
