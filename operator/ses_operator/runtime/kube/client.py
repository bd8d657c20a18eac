"""A thin asyncio client of the Kubernetes API: JSON in, JSON out, errors of ``core.problems``.

It uses the connection, configuration and credentials of ``kubernetes.aio`` and none of its models, of which each
object would make hundreds. Importing only the two modules below costs 2 MB beside kopf.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from kubernetes.aio.config.config_exception import ConfigException
from kubernetes.aio.config.incluster_config import load_incluster_config
from kubernetes.aio.config.kube_config import load_kube_config

from ses_operator.runtime.kube.decoding import decode
from ses_operator.runtime.kube.errors import no_answer, refusal
from ses_operator.runtime.kube.resources import JsonObject
from ses_operator.runtime.names import OPERATOR

POOL_SIZE = 10
CONNECT_TIMEOUT = 5.0
REQUEST_TIMEOUT = 20.0

_MERGE_PATCH = "application/merge-patch+json"
_JSON_PATCH = "application/json-patch+json"
_APPLY_PATCH = "application/apply-patch+yaml"

WriteGate = Callable[[], None]
"""Called before each write; raises Retry when this replica must not write."""


async def load_configuration(kubeconfig: str = "") -> Configuration:
    """Return where the apiserver is and how to log in.

    ``kubeconfig`` or the KUBECONFIG of the environment, else the service account of the pod, else ~/.kube/config.
    """
    configuration = Configuration(connection_pool_maxsize=POOL_SIZE)
    path = kubeconfig or os.environ.get("KUBECONFIG", "")
    if not path and os.environ.get("KUBERNETES_SERVICE_HOST"):
        load_incluster_config(  # type: ignore[no-untyped-call]
            client_configuration=configuration
        )
    else:
        await load_kube_config(  # type: ignore[no-untyped-call]
            config_file=path or None, client_configuration=configuration
        )
    return configuration


def open_gate() -> None:
    """Allow every write: the gate of a client that may always write."""


class KubeClient:
    """Requests to one apiserver. Raises Gone, Stale, Blocked and Retry of ``core.problems``, and nothing else.

    A Retry after a write that had no answer leaves open whether it was carried out.
    """

    def __init__(self, configuration: Configuration, *, gate: WriteGate = open_gate) -> None:
        self.configuration = configuration
        self._rest = RESTClientObject(configuration)
        self.gate = gate
        """To be asked before each external write, from any thread; writes by this client ask it themselves."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._rest.close()

    async def get(self, path: str, params: Mapping[str, str] | None = None, *, accept: str = "") -> JsonObject:
        """Return the object, or the list, at the path."""
        return await self._request("GET", path, params, accept=accept)

    async def create(self, path: str, body: JsonObject, *, timeout: float = REQUEST_TIMEOUT) -> JsonObject:
        """POST to a collection. Stale if it exists already."""
        return await self._write("POST", path, body, timeout=timeout)

    async def replace(self, path: str, body: JsonObject, *, timeout: float = REQUEST_TIMEOUT) -> JsonObject:
        """PUT an object; with a resourceVersion in it, Stale if another wrote in between."""
        return await self._write("PUT", path, body, timeout=timeout)

    async def json_patch(self, path: str, operations: list[JsonObject]) -> JsonObject:
        """Apply a JSON patch (RFC 6902); Stale if one of its tests fails."""
        return await self._write("PATCH", path, operations, content_type=_JSON_PATCH)

    async def merge_patch(self, path: str, patch: JsonObject) -> JsonObject:
        """Apply a merge patch (RFC 7386): maps are merged, lists replaced, null removes."""
        return await self._write("PATCH", path, patch, content_type=_MERGE_PATCH)

    async def apply(self, path: str, body: JsonObject, *, field_manager: str = OPERATOR) -> JsonObject:
        """Apply server-side: create the object, or make it hold these fields, taking them over from any other owner.

        With uid and resourceVersion in the body, Stale if it is not the object that was observed.
        """
        params = {"fieldManager": field_manager, "force": "true"}
        return await self._write("PATCH", path, body, params, content_type=_APPLY_PATCH)

    async def apply_new(self, path: str, body: JsonObject, *, field_manager: str = OPERATOR) -> JsonObject:
        """Apply server-side without taking anything over: Stale if the object exists and others hold any of these fields."""
        return await self._write("PATCH", path, body, {"fieldManager": field_manager}, content_type=_APPLY_PATCH)

    async def delete(self, path: str, *, uid: str = "") -> None:
        """Delete the object; with a ``uid``, Stale if it is another one of the same name."""
        options: JsonObject = {"preconditions": {"uid": uid}} if uid else {}
        await self._write("DELETE", path, options)

    async def watch(
        self, path: str, params: Mapping[str, str], *, server_timeout: float, silence: float, accept: str = ""
    ) -> AsyncIterator[JsonObject]:
        """Yield the events of a watch, until the server ends it after ``server_timeout`` seconds.

        Retry if nothing, not even a bookmark, comes for ``silence`` seconds.
        """
        query = {**params, "watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(int(server_timeout))}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT, sock_read=silence)
        response = await self._send("GET", path, query, timeout, accept=accept)
        try:
            if response.status >= 400:
                raise await _refusal(response, "GET", path)
            async for line in response.content:
                yield await decode(line)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise no_answer(error) from error
        finally:
            response.close()

    async def _write(
        self,
        method: str,
        path: str,
        body: JsonObject | list[JsonObject],
        params: Mapping[str, str] | None = None,
        *,
        content_type: str = "application/json",
        timeout: float = REQUEST_TIMEOUT,
    ) -> JsonObject:
        self.gate()
        query = params if params or method == "DELETE" else {"fieldManager": OPERATOR}
        return await self._request(method, path, query, body=body, content_type=content_type, timeout=timeout)

    async def _request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        *,
        accept: str = "",
        body: JsonObject | list[JsonObject] | None = None,
        content_type: str = "application/json",
        timeout: float = REQUEST_TIMEOUT,
    ) -> JsonObject:
        limit = aiohttp.ClientTimeout(total=timeout, sock_connect=min(CONNECT_TIMEOUT, timeout))
        response = await self._send(method, path, params, limit, accept=accept, body=body, content_type=content_type)
        try:
            if response.status >= 400:
                raise await _refusal(response, method, path)
            answer: JsonObject = await decode(await response.read())
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise no_answer(error) from error
        finally:
            response.release()
        return answer

    async def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        timeout: aiohttp.ClientTimeout,
        *,
        accept: str = "",
        body: Any = None,
        content_type: str = "application/json",
    ) -> aiohttp.ClientResponse:
        headers = {"Accept": accept or "application/json", "Content-Type": content_type}
        url = f"{self.configuration.host}{path}" + (f"?{urlencode(params)}" if params else "")
        try:
            # Tokens of service accounts and of kubeconfig plug-ins expire; the configuration renews them as they are
            # read.
            token = await self.configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
            if token:
                headers["Authorization"] = token
            elif self.configuration.username:
                headers["Authorization"] = self.configuration.get_basic_auth_token() or ""
            answer = await self._rest.request(  # type: ignore[no-untyped-call]
                method, url, headers=headers, body=body, _request_timeout=timeout
            )
        except (aiohttp.ClientError, TimeoutError, OSError, ConfigException) as error:
            raise no_answer(error) from error
        response: aiohttp.ClientResponse = answer.response
        return response


async def _refusal(response: aiohttp.ClientResponse, method: str, path: str) -> Exception:
    raw = await response.read()
    try:
        status = await decode(raw)
    except ValueError:
        status = {"message": raw[:200].decode(errors="replace")}
    wait = response.headers.get("Retry-After", "")
    retry_after = float(wait) if wait.isdecimal() and int(wait) > 0 else None
    return refusal(response.status, status if isinstance(status, dict) else {}, method, path, retry_after)
