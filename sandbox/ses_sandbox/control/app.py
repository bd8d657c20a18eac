"""The control API's routes, served by WSGI."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from ses_sandbox.control import actions, identities, mail
from ses_sandbox.control.actions import Action, Asked, Reply
from ses_sandbox.control.body import BadFieldError
from ses_sandbox.control.sandbox import Parts
from ses_sandbox.control.views import encode
from ses_sandbox.responses import Response, send

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PREFIX = "/_sandbox"
TEXT = "text/plain; charset=utf-8"

# A path that ends in /* takes one more part.
ROUTES: Mapping[tuple[str, str], Action] = {
    ("GET", "/calls"): actions.list_calls,
    ("DELETE", "/calls"): actions.reset_calls,
    ("GET", "/faults"): actions.list_faults,
    ("POST", "/faults"): actions.add_fault,
    ("DELETE", "/faults"): actions.clear_faults,
    ("DELETE", "/faults/*"): actions.remove_fault,
    ("GET", "/clock"): actions.show_clock,
    ("POST", "/clock"): actions.move_clock,
    ("GET", "/state"): actions.show_state,
    ("POST", "/state/check"): actions.check_now,
    ("GET", "/outbox"): actions.show_outbox,
    ("DELETE", "/outbox"): actions.clear_outbox,
    ("POST", "/account"): actions.set_account,
    ("POST", "/identities"): identities.add_identities,
    ("POST", "/identities/sending"): identities.set_sending,
    ("POST", "/mail"): mail.count_mail,
    ("POST", "/throttle"): actions.set_throttle,
    ("POST", "/sessions/expire"): actions.expire_sessions,
    ("PUT", "/dns/zones/*"): actions.put_zone,
    ("DELETE", "/dns/zones/*"): actions.delete_zone,
    ("GET", "/dns/changes"): actions.list_zone_events,
    ("POST", "/dns/delegation"): actions.delegate,
    ("POST", "/reset"): actions.reset,
    ("GET", "/verify"): actions.follow_link,
}


class Control:
    """WSGI application for everything under /_sandbox."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request: a bad body gets 400 with the field that is wrong, an unknown route 404 with the known ones."""
        try:
            reply = self._answer(environ)
        except BadFieldError as error:
            message = f"{error.field}: {error}" if error.field else str(error)
            reply = Reply({"error": message, "field": error.field}, HTTPStatus.BAD_REQUEST)
        if isinstance(reply.content, str):
            return send(Response(reply.status, reply.content.encode(), TEXT), start_response)
        return send(Response(reply.status, json.dumps(reply.content, default=encode).encode()), start_response)

    def _answer(self, environ: WSGIEnvironment) -> Reply:
        path = environ["PATH_INFO"].removeprefix(PREFIX).rstrip("/")
        method = environ["REQUEST_METHOD"]
        if not path:
            return Reply({"routes": describe()})
        parent, _, last = path.rpartition("/")
        action, argument = ROUTES.get((method, path)), ""
        if action is None:
            action, argument = ROUTES.get((method, f"{parent}/*")), last
        if action is None:
            return Reply({"error": f"there is no {method} {PREFIX}{path}", "routes": describe()}, HTTPStatus.NOT_FOUND)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        return action(self._parts, Asked(argument, dict(parse_qsl(environ.get("QUERY_STRING", ""))), body))


def describe() -> list[dict[str, str]]:
    """Return all routes and what they do."""
    return [
        {"method": method, "path": f"{PREFIX}{path}", "does": " ".join((action.__doc__ or "").split())}
        for (method, path), action in ROUTES.items()
    ]
