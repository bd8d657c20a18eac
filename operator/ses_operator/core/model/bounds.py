"""Bounds on what one object, one record or one server may cost, whatever is in it. docs/limits.md has the table."""

from __future__ import annotations

WHY_LEFT_OUT = "left out: nested too deeply, or too large"
LEFT_OUT = f"({WHY_LEFT_OUT})"
"""The value that takes the place of a part of an object that is beyond the bounds of decoding."""


def is_deeper(value: object, levels: int) -> bool:
    """Return True if lists and maps in the value are nested more than ``levels`` deep."""
    layer = [value]
    for _ in range(levels):
        layer = [
            member
            for each in layer
            if isinstance(each, dict | list)
            for member in (each.values() if isinstance(each, dict) else each)
        ]
    return any(isinstance(each, dict | list) for each in layer)
