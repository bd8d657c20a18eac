"""moto's Route 53, made to refuse, delay and throttle as Route 53 does.

WSGI middleware: it answers the operations on record sets, changes and lists of zones itself, on moto's own zones;
everything else (tags, health checks, deletion of zones, …) passes to moto after it was counted against the request rate.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl
from uuid import uuid4

from moto.core.exceptions import ServiceException
from moto.iam.models import get_account_id_from
from moto.route53.models import DelegationSet, Route53Backend

from ses_sandbox.clock import Clock
from ses_sandbox.route53 import listing, wire
from ses_sandbox.route53.names import MalformedNameError, canonical
from ses_sandbox.route53.settings import Route53Settings
from ses_sandbox.route53.validation import InvalidChangeBatchError, InvalidInputError, Zone, accept
from ses_sandbox.route53.zones import HostedZone, HostedZones, Submitted
from ses_sandbox.throttle import Throttle

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

API_PREFIX = "/2013-04-01/"
MOTO_PREFIX = "/moto-api"
ZONE_PATH = re.compile(r"hostedzone/([^/]+)")
ACCESS_KEY = re.compile(r"Credential=([^/]+)/")
PUBLIC_ACCESS_KEY = "AKIAEXAMPLE"
GLOBAL = "aws-global"
ALL_REQUESTS = "*"  # one bucket for all of an account's requests
DEFAULT_SETTINGS = Route53Settings()


@dataclass(frozen=True, slots=True)
class Request:
    """A request on Route 53, as far as its operation needs it."""

    account_id: str
    resource_id: str
    query: Mapping[str, str]
    body: bytes
    access_key: str


@dataclass(frozen=True, slots=True)
class Response:
    """A whole response."""

    status: HTTPStatus
    body: bytes
    location: str = ""


class ServiceError(Exception):
    """An error of the service, by code and HTTP status."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def throttled() -> ServiceError:
    """Return the error for too many requests."""
    return ServiceError(HTTPStatus.BAD_REQUEST, "Throttling", "Rate exceeded")


