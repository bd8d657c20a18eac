"""The sources of the DNS server's zones."""

from __future__ import annotations

from threading import RLock
from typing import Protocol

import dns.name

from ses_sandbox.dnsserver.zone import ServedZone


class ZoneSource(Protocol):
    """Zones that are kept elsewhere, such as Route 53's. ``lock`` is held while an answer is made from a zone."""

    lock: RLock

    def zone_for(self, name: dns.name.Name) -> ServedZone | None:
        """Return the zone whose origin is the name or the nearest above it, in its present state."""
        ...


class StaticZones:
    """Zones set as text: other DNS providers, delegating parents, wrong records."""

    def __init__(self) -> None:
        self.lock = RLock()
        self._zones: dict[dns.name.Name, ServedZone] = {}

    def set_zone(self, origin: str, zonefile: str) -> None:
        """Serve the zone from now on, in place of one of that name. Raises dns.exception.DNSException for bad text."""
        zone = ServedZone.from_text(origin, zonefile)
        with self.lock:
            self._zones[zone.origin] = zone

    def delete_zone(self, origin: str) -> bool:
        """Stop serving the zone; return True if there was one."""
        with self.lock:
            return self._zones.pop(dns.name.from_text(origin), None) is not None

    def zone_for(self, name: dns.name.Name) -> ServedZone | None:
        """Return the zone whose origin is the name or the nearest above it."""
        with self.lock:
            while True:
                zone = self._zones.get(name)
                if zone is not None or len(name) <= 1:
                    return zone
                name = name.parent()


class NameServerHosts:
    """The zones in which Route 53's name servers have their addresses: every ``ns-*.awsdns-*.*`` is this machine.

    With them a client can go the whole way, from a zone's NS records to the servers' addresses.
    """

    def __init__(self, address: str) -> None:
        self.lock = RLock()
        self._address = address
        self._zones: dict[dns.name.Name, ServedZone] = {}

    def zone_for(self, name: dns.name.Name) -> ServedZone | None:
        """Return the zone of the name server host."""
        with self.lock:
            while len(name) > 1:
                if name.labels[0].lower().startswith(b"awsdns-"):
                    return self._zone(name)
                name = name.parent()
            return None

    def _zone(self, origin: dns.name.Name) -> ServedZone:
        known = self._zones.get(origin)
        if known is None:
            known = self._zones[origin] = ServedZone.from_text(origin.to_text(), f"* 300 IN A {self._address}\n")
        return known
