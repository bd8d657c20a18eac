"""The least input that a service model allows, of every operation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

DEEPEST = 8
PLAIN: dict[str, Any] = {
    "boolean": True,
    "blob": b"x",
    "double": 1.0,
    "float": 1.0,
    "timestamp": datetime(2026, 1, 1, tzinfo=UTC),
}


def minimal(shape: Shape | None, depth: int = 0) -> Any:
    """Returns the smallest value of a shape: required members only, one item in each list."""
    if shape is None:
        return {}
    if isinstance(shape, StructureShape):
        names = shape.required_members if depth < DEEPEST else ()
        return {name: minimal(shape.members[name], depth + 1) for name in names}
    if isinstance(shape, ListShape):
        return [minimal(shape.member, depth + 1)]
    if isinstance(shape, MapShape):
        return {minimal(shape.key, depth + 1): minimal(shape.value, depth + 1)}
    if shape.type_name in PLAIN:
        return PLAIN[shape.type_name]
    least = max(1, shape.metadata.get("min", 1))
    if shape.type_name != "string":
        return least
    allowed = getattr(shape, "enum", ())
    return allowed[0] if allowed else "x" * least


def wrongly_typed(operation: OperationModel) -> Iterator[tuple[str, dict[str, Any]]]:
    """Returns inputs, each with one member of the body of a wrong JSON type, and that member's path."""
    shape = operation.input_shape
    assert isinstance(shape, StructureShape)
    whole = minimal(shape)
    for name, member in shape.members.items():
        if "location" not in member.serialization:
            for path, value in _wrong(member, name):
                yield path, {**whole, name: value}


def _wrong(shape: Shape, path: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Returns values of another type than a shape's, or with a part of another type."""
    if isinstance(shape, StructureShape):
        yield path, "text"
        for name, member in shape.members.items() if depth < DEEPEST else ():
            for inner, value in _wrong(member, f"{path}.{name}", depth + 1):
                yield inner, {**minimal(shape, depth), name: value}
    elif isinstance(shape, ListShape):
        yield path, {}
        for inner, value in _wrong(shape.member, f"{path}[]", depth + 1):
            yield inner, [value]
    elif isinstance(shape, MapShape):
        yield path, []
        for inner, value in _wrong(shape.value, f"{path}{{}}", depth + 1):
            yield inner, {"key": value}
    else:
        yield path, 5 if shape.type_name in ("string", "blob", "boolean") else "text"
