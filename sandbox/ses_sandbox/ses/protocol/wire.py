"""REST over HTTP as botocore's models describe it: from method and path to an operation and its input, and back to JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import botocore.session
from botocore.model import OperationModel, ServiceModel, StructureShape

from ses_sandbox.errors import AwsError, bad_request
from ses_sandbox.ses.protocol.shapes import Check, ShapeCompiler, checked


@cache
def service_model(service: str) -> ServiceModel:
    """Return botocore's model of a service: ``sesv2``, ``ses``, ``route53``."""
    return botocore.session.get_session().get_service_model(service)


@dataclass(frozen=True, slots=True)
class Match:
    """An operation that a method and path name, with the values of the path."""

    operation: str
    path_values: Mapping[str, str]


class Router:
    """Finds the operation of a REST service by HTTP method and path."""

    def __init__(self, model: ServiceModel, aliases: Mapping[tuple[str, str], str] | None = None) -> None:
        """Read the routes of the model. ``aliases``: those of older SDKs that it no longer has, (method, path) → operation."""
        self._fixed: dict[tuple[str, str], Match] = {}
        self._patterns: dict[tuple[str, int], list[tuple[re.Pattern[str], str]]] = {}
        for name in model.operation_names:
            http = model.operation_model(name).http
            self._add(http["method"], http["requestUri"].partition("?")[0].rstrip("/"), name)
        for (method, path), name in (aliases or {}).items():
            self._add(method, path, name)

    def _add(self, method: str, uri: str, name: str) -> None:
        if "{" not in uri:
            self._fixed[method, uri] = Match(name, {})
            return
        pattern = re.sub(r"\{(\w+)\+?\}", r"(?P<\1>[^/]+)", uri)
        self._patterns.setdefault((method, uri.count("/")), []).append((re.compile(pattern + "$"), name))

    def match(self, method: str, path: str) -> Match | None:
        """Return the operation, or None if the service has no such route."""
        path = path if len(path) == 1 else path.rstrip("/")
        if found := self._fixed.get((method, path)):
            return found
        for pattern, name in self._patterns.get((method, path.count("/")), ()):
            if matched := pattern.match(path):
                return Match(name, matched.groupdict())
        return None


@dataclass(frozen=True, slots=True)
class _Input:
    """The parts that the input of an operation is made of."""

    check: Check
    query: Mapping[str, tuple[str, str]]  # member → (name in the query string, type of the shape)
    has_body: bool


class RestJson:
    """Parses and checks the input of a rest-json service's operations."""

    def __init__(self, model: ServiceModel, from_query: Mapping[str, Mapping[str, tuple[str, str]]]) -> None:
        """Compile the inputs. ``from_query``: members that an older route of an operation reads from the query string."""
        compiler = ShapeCompiler()
        self._inputs = {
            name: _input(model.operation_model(name), compiler, from_query.get(name, {}))
            for name in model.operation_names
        }

    def parse(self, match: Match, query_string: str, body: bytes) -> dict[str, Any]:
        """Return the input as a mapping by member name. Raises SerializationException or BadRequestException."""
        spec = self._inputs[match.operation]
        values: dict[str, Any] = _json_object(body) if body and spec.has_body else {}
        values.update(match.path_values)
        if query_string and spec.query:
            values.update(_from_query(spec.query, query_string))
        return checked(spec.check, values)


def _input(operation: OperationModel, compiler: ShapeCompiler, extra: Mapping[str, tuple[str, str]]) -> _Input:
    shape = operation.input_shape
    if not isinstance(shape, StructureShape):
        return _Input(check=lambda value, _path, _problems: value, query={}, has_body=False)
    query = dict(extra)
    for name, member in shape.members.items():
        if member.serialization.get("location") == "querystring":
            query[name] = (member.serialization["name"], member.type_name)
    return _Input(compiler.compile(shape), query, has_body=operation.http["method"] not in ("GET", "DELETE"))


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise AwsError(400, "SerializationException", "The request body is not valid JSON.") from None
    if not isinstance(value, dict):
        raise AwsError(400, "SerializationException", "The request body is not a JSON object.")
    return value


def _from_query(members: Mapping[str, tuple[str, str]], query_string: str) -> dict[str, Any]:
    given = parse_qs(query_string, keep_blank_values=True)
    values: dict[str, Any] = {}
    for member, (name, kind) in members.items():
        if name not in given:
            continue
        if kind == "list":
            values[member] = given[name]
        elif kind == "integer":
            values[member] = _integer(name, given[name][0])
        else:
            values[member] = given[name][0]
    return values


def _integer(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise bad_request(f"1 validation error detected: Value at '{name}' must be an integer") from None


def to_json(output: Mapping[str, Any]) -> bytes:
    """Return an output as it is sent: timestamps in epoch seconds, as rest-json has them."""
    return json.dumps(output, default=_encode, separators=(",", ":")).encode()


def _encode(value: Any) -> Any:
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    raise TypeError(f"no JSON form for {type(value).__name__}")
