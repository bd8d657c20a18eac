"""Answers on the wire: success and errors in the protocol of each service."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import uuid4
from xml.sax.saxutils import escape

from ses_sandbox.errors import AwsError
from ses_sandbox.request import AwsRequest, Protocol

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

JSON = "application/json"
XML = "text/xml"
TYPES = {Protocol.REST_JSON: JSON, Protocol.JSON: "application/x-amz-json-1.0"}
ERROR_CODE = re.compile(rb'<Code>([^<]+)</Code>|"__type"\s*:\s*"(?:[^"#]*#)?([^"]+)"')
NAMESPACES = {
    "ses": "http://ses.amazonaws.com/doc/2010-12-01/",
    "route53": "https://route53.amazonaws.com/doc/2013-04-01/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
}
SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer. ``headers``: of an answer that another application made, in place of the sandbox's own."""

    status: int
    body: bytes
    content_type: str = JSON
    error: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


def content_type_of(protocol: Protocol) -> str:
    """Return the content type of a protocol's answers."""
    return TYPES.get(protocol, XML)


def send(response: Response, start_response: StartResponse) -> list[bytes]:
    """Hand an answer to the HTTP server."""
    if response.headers:
        start_response(f"{response.status} {_phrase(response.status)}", list(response.headers))
        return [response.body]
    headers = [
        ("Content-Type", response.content_type),
        ("Content-Length", str(len(response.body))),
        ("x-amzn-RequestId", str(uuid4())),
    ]
    if response.error is not None:
        headers.append(("x-amzn-ErrorType", response.error))
    start_response(f"{response.status} {_phrase(response.status)}", headers)
    return [response.body]


def error_response(request: AwsRequest, error: AwsError) -> Response:
    """Return an error as the service of the request words it."""
    if request.protocol is Protocol.REST_JSON:
        body = json.dumps({"message": error.message}).encode()
        return Response(error.status, body, JSON, error.code)
    if request.protocol is Protocol.JSON:
        body = json.dumps({"__type": error.code, "message": error.message}).encode()
        return Response(error.status, body, content_type_of(request.protocol), error.code)
    namespace = NAMESPACES.get(request.service, "")
    kind = "Receiver" if error.status >= SERVER_ERROR else "Sender"
    text = (
        f'<?xml version="1.0"?><ErrorResponse xmlns="{namespace}"><Error><Type>{kind}</Type>'
        f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
        f"<RequestId>{uuid4()}</RequestId></ErrorResponse>"
    )
    return Response(error.status, text.encode(), XML, error.code)


def throttled(request: AwsRequest) -> AwsError:
    """Return the service's own answer to too many requests."""
    if request.protocol is Protocol.REST_JSON:
        return AwsError(429, "TooManyRequestsException", "Rate exceeded")
    code = "ThrottlingException" if request.protocol is Protocol.JSON else "Throttling"
    return AwsError(400, code, "Rate exceeded")


def unknown_operation(request: AwsRequest) -> AwsError:
    """Return the answer to an operation that no model has, as a service of the request's protocol words it."""
    if request.protocol is Protocol.QUERY and "Action" in (request.form or {}):
        version = (request.form or {}).get("Version", "2010-12-01")
        message = f"Could not find operation {request.operation} for version {version}"
        return AwsError(HTTPStatus.BAD_REQUEST, "InvalidAction", message)
    return AwsError(HTTPStatus.NOT_FOUND, "UnknownOperationException", f"There is no operation {request.operation}.")


def not_simulated(request: AwsRequest) -> AwsError:
    """Return the answer to an operation that AWS has, and neither the sandbox nor moto."""
    message = f"The sandbox does not have {request.operation} of {request.service}."
    return AwsError(HTTPStatus.NOT_IMPLEMENTED, "NotImplemented", message)


def failed(request: AwsRequest) -> AwsError:
    """Return the answer to a request that the sandbox, or moto, breaks down over."""
    message = f"The sandbox failed to carry out {request.operation}; its log says why."
    return AwsError(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalFailure", message)


def error_code_of(status: int, body: bytes, header: str | None) -> str | None:
    """Return the error code of an answer that another application made; None for success."""
    if status < HTTPStatus.BAD_REQUEST:
        return None
    if header:
        return header.partition(":")[0].rpartition("#")[2]
    found = ERROR_CODE.search(body)
    return (found[1] or found[2]).decode() if found else str(status)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
