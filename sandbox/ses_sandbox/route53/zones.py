"""The hosted zones of all accounts: moto's, with what validation, propagation and DNS need in addition.

The records are in moto's zones, so that every other operation of moto sees them. Kept here in addition: an index of
them, the changes that are still PENDING, and the zone as the name servers serve it, which follows once a change is
INSYNC.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import RLock

import dns.name
import dns.rdatatype
from moto.route53.models import FakeZone, RecordSet, Route53Backend, route53_backends

from ses_sandbox.dnsserver.zone import ServedZone
from ses_sandbox.route53.history import History, ZoneEvent
from ses_sandbox.route53.listing import list_order
from ses_sandbox.route53.names import canonical
from ses_sandbox.route53.records import RecordKey, ResourceRecordSet
from ses_sandbox.route53.routing import served_of
from ses_sandbox.route53.served import dns_name, rdataset_of
from ses_sandbox.route53.validation import Edits

NAME_SERVER_DOMAINS = ("com", "net", "org", "co.uk")
ROUTING = {
    "weight": "Weight",
    "region": "Region",
    "failover": "Failover",
    "geo_location": "GeoLocation",
    "multi_value_answer": "MultiValueAnswer",
    "health_check_id": "HealthCheckId",
    "alias_target": "AliasTarget",
}


@dataclass(frozen=True, slots=True)
class Submitted:
    """A change as GetChange reports it. ``in_sync_at``: when it is at all name servers, on the simulated clock.

    ``access_key``: of the client that submitted it.
    """

    id: str
    zone_id: str
    submitted_at: datetime
    in_sync_at: datetime
    comment: str = ""
    access_key: str = ""

    def status(self, now: datetime) -> str:
        """Return the status at this moment."""
        return "INSYNC" if now >= self.in_sync_at else "PENDING"


class HostedZone:
    """One hosted zone of moto's. Not safe for several threads: HostedZones holds the lock."""

    def __init__(self, account_id: str, zone: FakeZone) -> None:
        self.account_id = account_id
        self.moto_zone = zone
        self.name = canonical(zone.name)
        self.busy_until = float("-inf")
        self._pending: deque[tuple[datetime, Edits]] = deque()
        _give_name_servers(zone)
        self._load()
        self.served = self._serve()

    @property
    def id(self) -> str:
        """The id, without ``/hostedzone/``."""
        return str(self.moto_zone.resource_id)

    def refresh(self) -> None:
        """Read again what another operation of moto changed behind this index."""
        if self.moto_zone.rrsets is not self._mirrored:
            self._load()
            self._pending.clear()
            self.served = self._serve()

    def _load(self) -> None:
        self._moto_sets: dict[RecordKey, RecordSet] = {}
        self.records: dict[RecordKey, ResourceRecordSet] = {}
        self._at: dict[str, set[RecordKey]] = {}
        for moto_set in self.moto_zone.rrsets:
            record_set = _from_moto(moto_set)
            self.records[record_set.key] = record_set
            self._moto_sets[record_set.key] = moto_set
            self._at.setdefault(record_set.name, set()).add(record_set.key)
        self._mirrored = self.moto_zone.rrsets
        self.ordered = sorted(map(list_order, self.records))

    def _serve(self) -> ServedZone:
        self._served_sets: dict[tuple[str, str], dict[str, ResourceRecordSet]] = {}
        served = ServedZone(dns_name(self.name))
        for record_set in self.records.values():
            self._serve_set(served, record_set.key, record_set)
        return served

    def _serve_set(self, served: ServedZone, key: RecordKey, record_set: ResourceRecordSet | None) -> None:
        """Serve a record set from now on (None: no longer), beside those of the same routing policy."""
        sets = self._served_sets.setdefault((key.name, key.type), {})
        if record_set is None:
            sets.pop(key.set_identifier, None)
        else:
            sets[key.set_identifier] = record_set
        chosen = served_of(sets.values())
        rdataset = None if chosen is None else rdataset_of(chosen)
        if rdataset is None:
            served.remove(dns_name(key.name), dns.rdatatype.from_text(key.type))
        else:
            served.put(dns_name(key.name), rdataset)

    def keys_at(self, name: str) -> Collection[RecordKey]:
        """Return the keys of the record sets at a name."""
        return self._at.get(name, frozenset())

    def apply(self, edits: Edits, in_sync_at: datetime) -> None:
        """Apply an accepted batch to the zone; the name servers follow at ``in_sync_at``."""
        for key, record_set in edits.items():
            before = self.records.pop(key, None)
            self._moto_sets.pop(key, None)
            at_name = self._at.setdefault(key.name, set())
            at_name.discard(key)
            if before is not None:
                del self.ordered[bisect_left(self.ordered, list_order(key))]
            if record_set is not None:
                at_name.add(key)
                self.records[key] = record_set
                self._moto_sets[key] = _to_moto(record_set)
                insort(self.ordered, list_order(key))
        self._mirrored = self.moto_zone.rrsets = list(self._moto_sets.values())
        self._pending.append((in_sync_at, edits))

    def propagate(self, now: datetime) -> None:
        """Update the name servers with every change that is INSYNC by now."""
        while self._pending and self._pending[0][0] <= now:
            _, edits = self._pending.popleft()
            for key, record_set in edits.items():
                self._serve_set(self.served, key, record_set)


