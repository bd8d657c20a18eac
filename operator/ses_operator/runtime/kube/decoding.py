"""JSON of the apiserver, decoded within bounds: whatever an object has in it, the others beside it are read.

Python's own decoder gives up a whole list, or the watch, for one object that is nested a thousand deep, and makes of a
megabyte of empty lists fifty of memory. Here what is too deep or too large for any field that the operator knows is
cut out of that object alone, with ``LEFT_OUT`` in its place, so that its name is known and its status can say so.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

from ses_operator.core.model.bounds import LEFT_OUT

MAX_DEPTH = 64
"""Levels of an object that are kept where one is nested too deeply to be decoded at once (200, the decoder's limit)."""

FREE_LEVEL = 5
"""The level of an object at which values of any shape may begin: ``spec.policies[].document``."""
MAX_FREE_BYTES = 65_536
"""Longest text of a list or map at FREE_LEVEL or below, in an answer that is large. Kubernetes' limit is 1.5 MB an object."""

LARGE_OBJECT = 320 * 1024
"""An object of so many bytes has more than its fields may have, even with 256 KB of annotations."""
LARGE_PAGE = 8 * 1024 * 1024

MAX_DIGITS = 4000

_MARKER = json.dumps(LEFT_OUT).encode()
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
_CLOSING = frozenset((b"]", b"}"))
_LEVELS_ABOVE = {b'"items"': 2, b'"object"': 1}
"""How many levels are above an object, by the member of the root that holds it: those of a list, or of a watch's event."""


async def decode(raw: bytes) -> Any:
    """Return the value of a JSON text, without what is too deep or too large. ValueError if it is no JSON.

    What takes long is done in a thread, so that the Lease is renewed meanwhile.
    """
    if len(raw) < LARGE_OBJECT:
        return decode_now(raw)
    return await asyncio.to_thread(decode_now, raw)


async def decodable(raw: bytes) -> bytes:
    """Return a JSON text that any decoder takes: as it is, or without what is too deep or too large."""
    if len(raw) < LARGE_OBJECT and _at_once(raw) is not None:
        return raw
    return await asyncio.to_thread(bounded, raw)


def decode_now(raw: bytes) -> Any:
    """Return the same as ``decode``, in this thread."""
    if len(raw) < LARGE_OBJECT or (len(raw) < LARGE_PAGE and b'"items":' in raw[:4096]):
        value = _at_once(raw)
        if value is not None:
            return value
    text = bounded(raw).decode("utf-8", "replace")
    return json.loads(text, parse_int=_number, parse_constant=lambda _: None)


def _at_once(raw: bytes) -> Any:
    """Return the value as the fast decoder has it, which refuses what is nested more than 200 deep; None if it does."""
    try:
        return from_json(raw, allow_inf_nan=False)
    except ValueError:
        return None


def bounded(raw: bytes) -> bytes:
    """Return a JSON text without what is nested deeper than MAX_DEPTH, and what is large where values have any shape."""
    kept, at = [], 0
    for start, end in _cuts(raw):
        kept += [raw[at:start], _MARKER]
        at = end
    return b"".join([*kept, raw[at:]])


def _number(digits: str) -> int | float:
    """Return the number; infinity for one of so many digits that Python refuses to convert them."""
    return int(digits) if len(digits) < MAX_DIGITS else float("inf")


def _cuts(raw: bytes) -> list[tuple[int, int]]:
    """Return the parts to cut out, as (start, end), in their order."""
    cuts: list[tuple[int, int]] = []
    opened: list[int] = []
    levels_above = 0
    for token, start, end in _tokens(raw):
        if token in _CLOSING:
            if not opened:
                break  # no JSON: the decoder says so
            begun, level = opened.pop(), len(opened) + 1 - levels_above
            if level == MAX_DEPTH + 1 or (level >= FREE_LEVEL and end - begun > MAX_FREE_BYTES):
                while cuts and cuts[-1][0] > begun:
                    cuts.pop()
                cuts.append((begun, end))
        elif token in _LEVELS_ABOVE and len(opened) == 1:
            levels_above = _LEVELS_ABOVE[token]
        elif not token.startswith(b'"'):
            opened.append(start)
    return cuts


def _tokens(raw: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield brackets, braces and strings, with where they begin and end."""
    return ((match[0], *match.span()) for match in _TOKEN.finditer(raw))
