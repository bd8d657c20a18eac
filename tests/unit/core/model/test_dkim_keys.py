"""Keys for BYODKIM: the forms in which people keep them, and what is wrong with those that SES could not use."""

from __future__ import annotations

import base64
import copy
from functools import cache

import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ses_operator.core.features.keys.dkim_keys import Unusable, new_key, read_key
from ses_operator.core.model.dkim_source import OwnKey

PEM, DER = form.Encoding.PEM, form.Encoding.DER
PKCS1, PKCS8 = form.PrivateFormat.TraditionalOpenSSL, form.PrivateFormat.PKCS8


@cache
def key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def in_pem(shape: form.PrivateFormat, bits: int = 1024, passphrase: bytes = b"") -> bytes:
    protection = form.BestAvailableEncryption(passphrase) if passphrase else form.NoEncryption()
    return key(bits).private_bytes(PEM, shape, protection)


def bare(shape: form.PrivateFormat) -> bytes:
    return base64.b64encode(key(1024).private_bytes(DER, shape, form.NoEncryption()))


def as_ses_takes_it() -> str:
    """Base64 of PKCS#1, without the PEM header (Developer Guide, BYODKIM)."""
    return bare(PKCS1).decode()


FORMS = {
    "PEM, PKCS#1": lambda: in_pem(PKCS1),
    "PEM, PKCS#8": lambda: in_pem(PKCS8),
    "base64 of PKCS#1": lambda: bare(PKCS1),
    "base64 of PKCS#8": lambda: bare(PKCS8),
    "base64 in lines": lambda: b"\n".join(in_pem(PKCS8).splitlines()[1:-1]),
    "PEM with Windows' line ends and white space around": lambda: b"\n " + in_pem(PKCS8).replace(b"\n", b"\r\n"),
    "PEM with a certificate after it": lambda: in_pem(PKCS8) + b"-----BEGIN CERTIFICATE-----\nMII=\n",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_every_form_in_which_people_keep_a_key_becomes_what_ses_takes(text: object) -> None:
    assert callable(text)
    found = read_key("s1", text())
    assert isinstance(found, OwnKey)
    assert found.private_key.reveal() == as_ses_takes_it()
    public = key(1024).public_key().public_bytes(DER, form.PublicFormat.SubjectPublicKeyInfo)
    assert (found.selector, base64.b64decode(found.public_key)) == ("s1", public)


def elliptic() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(PEM, PKCS8, form.NoEncryption())


def crafted(bits: int, factor_bits: int) -> bytes:
    """A key in PKCS#1 whose modulus and factors have these lengths, and whose other numbers are small (RFC 8017, A.1.2)."""
    factor, modulus = 2**factor_bits - 1, 2**bits - 1
    numbers = (0, modulus, 65537, 3, factor, factor, 3, 3, 3)
    return base64.b64encode(_der(0x30, b"".join(_der(0x02, _integer(number)) for number in numbers)))


def _integer(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _der(tag: int, content: bytes) -> bytes:
    length = len(content).to_bytes(3, "big").lstrip(b"\0")
    short = len(content) < 0x80
    return bytes([tag, len(content) if short else 0x80 | len(length)]) + (b"" if short else length) + content


UNUSABLE = {
    "empty": (lambda: b"  \n", "is empty"),
    "nothing of the kind": (lambda: b"hunter2 is no key!", "neither PEM nor base64"),
    "base64 of something else": (lambda: base64.b64encode(b"hunter2"), "cannot be read"),
    "a broken PEM": (lambda: in_pem(PKCS8)[:400], "neither PEM nor base64|cannot be read"),
    "a public key": (
        lambda: key(1024).public_key().public_bytes(PEM, form.PublicFormat.SubjectPublicKeyInfo),
        "neither RSA PRIVATE KEY nor PRIVATE KEY",
    ),
    "an elliptic curve": (elliptic, "not an RSA key"),
    "a passphrase, PKCS#8": (lambda: in_pem(PKCS8, passphrase=b"hunter2"), "is encrypted"),
    "a passphrase, PKCS#1": (lambda: in_pem(PKCS1, passphrase=b"hunter2"), "is encrypted"),
    "too long": (lambda: in_pem(PKCS8, 3072), "3072 bits"),
    "so long that to check it would take minutes": (lambda: crafted(16_384, 8_192), "it has 16384 bits"),
    "factors that are longer than the key": (lambda: crafted(2048, 8_192), "cannot be read"),
    "far too much": (lambda: b"A" * 30_000, "more than 20480 octets"),
}


@pytest.mark.parametrize(("text", "words"), UNUSABLE.values(), ids=UNUSABLE)
def test_what_ses_could_not_use_is_told_and_nothing_of_it_repeated(text: object, words: str) -> None:
    assert callable(text)
    given = text()
    found = read_key("s1", given)
    assert isinstance(found, Unusable)
    assert any(word in found.why for word in words.split("|"))
    assert "hunter2" not in found.why


def test_a_key_that_is_made_can_be_read_has_2048_bits_and_is_another_each_time() -> None:
    first, second = (read_key("s1", new_key()) for _ in range(2))
    assert isinstance(first, OwnKey)
    assert isinstance(second, OwnKey)
    assert first.fingerprint != second.fingerprint
    loaded = form.load_der_private_key(base64.b64decode(first.private_key.reveal()), None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    assert loaded.key_size == 2048


def test_no_printed_form_of_a_key_shows_it() -> None:
    found = read_key("s1", in_pem(PKCS8))
    assert isinstance(found, OwnKey)
    printed = f"{found} {found!r} {found.private_key} {found.private_key!r} {[copy.deepcopy(found)]}"
    assert found.private_key.reveal()[:20] not in printed
    assert found.private_key.reveal()[-60:-20] not in printed
