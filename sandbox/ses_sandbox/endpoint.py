"""The AWS endpoint: one WSGI application in front of all services.

Each request is logged, meets the faults that are switched on, and is then carried out: SES here, everything else by moto.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ses_sandbox.access.directory import Directory
from ses_sandbox.access.guard import Admission, Credentials, Gate, unrecognized_key
from ses_sandbox.access.resources import target_of
from ses_sandbox.calls import Call, CallLog
from ses_sandbox.clock import Clock
from ses_sandbox.errors import AwsError, HangUp
from ses_sandbox.faults import Fault, FaultKind, Faults, LostResponse, Request
from ses_sandbox.regions import ses_regions
from ses_sandbox.request import AwsRequest, Protocol, read_request
from ses_sandbox.responses import (
    JSON,
    XML,
    Response,
    content_type_of,
    error_code_of,
    error_response,
    failed,
    not_simulated,
    send,
    throttled,
    unknown_operation,
)
from ses_sandbox.ses.service import CallContext, SesService, Version
from ses_sandbox.throttle import Throttle

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

CONTROL_PREFIX = "/_sandbox"
CLOSED = 0
PAGE = "text/html"
MODELLED = frozenset({"ses", "route53"})
"""The services of which no operation is carried out that is not in botocore's model."""


@dataclass(slots=True)
class _Progress:
    """The facts of a call while it is served."""

    account: str = ""
    caller: str | None = None
    identity: str | None = None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class _Parsed:
    """The input of an SES operation, or why it is refused."""

    params: Mapping[str, Any]
    error: AwsError | None = None


