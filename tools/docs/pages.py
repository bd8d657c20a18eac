"""The pages of the documentation, and the blocks of code in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from devcluster.yamls import documents
from docs.repository import files
from docs.writing import ROOT

PAGES = (
    *(path for path in files(ROOT, ".md") if path.parent == ROOT),
    *files(ROOT / "docs", ".md"),
    ROOT / "sandbox" / "README.md",
    *files(ROOT / "charts", "README.md"),
)
EXAMPLES = tuple(files(ROOT / "examples", ".yaml"))

_PART_OF = re.compile(r"# (SesIdentity|SesAccount|values\.yaml)\b")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of code. ``language``: the first word after the fence; ``line``: where it begins, from 1."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def where(self) -> str:
        """For people: the page and the line."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def part_of(self) -> str | None:
        """The owner of a block of YAML, by its first line: a kind of the operator, or the values.yaml of the chart."""
        found = _PART_OF.match(self.text)
        return found[1] if found else None

    @property
    def documents(self) -> list[Any]:
        """What a block of YAML holds."""
        return documents(self.text)


def blocks(page: Path, *languages: str) -> Iterator[Block]:
    """Return the blocks of a page that are in one of these languages, as CommonMark finds them: in lists and quotations too."""
    return (block for block in _blocks(page) if block.language in languages)


@cache
def _blocks(page: Path) -> tuple[Block, ...]:
    fences = (token for token in MarkdownIt().parse(page.read_text(encoding="utf-8")) if token.type == "fence")
    return tuple(
        Block(page, token.map[0] + 1, token.info.partition(" ")[0], token.content)
        for token in fences
        if token.map is not None
    )


def script(block: Block) -> str:
    """Return what is typed: of a session at a terminal the lines after a prompt, with what continues them; else all of it."""
    text = block.text.replace("\\\n", " ")
    if block.language != "console":
        return text
    return "\n".join(line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ "))
