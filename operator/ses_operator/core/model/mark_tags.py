"""The names in the mark tags of an identity: ``core.features.marks``. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping

MOST_CHARACTERS = 256
"""Characters of the value of a tag (API reference, Tag)."""


def names_in(tags: Mapping[str, str] | None, mark: str) -> frozenset[str]:
    """Return the names that the value of this tag has."""
    return frozenset((tags or {}).get(mark, "").split())


def value_of(names: Iterable[str]) -> str:
    """Return as many of the names as one value takes, each once."""
    value = ""
    for name in dict.fromkeys(names):
        longer = f"{value} {name}" if value else name
        if len(longer) > MOST_CHARACTERS:
            break
        value = longer
    return value


def digest(name: str, characters: int) -> str:
    """Return a short digest of a name, of characters that the value of a tag may have."""
    return base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()).decode()[:characters]