def _from_moto(moto_set: RecordSet) -> ResourceRecordSet:
    routing = {element: value for field, element in ROUTING.items() if (value := getattr(moto_set, field)) is not None}
    return ResourceRecordSet(
        name=canonical(moto_set.name),
        type=str(moto_set.type),
        ttl=None if moto_set.ttl is None else int(moto_set.ttl),
        values=tuple(moto_set.records or ()),
        set_identifier=moto_set.set_identifier or "",
        routing=routing,
    )


def _to_moto(record_set: ResourceRecordSet) -> RecordSet:
    properties = {
        "Name": record_set.name,
        "Type": record_set.type,
        "TTL": record_set.ttl,
        "ResourceRecords": list(record_set.values),
        "SetIdentifier": record_set.set_identifier or None,
    }
    return RecordSet(properties | dict(record_set.routing))  # type: ignore[abstract]  # abstract for CloudFormation


def _give_name_servers(zone: FakeZone) -> None:
    """Give each zone name servers of its own, as in Route 53; moto gives all zones the same four.

    SES reports the primary name server that it saw: with one for all, a wrong delegation could not be told apart from
    a right one. Zones of one reusable delegation set share its servers.
    """
    if zone.delegation_set is None:
        return
    if not zone.delegation_set.id:
        zone.delegation_set.name_servers = _own_name_servers(zone.resource_id)
    servers = zone.delegation_set.name_servers
    soa = f"{servers[0]}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
    for moto_set in zone.rrsets:
        if moto_set.type == "NS" and canonical(moto_set.name) == canonical(zone.name):
            moto_set.records = [f"{server}." for server in servers]
        elif moto_set.type == "SOA":
            moto_set.records = [soa]


def _own_name_servers(zone_id: str) -> list[str]:
    """Return four servers that follow from a zone's id."""
    digest = int.from_bytes(hashlib.sha256(zone_id.encode()).digest()[:8], "big")
    return [
        f"ns-{512 * block + (digest >> 9 * block) % 512}.awsdns-{(digest >> 36 + 6 * block) % 64:02}.{domain}"
        for block, domain in enumerate(NAME_SERVER_DOMAINS)
    ]