class Route53Middleware:
    """The middleware around moto's WSGI application. ``zones`` is what the DNS server serves."""

    def __init__(self, app: WSGIApplication, clock: Clock, settings: Route53Settings = DEFAULT_SETTINGS) -> None:
        self.app = app
        self.clock = clock
        self.settings = settings
        self.zones = HostedZones(clock.now)
        self.throttle = Throttle(settings.requests_per_second)
        self._change_numbers = itertools.count(1)
        self._routes: tuple[tuple[str, re.Pattern[str], Callable[[Request], Response]], ...] = (
            ("POST", re.compile(r"hostedzone/([^/]+)/rrset/?"), self._change_resource_record_sets),
            ("GET", re.compile(r"hostedzone/([^/]+)/rrset/?"), self._list_resource_record_sets),
            ("GET", re.compile(r"change/([^/]+)"), self._get_change),
            ("GET", re.compile(r"hostedzonesbyname()"), self._list_hosted_zones_by_name),
            ("GET", re.compile(r"hostedzone/?()"), self._list_hosted_zones),
            ("POST", re.compile(r"hostedzone/?()"), self._create_hosted_zone),
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request of Route 53, or pass it to moto."""
        path = environ.get("PATH_INFO", "")
        if not path.startswith(API_PREFIX):
            if path.startswith(MOTO_PREFIX):
                self.zones.forget_names()
            return self.app(environ, start_response)
        request_id = str(uuid4())
        try:
            response = self._respond(environ, path.removeprefix(API_PREFIX))
        except ServiceError as error:
            response = Response(error.status, wire.error(error.code, str(error), request_id))
        if response is None:
            return self._pass_on(environ, start_response)
        headers = [
            ("Content-Type", "text/xml"),
            ("Content-Length", str(len(response.body))),
            ("x-amzn-RequestId", request_id),
        ]
        if response.location:
            headers.append(("Location", response.location))
        start_response(f"{response.status.value} {response.status.phrase}", headers)
        return [response.body]

    def _pass_on(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return self.app(environ, start_response)
        finally:
            if environ["REQUEST_METHOD"] != "GET":
                self.zones.forget_names()

    def _respond(self, environ: WSGIEnvironment, path: str) -> Response | None:
        """Return the answer of the operation, None if moto has to give it. Raises ServiceError."""
        account_id = account_of(environ)
        if not self.throttle.admits(account_id, GLOBAL, ALL_REQUESTS):
            raise throttled()
        self._refuse_strangers(account_id, path)
        for method, pattern, operation in self._routes:
            match = pattern.fullmatch(path)
            if match is None or environ["REQUEST_METHOD"] != method:
                continue
            query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
            request = Request(account_id, match[1], query, _body(environ), access_key_of(environ))
            try:
                return operation(request)
            except InvalidInputError as error:
                raise ServiceError(HTTPStatus.BAD_REQUEST, "InvalidInput", str(error)) from error
            except InvalidChangeBatchError as error:
                raise ServiceError(HTTPStatus.BAD_REQUEST, "InvalidChangeBatch", str(error)) from error
        return None

    def _refuse_strangers(self, account_id: str, path: str) -> None:
        """Refuse access to the zone of another account.

        The words have been seen in public: hashicorp/terraform-provider-aws, issue 12570.
        """
        match = ZONE_PATH.match(path)
        if match and self.zones.get(account_id, match[1]) is None and self.zones.is_known(match[1]):
            message = f"User: arn:aws:iam::{account_id}:user/sandbox is not authorized to access this resource"
            raise ServiceError(HTTPStatus.FORBIDDEN, "AccessDenied", message)

    def _zone(self, request: Request) -> HostedZone:
        zone = self.zones.get(request.account_id, request.resource_id)
        if zone is None:
            message = f"No hosted zone found with ID: {request.resource_id}"
            raise ServiceError(HTTPStatus.NOT_FOUND, "NoSuchHostedZone", message)
        return zone

    def _change_resource_record_sets(self, request: Request) -> Response:
        batch = wire.change_batch(request.body)
        with self.zones.lock:
            zone = self._zone(request)
            edits = accept(Zone(zone.name, zone.records, zone.keys_at), batch.changes)
            started = time.monotonic()
            if started < zone.busy_until:
                message = "The request was rejected because Route 53 was still processing a prior request."
                raise ServiceError(HTTPStatus.BAD_REQUEST, "PriorRequestNotComplete", message)
            zone.busy_until = started + self.settings.processing_seconds
            now = self.clock.now()
            done = now + self._propagation()
            change = Submitted(self._change_id(), zone.id, now, done, batch.comment, request.access_key)
            self.zones.submit(zone, edits, change)
        body = wire.document("ChangeResourceRecordSetsResponse", (wire.change_info(change, change.submitted_at),))
        return Response(HTTPStatus.OK, body)

    def _list_resource_record_sets(self, request: Request) -> Response:
        with self.zones.lock:
            zone = self._zone(request)
            page = listing.record_sets(zone.ordered, request.query)
            record_sets = [zone.records[item.key] for item in page.items]
        content = [
            wire.node("ResourceRecordSets", map(wire.record_set, record_sets)),
            wire.node("IsTruncated", wire.truth(page.next is not None)),
        ]
        if page.next is not None:
            content.append(wire.node("NextRecordName", page.next.name))
            content.append(wire.node("NextRecordType", page.next.type))
            if page.next.set_identifier:
                content.append(wire.node("NextRecordIdentifier", page.next.set_identifier))
        content.append(wire.node("MaxItems", str(page.max_items)))
        return Response(HTTPStatus.OK, wire.document("ListResourceRecordSetsResponse", content))

    def _get_change(self, request: Request) -> Response:
        change = self.zones.change(request.resource_id)
        if change is None:
            message = f"Could not find resource with ID: {request.resource_id}"
            raise ServiceError(HTTPStatus.NOT_FOUND, "NoSuchChange", message)
        info = wire.change_info(change, self.clock.now())
        return Response(HTTPStatus.OK, wire.document("GetChangeResponse", (info,)))

    def _list_hosted_zones(self, request: Request) -> Response:
        marker = request.query.get("marker", "")
        zones = self.zones.of_account(request.account_id)
        if marker and all(zone.id != marker for zone in zones):
            raise ServiceError(HTTPStatus.BAD_REQUEST, "InvalidInput", f"Invalid marker: {marker}")
        limit = listing.max_items(request.query, listing.MAX_ZONES)
        page = listing.page(zones, limit, lambda zone: not marker or zone.id == marker)
        content = [wire.node("HostedZones", map(wire.hosted_zone, page.items))]
        if marker:
            content.append(wire.node("Marker", marker))
        content.append(wire.node("IsTruncated", wire.truth(page.next is not None)))
        if page.next is not None:
            content.append(wire.node("NextMarker", page.next.id))
        content.append(wire.node("MaxItems", str(limit)))
        return Response(HTTPStatus.OK, wire.document("ListHostedZonesResponse", content))

    def _list_hosted_zones_by_name(self, request: Request) -> Response:
        name, zone_id = request.query.get("dnsname", ""), request.query.get("hostedzoneid", "").rpartition("/")[2]
        start = listing.zone_order(_domain_name(name), zone_id) if name else ("", "")
        zones = sorted(
            self.zones.of_account(request.account_id), key=lambda zone: listing.zone_order(zone.name, zone.id)
        )
        limit = listing.max_items(request.query, listing.MAX_ZONES)
        page = listing.page(zones, limit, lambda zone: listing.zone_order(zone.name, zone.id) >= start)
        content = [wire.node("HostedZones", map(wire.hosted_zone, page.items))]
        if name:
            content.append(wire.node("DNSName", name))
        if zone_id:
            content.append(wire.node("HostedZoneId", zone_id))
        content.append(wire.node("IsTruncated", wire.truth(page.next is not None)))
        if page.next is not None:
            content.append(wire.node("NextDNSName", page.next.name))
            content.append(wire.node("NextHostedZoneId", page.next.id))
        content.append(wire.node("MaxItems", str(limit)))
        return Response(HTTPStatus.OK, wire.document("ListHostedZonesByNameResponse", content))

    def _create_hosted_zone(self, request: Request) -> Response:
        wanted = wire.hosted_zone_request(request.body)
        name = _domain_name(wanted.name)
        with self.zones.lock:
            backend = self.zones.backend(request.account_id)
            if any(zone.caller_reference == wanted.caller_reference for zone in backend.zones.values()):
                message = "A hosted zone has already been created with the specified caller reference."
                raise ServiceError(HTTPStatus.CONFLICT, "HostedZoneAlreadyExists", message)
            reusable = _delegation_set(backend, wanted.delegation_set_id)
            try:
                moto_zone = backend.create_hosted_zone(
                    name,
                    private_zone=wanted.private,
                    caller_reference=wanted.caller_reference,
                    vpcid=wanted.vpc_id,
                    vpcregion=wanted.vpc_region,
                    comment=wanted.comment,
                    delegation_set_id=None if reusable is None else reusable.id,
                )
            except ServiceException as error:
                raise ServiceError(HTTPStatus.BAD_REQUEST, error.code, error.message) from error
            if reusable is not None:  # moto puts another set of the same id in its place
                moto_zone.delegation_set = backend.delegation_sets[reusable.id] = reusable
            zone = self.zones.get(request.account_id, moto_zone.resource_id)
            self.zones.forget_names()
            now = self.clock.now()
            change = Submitted(self._change_id(), moto_zone.resource_id, now, now + self._propagation())
            self.zones.record(change)
        if zone is None:
            raise RuntimeError(f"moto lost the hosted zone {moto_zone.resource_id}")
        content = [wire.hosted_zone(zone), wire.change_info(change, now)]
        if not wanted.private:
            content.append(wire.delegation_set(zone))
        location = f"https://route53.amazonaws.com/2013-04-01/hostedzone/{zone.id}"
        return Response(HTTPStatus.CREATED, wire.document("CreateHostedZoneResponse", content), location)

    def _propagation(self) -> timedelta:
        return timedelta(seconds=self.settings.propagation_seconds)

    def _change_id(self) -> str:
        return f"C{next(self._change_numbers):020d}"


def account_of(environ: WSGIEnvironment) -> str:
    """Return the account of a request, by the same rule as moto: a header, else the account of the access key."""
    named = environ.get("HTTP_X_MOTO_ACCOUNT_ID")
    if named:
        return str(named)
    return get_account_id_from(access_key_of(environ))


def access_key_of(environ: WSGIEnvironment) -> str:
    """Return the access key of a request, that of the public if it is not signed."""
    match = ACCESS_KEY.search(environ.get("HTTP_AUTHORIZATION", ""))
    return match[1] if match else PUBLIC_ACCESS_KEY


def _delegation_set(backend: Route53Backend, given: str | None) -> DelegationSet | None:
    """Return the reusable delegation set of an id, with or without ``/delegationset/``; None for no id.

    Raises NoSuchDelegationSet.
    """
    if given is None:
        return None
    found = backend.delegation_sets.get(given.rpartition("/")[2])
    if found is None:
        message = f"A reusable delegation set with the specified ID does not exist: {given}"
        raise ServiceError(HTTPStatus.BAD_REQUEST, "NoSuchDelegationSet", message)
    return found


def _domain_name(text: str) -> str:
    try:
        return canonical(text)
    except MalformedNameError as error:
        raise ServiceError(HTTPStatus.BAD_REQUEST, "InvalidDomainName", str(error)) from error


def _body(environ: WSGIEnvironment) -> bytes:
    length = environ.get("CONTENT_LENGTH") or "0"
    body: bytes = environ["wsgi.input"].read(int(length)) if length != "0" else b""
    return body
