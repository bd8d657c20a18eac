"""The query protocol of SESv1 as botocore's model describes it: form fields in, XML out."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4
from xml.sax.saxutils import escape

from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from ses_sandbox.errors import AwsError

Form = Mapping[str, str]


class QueryProtocol:
    """Parses input and writes output of a service's operations."""

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._namespace: str = model.metadata["xmlNamespace"]

    def parse(self, operation: str, form: Form) -> dict[str, Any]:
        """Return the input by member name. Raises ValidationError for a value that the model does not allow."""
        shape = self._model.operation_model(operation).input_shape
        if not isinstance(shape, StructureShape):
            return {}
        values: dict[str, Any] = _read(shape, "", form) or {}
        missing = [name for name in shape.required_members if name not in values]
        if missing:
            raise _invalid(f"Value null at '{missing[0]}' failed to satisfy constraint: Member must not be null")
        return values

    def serialize(self, operation: str, output: Mapping[str, Any]) -> bytes:
        """Return the answer as XML."""
        model: OperationModel = self._model.operation_model(operation)
        shape = model.output_shape
        result = ""
        if isinstance(shape, StructureShape):
            wrapper = shape.serialization.get("resultWrapper", f"{operation}Result")
            result = f"<{wrapper}>{_members(shape, output)}</{wrapper}>"
        text = (
            f'<{operation}Response xmlns="{self._namespace}">{result}'
            f"<ResponseMetadata><RequestId>{uuid4()}</RequestId></ResponseMetadata></{operation}Response>"
        )
        return text.encode()


def _invalid(message: str) -> AwsError:
    return AwsError(400, "ValidationError", f"1 validation error detected: {message}")


def _read(shape: Shape, prefix: str, form: Form) -> Any:
    """Return the value at a prefix; None if there is none."""
    if isinstance(shape, StructureShape):
        dot = f"{prefix}." if prefix else ""
        read = {name: _read(member, f"{dot}{name}", form) for name, member in shape.members.items()}
        return {name: value for name, value in read.items() if value is not None} or None
    if isinstance(shape, ListShape):
        return _read_list(shape, prefix, form)
    text = form.get(prefix)
    return None if text is None else _scalar(shape, prefix, text)


def _read_list(shape: ListShape, prefix: str, form: Form) -> list[Any] | None:
    items: list[Any] = []
    while (item := _read(shape.member, f"{prefix}.member.{len(items) + 1}", form)) is not None:
        items.append(item)
    return items if items or prefix in form else None


def _scalar(shape: Shape, path: str, text: str) -> Any:
    if shape.type_name == "boolean":
        if text not in ("true", "false"):
            raise _invalid(f"Value '{text}' at '{path}' must be true or false")
        return text == "true"
    if shape.type_name == "integer":
        if not text.lstrip("-").isdigit():
            raise _invalid(f"Value '{text}' at '{path}' must be an integer")
        return int(text)
    if shape.type_name == "blob":
        return _decoded(path, text)
    allowed = getattr(shape, "enum", ())
    if allowed and text not in allowed:
        raise _invalid(
            f"Value '{text}' at '{path}' failed to satisfy constraint: Member must satisfy enum value set: {allowed}"
        )
    return text


def _decoded(path: str, text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise _invalid(f"Value at '{path}' must be base64") from None


def _members(shape: StructureShape, output: Mapping[str, Any]) -> str:
    return "".join(
        f"<{name}>{_write(member, output[name])}</{name}>" for name, member in shape.members.items() if name in output
    )


def _write(shape: Shape, value: Any) -> str:
    if isinstance(shape, StructureShape):
        return _members(shape, value)
    if isinstance(shape, ListShape):
        return "".join(f"<member>{_write(shape.member, item)}</member>" for item in value)
    if isinstance(shape, MapShape):
        return "".join(
            f"<entry><key>{escape(str(key))}</key><value>{_write(shape.value, item)}</value></entry>"
            for key, item in value.items()
        )
    return WRITERS.get(type(value), _plain)(value)


def _plain(value: Any) -> str:
    return escape(str(value))


WRITERS: Mapping[type, Callable[[Any], str]] = {
    bool: lambda value: "true" if value else "false",
    datetime: lambda value: value.isoformat(),
}