class HostedZones:
    """All hosted zones, by account for the API and by name for DNS. Everything here is safe for several threads.

    ``now`` gives the simulated time. Use ``with zones.lock:`` around several calls that belong together.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.lock = RLock()
        self._known: dict[tuple[str, str], HostedZone] = {}
        self._changes: dict[str, Submitted] = {}
        self._by_name: dict[dns.name.Name, HostedZone] | None = None
        self._delegated: set[str] = set()
        self.history = History()

    def forget_names(self) -> None:
        """Drop the index by name, which is made again when it is next needed. To be called when zones may have come or gone."""
        with self.lock:
            self._by_name = None

    def reset(self) -> None:
        """Forget what is kept beside moto's zones, which moto has forgotten."""
        with self.lock:
            self._delegated.clear()
            self.history.clear()
            self.forget_names()

    def delegate(self, zone_id: str) -> bool:
        """Let the parent of a public zone delegate its name to it, if several zones have that name.

        False if there is none of this id.
        """
        with self.lock:
            zone = next((zone for zone in self._public() if zone.id == zone_id), None)
            if zone is None:
                return False
            self._delegated -= {other.id for other in self._public() if other.name == zone.name}
            self._delegated.add(zone.id)
            self.forget_names()
            self.history.note(zone.id, zone.name, self.now(), {})
            return True

    def events(self, since: int) -> tuple[ZoneEvent, ...]:
        """Return what happened after the event of this number, oldest first."""
        with self.lock:
            return tuple(self.history.since(since))

    def backend(self, account_id: str) -> Route53Backend:
        """Return moto's backend of an account."""
        return route53_backends[account_id]["aws"]

    def of_account(self, account_id: str) -> tuple[HostedZone, ...]:
        """Return the account's zones, oldest first."""
        with self.lock:
            return tuple(self._hosted(account_id, zone) for zone in list(self.backend(account_id).zones.values()))

    def get(self, account_id: str, zone_id: str) -> HostedZone | None:
        """Return the account's zone with this id (without ``/hostedzone/``), but no other account's."""
        with self.lock:
            zone = self.backend(account_id).zones.get(zone_id)
            return None if zone is None else self._hosted(account_id, zone)

    def is_known(self, zone_id: str) -> bool:
        """Return True if any account has a zone with this id."""
        with self.lock:
            return any(zone_id in self.backend(account_id).zones for account_id in list(route53_backends))

    def _hosted(self, account_id: str, zone: FakeZone) -> HostedZone:
        known = self._known.get((account_id, zone.resource_id))
        if known is None or known.moto_zone is not zone:
            known = self._known[account_id, zone.resource_id] = HostedZone(account_id, zone)
        known.refresh()
        return known

    def record(self, change: Submitted) -> None:
        """Keep a change for GetChange."""
        with self.lock:
            self._changes[change.id] = change

    def change(self, change_id: str) -> Submitted | None:
        """Return a change by its id."""
        with self.lock:
            return self._changes.get(change_id)

    def submit(self, zone: HostedZone, edits: Edits, change: Submitted) -> None:
        """Apply an accepted batch and note it as PENDING until it is in sync."""
        with self.lock:
            zone.apply(edits, change.in_sync_at)
            self.history.note(zone.id, zone.name, change.in_sync_at, edits, change.access_key)
            self.record(change)

    def zone_for(self, name: dns.name.Name) -> ServedZone | None:
        """Return the public zone nearest above a name, as the name servers serve it by now.

        If two zones have one name, the older one counts, unless ``delegate`` was called: that is where the parent's
        delegation points.
        """
        with self.lock:
            if self._by_name is None:
                self._by_name = {}
                for zone in sorted(self._public(), key=lambda zone: zone.id not in self._delegated):
                    self._by_name.setdefault(zone.served.origin, zone)
            found = nearest(self._by_name, name)
            if found is None:
                return None
            found.refresh()
            found.propagate(self.now())
            return found.served

    def _public(self) -> Iterator[HostedZone]:
        for account_id in list(route53_backends):
            for zone in self.of_account(account_id):
                if not zone.moto_zone.private_zone:
                    yield zone


def nearest(zones: Mapping[dns.name.Name, HostedZone], name: dns.name.Name) -> HostedZone | None:
    """Return the zone whose origin is the name or the nearest above it."""
    while True:
        zone = zones.get(name)
        if zone is not None or len(name) <= 1:
            return zone
        name = name.parent()
