r"""Domain names as Route 53 writes them.

Source: Route 53 Developer Guide, "DNS domain name format": names are kept in lower case with a closing dot, and every
octet other than a-z, 0-9, hyphen and underscore is returned as a backslash and three *octal* digits (``\052`` is the
asterisk), however it was sent.
"""

from __future__ import annotations

import re

MAX_LABEL_OCTETS = 63
MAX_NAME_OCTETS = 255
PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_")
ESCAPE = re.compile(r"\\([0-3][0-7]{2})")


class MalformedNameError(ValueError):
    """A name that Route 53 does not take; the message is Route 53's."""

    def __init__(self, code: str, meaning: str, name: str) -> None:
        super().__init__(f"FATAL problem: {code} ({meaning}) encountered with '{name}'")


def labels_of(name: str) -> tuple[bytes, ...]:
    """Return the labels of a name in lower case, without the root, escapes resolved.

    Raises MalformedNameError for empty or over-long labels, over-long names, blanks and bad escapes.
    """
    body = name.removesuffix(".")
    if not body:
        return ()
    labels = tuple(_label(part, name) for part in body.split("."))
    if sum(len(label) + 1 for label in labels) + 1 > MAX_NAME_OCTETS:
        raise MalformedNameError("DomainNameTooLong", "Domain name is too long", name)
    return labels


def _label(part: str, name: str) -> bytes:
    if not part:
        raise MalformedNameError("DomainLabelEmpty", "Domain label is empty", name)
    rest = ESCAPE.sub("", part)
    if "\\" in rest or any(ord(char) <= 32 or ord(char) >= 127 for char in rest):
        raise MalformedNameError("UnsupportedCharacter", "Value contains unsupported characters", name)
    octets = ESCAPE.sub(lambda match: chr(int(match[1], 8)), part).encode("latin-1").lower()
    if len(octets) > MAX_LABEL_OCTETS:
        raise MalformedNameError("DomainLabelTooLong", "Domain label is too long", name)
    return octets


def text_of(labels: tuple[bytes, ...]) -> str:
    """Return Route 53's text for these labels: escaped, with the closing dot."""
    return "".join(_escaped(label) + "." for label in labels) or "."


def _escaped(label: bytes) -> str:
    return "".join(chr(octet) if octet in PLAIN else f"\\{octet:03o}" for octet in label)


def canonical(name: str) -> str:
    """Return the name as Route 53 returns it. Two names are the same if their canonical forms are equal."""
    return text_of(labels_of(name))


def is_within(name: str, zone: str) -> bool:
    """Return True if a canonical name is the zone's own or beneath it."""
    return name == zone or name.endswith(f".{zone}")


def sort_key(name: str) -> str:
    """Return the order of ListResourceRecordSets and ListHostedZonesByName: the labels reversed, each with a closing dot."""
    return "".join(f"{label}." for label in reversed(name.removesuffix(".").split(".")))
