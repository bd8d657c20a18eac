"""Code, charts and documentation are in plain English: the dialect words of earlier versions do not come back."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator

import pytest

from docs.repository import files
from docs.writing import ROOT

DIALECT = ("somebody", "nobody", "anew", "tells of", "told of", "put right", "whereabouts")
"""Write another client, no one or the passive; again; reports; corrected; candidate regions."""
SEARCHED = ("operator", "docs", "charts", "README.md")

GLOSSARY = ROOT / "docs" / "glossary.md"
_WORD = re.compile(rf"\b(?:{'|'.join(DIALECT)})\b", re.IGNORECASE)
_ENTRY = re.compile(r"^\| (?P<term>[^|]+) \| (?P<meaning>[^|]+) \| (?P<page>[^|]+) \| (?P<code>[^|]+) \|$")


def dialect(text: str) -> Iterator[int]:
    """The numbers of the lines that have a dialect word."""
    return (number for number, line in enumerate(text.splitlines(), start=1) if _WORD.search(line))


def entries() -> list[re.Match[str]]:
    rows = [found for line in GLOSSARY.read_text(encoding="utf-8").splitlines() if (found := _ENTRY.match(line))]
    return [row for row in rows if row["term"] not in {"Term", "---"}]


def test_no_line_has_a_dialect_word() -> None:
    paths = [path for name in SEARCHED for path in files(ROOT / name)]
    texts = {path: path.read_text(encoding="utf-8", errors="ignore") for path in paths}
    found = [f"{path.relative_to(ROOT)}:{number}" for path, text in texts.items() for number in dialect(text)]
    assert found == []


def prose_of(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of comments, of docstrings and strings below attributes, of what kubectl explain and --help show."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value
        if isinstance(node, ast.keyword) and node.arg in ("description", "help"):
            yield node.value.lineno, ast.unparse(node.value)


def test_no_docstring_comment_or_description_of_the_code_has_a_dialect_word() -> None:
    paths = [path for name in ("operator", "sandbox", "tools") for path in files(ROOT / name, ".py")]
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in paths
        for line, text in prose_of(path.read_text(encoding="utf-8"))
        if _WORD.search(text)
    ]
    assert found == []


@pytest.mark.parametrize("word", DIALECT)
def test_each_dialect_word_is_found(word: str) -> None:
    assert list(dialect(f"one\n{word.capitalize()}.\nthree\nand {word}, too")) == [2, 4]
    assert list(dialect(f"un{word}ly")) == []


def test_the_glossary_is_in_alphabetical_order_and_has_each_term_once() -> None:
    terms = [entry["term"].strip("`").lower() for entry in entries()]
    assert len(terms) > 50
    assert terms == sorted(set(terms))


def test_each_entry_of_the_glossary_explains_the_term_links_a_page_and_names_its_package() -> None:
    wrong = [
        entry["term"]
        for entry in entries()
        if len(entry["meaning"].split()) < 5
        or not re.search(r"\]\([^)]+\.md(?:#[^)]+)?\)", entry["page"])
        or not re.fullmatch(r"`[a-z_/]+/`", entry["code"])
    ]
    assert wrong == []
