"""The operator's kinds, installed in the control plane; and what the apiserver says of one object, without kubectl."""

from __future__ import annotations

import base64
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPSConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import yaml

from devcluster.controlplane import ControlPlane
from devcluster.kubectl import Kubectl
from ses_operator.api.base.meta import API_VERSION
from ses_operator.api.schema.crd import render_all
from ses_operator.api.schema.kinds import KINDS, Kind

OPENAPI = f"/openapi/v3/apis/{API_VERSION}"
_PUBLISHED_WITHIN = 90.0


@dataclass(frozen=True, slots=True)
class Case:
    """A spec, the field that the apiserver must point to, and the beginning of what it must say there."""

    title: str
    spec: Mapping[str, Any]
    field: str
    message: str


@pytest.fixture(scope="session")
def crds(control_plane: ControlPlane) -> None:
    """All kinds are installed, served and explained."""
    kubectl = control_plane.kubectl
    kubectl("apply", "--server-side", "--filename=-", stdin="---\n".join(render_all().values()))
    names = [f"crd/{kind.plural}.ses-operator.io" for kind in KINDS]
    kubectl.await_kinds(*names)
    _await_openapi(kubectl)


def _await_openapi(kubectl: Kubectl) -> None:
    """Returns when the schemas of all kinds are published: the apiserver does so in its own time, and says it nowhere."""
    deadline = time.monotonic() + _PUBLISHED_WITHIN
    while not {kind.kind for kind in KINDS} <= published_kinds(kubectl):
        assert time.monotonic() < deadline, f"{OPENAPI} does not have all kinds after {_PUBLISHED_WITHIN} s"
        time.sleep(0.1)


def published_schemas(kubectl: Kubectl) -> dict[str, dict[str, Any]]:
    """The schemas that ``kubectl explain`` reads, by kind."""
    index = json.loads(kubectl("get", "--raw", "/openapi/v3"))["paths"]
    if OPENAPI.removeprefix("/openapi/v3/") not in index:
        return {}
    schemas = json.loads(kubectl("get", "--raw", OPENAPI))["components"]["schemas"]
    return {
        entry["kind"]: schema
        for schema in schemas.values()
        for entry in schema.get("x-kubernetes-group-version-kind", ())
    }


def published_kinds(kubectl: Kubectl) -> set[str]:
    return set(published_schemas(kubectl))


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that the apiserver finds wrong, at one field."""

    field: str
    message: str


class ApiServer:
    """Asks the apiserver to accept an object, by its REST API. Unknown fields are errors, as with kubectl."""

    def __init__(self, control_plane: ControlPlane) -> None:
        kubeconfig = yaml.safe_load(control_plane.kubeconfig.read_text(encoding="utf-8"))
        cluster = kubeconfig["clusters"][0]["cluster"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        host = urlsplit(cluster["server"]).netloc
        self._connection = HTTPSConnection(host, context=ssl.create_default_context(cadata=authority), timeout=90)
        self._warnings: list[str] = []
        self._token = kubeconfig["users"][0]["user"]["token"]

    def refusals_of_new(self, kind: Kind, obj: dict[str, Any]) -> list[Cause]:
        """Why the apiserver would not create the object; empty if it would. Nothing is stored."""
        return self._causes("POST", self._collection(kind, obj), obj, "application/json")

    def warnings_of_new(self, kind: Kind, obj: dict[str, Any]) -> list[str]:
        """What the apiserver warns of when it would create the object. Nothing is stored."""
        self._send("POST", self._collection(kind, obj), obj, "application/json", dryRun="All")
        return self._warnings

    def refusals_of_change(self, kind: Kind, obj: dict[str, Any], patch: dict[str, Any]) -> list[Cause]:
        """Why the apiserver would not change the stored object by a merge patch; empty if it would. Nothing is stored."""
        path = f"{self._collection(kind, obj)}/{obj['metadata']['name']}"
        return self._causes("PATCH", path, patch, "application/merge-patch+json")

    def write_status(self, kind: Kind, obj: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
        """Replaces the status of the stored object; what stands then."""
        path = f"{self._collection(kind, obj)}/{obj['metadata']['name']}/status"
        answer = self._send("PUT", path, {**obj, "status": status}, "application/json", fieldValidation="Strict")
        assert answer.get("kind") == kind.kind, answer
        stored: dict[str, Any] = answer["status"]
        return stored

    def close(self) -> None:
        self._connection.close()

    def _collection(self, kind: Kind, obj: dict[str, Any]) -> str:
        namespace = obj["metadata"].get("namespace")
        return f"/apis/{API_VERSION}/" + (f"namespaces/{namespace}/" if namespace else "") + kind.plural

    def _causes(self, method: str, path: str, body: dict[str, Any], content_type: str) -> list[Cause]:
        answer = self._send(method, path, body, content_type, dryRun="All", fieldValidation="Strict")
        if answer["kind"] != "Status":
            return []
        causes = answer.get("details", {}).get("causes") or [{"field": "", "message": answer["message"]}]
        return [Cause(cause.get("field", ""), cause["message"]) for cause in causes]

    def _send(self, method: str, path: str, body: dict[str, Any], content_type: str, **query: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": content_type}
        self._connection.request(method, f"{path}?{urlencode(query)}", json.dumps(body), headers)
        response = self._connection.getresponse()
        self._warnings = response.headers.get_all("Warning") or []
        answer: dict[str, Any] = json.loads(response.read())
        return answer
