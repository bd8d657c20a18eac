"""`python -m docs.reference`: writes docs/reference.md, every field of every kind, from the CRDs. Run by `make docs`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from docs.writing import ROOT, write
from ses_operator.api.base.meta import API_VERSION
from ses_operator.api.schema.crd import custom_resource_definition
from ses_operator.api.schema.kinds import KINDS, Kind

PAGE = ROOT / "docs" / "reference.md"

_HEAD = f"""\
<!-- Written by `make docs` from operator/ses_operator/api/. Change the descriptions there. -->
# API reference

All kinds belong to `{API_VERSION}`. In the cluster, `kubectl explain sesidentity.spec` shows the same. "Refused" lists the
messages with which the apiserver refuses a value, field by field; bounds such as a maximum length are next to the type.
"""

Schema = Mapping[str, Any]


def page() -> str:
    """Return the whole page."""
    return "\n".join((_HEAD, *(_section(kind) for kind in KINDS)))


def _section(kind: Kind) -> str:
    root = custom_resource_definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    names = ", ".join(f"`{name}`" for name in (kind.plural, *kind.short_names))
    lines = [f"## {kind.kind}", "", root["description"], "", f"{kind.scope}; for kubectl: {names}.", ""]
    for part in ("spec", "status"):
        schema = root["properties"][part]
        lines += [f"### {kind.kind} {part}", "", schema["description"], "", *_table(schema, part), ""]
    refusals = [*_refusals(root, "", deep=False), *_refusals(root["properties"]["spec"], "spec", deep=True)]
    if refusals:
        lines += [f"### Refused in a {kind.kind}", "", "| Where | What to do instead |", "| --- | --- |", *refusals, ""]
    return "\n".join(lines)


def _table(schema: Schema, path: str) -> Iterator[str]:
    yield "| Field | Type | Meaning |"
    yield "| --- | --- | --- |"
    yield from _rows(schema, path)


def _rows(schema: Schema, path: str) -> Iterator[str]:
    required = schema.get("required", ())
    for name, child in schema.get("properties", {}).items():
        needed = ", required" if name in required else ""
        yield f"| `{path}.{name}` | {_type(child)}{needed} | {_cell(child['description'])} |"
        yield from _rows(_inner(child), f"{path}.{name}{_suffix(child)}")


def _refusals(schema: Schema, path: str, *, deep: bool) -> Iterator[str]:
    for entry in schema.get("x-kubernetes-validations", ()):
        where = f"`{path}`" if path else "the object"
        yield f"| {where} | {_cell(entry['message'])} |"
    if deep:
        for name, child in schema.get("properties", {}).items():
            yield from _refusals(child, f"{path}.{name}", deep=True)
        for below in ("items", "additionalProperties"):
            if isinstance(schema.get(below), Mapping):
                yield from _refusals(schema[below], f"{path}{_suffix(schema)}", deep=True)


def _inner(schema: Schema) -> Schema:
    """Return the schema that has the properties: of the object itself, or of the items of the list or map."""
    for below in ("items", "additionalProperties"):
        if isinstance(schema.get(below), Mapping):
            return _inner(schema[below])
    return schema


def _suffix(schema: Schema) -> str:
    if "items" in schema:
        return "[]"
    return "{}" if isinstance(schema.get("additionalProperties"), Mapping) else ""


def _type(schema: Schema) -> str:
    """Return the type with its bounds, as people write it."""
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if "items" in schema:
        return f"list of {_type(schema['items'])}{_most(schema, 'maxItems', 'items')}"
    if isinstance(schema.get("additionalProperties"), Mapping):
        return f"map to {_type(schema['additionalProperties'])}{_most(schema, 'maxProperties', 'entries')}"
    bounds = [f"{schema[bound]}" for bound in ("minimum", "maximum") if bound in schema]
    between = f", {' to '.join(bounds)}" if bounds else ""
    return f"{schema.get('type', 'any')}{_most(schema, 'maxLength', 'characters')}{between}"


def _most(schema: Schema, bound: str, what: str) -> str:
    return f", at most {schema[bound]} {what}" if bound in schema else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")


if __name__ == "__main__":
    write(PAGE, page())
