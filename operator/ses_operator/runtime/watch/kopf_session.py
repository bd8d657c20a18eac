"""The session with which Kopf lists and watches: it decodes what the apiserver answers within bounds (``kube/decoding``).

Kopf parses a whole list, and each line of a watch, with Python's decoder, and ends when that fails for one object.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import kopf

from ses_operator.runtime.kube.decoding import decodable, decode


def session(info: kopf.ConnectionInfo) -> kopf.AiohttpSession:
    """Return a session that logs in as Kopf's own would, with these credentials."""
    made = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=info.as_ssl_context()),
        headers=info.as_http_headers(),
        proxy=info.proxy_url,
        response_class=_Response,
    )
    return kopf.AiohttpSession(server=info.server, aiohttp_session=made)


class _Response(aiohttp.ClientResponse):
    """An answer whose JSON is decoded within bounds; of a watch, line by line."""

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        """Take over the connection when the head of the answer is there."""
        started = await super().start(connection)
        if self.status == 200 and self.url.query.get("watch") == "true":
            self.content = _Lines(self.content)  # type: ignore[assignment]
        return started

    async def json(self, **_: Any) -> Any:
        """Return the value of the body. json.JSONDecodeError if it is no JSON: Kopf takes it for an error page."""
        try:
            return await decode(await self.read())
        except ValueError as error:
            raise json.JSONDecodeError(str(error), "", 0) from error


class _Lines:
    """The content of a watch, in which each line can be decoded by Kopf. Everything else is as it was."""

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)

    async def iter_chunked(self, _: int) -> AsyncIterator[bytes]:
        """Yield a line at a time, with its end."""
        async for line in self._content:
            yield await decodable(line)
