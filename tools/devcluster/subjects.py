"""The subjects that talk to the apiserver, and the kubeconfig files by which clients act as them."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from devcluster.pki import KeyPair


@dataclass(frozen=True, slots=True)
class User:
    """A person, or anything with a client certificate; RBAC decides what they may do."""

    name: str
    groups: tuple[str, ...] = ()

    @property
    def file_name(self) -> str:
        """Its part of the kubeconfig's file name."""
        return f"user-{self.name.replace('/', '_').replace(':', '_')}"


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A service account that exists; the kubeconfig holds a token issued for it, as a pod would mount one."""

    namespace: str
    name: str

    @property
    def file_name(self) -> str:
        """Its part of the kubeconfig's file name."""
        return f"serviceaccount-{self.namespace}-{self.name}"


def write_kubeconfig(path: Path, *, url: str, authority: bytes, credential: str | KeyPair, namespace: str = "") -> Path:
    """Write a kubeconfig with one context. `credential` is a bearer token or a client certificate."""
    context = {"cluster": "devcluster", "user": "devcluster", **({"namespace": namespace} if namespace else {})}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "devcluster", "cluster": {"server": url, "certificate-authority-data": _base64(authority)}}
        ],
        "users": [{"name": "devcluster", "user": _user(credential)}],
        "contexts": [{"name": "devcluster", "context": context}],
        "current-context": "devcluster",
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def _user(credential: str | KeyPair) -> dict[str, Any]:
    if isinstance(credential, str):
        return {"token": credential}
    return {
        "client-certificate-data": _base64(credential.certificate),
        "client-key-data": _base64(credential.key),
    }


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
