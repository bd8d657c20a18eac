"""The values of a Secret, decoded and encoded."""

from __future__ import annotations

import base64
import binascii

from ses_operator.runtime.kube.resources import JsonObject


def value_of(secret: JsonObject, key: str) -> bytes | None:
    """Return the value under a key of the Secret's data; None if there is none, or nothing but white space."""
    try:
        value = base64.b64decode((secret.get("data") or {}).get(key, ""), validate=True)
    except binascii.Error:
        return None
    return value if value.strip() else None


def encoded(value: bytes) -> str:
    """Return a value as a Secret's data has it."""
    return base64.b64encode(value).decode()
