"""Flux's kustomize-controller, and in place of its source-controller a folder that is served over HTTP."""

from __future__ import annotations

import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import URLError
from urllib.request import urlopen

import yaml

from devcluster import binaries
from devcluster.kubectl import Kubectl
from devcluster.ports import free_port
from devcluster.process import Process

NAMESPACE = "flux-system"
_READY_TIMEOUT = 60.0
_SOURCES = "source.toolkit.fluxcd.io"
_MANIFEST = "kustomize.toolkit.fluxcd.io_kustomizations.yaml"


class KustomizeController:
    """One kustomize-controller process, as the administrator of the cluster, which is Flux's own default."""

    def __init__(self, kubeconfig: Path, *, log: Path) -> None:
        self._port = free_port()
        command = [
            str(binaries.kustomize_controller()),
            "--metrics-addr=127.0.0.1:0",
            f"--health-addr=127.0.0.1:{self._port}",
            "--http-retry=1",
        ]
        environment = {"KUBECONFIG": str(kubeconfig), "RUNTIME_NAMESPACE": NAMESPACE}
        self.process = Process("kustomize-controller", command, log, env=environment)

    def __enter__(self) -> Self:
        self.process.start()
        self.process.await_ready(self._healthy, timeout=_READY_TIMEOUT)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.stop()

    def _healthy(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=2):
                return True
        except (URLError, OSError):
            return False


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The artifacts of Git repositories, as source-controller makes them: archives in a folder, announced in status."""

    kubectl: Kubectl
    folder: Path
    url: str

    def publish(self, repository: str, files: Mapping[str, str]) -> str:
        """Let these files, by path, be what the GitRepository holds from now on; return the revision."""
        archive = _archive(files)
        digest = hashlib.sha256(archive).hexdigest()
        name = f"{digest[:16]}.tar.gz"
        (self.folder / name).write_bytes(archive)
        revision = f"main@sha1:{hashlib.sha1(archive, usedforsecurity=False).hexdigest()}"
        artifact = {
            "digest": f"sha256:{digest}",
            "lastUpdateTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "path": name,
            "revision": revision,
            "size": len(archive),
            "url": f"{self.url}/{name}",
        }
        self.kubectl.apply(
            {
                "apiVersion": f"{_SOURCES}/v1",
                "kind": "GitRepository",
                "metadata": {"name": repository, "namespace": NAMESPACE},
                "spec": {"interval": "1h", "url": "https://git.example.com/repository"},
            }
        )
        patch = yaml.safe_dump({"status": {"artifact": artifact}})
        self.kubectl(
            "patch", f"gitrepository/{repository}", f"--namespace={NAMESPACE}", "--subresource=status", "--type=merge",
            f"--patch={patch}",
        )  # fmt: skip
        return revision


class ArtifactServer:
    """Serves the archives. A context manager."""

    def __init__(self, kubectl: Kubectl, folder: Path) -> None:
        handler = partial(_Quiet, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._artifacts = Artifacts(kubectl, folder, url)

    def __enter__(self) -> Artifacts:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self._artifacts

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing."""


def kinds() -> list[dict[str, Any] | str]:
    """Return the manifests of the kinds that it needs: its own, and stand-ins for those of source-controller."""
    own = binaries.kustomize_controller().with_name(_MANIFEST).read_text()
    return [own, *(_source(kind, plural) for kind, plural in _SOURCE_KINDS.items())]


_SOURCE_KINDS = {"GitRepository": "gitrepositories", "OCIRepository": "ocirepositories", "Bucket": "buckets"}


def _source(kind: str, plural: str) -> dict[str, Any]:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": anything},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{_SOURCES}"},
        "spec": {
            "group": _SOURCES,
            "names": {"kind": kind, "plural": plural},
            "scope": "Namespaced",
            "versions": [version],
        },
    }


def _archive(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, text in files.items():
            content = text.encode()
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
