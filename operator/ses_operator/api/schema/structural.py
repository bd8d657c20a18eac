"""Structural schemas, as a CustomResourceDefinition requires them, from pydantic models.

They differ from the JSON schema that pydantic writes: no ``$ref``, no ``anyOf`` with null for what is optional, no
titles, a list type on every list, and a default only where the apiserver shall write it into the object.
Source: Kubernetes documentation, "Extend the Kubernetes API with CustomResourceDefinitions", Specifying a structural
schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from ses_operator.api.base.model import SERVER_DEFAULT_KEYWORD, Model

Schema: TypeAlias = dict[str, Any]

_RULE_ORDER = ("rule", "message", "messageExpression")

_KEY_ORDER = (
    "description",
    "type",
    "format",
    "default",
    "enum",
    "minimum",
    "maximum",
    "maxLength",
    "maxItems",
    "maxProperties",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
    "required",
    "properties",
    "items",
    "additionalProperties",
)
"""Every keyword that the schemas may have, in the order in which they are written."""


class UnsupportedSchemaError(TypeError):
    """A model has a field that a structural schema cannot express, or that lacks what every field must have."""


def structural_schema(model: type[Model]) -> Schema:
    """Return the structural schema of a model, with every reference inlined.

    Raises UnsupportedSchemaError where a field has no description, or a type for which there is no structural form.
    """
    document = model.model_json_schema(by_alias=True, mode="validation")
    definitions: Mapping[str, Schema] = document.pop("$defs", {})
    return _convert(document, definitions, path=model.__name__)


def _convert(node: Schema, definitions: Mapping[str, Schema], path: str) -> Schema:
    """Convert one node and all below it. ``path`` names it in errors."""
    flat = _flatten(node, definitions, path)
    if not flat.pop(SERVER_DEFAULT_KEYWORD, False):
        flat.pop("default", None)
    flat.pop("title", None)
    if "format" not in flat and flat.get("type") == "integer" and "enum" not in flat:
        flat["format"] = "int64"
    if "x-kubernetes-validations" in flat:
        flat["x-kubernetes-validations"] = [
            {key: entry[key] for key in _RULE_ORDER if key in entry} for entry in flat["x-kubernetes-validations"]
        ]
    if "properties" in flat:
        flat["properties"] = {
            name: _described(_convert(child, definitions, f"{path}.{name}"), f"{path}.{name}")
            for name, child in flat["properties"].items()
        }
    if "items" in flat:
        flat["items"] = _convert(flat["items"], definitions, f"{path}[]")
        flat.setdefault("x-kubernetes-list-type", "atomic")
    if isinstance(flat.get("additionalProperties"), dict):
        flat["additionalProperties"] = _convert(flat["additionalProperties"], definitions, f"{path}{{}}")
    return _ordered(flat, path)


def _flatten(node: Schema, definitions: Mapping[str, Schema], path: str) -> Schema:
    """Return the node without ``$ref`` and without the null that ``Optional`` adds; keywords beside them win."""
    flat = dict(node)
    while "$ref" in flat or "anyOf" in flat:
        if "$ref" in flat:
            target = definitions[flat.pop("$ref").removeprefix("#/$defs/")]
        else:
            choices = [choice for choice in flat.pop("anyOf") if choice != {"type": "null"}]
            if len(choices) != 1:
                raise UnsupportedSchemaError(f"{path}: a structural schema has no alternatives")
            target = choices[0]
        flat = {**target, **flat}
    if "const" in flat:
        flat["enum"] = [flat.pop("const")]
    return flat


def _described(schema: Schema, path: str) -> Schema:
    if not schema.get("description"):
        raise UnsupportedSchemaError(f"{path}: needs a description, for kubectl explain")
    return schema


def _ordered(schema: Schema, path: str) -> Schema:
    unknown = schema.keys() - set(_KEY_ORDER)
    if unknown:
        raise UnsupportedSchemaError(f"{path}: no structural form of {', '.join(sorted(unknown))}")
    return {key: schema[key] for key in _KEY_ORDER if key in schema}
