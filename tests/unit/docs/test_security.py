"""Each attack in docs/security.md names a test that exists."""

from __future__ import annotations

import ast
import re

from docs.writing import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("|")][2:]
_TEST = re.compile(r"`(tests/[\w/]+\.py)` `(test_\w+)`")


def test_each_attack_has_what_stops_it_and_a_test() -> None:
    assert len(ROWS) > 20
    assert [row for row in ROWS if len(row) != 3 or not all(map(str.strip, row))] == []
    assert [row[0] for row in ROWS if not _TEST.fullmatch(row[2].strip())] == []


def test_the_tests_exist() -> None:
    named = [(match[1], match[2]) for row in ROWS if (match := _TEST.fullmatch(row[2].strip()))]
    assert [f"{path} {name}" for path, name in named if name not in _tests_in(path)] == []


def _tests_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
