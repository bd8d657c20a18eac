"""The Lease as an object of the Kubernetes API."""

from __future__ import annotations

import math
import socket
import uuid
from datetime import UTC, datetime

from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Gone
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.resources import LEASES, JsonObject
from ses_operator.runtime.lease.election import LeaseRecord
from ses_operator.runtime.names import OPERATOR


def lease_key(namespace: str, installation_id: str) -> ObjectKey:
    """Return the key of the Lease of an installation, in the operator's own namespace."""
    return ObjectKey(namespace, f"{OPERATOR}-{installation_id}")


def new_identity() -> str:
    """Return an identity for this process: its host, and what no other process has."""
    return f"{socket.gethostname()}_{uuid.uuid4()}"


class LeaseObject:
    """Reads and writes one Lease. Each write replaces the version that was read, or creates."""

    def __init__(self, client: KubeClient, key: ObjectKey, *, request_timeout: float) -> None:
        """Take a ``client`` with an open gate, because the gate depends on the Lease."""
        self._client = client
        self._key = key
        self._timeout = request_timeout

    async def read(self) -> LeaseRecord | None:
        """Return the Lease as it is, None if there is none."""
        try:
            return _record(await self._client.get(LEASES.object(self._key)))
        except Gone:
            return None

    async def write(self, record: LeaseRecord) -> LeaseRecord:
        """Create it, or replace exactly the version that the record names."""
        body = self._body(record)
        if record.version:
            return _record(await self._client.replace(LEASES.object(self._key), body, timeout=self._timeout))
        return _record(await self._client.create(LEASES.collection(self._key.namespace), body, timeout=self._timeout))

    def wall_time(self) -> str:
        """Return the time of day as metav1.MicroTime."""
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _body(self, record: LeaseRecord) -> JsonObject:
        metadata: JsonObject = {"namespace": self._key.namespace, "name": self._key.name}
        if record.version:
            metadata["resourceVersion"] = record.version
        return {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": metadata,
            "spec": {
                "holderIdentity": record.holder,
                "leaseDurationSeconds": max(1, math.ceil(record.duration)),
                "acquireTime": record.acquired_at or None,
                "renewTime": self.wall_time(),
                "leaseTransitions": record.transitions,
            },
        }


def _record(lease: JsonObject) -> LeaseRecord:
    spec = lease.get("spec") or {}
    return LeaseRecord(
        holder=spec.get("holderIdentity") or "",
        duration=float(spec.get("leaseDurationSeconds") or 0),
        transitions=int(spec.get("leaseTransitions") or 0),
        acquired_at=spec.get("acquireTime") or "",
        version=lease["metadata"]["resourceVersion"],
    )
