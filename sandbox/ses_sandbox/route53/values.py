"""The values of records that Route 53 accepts, by type.

Source: Route 53 Developer Guide, "Supported DNS record types"; the messages are those that the service is known to
send. The types that mail and this product need are checked closely (A, AAAA, CNAME, MX, NS, TXT); the others pass as
they are.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping

from ses_sandbox.route53.names import MalformedNameError, labels_of

MAX_VALUE_CHARACTERS = 4000
MAX_STRING_OCTETS = 255
MAX_PREFERENCE = 65535
STRINGS = re.compile(r'\s*"((?:[^"\\]|\\["\\]|\\[0-3][0-7]{2})*)"')
STRING_ESCAPE = re.compile(r'\\(["\\]|[0-3][0-7]{2})')


class MalformedValueError(ValueError):
    """A value that Route 53 does not take; the message is Route 53's."""

    def __init__(self, code: str, meaning: str, value: str) -> None:
        super().__init__(f"FATAL problem: {code} ({meaning}) encountered with '{value}'")


def character_strings(value: str) -> tuple[bytes, ...]:
    """Return the strings of a TXT value: each in double quotes, separated by blanks, with backslash escapes in octal.

    Raises MalformedValueError if they are not quoted, badly escaped, or longer than 255 octets.
    """
    strings: list[bytes] = []
    position = 0
    text = value.rstrip()
    while position < len(text):
        match = STRINGS.match(text, position)
        if match is None:
            raise MalformedValueError("InvalidCharacterString", "Value should be enclosed in quotation marks", value)
        strings.append(_unescaped(match[1], value))
        position = match.end()
    if not strings:
        raise MalformedValueError("InvalidCharacterString", "Value should be enclosed in quotation marks", value)
    if any(len(string) > MAX_STRING_OCTETS for string in strings):
        raise MalformedValueError("CharacterStringTooLong", "Value is too long", value)
    return tuple(strings)


def _unescaped(text: str, value: str) -> bytes:
    if any(ord(char) < 32 or ord(char) > 126 for char in text):
        raise MalformedValueError("UnsupportedCharacter", "Value contains unsupported characters", value)
    plain = STRING_ESCAPE.sub(lambda match: match[1] if match[1] in '"\\' else chr(int(match[1], 8)), text)
    return plain.encode("latin-1")


def mail_exchange(value: str) -> tuple[int, tuple[bytes, ...]]:
    """Return preference and host of an MX value. Raises MalformedValueError."""
    fields = value.split()
    if len(fields) != 2:
        raise MalformedValueError("MXRRDATANotTwoFields", "MX record doesn't have 2 fields", value)
    preference, host = fields
    if not preference.isdecimal() or int(preference) > MAX_PREFERENCE:
        raise MalformedValueError("MXRRDATAPriorityRequired", "MX record doesn't have priority field", value)
    return int(preference), host_name(host)


def host_name(value: str) -> tuple[bytes, ...]:
    """Return the labels of a value that is a domain name (CNAME, NS, PTR). Raises MalformedValueError."""
    try:
        return labels_of(value)
    except MalformedNameError as error:
        raise MalformedValueError("DomainNameInvalid", "Value is not a valid domain name", value) from error


def _address_v4(value: str) -> object:
    try:
        return ipaddress.IPv4Address(value)
    except ValueError as error:
        raise MalformedValueError("ARRDATAIllegalIPv4Address", "Value is not a valid IPv4 address", value) from error


def _address_v6(value: str) -> object:
    try:
        return ipaddress.IPv6Address(value)
    except ValueError as error:
        raise MalformedValueError("AAAARRDATAIllegalIPv6Address", "Value is not a valid IPv6 address", value) from error


CHECKS: Mapping[str, Callable[[str], object]] = {
    "A": _address_v4,
    "AAAA": _address_v6,
    "CNAME": host_name,
    "MX": mail_exchange,
    "NS": host_name,
    "PTR": host_name,
    "SPF": character_strings,
    "TXT": character_strings,
}


def check_value(record_type: str, value: str) -> None:
    """Raise MalformedValueError if Route 53 would refuse the value for this type of record."""
    if len(value) > MAX_VALUE_CHARACTERS:
        raise MalformedValueError("ValueTooLong", "Value is too long", value)
    check = CHECKS.get(record_type)
    if check is not None:
        check(value)
