r"""TXT in presentation format: quoting, escaping and splitting into character-strings.

A TXT value is one or more character-strings of at most 255 octets each (RFC 1035, 3.3.14); readers join them without a
separator. Route 53 takes each string in double quotes, with ``"`` and ``\`` escaped by a backslash and every octet
outside printable ASCII as a backslash and three *octal* digits (Route 53 Developer Guide, "TXT record type"). In a zone
file these digits are *decimal* (RFC 1035, 5.1).
"""

from __future__ import annotations

import re
from enum import StrEnum

MAX_STRING_OCTETS = 255

_TOKEN = re.compile(
    rb'\\(?P<octal>[0-3][0-7]{2})|\\(?P<escaped>.)|(?P<quote>")|(?P<space>\s)|(?P<text>[^"\\\s]+|\\)', re.S
)


class Escaping(StrEnum):
    """The digits that stand for an octet: Route 53's, or those of a zone file."""

    OCTAL = "03o"
    DECIMAL = "03d"


def quote(text: str, escaping: Escaping = Escaping.OCTAL) -> str:
    """Return ``text`` as one or more quoted character-strings, separated by a space. The empty text is ``""`` in quotes."""
    octets = text.encode("utf-8", "surrogateescape")
    starts = range(0, max(len(octets), 1), MAX_STRING_OCTETS)
    return " ".join(f'"{_escape(octets[start : start + MAX_STRING_OCTETS], escaping)}"' for start in starts)


def unquote(value: str) -> str:
    """Return the text of a value in presentation format; the inverse of ``quote``.

    Understands unquoted strings too, and never fails: what is malformed is taken literally. Octets that are not UTF-8
    become surrogates, so that quoting restores them.
    """
    octets = bytearray()
    quoted = False
    for token in _TOKEN.finditer(value.encode("utf-8", "surrogateescape")):
        match token.lastgroup:
            case "octal":
                octets.append(int(token["octal"], 8))
            case "quote":
                quoted = not quoted
            case "space" if not quoted:
                continue
            case group:
                octets += token[group or 0]
    return octets.decode("utf-8", "surrogateescape")


def _escape(octets: bytes, escaping: Escaping) -> str:
    return "".join(_escape_octet(octet, escaping) for octet in octets)


def _escape_octet(octet: int, escaping: Escaping) -> str:
    if octet in b'"\\':
        return f"\\{octet:c}"
    return chr(octet) if 0x20 <= octet < 0x7F else f"\\{format(octet, escaping.value)}"