class AwsEndpoint:
    """The application. ``control``: answers under /_sandbox. ``others``: answers for the services that are not SES."""

    def __init__(
        self,
        *,
        ses: SesService,
        others: WSGIApplication,
        control: WSGIApplication,
        directory: Directory,
        gate: Gate,
        throttle: Throttle,
        faults: Faults,
        calls: CallLog,
        clock: Clock,
    ) -> None:
        self._ses = ses
        self._others = others
        self._control = control
        self._directory = directory
        self._gate = gate
        self._throttle = throttle
        self._faults = faults
        self._calls = calls
        self._clock = clock

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request. Raises HangUp if the connection is to be closed without an answer."""
        if environ["PATH_INFO"].startswith(CONTROL_PREFIX):
            return self._control(environ, start_response)
        started, at = time.perf_counter(), self._clock.now()
        request = read_request(environ)
        progress = _Progress()
        status, error = CLOSED, "ConnectionClosed"
        try:
            response = self._answer(request, environ, progress)
            status, error = response.status, response.error or ""
        finally:
            self._calls.record(
                Call(
                    number=self._calls.next_number(),
                    at=at,
                    account=progress.account,
                    region=request.region,
                    service=request.service,
                    operation=request.operation,
                    identity=progress.identity,
                    access_key=request.access_key,
                    caller=progress.caller,
                    status=status,
                    error=error or None,
                    seconds=time.perf_counter() - started,
                    lost=progress.lost,
                )
            )
        return send(response, start_response)

    def _answer(self, request: AwsRequest, environ: WSGIEnvironment, progress: _Progress) -> Response:
        """Return the answer, in the protocol of the request whatever happens. Raises HangUp only."""
        try:
            return self._serve(request, environ, progress)
        except AwsError as error:
            return error_response(request, error)
        except HangUp:
            raise
        except Exception:
            log.exception("%s of %s failed", request.operation, request.service)
            return error_response(request, failed(request))

    def _serve(self, request: AwsRequest, environ: WSGIEnvironment, progress: _Progress) -> Response:
        parsed = self._parse(request)
        progress.identity = identity_of(request, parsed.params)
        if request.service == "ses" and request.region not in ses_regions():
            raise HangUp(f"SES has no endpoint in {request.region}")
        fired = self._faults.fire(Request(request.service, request.operation, request.region, progress.identity))
        for fault in fired:
            _meet(fault, request)
        progress.account = self._directory.account(request.access_key, request.named_account)
        admission = self._admit(request, parsed, progress)
        progress.caller = admission.caller.arn
        response = self._carry_out(request, parsed, admission, environ)
        for fault in fired:
            if fault.kind is FaultKind.LOST_RESPONSE:
                progress.lost = True
                return _lose(fault, request)
        return response

    def _parse(self, request: AwsRequest) -> _Parsed:
        if request.service != "ses" or not self._ses.answers(_version(request), request.operation):
            return _Parsed(request.form or {})
        try:
            if request.match is not None:
                return _Parsed(self._ses.parse_v2(request.match, request.query_string, request.body))
            return _Parsed(self._ses.parse_v1(request.operation, request.form or {}))
        except AwsError as error:
            return _Parsed(request.match.path_values if request.match is not None else {}, error)

    def _admit(self, request: AwsRequest, parsed: _Parsed, progress: _Progress) -> Admission:
        token = (request.form or {}).get("WebIdentityToken", "")
        credentials = Credentials(request.access_key, request.session_token, request.named_account, token)
        tags = {}
        if request.service == "ses" and progress.identity is not None:
            tags = self._ses.tags_of(progress.account, request.region, progress.identity)
        return self._gate.admit(credentials, target_of(request, parsed.params, progress.account, tags))

    def _carry_out(
        self, request: AwsRequest, parsed: _Parsed, admission: Admission, environ: WSGIEnvironment
    ) -> Response:
        if request.service != "ses":
            return self._pass_on(request, environ)
        caller, version = admission.caller, _version(request)
        if not self._ses.is_opted_in(caller.account, request.region):
            raise unrecognized_key(request.protocol)
        if not self._throttle.admits(caller.account, request.region, request.operation):
            raise throttled(request)
        if parsed.error is not None:
            raise parsed.error
        if not self._ses.answers(version, request.operation):
            return self._pass_on(request, environ)
        context = CallContext(caller, request.region, admission.permits, environ.get("REMOTE_ADDR", ""))
        body = self._ses.call(version, request.operation, parsed.params, context)
        return Response(HTTPStatus.OK, body, JSON if version is Version.V2 else XML)

    def _pass_on(self, request: AwsRequest, environ: WSGIEnvironment) -> Response:
        """Return the answer of moto, read whole. Raises AwsError for what moto has no answer of its own for."""
        if request.service in MODELLED and not request.known:
            raise unknown_operation(request)
        head: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
            head.append((status, headers))

        try:
            chunks = self._others(environ, start_response)
        except NotImplementedError:
            raise not_simulated(request) from None
        try:
            body = b"".join(chunks)
        finally:
            if (close := getattr(chunks, "close", None)) is not None:
                close()
        status_line, headers = head[-1]
        status = int(status_line.split(" ", 1)[0])
        by_name = {name.lower(): value for name, value in headers}
        if status >= HTTPStatus.BAD_REQUEST and _is_page(by_name.get("content-type", ""), body):
            raise not_simulated(request) if request.known else unknown_operation(request)
        error = error_code_of(status, body, by_name.get("x-amzn-errortype"))
        if by_name.get("content-type", PAGE).startswith(PAGE):  # moto says so of many answers that are no pages
            headers = [(name, value) for name, value in headers if name.lower() != "content-type"]
            headers.append(("Content-Type", content_type_of(request.protocol)))
        return Response(status, body, error=error, headers=tuple(headers))


def _is_page(content_type: str, body: bytes) -> bool:
    """Return True for moto's answer to a path that it does not have: a page for people, in no service's protocol."""
    return content_type.startswith(PAGE) and (not body or body.lstrip()[:9].lower() == b"<!doctype")


def _version(request: AwsRequest) -> Version:
    return Version.V2 if request.protocol is Protocol.REST_JSON else Version.V1


def identity_of(request: AwsRequest, params: Mapping[str, Any]) -> str | None:
    """Return the subject of a request: the identity of SES's operations, the hosted zone of Route 53's."""
    if request.resource is not None:
        return request.resource
    if name := params.get("EmailIdentity") or params.get("FromEmailAddress"):
        return str(name)
    if arn := params.get("ResourceArn"):
        return str(arn).rpartition("/")[2]
    form = request.form or {}
    given = form.get("Identity") or form.get("Domain") or form.get("EmailAddress")
    return given.rpartition(":identity/")[2] if given is not None else None


def _meet(fault: Fault, request: AwsRequest) -> None:
    """Do what a fault does before the request is carried out. Raises AwsError or HangUp."""
    if fault.kind is FaultKind.LATENCY:
        time.sleep(fault.seconds)
    elif fault.kind is FaultKind.THROTTLE:
        raise throttled(request)
    elif fault.kind is FaultKind.ERROR:
        raise AwsError(fault.status, fault.code, fault.message)
    elif fault.kind is FaultKind.REGION_DOWN:
        raise HangUp(f"{request.region} is down")


def _lose(fault: Fault, request: AwsRequest) -> Response:
    """Return the error that replaces an answer."""
    if fault.lost is LostResponse.CLOSE:
        raise HangUp("the answer is lost")
    return error_response(request, AwsError(500, "InternalFailure", "The answer was lost by the sandbox."))
