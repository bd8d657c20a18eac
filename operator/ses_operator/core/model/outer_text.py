"""Text that others wrote, made fit to be shown: answers of name servers, errors of AWS, annotations, fields, statuses.

It is cleaned where it leaves the operator, in the one place of each way out: log lines (``logs.py``), statuses
(``controllers/shared/writes.py``), reports of audits (``controllers/account/policy_reports.py``), Events
(``runtime/kube/events.py``), labels of metrics (``instruments.py``) and emails (``core/notifications/emails.py``).
Whatever a message is made of passes one of them.
"""

from __future__ import annotations

import unicodedata
from typing import Any

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Control characters, what changes the direction of writing or is not seen, lone surrogates, unassigned, line separators.
Source: Unicode Standard, 4.5, General Category; UTS #39 and "Trojan Source" (CVE-2021-42574) on why."""


def clean(text: str) -> str:
    r"""Return the text with each character that is not seen as its escape, such as ``\n``, ``\x1b`` or ``\u202e``.

    It is one line, cannot command a terminal, and reads in the order in which it is written.
    """
    if text.isprintable():
        return text
    return "".join(_escaped(char) if unicodedata.category(char) in _UNSEEN else char for char in text)


def clean_json(value: Any, longest: int) -> Any:
    """Return a JSON value with every text in it clean, and cut where it is longer than ``longest``."""
    if isinstance(value, str):
        return cut(clean(value), longest)
    if isinstance(value, dict):
        return {clean(name): clean_json(member, longest) for name, member in value.items()}
    if isinstance(value, list):
        return [clean_json(member, longest) for member in value]
    return value


def one_line(text: str) -> str:
    """Return the text as one line of characters that are seen, for readers who know no escapes."""
    printable = (" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    return " ".join("".join(printable).split())


def cut(text: str, longest: int) -> str:
    """Return the text, or its beginning with an ellipsis."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
