"""A request to the AWS endpoint: its service, operation, region and access key."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

from ses_sandbox.ses.protocol.wire import Match, Router, service_model

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

CREDENTIAL = re.compile(r"Credential=([^/\s]*)/\d*/([^/]+)/([^/]+)/aws4_request")
SMITHY_RPC = re.compile(r"^/service/[^/]+/operation/(\w+)$")
DEFAULT_REGION = "us-east-1"
SESV2_PREFIX = "/v2/email"
ROUTE53_PREFIX = "/2013-04-01/"
OLD_LIST_ROUTE = {("GET", "/v2/email/identities"): "ListEmailIdentities"}
"""The route by which SDKs from before the Filter list identities."""


class Protocol(Enum):
    """The protocol of a service, as far as its errors need it."""

    REST_JSON = "rest-json"
    REST_XML = "rest-xml"
    QUERY = "query"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class AwsRequest:
    """A request.

    ``service``: the signing name (ses, route53, sts, …). ``match``: of a SESv2 route. ``form``: of a query request.
    ``known``: True if its service's model has the operation; of services that are moto's, if one is named at all.
    """

    service: str
    operation: str
    region: str
    access_key: str
    session_token: str | None
    named_account: str | None
    protocol: Protocol
    body: bytes
    query_string: str
    known: bool = True
    match: Match | None = None
    form: Mapping[str, str] | None = None
    resource: str | None = None


@dataclass(frozen=True, slots=True)
class _Signature:
    access_key: str
    region: str
    service: str


@cache
def sesv2_router() -> Router:
    """Return the routes of SESv2, those of older SDKs included."""
    return Router(service_model("sesv2"), OLD_LIST_ROUTE)


@cache
def route53_router() -> Router:
    """Return the routes of Route 53."""
    return Router(service_model("route53"))


def read_request(environ: WSGIEnvironment) -> AwsRequest:
    """Read a request with its body, which stays readable for later applications."""
    body = _read_body(environ)
    path = environ.get("PATH_INFO", "/").encode("latin-1").decode("utf-8", "replace")
    method = environ["REQUEST_METHOD"]
    signature = _signature(environ)
    match, form, resource, known = None, None, None, True
    if path.startswith(SESV2_PREFIX):
        match = sesv2_router().match(method, path)
        service, protocol, known = "ses", Protocol.REST_JSON, match is not None
        operation = match.operation if match else f"{method} {path}"
    elif path.startswith(ROUTE53_PREFIX):
        routed = route53_router().match(method, path)
        service, protocol, known = "route53", Protocol.REST_XML, routed is not None
        operation = routed.operation if routed else f"{method} {path}"
        resource = next(iter(routed.path_values.values()), None) if routed else None
    elif target := environ.get("HTTP_X_AMZ_TARGET"):
        service, protocol, operation = signature.service, Protocol.JSON, target.rpartition(".")[2]
    elif rpc := SMITHY_RPC.match(path):
        service, protocol, operation = signature.service, Protocol.JSON, rpc[1]
    else:
        form = _form(environ, body)
        operation = form.get("Action", f"{method} {path}")
        service, protocol = _query_service(signature, operation), Protocol.QUERY
        known = operation in service_model("ses").operation_names if service == "ses" else "Action" in form
    return AwsRequest(
        service=service,
        operation=operation,
        region=signature.region,
        access_key=signature.access_key,
        session_token=environ.get("HTTP_X_AMZ_SECURITY_TOKEN"),
        named_account=environ.get("HTTP_X_MOTO_ACCOUNT_ID"),
        protocol=protocol,
        body=body,
        query_string=environ.get("QUERY_STRING", ""),
        known=known,
        match=match,
        form=form,
        resource=resource,
    )


def _read_body(environ: WSGIEnvironment) -> bytes:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if not length:
        return b""
    body: bytes = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _signature(environ: WSGIEnvironment) -> _Signature:
    """Read the signature, from the Authorization header or the query string of a presigned request."""
    found = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    if found is None and "X-Amz-Credential=" in environ.get("QUERY_STRING", ""):
        presigned = unquote(environ["QUERY_STRING"]).replace("X-Amz-Credential=", "Credential=")
        found = CREDENTIAL.search(presigned)
    if found is None:
        return _Signature("", DEFAULT_REGION, "")
    return _Signature(found[1], found[2], found[3].lower())


def _form(environ: WSGIEnvironment, body: bytes) -> dict[str, str]:
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded") and body:
        text = body.decode("utf-8", "replace")
    else:
        text = environ.get("QUERY_STRING", "")
    return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}


def _query_service(signature: _Signature, operation: str) -> str:
    if signature.service:
        return "ses" if signature.service == "email" else signature.service
    return "sts" if operation.startswith("AssumeRole") else "unknown"
