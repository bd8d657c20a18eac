"""Checks requests against botocore's own service model: what the API reference says is what is accepted.

Each shape is turned once into a function; none is looked up again while requests are served.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from ses_sandbox.errors import AwsError, bad_request


class Problems(list[str]):
    """What is wrong with a request. ``types``: values of the wrong JSON type, over which a service stops reading it."""

    def __init__(self) -> None:
        super().__init__()
        self.types: list[str] = []


Check = Callable[[Any, str, Problems], Any]

WRONG_TYPE = object()
"""The result of a check for a value of the wrong type; the problem is in the list."""


class ShapeCompiler:
    """Turns shapes into checks. A check takes the JSON value, its path and a list for problems; it returns the value."""

    def __init__(self) -> None:
        self._compiled: dict[str, Check] = {}

    def compile(self, shape: Shape) -> Check:
        """Return the check for a shape, recursive ones included."""
        if shape.name in self._compiled:
            return self._compiled[shape.name]
        slot: list[Check] = []
        self._compiled[shape.name] = lambda value, path, problems: slot[0](value, path, problems)
        slot.append(self._build(shape))
        self._compiled[shape.name] = slot[0]
        return slot[0]

    def _build(self, shape: Shape) -> Check:
        if isinstance(shape, StructureShape):
            return self._structure(shape)
        if isinstance(shape, ListShape):
            return self._list(shape)
        if isinstance(shape, MapShape):
            return self._map(shape)
        if isinstance(shape, StringShape):
            return _string(shape)
        return _scalar(shape)

    def _structure(self, shape: StructureShape) -> Check:
        members = {name: self.compile(member) for name, member in shape.members.items()}
        required = tuple(shape.required_members)

        def check(value: Any, path: str, problems: Problems) -> Any:
            if not isinstance(value, dict):
                return _wrong_type(path, "a structure", problems)
            problems.extend(_missing(_join(path, name)) for name in required if value.get(name) is None)
            result = {}
            for name, item in value.items():
                if (member := members.get(name)) is None:
                    problems.append(f"Unknown parameter '{_join(path, name)}'")
                elif item is not None:
                    result[name] = member(item, _join(path, name), problems)
            return result

        return check

    def _list(self, shape: ListShape) -> Check:
        member = self.compile(shape.member)
        length = _length_check(shape)

        def check(value: Any, path: str, problems: Problems) -> Any:
            if not isinstance(value, list):
                return _wrong_type(path, "a list", problems)
            length(len(value), path, problems)
            return [member(item, f"{path}.{index}.member", problems) for index, item in enumerate(value, 1)]

        return check

    def _map(self, shape: MapShape) -> Check:
        key_check, value_check = self.compile(shape.key), self.compile(shape.value)
        length = _length_check(shape)

        def check(value: Any, path: str, problems: Problems) -> Any:
            if not isinstance(value, dict):
                return _wrong_type(path, "a map", problems)
            length(len(value), path, problems)
            return {
                key_check(key, path, problems): value_check(item, f"{path}.{key}.member", problems)
                for key, item in value.items()
            }

        return check


def checked(check: Check, value: Any) -> dict[str, Any]:
    """Return the input of an operation.

    Raises SerializationException for JSON of the wrong types, else BadRequestException that names every wrong member,
    in AWS's words.
    """
    problems = Problems()
    result: dict[str, Any] = check(value, "", problems)
    if problems.types:
        raise AwsError(400, "SerializationException", "; ".join(problems.types))
    if problems:
        noun = "error" if len(problems) == 1 else "errors"
        raise bad_request(f"{len(problems)} validation {noun} detected: {'; '.join(problems)}")
    return result


def _string(shape: StringShape) -> Check:
    allowed: frozenset[str] = frozenset(shape.enum)
    length = _length_check(shape)
    pattern_text = shape.metadata.get("pattern")
    pattern = re.compile(pattern_text) if pattern_text else None

    def check(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, str):
            return _wrong_type(path, "a string", problems)
        length(len(value), path, problems)
        if allowed and value not in allowed:
            problems.append(_failed(path, f"Member must satisfy enum value set: [{', '.join(sorted(allowed))}]"))
        if pattern is not None and not pattern.match(value):
            problems.append(_failed(path, f"Member must satisfy regular expression pattern: {pattern_text}"))
        return value

    return check


def _scalar(shape: Shape) -> Check:
    kind = shape.type_name
    if kind == "boolean":
        return _boolean
    if kind == "blob":
        return _blob
    if kind in ("integer", "long"):
        return _number((int,), "an integer", shape)
    return _number((int, float), "a number", shape)  # float, double and timestamp in epoch seconds


def _boolean(value: Any, path: str, problems: Problems) -> Any:
    return value if isinstance(value, bool) else _wrong_type(path, "a boolean", problems)


def _blob(value: Any, path: str, problems: Problems) -> Any:
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, binascii.Error):
        return _wrong_type(path, "base64", problems)


def _number(types: tuple[type, ...], expected: str, shape: Shape) -> Check:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")

    def check(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, types) or isinstance(value, bool):
            return _wrong_type(path, expected, problems)
        if low is not None and value < low:
            problems.append(_failed(path, f"Member must have value greater than or equal to {low}"))
        if high is not None and value > high:
            problems.append(_failed(path, f"Member must have value less than or equal to {high}"))
        return value

    return check


def _length_check(shape: Shape) -> Callable[[int, str, Problems], None]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")

    def check(length: int, path: str, problems: Problems) -> None:
        if low is not None and length < low:
            problems.append(_failed(path, f"Member must have length greater than or equal to {low}"))
        if high is not None and length > high:
            problems.append(_failed(path, f"Member must have length less than or equal to {high}"))

    return check


def _join(path: str, name: str) -> str:
    lowered = name[:1].lower() + name[1:]
    return f"{path}.{lowered}" if path else lowered


def _missing(path: str) -> str:
    return _failed(path, "Member must not be null")


def _failed(path: str, constraint: str) -> str:
    return f"Value at '{path}' failed to satisfy constraint: {constraint}"


def _wrong_type(path: str, expected: str, problems: Problems) -> Any:
    problems.types.append(f"Value at '{path or 'the request'}' must be {expected}")
    return WRONG_TYPE
