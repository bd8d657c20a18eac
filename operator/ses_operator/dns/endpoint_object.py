"""ExternalDNS's DNSEndpoint: the contents of an object of the operator, and how it is written. Pure.

Source: the CRD of ExternalDNS (externaldns.k8s.io/v1alpha1). An MX target is ``10 host``; no name ends in a dot (with
one, CNAME and MX records are dropped through ExternalDNS 0.20).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ses_operator.api.account.kind import TxtQuoting
from ses_operator.api.base.meta import (
    FINALIZER,
    IDENTITY_NAME_LABEL,
    IDENTITY_NAMESPACE_LABEL,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    OWNER_TAG,
    PREFIX,
)
from ses_operator.core.model import txt
from ses_operator.core.model.keys import Owner
from ses_operator.core.model.records import RecordId, RecordSet, RecordType
from ses_operator.core.state.publication import Publication
from ses_operator.runtime.kube.resources import JsonObject, Resource

DNS_ENDPOINTS = Resource("externaldns.k8s.io", "v1alpha1", "dnsendpoints", "DNSEndpoint")
OWNER_ANNOTATION = OWNER_TAG
APPLIED_ANNOTATION = f"{PREFIX}applied"
"""A digest of all that was applied: it tells apart labels and annotations that are no longer wanted and those of others."""


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """One entry of spec.endpoints: a record set. ``ttl`` in seconds."""

    name: str
    type: str
    ttl: int
    targets: tuple[str, ...]

    @classmethod
    def of(cls, record: RecordSet, quoting: TxtQuoting) -> Endpoint:
        """Return the record set as ExternalDNS's provider needs it."""
        values = record.values
        if record.type is RecordType.TXT and quoting is TxtQuoting.QUOTED:
            values = tuple(map(txt.quote, values))
        return cls(record.name, record.type.value, record.ttl, values)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Endpoint:
        """Read an entry of the object, whichever client wrote it."""
        targets = tuple(str(target) for target in raw.get("targets") or ())
        return cls(str(raw.get("dnsName", "")), str(raw.get("recordType", "")), int(raw.get("recordTTL") or 0), targets)

    @property
    def wire(self) -> JsonObject:
        """The entry as it is in the manifest."""
        return {"dnsName": self.name, "recordTTL": self.ttl, "recordType": self.type, "targets": list(self.targets)}

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


@dataclass(frozen=True, slots=True)
class EndpointObject:
    """The parts of a DNSEndpoint that the operator needs."""

    uid: str
    resource_version: str
    endpoints: tuple[Endpoint, ...]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    finalizers: tuple[str, ...]
    deleted_at: datetime | None = None

    @classmethod
    def of(cls, raw: JsonObject) -> EndpointObject:
        """Read the object as the apiserver sent it."""
        metadata = raw["metadata"]
        deleted_at = metadata.get("deletionTimestamp")
        return cls(
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
            endpoints=tuple(Endpoint.parse(entry) for entry in (raw.get("spec") or {}).get("endpoints") or ()),
            labels=metadata.get("labels") or {},
            annotations=metadata.get("annotations") or {},
            finalizers=tuple(metadata.get("finalizers") or ()),
            deleted_at=datetime.fromisoformat(deleted_at) if deleted_at else None,
        )

    @property
    def record_ids(self) -> frozenset[RecordId]:
        """The record sets that it asks for, of the types that the operator writes."""
        known = frozenset(RecordType)
        return frozenset(RecordId(each.name, RecordType(each.type)) for each in self.endpoints if each.type in known)

    def as_it_is(self, publication: Publication) -> Publication:
        """Return the publication with the object's current labels and annotations, whatever is wanted now."""
        annotations = {key: value for key, value in self.annotations.items() if key != APPLIED_ANNOTATION}
        return replace(publication, labels=self.labels, annotations=annotations)

    def belongs_to(self, owner: Owner) -> bool:
        """Return True if it is this owner's: by the annotation or, if that was removed, by the labels."""
        named = self.annotations.get(OWNER_ANNOTATION)
        if named is not None:
            return owner.holds(Owner.parse(named))
        return _contains(self.labels, _labels(owner))

    def holds(self, manifest: JsonObject) -> bool:
        """Return True if applying the manifest would change nothing."""
        wanted = manifest["metadata"]
        return (
            self.deleted_at is None
            and self.endpoints == tuple(Endpoint.parse(entry) for entry in manifest["spec"]["endpoints"])
            and FINALIZER in self.finalizers
            and _contains(self.labels, wanted["labels"])
            and _contains(self.annotations, wanted["annotations"])
        )


def manifest(publication: Publication, endpoints: Iterable[Endpoint]) -> JsonObject:
    """Return the object to apply: every field that the operator sets.

    The labels and annotations of the SesIdentity are not copied.
    """
    key = publication.owner.key
    body: JsonObject = {
        "apiVersion": DNS_ENDPOINTS.api_version,
        "kind": DNS_ENDPOINTS.kind,
        "metadata": {
            "namespace": key.namespace,
            "name": key.name,
            "labels": {**publication.labels, **_labels(publication.owner)},
            "annotations": {**publication.annotations, OWNER_ANNOTATION: str(publication.owner)},
            "finalizers": [FINALIZER],
        },
        "spec": {"endpoints": [endpoint.wire for endpoint in sorted(endpoints)]},
    }
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]
    body["metadata"]["annotations"][APPLIED_ANNOTATION] = digest
    return body


def release_patch(found: EndpointObject, owner: Owner) -> list[JsonObject]:
    """Return the JSON patch (RFC 6902) that releases an object, so that it has no owner."""
    ours = [("labels", found.labels, key) for key in _labels(owner)]
    ours += [("annotations", found.annotations, key) for key in (OWNER_ANNOTATION, APPLIED_ANNOTATION)]
    removals = [
        {"op": "remove", "path": f"/metadata/{kind}/{_escaped(key)}"} for kind, held, key in ours if key in held
    ]
    return [*finalizer_patch(found), *removals]


def handover_patch(found: EndpointObject, new_owner: Owner) -> list[JsonObject]:
    """Return the JSON patch that gives an object to another owner.

    The operator's finalizer is removed: if the new owner is in another cluster, nothing there would remove it.
    """
    path = f"/metadata/annotations/{_escaped(OWNER_ANNOTATION)}"
    return [*finalizer_patch(found), {"op": "add", "path": path, "value": str(new_owner)}]


def finalizer_patch(found: EndpointObject) -> list[JsonObject]:
    """Return the JSON patch that removes the operator's finalizer, and no other, from the object that was read."""
    operations: list[JsonObject] = [{"op": "test", "path": "/metadata/uid", "value": found.uid}]
    if FINALIZER in found.finalizers:
        place = f"/metadata/finalizers/{found.finalizers.index(FINALIZER)}"
        operations += [{"op": "test", "path": place, "value": FINALIZER}, {"op": "remove", "path": place}]
    return operations


def surplus_of(found: EndpointObject, wanted: Sequence[Endpoint]) -> tuple[Endpoint, ...]:
    """Return the entries that are not wanted (any more)."""
    names = {(endpoint.name, endpoint.type) for endpoint in wanted}
    return tuple(endpoint for endpoint in found.endpoints if (endpoint.name, endpoint.type) not in names)


def _labels(owner: Owner) -> dict[str, str]:
    return {
        IDENTITY_NAMESPACE_LABEL: owner.key.namespace,
        IDENTITY_NAME_LABEL: owner.key.name,
        MANAGED_BY_LABEL: MANAGED_BY,
    }


def _contains(held: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return wanted.items() <= held.items()


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
