"""The apiserver's REST API in one short class: for frequent requests, where each kubectl would cost a process."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Mapping
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import yaml

GROUP = "/apis/ses-operator.io/v1alpha1"
IDENTITIES = "/apis/ses-operator.io/v1alpha1/namespaces/{namespace}/sesidentities"
ACCOUNTS = "/apis/ses-operator.io/v1alpha1/sesaccounts"

_JSON = "application/json"
_MERGE_PATCH = "application/merge-patch+json"
_APPLY = "application/apply-patch+yaml"
_IDLE_SECONDS = 30.0
"""The apiserver closes unused connections: one that was idle for so long is not trusted."""
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


class ApiError(RuntimeError):
    """The apiserver refused; `code` is the HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class ApiClient:
    """Speaks with the credentials of a kubeconfig that holds a bearer token. Not for several threads at once."""

    def __init__(self, kubeconfig: Path) -> None:
        document = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        cluster = document["clusters"][0]["cluster"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self._host = urlsplit(cluster["server"]).netloc
        self._context = ssl.create_default_context(cadata=authority)
        self._headers = {"Authorization": f"Bearer {document['users'][0]['user']['token']}"}
        self._connection = self._connect()
        self._used_at = monotonic()

    def get(self, path: str) -> dict[str, Any] | None:
        """Return the object or the List at `path`; None if there is none."""
        try:
            return self._ask("GET", path)
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    def table(self, path: str) -> tuple[list[str], list[list[Any]]]:
        """Return the names of the columns and the rows that kubectl would show of the collection."""
        answer = self._ask("GET", path, accept=_TABLE)
        columns = [column["name"] for column in answer["columnDefinitions"]]
        return columns, [row["cells"] for row in answer["rows"]]

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create an object in the collection `path`, and return it."""
        return self._ask("POST", path, body)

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the object after a merge patch (RFC 7386)."""
        return self._ask("PATCH", path, body, _MERGE_PATCH)

    def apply(self, path: str, manifest: dict[str, Any], *, manager: str = "devcluster") -> dict[str, Any]:
        """Return the object at `path` after a server-side apply, which creates it if there is none."""
        return self._ask("PATCH", f"{path}?fieldManager={manager}&force=true", manifest, _APPLY)

    def predict(self, path: str, manifest: Mapping[str, Any], *, manager: str) -> dict[str, Any]:
        """Return what a server-side apply of `manager` would make of the object at `path`, conflicts overruled."""
        query = f"fieldManager={manager}&force=true&dryRun=All"
        return self._ask("PATCH", f"{path}?{query}", dict(manifest), _APPLY)

    def delete(self, path: str, **options: Any) -> None:
        """Delete the object, or all of the collection, at `path`; `options` as in DeleteOptions. No error if it is gone."""
        try:
            self._ask("DELETE", path, options)
        except ApiError as error:
            if error.code != 404:
                raise

    def _connect(self) -> HTTPSConnection:
        return HTTPSConnection(self._host, context=self._context, timeout=90)

    def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, content_type: str = _JSON, accept: str = _JSON
    ) -> dict[str, Any]:
        data = None if body is None else json.dumps(body)
        if monotonic() - self._used_at > _IDLE_SECONDS:
            self._connection.close()
            self._connection = self._connect()
        self._used_at = monotonic()
        try:
            self._connection.request(
                method, path, data, {**self._headers, "Content-Type": content_type, "Accept": accept}
            )
            response = self._connection.getresponse()
            content = response.read()
        except (HTTPException, OSError):
            self._connection.close()
            self._connection = self._connect()
            raise
        if response.status >= 400:
            raise ApiError(response.status, content.decode(errors="replace"))
        answer: dict[str, Any] = json.loads(content)
        return answer
