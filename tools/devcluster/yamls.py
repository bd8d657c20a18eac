"""Reads YAML with libyaml: a tenth of the time that PyYAML takes by itself, which counts for what Helm renders."""

from __future__ import annotations

from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # where PyYAML was built without libyaml


def documents(text: str) -> list[Any]:
    """Return what each document of a stream holds; None for an empty one. Raises yaml.YAMLError."""
    return list(yaml.load_all(text, _LOADER))


def document(text: str) -> Any:
    """Return what the only document holds. Raises yaml.YAMLError."""
    return yaml.load(text, _LOADER)  # noqa: S506
