"""What people and their programs do in DNS: ExternalDNS, who enter records by hand, and owners of other records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chaos.cast import ENDPOINT_LABELS, ENDPOINT_ZONE, MANUAL_ZONE
from devcluster.apiclient import ApiClient

Key = tuple[str, str]
Records = Mapping[Key, tuple[str, ...]]
TTL = 60


@dataclass
class People:
    """``written``: what they have entered in each zone, by name and type: what is not in it is not touched."""

    api: ApiClient
    route53: Any
    zones: Mapping[str, str]
    written: dict[str, dict[Key, dict[str, Any]]] = field(default_factory=dict)

    def records(self, zone: str) -> dict[Key, tuple[str, ...]]:
        """Return all record sets of a zone, without its own SOA and NS."""
        return {
            key: tuple(value["Value"] for value in found["ResourceRecords"]) for key, found in self.sets(zone).items()
        }

    def sets(self, zone: str) -> dict[Key, dict[str, Any]]:
        """Return the same as Route 53 lists it."""
        pages = self.route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=self.zones[zone])
        return {
            (found["Name"].rstrip("."), found["Type"]): found
            for page in pages
            for found in page["ResourceRecordSets"]
            if found["Type"] not in ("SOA", "NS")
        }

    def add(self, zone: str, records: Records) -> None:
        """Enter records of others."""
        self.submit(zone, *(("UPSERT", _record_set(key, values)) for key, values in records.items()))

    def submit(self, zone: str, *changes: tuple[str, dict[str, Any]]) -> None:
        """Change a zone. Raises ClientError."""
        if changes:
            batch = [{"Action": action, "ResourceRecordSet": found} for action, found in changes]
            self.route53.change_resource_record_sets(HostedZoneId=self.zones[zone], ChangeBatch={"Changes": batch})

    def work(self) -> None:
        """Publish what DNSEndpoints ask for, and what status asks people to publish."""
        self._make(ENDPOINT_ZONE, self._asked_of_external_dns())
        self._make(MANUAL_ZONE, self._asked_of_people())

    def _make(self, zone: str, wanted: dict[Key, dict[str, Any]]) -> None:
        """Bring a zone to what is wanted in it; hostile objects ask for names of other zones, too."""
        wanted = {key: found for key, found in wanted.items() if f".{key[0]}".endswith(f".{zone}")}
        present = self.sets(zone)
        mine = self.written.setdefault(zone, {})
        surplus = [("DELETE", present[key]) for key in mine if key not in wanted and key in present]
        changed = [("UPSERT", found) for key, found in wanted.items() if not _is_same(present.get(key), found)]
        self.submit(zone, *surplus, *changed)
        self.written[zone] = wanted

    def _asked_of_external_dns(self) -> dict[Key, dict[str, Any]]:
        selector = ",".join(f"{name}={value}" for name, value in ENDPOINT_LABELS.items())
        found = self.api.get(f"/apis/externaldns.k8s.io/v1alpha1/dnsendpoints?labelSelector={selector}")
        endpoints = [one for item in (found or {"items": []})["items"] for one in item["spec"].get("endpoints", ())]
        return {
            (one["dnsName"], one["recordType"]): _record_set((one["dnsName"], one["recordType"]), tuple(one["targets"]))
            for one in endpoints
        }

    def _asked_of_people(self) -> dict[Key, dict[str, Any]]:
        found = self.api.get("/apis/ses-operator.io/v1alpha1/sesidentities")
        asked: dict[Key, dict[str, Any]] = {}
        for item in (found or {"items": []})["items"]:
            dns = item.get("status", {}).get("dns") or {}
            if dns.get("provider") == "Manual" and "deletionTimestamp" not in item["metadata"]:
                for record in dns.get("records", ()):
                    quoted = [_quoted(value) if record["type"] == "TXT" else value for value in record["values"]]
                    key = record["name"], record["type"]
                    asked[key] = _record_set(key, tuple(quoted))
        return asked


def _record_set(key: Key, values: tuple[str, ...]) -> dict[str, Any]:
    name, kind = key
    return {"Name": name, "Type": kind, "TTL": TTL, "ResourceRecords": [{"Value": value} for value in values]}


def _is_same(present: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> bool:
    if present is None:
        return False
    return bool(present["TTL"] == wanted["TTL"] and _values(present) == _values(wanted))


def _values(found: Mapping[str, Any]) -> list[str]:
    return sorted(value["Value"] for value in found["ResourceRecords"])


def _quoted(text: str) -> str:
    return " ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255))
