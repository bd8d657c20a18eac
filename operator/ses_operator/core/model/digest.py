"""A short digest of a configuration, by which status shows if it is about the current configuration. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_CHARACTERS = 16


def configuration_digest(configured: Mapping[str, Any]) -> str:
    """Return the digest; equal digests ask for the same. What is not set (None, or empty) is left out at every depth.

    So a later version, which can set one thing more, has the same digest for all that do not set it, and does not
    read every identity again at an upgrade.
    """
    text = json.dumps(_set(configured), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_CHARACTERS]


def _set(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: found for name, inner in value.items() if (found := _set(inner)) not in (None, "", {}, [])}
    if isinstance(value, list | tuple):
        return [_set(inner) for inner in value]
    return value
