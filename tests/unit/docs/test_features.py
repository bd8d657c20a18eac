"""docs/features.md: each heading of the guides has a line, and what a line names exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split(" | "))
    for line in re.findall(r"^\| (?!Of the guide|What \||---).*\|$", PAGE, re.MULTILINE)
]

HEADINGS = (
    "Creating and verifying identities",
    "Creating and verifying a domain identity",
    "To verify a domain identity",
    "Troubleshooting domain verification",
    "Creating and verifying an email address identity",
    "Creating an email address identity",
    "Verifying an email address",
    "Troubleshooting email address verification",
    "Using custom verification email templates",
    "Creating a custom verification email template",
    "Editing a custom verification email template",
    "Sending verification emails using custom templates",
    "Custom verification email frequently asked questions",
    "Create and verify an identity and assign a default configuration set at the same time",
    "Overview of Amazon SES Sending Authorization",
    "Sending Authorization Process",
    "Attribution of Email Sending Features",
)
"""Of "Creating and verifying identities in Amazon SES" and "Overview of Amazon SES Sending Authorization"."""


@cache
def functions_of(path: str) -> frozenset[str]:
    """The names of the tests in a file; none where there is no such file."""
    file = ROOT / path
    tree = ast.parse(file.read_text(encoding="utf-8")) if file.exists() else ast.Module([], [])
    return frozenset(node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def test_every_heading_of_the_guides_has_a_line() -> None:
    lines = [row[0] for row in ROWS]
    assert [
        heading for heading in HEADINGS if not any(line == heading or line.startswith(f"{heading}:") for line in lines)
    ] == []


def faults(row: tuple[str, ...]) -> Iterator[str]:
    """What a line names that there is not, or does not name. test_fields asks whether the fields exist."""
    _, fields, test, examples = row
    if not re.fullmatch(r"(`(spec|status)\.[\w.\[\]]+`(, )?)+", fields):
        yield f"fields: {fields}"
    path, _, name = test.strip("`").partition("::")
    if name not in functions_of(path):
        yield f"test: {test}"
    named = re.findall(r"`(examples/[\w-]+\.yaml)`", examples)
    if not named:
        yield "no example"
    yield from (example for example in named if not (ROOT / example).exists())


def test_every_line_names_a_field_a_test_that_there_is_and_an_example_that_there_is() -> None:
    assert ROWS
    assert [(row[0], fault) for row in ROWS for fault in faults(row)] == []
