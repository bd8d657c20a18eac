"""docs/features.md: each heading of the guides has a line, and what a line names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("heading", HEADINGS)
def test_every_heading_of_the_guides_has_a_line(heading: str) -> None:
    assert any(row[0] == heading or row[0].startswith(f"{heading}:") for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_every_line_names_a_field_a_test_that_there_is_and_an_example_that_there_is(row: tuple[str, ...]) -> None:
    _, fields, test, examples = row
    assert re.fullmatch(r"(`(spec|status)\.[\w.\[\]]+`(, )?)+", fields), "test_docs_fields asks whether they exist"
    path, _, name = test.strip("`").partition("::")
    assert name in functions_of(path)
    named = re.findall(r"`(examples/[\w-]+\.yaml)`", examples)
    assert named
    assert [example for example in named if not (ROOT / example).exists()] == []
