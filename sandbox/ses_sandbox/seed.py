"""In-process calls to moto itself: hosted zones that exist from the start, and a reset."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from wsgiref.util import setup_testing_defaults
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

ZONE_ID = re.compile(rb"<Id>/hostedzone/([^<]+)</Id>")
ROUTE53_PATH = "/2013-04-01/hostedzone"
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=AKIASEED/20260101/us-east-1/route53/aws4_request, SignedHeaders=host, Signature=0"
)


def create_zones(route53: WSGIApplication, names: Iterable[str]) -> Mapping[str, str]:
    """Create public hosted zones in the default account by Route 53's API; return zone ids by name.

    Raises ValueError for a bad name.
    """
    return {name: _create_zone(route53, name) for name in names}


def reset_moto(moto: WSGIApplication) -> None:
    """Empty all of moto's backends in this process."""
    _post(moto, "/moto-api/reset", b"")


def _create_zone(route53: WSGIApplication, name: str) -> str:
    text = (
        '<CreateHostedZoneRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/">'
        f"<Name>{escape(name)}</Name><CallerReference>seed-{uuid4().hex}</CallerReference></CreateHostedZoneRequest>"
    )
    answer = _post(route53, ROUTE53_PATH, text.encode())
    found = ZONE_ID.search(answer)
    if found is None:
        raise ValueError(f"the zone {name} cannot be created: {answer.decode(errors='replace')}")
    return found[1].decode()


def _post(app: WSGIApplication, path: str, body: bytes) -> bytes:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": "text/xml",
        "HTTP_AUTHORIZATION": AUTHORIZATION,
        "wsgi.input": io.BytesIO(body),
    }
    setup_testing_defaults(environ)
    return b"".join(app(environ, lambda _status, _headers, _exc=None: lambda _data: None))
