"""Tokens that SES makes up: the same for an account, region and domain each time."""

from __future__ import annotations

import hashlib

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"  # lower case, as in SES; 32 of them make a letter of 5 bits
TOKEN_LENGTH = 32
DKIM_TOKENS = 3


def dkim_tokens(account: str, region: str, domain: str) -> tuple[str, ...]:
    """Return the three Easy DKIM tokens of a domain. Another region or account has others; recreating gives the same."""
    return tuple(_token("dkim", account, region, domain.lower(), str(number)) for number in range(DKIM_TOKENS))


def verification_token(account: str, region: str, domain: str) -> str:
    """Return the TXT value that v1 VerifyDomainIdentity asks for at ``_amazonses.<domain>``."""
    return _token("txt", account, region, domain.lower())


def _token(*parts: str) -> str:
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return "".join(ALPHABET[byte & 31] for byte in digest[:TOKEN_LENGTH])
