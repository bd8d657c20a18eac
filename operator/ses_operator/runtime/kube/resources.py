"""Resources of the Kubernetes API and their paths; here those that are part of Kubernetes itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from ses_operator.core.model.keys import ObjectKey

JsonObject: TypeAlias = dict[str, Any]
"""A Kubernetes object as the API sends it. It goes no further than the kube package and the parsers of the API models."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of the API, by which its objects are found."""

    group: str
    version: str
    plural: str
    kind: str
    is_namespaced: bool = True

    @property
    def api_version(self) -> str:
        """Group and version, as a manifest has them."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def base(self) -> str:
        """The path of the group and version."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def collection(self, namespace: str = "") -> str:
        """Return the path of all objects in the namespace; without one, of all in the cluster."""
        return f"{self.base}/namespaces/{namespace}/{self.plural}" if namespace else f"{self.base}/{self.plural}"

    def object(self, key: ObjectKey) -> str:
        """Return the path of one object."""
        return f"{self.collection(key.namespace)}/{key.name}"

    def status(self, key: ObjectKey) -> str:
        """Return the path of the status subresource of one object."""
        return f"{self.object(key)}/status"


CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
SECRETS = Resource("", "v1", "secrets", "Secret")
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", is_namespaced=False)
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
EVENTS = Resource("", "v1", "events", "Event")
METADATA_SUFFICES = frozenset({SECRETS, NAMESPACES})
"""The kinds of which nothing but the metadata is watched: a Secret may have a megabyte of data, which is none of it."""
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")


def key_of(obj: JsonObject) -> ObjectKey:
    """Return the key of an object."""
    metadata = obj["metadata"]
    return ObjectKey(metadata.get("namespace", ""), metadata["name"])


def resource_version_of(obj: JsonObject) -> int:
    """Return the resource version as the number that it is.

    Source: KEP-5504, "Comparable Resource Version" (GA in 1.35): resource versions of one resource are ordered as
    integers.
    """
    return int(obj["metadata"]["resourceVersion"])
