"""What ExternalDNS does with DNSEndpoints, in this process: it writes their records into one zone, and takes its own away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.route53.models import route53_backends

from devcluster.apiclient import ApiClient

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client

Key = tuple[str, str]
"""Name and type of a record set."""


def contents(zone_id: str) -> Mapping[Key, tuple[str, ...]]:
    """All record sets of a hosted zone but SOA and NS. Looked up in moto itself: its API takes a hundred times as long."""
    zone = route53_backends[DEFAULT_ACCOUNT_ID]["aws"].get_hosted_zone(zone_id)
    return {
        (found.name.rstrip("."), str(found.type)): tuple(found.records)
        for found in zone.rrsets
        if found.type not in ("SOA", "NS")
    }


@dataclass
class EndpointPublisher:
    """For the DNSEndpoints of one namespace with these labels. It leaves alone what it has not written, as ExternalDNS does with
    the policy ``sync`` and a registry; the registry is in memory, for no test ends it.

    ``writes``: those of the operator so far. The objects are read when one of them was written.

    tests/cluster/test_external_dns.py runs the real one.
    """

    api: ApiClient
    route53: Route53Client
    namespace: str
    labels: Mapping[str, str]
    zone_id: str
    writes: Callable[[], Sequence[str]]
    written: dict[Key, dict[str, Any]] = field(default_factory=dict)
    _known: dict[Key, dict[str, Any]] = field(default_factory=dict)
    _seen: int = 0

    def is_due(self) -> bool:
        """Whether a run would change the zone."""
        return bool(self._changes())

    def publish(self) -> None:
        """Make the zone hold what the objects ask for."""
        changes = self._changes()
        self.route53.change_resource_record_sets(HostedZoneId=self.zone_id, ChangeBatch={"Changes": changes})
        for change in changes:
            record = change["ResourceRecordSet"]
            self.written.pop((record["Name"], record["Type"]), None)
            if change["Action"] != "DELETE":
                self.written[record["Name"], record["Type"]] = record

    def _changes(self) -> list[Any]:
        writes = self.writes()
        if any("/dnsendpoints/" in write for write in writes[self._seen :]):
            self._known = self._wanted()
        self._seen, wanted = len(writes), self._known
        surplus = [record for key, record in self.written.items() if key not in wanted]
        others = contents(self.zone_id).keys() - self.written.keys() if wanted.keys() - self.written.keys() else set()
        changed = [record for key, record in wanted.items() if key not in others and self.written.get(key) != record]
        return [
            *({"Action": "DELETE", "ResourceRecordSet": record} for record in surplus),
            *({"Action": "UPSERT", "ResourceRecordSet": record} for record in changed),
        ]

    def _wanted(self) -> dict[Key, dict[str, Any]]:
        selector = ",".join(f"{name}={value}" for name, value in self.labels.items())
        path = f"/apis/externaldns.k8s.io/v1alpha1/namespaces/{self.namespace}/dnsendpoints?labelSelector={selector}"
        found = self.api.get(path) or {"items": []}
        return {
            (endpoint["dnsName"], endpoint["recordType"]): {
                "Name": endpoint["dnsName"],
                "Type": endpoint["recordType"],
                "TTL": endpoint["recordTTL"],
                "ResourceRecords": [{"Value": target} for target in endpoint["targets"]],
            }
            for item in found["items"]
            for endpoint in item["spec"].get("endpoints", ())
        }
