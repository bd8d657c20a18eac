"""Every field, reason and condition that the documentation names exists."""

from __future__ import annotations

import re
from typing import Any

from docs.pages import PAGES
from docs.writing import ROOT
from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.base.reasons import Reason
from ses_operator.api.schema.crd import custom_resource_definition
from ses_operator.api.schema.kinds import KINDS

SCHEMAS = [
    custom_resource_definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"] for kind in KINDS
]
TROUBLESHOOTING = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")


def is_field(schema: Any, names: list[str]) -> bool:
    """Whether the schema has this member, through lists too."""
    if not names:
        return True
    schema = schema.get("items", schema)
    return names[0] in schema.get("properties", {}) and is_field(schema["properties"][names[0]], names[1:])


def exists(path: str) -> bool:
    """Whether a kind has the field of this path, such as ``spec.regions[].name``."""
    top, *rest = path.replace("[]", "").rstrip(".").split(".")
    return any(is_field(schema[top], rest) for schema in SCHEMAS)


def test_every_field_that_is_named_exists() -> None:
    named = {
        (path, str(page.relative_to(ROOT)))
        for page in PAGES
        for path in re.findall(r"`((?:spec|status)\.[A-Za-z0-9.\[\]]+)", page.read_text(encoding="utf-8"))
    }
    assert named
    assert [(page, path) for path, page in sorted(named) if not exists(path)] == []


def test_every_reason_with_a_remedy_exists() -> None:
    remedies = TROUBLESHOOTING.partition("## By reason")[2].partition("## ")[0]
    named = {
        reason for row in re.findall(r"^\| (`.*?) \|", remedies, re.MULTILINE) for reason in row[1:-1].split("`, `")
    }
    assert named
    assert named <= set(Reason)


def test_every_condition_is_explained() -> None:
    concepts = (ROOT / "docs" / "concepts.md").read_text(encoding="utf-8")
    assert [kind for kind in ConditionType if f"| `{kind}` |" not in concepts] == []
