"""The CustomResourceDefinitions, made from the models: the content of ``crds/``, of the chart and of the tests' clusters."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import yaml

from ses_operator.api.base.meta import GROUP
from ses_operator.api.base.model import Model
from ses_operator.api.identity.status import STATUS_DEFAULT
from ses_operator.api.schema.kinds import KINDS, Kind, PrinterColumn
from ses_operator.api.schema.structural import Schema, UnsupportedSchemaError, structural_schema
from ses_operator.api.schema.versions import VERSIONS, Version

CATEGORY = "ses"
"""``kubectl get ses`` lists the objects of all kinds of the operator."""

_HEADER = "# Generated from the models in ses_operator.api by `ses-operator crds`. Change those, not this file.\n"


class _ManifestDumper(yaml.SafeDumper):
    """Writes text of several lines as a block, so that it reads as it was written."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Represent a text; as a block if it has several lines."""
        style = "|" if "\n" in text else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_ManifestDumper.add_representer(str, _ManifestDumper.represent_text)


def custom_resource_definition(kind: Kind, versions: Sequence[Version] = VERSIONS) -> dict[str, Any]:
    """Return the manifest of one kind, ready to be applied.

    All versions have the shape of the one model, so that the apiserver converts by putting another apiVersion on an
    object.
    """
    if sum(version.stored for version in versions) != 1:
        raise ValueError("exactly one version is stored")
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": definition_name(kind)},
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
            "versions": [_version(kind, version) for version in versions],
        },
    }


def definition_name(kind: Kind) -> str:
    """Return the name of the kind's CustomResourceDefinition."""
    return f"{kind.plural}.{GROUP}"


def file_name(kind: Kind) -> str:
    """Return the name of the file that holds the kind's manifest, as controller-gen would name it."""
    return f"{GROUP}_{kind.plural}.yaml"


def render(kind: Kind, versions: Sequence[Version] = VERSIONS) -> str:
    """Return the manifest of one kind as YAML; the same text each time."""
    manifest = custom_resource_definition(kind, versions)
    return _HEADER + yaml.dump(manifest, Dumper=_ManifestDumper, sort_keys=False, width=120, allow_unicode=True)


def render_all(versions: Sequence[Version] = VERSIONS) -> dict[str, str]:
    """Return the text of every manifest, by file name."""
    return {file_name(kind): render(kind, versions) for kind in KINDS}


def _version(kind: Kind, version: Version) -> dict[str, Any]:
    rendered: dict[str, Any] = {"name": version.name, "served": version.served, "storage": version.stored}
    if version.deprecation:
        rendered |= {"deprecated": True, "deprecationWarning": version.deprecation}
    return {
        **rendered,
        "additionalPrinterColumns": [_column(column) for column in kind.columns],
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": root_schema(kind, version)},
    }


def root_schema(kind: Kind, version: Version) -> Schema:
    """Return the schema of the object. Its metadata is left to the apiserver."""
    root: Schema = {"description": inspect.getdoc(kind.model), "type": "object", "required": ["spec"]}
    if kind.root_rules:
        root["x-kubernetes-validations"] = list(kind.root_rules)
    return {
        **root,
        "properties": {
            "apiVersion": {"description": f"Always {version.api_version}.", "type": "string"},
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
