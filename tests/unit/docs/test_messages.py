"""Every message of the operator that the documentation quotes is made of the words that the operator's code has.

What remains of a quoted message, when all texts of the code are taken out of it, has to be names and values.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from docs.pages import PAGES, blocks
from docs.repository import files
from docs.writing import ROOT
from ses_operator.api.base.reasons import Reason

NAMES = frozenset(
    {
        "byo",
        "com",
        "corp",
        "corq",
        "default",
        "example",
        "legacy",
        "mail",
        "news",
        "none",
        "partner",
        "production",
        "shop",
        "staging",
        "transactional",
    }
)
"""Of objects in the documentation: what a message may have beside the words of the code."""

_ROW = re.compile(r"^\| (.*?) \| (.*?) \| .* \|$", re.MULTILINE)
_SAID = re.compile(rf"(?:^|[ =])(?:{'|'.join(Reason)}): (.+)$|^((?:[a-z]+-)+\d: .+)$")
_TOLD_IN_TABLES = re.compile(
    r"^\| (?:Reason \| What .+ says|The message says) \|.*\n\|[- |]+\n((?:\|.*\n)+)", re.MULTILINE
)
_WORD = re.compile(r"(?<![\w.:/\"-])[a-z]{3,}(?![\w/-]|[.:]\w)")


@dataclass(frozen=True, slots=True)
class Quotation:
    where: str
    text: str


def quotations() -> Iterator[Quotation]:
    for page in PAGES:
        name = str(page.relative_to(ROOT))
        if name == "CHANGELOG.md":
            continue
        for block in blocks(page, "console"):
            for line in block.text.splitlines():
                if not line.startswith("$") and (found := _SAID.search(line)):
                    yield Quotation(name, found[1] or found[2])
        for table in _TOLD_IN_TABLES.finditer(page.read_text(encoding="utf-8")):
            column = 1 if table[0].startswith("| Reason") else 0
            yield from (Quotation(name, row[column + 1]) for row in _ROW.finditer(table[1]))


@cache
def texts() -> frozenset[str]:
    """The texts in the operator's code; an ellipsis stands for what is filled in."""
    found: set[str] = set()
    for path in files(ROOT / "operator", ".py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.add("".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
                found.add(node.value)
    return frozenset(found)


@cache
def patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The texts as patterns, those with the most words of their own first; beside each its longest part."""
    divided = sorted((text.strip("…").split("…") for text in texts()), key=lambda parts: (-sum(map(len, parts)), parts))
    return tuple(
        (max(parts, key=len), re.compile("(.+?)".join(map(re.escape, parts)), re.DOTALL))
        for parts in divided
        if " " in max(parts, key=len)
    )


def unexplained(message: str) -> list[str]:
    """The words of a quotation that no text of the code has and that are no name."""
    left = " … ".join(
        piece for piece in re.split("…| / ", message) if not any(piece.strip(" .") in text for text in texts())
    )
    for part, pattern in patterns():
        if part in left:
            left = pattern.sub(lambda found: " … ".join(("", *found.groups(), "")), left)
    return [word for word in _WORD.findall(left) if word not in NAMES]


QUOTATIONS = tuple(dict.fromkeys(quotations()))


def test_messages_are_found_in_the_documentation() -> None:
    pages = {quotation.where for quotation in QUOTATIONS}
    assert {"README.md", "docs/troubleshooting.md", "docs/how-to/migrate.md", "docs/how-to/ci-gates.md"} <= pages


def test_every_message_is_made_of_the_words_of_the_code() -> None:
    words = {f"{quotation.where}: {quotation.text}": unexplained(quotation.text) for quotation in QUOTATIONS}
    assert {quoted: found for quoted, found in words.items() if found} == {}


def test_words_that_the_operator_does_not_say_are_found() -> None:
    assert unexplained("eu-west-1: please wait patiently for a.example.com") == ["please", "wait", "patiently", "for"]
