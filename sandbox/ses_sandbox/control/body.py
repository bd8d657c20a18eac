"""Bodies of the control API, read field by field; an error names the field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

Choice = TypeVar("Choice", bound=StrEnum)


class BadFieldError(ValueError):
    """A body or query string that cannot be used. ``field``: the part of it; empty for the whole."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Body:
    """A JSON object whose fields are all known. Fields that are not given read as None."""

    def __init__(self, values: Mapping[str, Any], allowed: frozenset[str]) -> None:
        """Take the fields. Raises BadFieldError for a field that is not allowed."""
        unknown = sorted(values.keys() - allowed)
        if unknown:
            raise BadFieldError(unknown[0], f"there is no such field; known are {', '.join(sorted(allowed))}")
        self._values = values

    @classmethod
    def parse(cls, data: bytes, *allowed: str) -> Body:
        """Read a body. Raises BadFieldError for anything but a JSON object; an empty body is an empty object."""
        try:
            values = json.loads(data) if data.strip() else {}
        except ValueError as error:
            raise BadFieldError("", f"the body is not JSON: {error}") from None
        if not isinstance(values, dict):
            raise BadFieldError("", "the body must be a JSON object")
        return cls(values, frozenset(allowed))

    def has(self, name: str) -> bool:
        """Return True if a field is given, and not null."""
        return self._values.get(name) is not None

    def text(self, name: str) -> str | None:
        """Return a string."""
        value: str | None = self._typed(name, str, "a string")
        return value

    def flag(self, name: str) -> bool | None:
        """Return a boolean."""
        value: bool | None = self._typed(name, bool, "true or false")
        return value

    def number(self, name: str, minimum: float, maximum: float | None = None) -> float | None:
        """Return a number within bounds, both included."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise BadFieldError(name, f"must be a number, not {value!r}")
        if value < minimum or (maximum is not None and value > maximum):
            upper = "" if maximum is None else f" and at most {maximum:g}"
            raise BadFieldError(name, f"must be at least {minimum:g}{upper}, not {value:g}")
        return float(value)

    def integer(self, name: str, minimum: int) -> int | None:
        """Return a whole number, at least ``minimum``."""
        value = self.number(name, minimum)
        if value is not None and value != int(value):
            raise BadFieldError(name, f"must be a whole number, not {value:g}")
        return None if value is None else int(value)

    def choice(self, name: str, choices: type[Choice]) -> Choice | None:
        """Return one of the values of an enumeration."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return choices(value)
        except ValueError:
            raise BadFieldError(name, f"must be one of {', '.join(choices)}, not {value!r}") from None

    def _typed(self, name: str, kind: type, expected: str) -> Any:
        value = self._values.get(name)
        if value is not None and not isinstance(value, kind):
            raise BadFieldError(name, f"must be {expected}, not {value!r}")
        return value
