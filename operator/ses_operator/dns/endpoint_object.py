"""ExternalDNS's DNSEndpoint: an object of the operator, and how it is written. Pure.

What is in its list is decided in ``core/dns/endpoint_entries.py``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from ses_operator.api.base.meta import (
    FINALIZER,
    IDENTITY_NAME_LABEL,
    IDENTITY_NAMESPACE_LABEL,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    OWNER_TAG,
    PREFIX,
)
from ses_operator.core.dns.endpoint_entries import Endpoint, Merged, OwnedEntries
from ses_operator.core.model.keys import Owner
from ses_operator.core.model.records import RecordId, RecordType
from ses_operator.core.state.publication import EntryProperty, Publication
from ses_operator.runtime.kube.resources import JsonObject, Resource

DNS_ENDPOINTS = Resource("externaldns.k8s.io", "v1alpha1", "dnsendpoints", "DNSEndpoint")
OWNER_ANNOTATION = OWNER_TAG
APPLIED_ANNOTATION = f"{PREFIX}applied"
"""A digest of what was applied, but others' entries.

It tells apart labels and annotations that are no longer wanted and those of others.
"""
ENTRIES_ANNOTATION = f"{PREFIX}entries"
"""The entries, and the properties of entries, that the operator has written: all others are other clients'."""

_OWN_NOTES = (APPLIED_ANNOTATION, ENTRIES_ANNOTATION)


@dataclass(frozen=True, slots=True)
class EndpointObject:
    """The parts of a DNSEndpoint that the operator needs."""

    uid: str
    resource_version: str
    endpoints: tuple[Endpoint, ...]
    owned: OwnedEntries
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    finalizers: tuple[str, ...]
    deleted_at: datetime | None = None

    @classmethod
    def of(cls, raw: JsonObject) -> EndpointObject:
        """Read the object as the apiserver sent it."""
        metadata = raw["metadata"]
        deleted_at = metadata.get("deletionTimestamp")
        endpoints = tuple(Endpoint.parse(entry) for entry in (raw.get("spec") or {}).get("endpoints") or ())
        annotations = metadata.get("annotations") or {}
        return cls(
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
            endpoints=endpoints,
            owned=OwnedEntries.decode(annotations.get(ENTRIES_ANNOTATION), endpoints),
            labels=metadata.get("labels") or {},
            annotations=annotations,
            finalizers=tuple(metadata.get("finalizers") or ()),
            deleted_at=datetime.fromisoformat(deleted_at) if deleted_at else None,
        )

    @property
    def record_ids(self) -> frozenset[RecordId]:
        """The record sets that it asks for on behalf of the operator."""
        known = frozenset(RecordType)
        own = (each for each in self.endpoints if each.id in self.owned.entries)
        return frozenset(RecordId(each.name, RecordType(each.type)) for each in own if each.type in known)

    @property
    def of_others(self) -> tuple[Endpoint, ...]:
        """The entries of other clients."""
        return tuple(each for each in self.endpoints if each.id not in self.owned.entries)

    def as_it_is(self, publication: Publication) -> Publication:
        """Return the publication with the object's current labels, annotations and properties, whatever is wanted now."""
        annotations = {key: value for key, value in self.annotations.items() if key not in _OWN_NOTES}
        own = (each for each in self.endpoints if each.id in self.owned.entries)
        properties = {
            EntryProperty(name, value, (each.type,))
            for each in own
            for name, value in each.properties
            if name in self.owned.properties
        }
        return replace(publication, labels=self.labels, annotations=annotations, provider_specific=tuple(properties))

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
            and [dict(each.raw) for each in self.endpoints] == manifest["spec"]["endpoints"]
            and FINALIZER in self.finalizers
            and _contains(self.labels, wanted["labels"])
            and _contains(self.annotations, wanted["annotations"])
        )


def manifest(publication: Publication, merged: Merged) -> JsonObject:
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
            "annotations": {
                **publication.annotations,
                OWNER_ANNOTATION: str(publication.owner),
                ENTRIES_ANNOTATION: merged.owned.encode(),
            },
            "finalizers": [FINALIZER],
        },
        "spec": {"endpoints": merged.wire},
    }
    own = {**body, "spec": {"endpoints": merged.own_wire}}
    digest = hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()[:16]
    body["metadata"]["annotations"][APPLIED_ANNOTATION] = digest
    return body


def release_patch(found: EndpointObject, owner: Owner) -> list[JsonObject]:
    """Return the JSON patch (RFC 6902) that releases an object, so that it has no owner."""
    ours = [("labels", found.labels, key) for key in _labels(owner)]
    ours += [("annotations", found.annotations, key) for key in (OWNER_ANNOTATION, *_OWN_NOTES)]
    removals = [
        {"op": "remove", "path": f"/metadata/{kind}/{_escaped(key)}"} for kind, held, key in ours if key in held
    ]
    return [*finalizer_patch(found), *removals]


def withdrawal_patch(found: EndpointObject, owner: Owner) -> list[JsonObject]:
    """Return the JSON patch that leaves an object to those whose entries are in it, without the operator's own."""
    return [
        {"op": "test", "path": "/metadata/resourceVersion", "value": found.resource_version},
        {"op": "replace", "path": "/spec/endpoints", "value": [dict(each.raw) for each in found.of_others]},
        *release_patch(found, owner),
    ]


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
