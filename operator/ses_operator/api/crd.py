"""The CustomResourceDefinitions, made from the models: what stands in ``crds/``, in the chart and in the tests."""

from __future__ import annotations

import inspect
from typing import Any

import yaml

from ses_operator.api.identity_status import STATUS_DEFAULT
from ses_operator.api.kinds import KINDS, Kind, PrinterColumn
from ses_operator.api.meta import API_VERSION, GROUP, VERSION
from ses_operator.api.model import Model
from ses_operator.api.schema import Schema, UnsupportedSchemaError, structural_schema

CATEGORY = "ses"
"""``kubectl get ses`` lists the objects of all our kinds."""

_HEADER = "# Generated from the models in ses_operator.api by `ses-operator crds`. Change those, not this file.\n"


class _ManifestDumper(yaml.SafeDumper):
    """Writes text of several lines as a block, so that it reads as it was written."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        style = "|" if "\n" in text else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_ManifestDumper.add_representer(str, _ManifestDumper.represent_text)


def custom_resource_definition(kind: Kind) -> dict[str, Any]:
    """The manifest of one kind, ready to be applied."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.singular,
                "shortNames": list(kind.short_names),
                "categories": [CATEGORY],
            },
            "scope": kind.scope,
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "additionalPrinterColumns": [_column(column) for column in kind.columns],
                    "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": _root_schema(kind)},
                }
            ],
        },
    }


def file_name(kind: Kind) -> str:
    """The name of the file that holds the kind's manifest, as controller-gen would name it."""
    return f"{GROUP}_{kind.plural}.yaml"


def render(kind: Kind) -> str:
    """The manifest of one kind as YAML; the same text each time."""
    manifest = custom_resource_definition(kind)
    return _HEADER + yaml.dump(manifest, Dumper=_ManifestDumper, sort_keys=False, width=120, allow_unicode=True)


def render_all() -> dict[str, str]:
    """The text of every manifest, by file name."""
    return {file_name(kind): render(kind) for kind in KINDS}


def _root_schema(kind: Kind) -> Schema:
    """The schema of the object. Its metadata is the apiserver's own business."""
    root: Schema = {"description": inspect.getdoc(kind.model), "type": "object", "required": ["spec"]}
    if kind.root_rules:
        root["x-kubernetes-validations"] = list(kind.root_rules)
    return {
        **root,
        "properties": {
            "apiVersion": {"description": f"Always {API_VERSION}.", "type": "string"},
            "kind": {"description": f"Always {kind.kind}.", "type": "string"},
            "metadata": {"type": "object"},
            "spec": _member(kind, "spec"),
            "status": {**_member(kind, "status"), "default": dict(STATUS_DEFAULT)},
        },
    }


def _member(kind: Kind, name: str) -> Schema:
    field = kind.model.model_fields[name]
    model = field.annotation
    if not (isinstance(model, type) and issubclass(model, Model)):
        raise UnsupportedSchemaError(f"{kind.kind}.{name} is not a model")
    return {**structural_schema(model), "description": field.description}


def _column(column: PrinterColumn) -> dict[str, Any]:
    rendered: dict[str, Any] = {
        "name": column.name,
        "type": column.type,
        "description": column.description,
        "jsonPath": column.json_path,
    }
    if column.priority:
        rendered["priority"] = column.priority
    return rendered
