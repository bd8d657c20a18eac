"""The base of all API models, and the few keywords of a CustomResourceDefinition that pydantic does not know."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, JsonValue, PlainSerializer
from pydantic.alias_generators import to_camel

SchemaExtra: TypeAlias = dict[str, JsonValue]
"""The keywords that a field adds to its JSON schema (pydantic's ``json_schema_extra``)."""

SERVER_DEFAULT_KEYWORD = "x-server-default"
"""Marks a field whose default the apiserver writes into the object; the operator alone knows all other defaults."""

SERVER_DEFAULT: SchemaExtra = {SERVER_DEFAULT_KEYWORD: True}


class Model(BaseModel):
    """An immutable value: snake case in Python, camel case in YAML. Unknown members, of newer versions, are ignored."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )

    def to_json(self) -> dict[str, Any]:
        """Return the value as a manifest has it: camel case, JSON types only, members that are None left out."""
        return self.model_dump(mode="json", exclude_none=True)


def rfc3339(moment: datetime) -> str:
    """Format the moment as metav1.Time is written."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Timestamp = Annotated[datetime, PlainSerializer(rfc3339, when_used="json")]
"""A moment with time zone; written as metav1.Time is: UTC, whole seconds, ``Z``."""


def rule(expression: str, message: str, *, message_expression: str | None = None) -> JsonValue:
    """Return one entry of ``x-kubernetes-validations``.

    ``expression`` is CEL that must hold. ``message`` tells people what to write instead; ``message_expression`` is
    CEL that gives a more exact one; if it cannot be evaluated, the apiserver uses ``message``.
    """
    entry: dict[str, JsonValue] = {"rule": expression, "message": message}
    if message_expression is not None:
        entry["messageExpression"] = message_expression
    return entry


def rules(*entries: JsonValue) -> SchemaExtra:
    """Return the schema keyword that holds the CEL rules of a field or model."""
    return {"x-kubernetes-validations": list(entries)}


def immutable(path: str, instead: str) -> JsonValue:
    """Return a rule for the object that has ``path``, so that neither setting, changing nor removing it passes.

    It belongs to the parent: a rule on the field itself is not evaluated when the field is removed.
    """
    now, before = f"self.{path}", f"oldSelf.{path}"
    same = f"has({now}) == has({before}) && (!has({now}) || {now} == {before})"
    return rule(same, f"{path} cannot be changed: {instead}")


def list_map(*keys: str) -> SchemaExtra:
    """Return the schema keywords of a list whose entries are identified by ``keys``."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}
