"""`python -m docs.schemas`: JSON schemas of the kinds, for editors and for kubeconform. Run by `make schemas`.

Only the apiserver checks the CEL of a CustomResourceDefinition; all else is in them, and they find fields that do not
exist, of which the apiserver only warns.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ses_operator.api.schema.crd import render_all

FOLDER = Path(__file__).parents[2] / "dist" / "schemas"
LOCATION = "{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json"
"""Their place in the folder, as kubeconform's `-schema-location` names it and as catalogs of schemas have it."""


def schemas() -> dict[str, str]:
    """Return the schema of each version of each kind, by its path in the folder."""
    found = {}
    for text in render_all().values():
        spec = yaml.safe_load(text)["spec"]
        for version in spec["versions"]:
            path = f"{spec['group']}/{spec['names']['singular']}_{version['name']}.json"
            found[path] = json.dumps(_schema(spec, version), indent=2) + "\n"
    return found


def _schema(spec: Mapping[str, Any], version: Mapping[str, Any]) -> dict[str, Any]:
    closed = _closed(version["schema"]["openAPIV3Schema"])
    properties = {
        **closed["properties"],
        "apiVersion": {"const": f"{spec['group']}/{version['name']}"},
        "kind": {"const": spec["names"]["kind"]},
        "metadata": {"type": "object"},
    }
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": spec["names"]["kind"]}
    required = sorted({*closed.get("required", ()), "apiVersion", "kind", "metadata"})
    return {**head, **closed, "properties": properties, "required": required}


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema without what only the apiserver understands; objects have no members but those that they list."""
    found = {name: value for name, value in schema.items() if not name.startswith("x-kubernetes-")}
    if "properties" in found:
        found["properties"] = {name: _closed(inner) for name, inner in found["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            found["additionalProperties"] = False
    for name in ("items", "additionalProperties"):
        if isinstance(found.get(name), Mapping):
            found[name] = _closed(found[name])
    return found


def write(folder: Path) -> None:
    """Write them into a folder."""
    for path, text in schemas().items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(FOLDER)
