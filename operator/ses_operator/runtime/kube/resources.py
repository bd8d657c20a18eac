"""The Kubernetes resources that the operator speaks to, and where they live in the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from ses_operator.api.base import meta
from ses_operator.core.model.keys import ObjectKey

JsonObject: TypeAlias = dict[str, Any]
"""A Kubernetes object as the API sends it. It goes no further than the kube package and the parsers of the API
models.
"""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of the API: where its objects are found."""

    group: str
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def base(self) -> str:
        """The path of the group and version."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def collection(self, namespace: str = "") -> str:
        """The path of all objects in the namespace; without one, of all in the cluster."""
        return f"{self.base}/namespaces/{namespace}/{self.plural}" if namespace else f"{self.base}/{self.plural}"

    def object(self, key: ObjectKey) -> str:
        """The path of one object."""
        return f"{self.collection(key.namespace)}/{key.name}"

    def status(self, key: ObjectKey) -> str:
        """The path of the status subresource of one object."""
        return f"{self.object(key)}/status"


IDENTITIES = Resource(meta.GROUP, meta.VERSION, meta.IDENTITY_PLURAL, meta.IDENTITY_KIND)
TEMPLATES = Resource(meta.GROUP, meta.VERSION, meta.TEMPLATE_PLURAL, meta.TEMPLATE_KIND)
ACCOUNTS = Resource(meta.GROUP, meta.VERSION, meta.ACCOUNT_PLURAL, meta.ACCOUNT_KIND)
SECRETS = Resource("", "v1", "secrets", "Secret")
NAMESPACES = Resource("", "v1", "namespaces", "Namespace")
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
EVENTS = Resource("", "v1", "events", "Event")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
DNS_ENDPOINTS = Resource("externaldns.k8s.io", "v1alpha1", "dnsendpoints", "DNSEndpoint")
POLICY_REPORTS = Resource("wgpolicyk8s.io", "v1alpha2", "clusterpolicyreports", "ClusterPolicyReport")


def key_of(obj: JsonObject) -> ObjectKey:
    """The key of an object."""
    metadata = obj["metadata"]
    return ObjectKey(metadata.get("namespace", ""), metadata["name"])


def resource_version_of(obj: JsonObject) -> int:
    """The resource version as the number that it is.

    Source: KEP-5504, "Comparable Resource Version" (GA in 1.35): resource versions of one resource are ordered as
    integers.
    """
    return int(obj["metadata"]["resourceVersion"])
