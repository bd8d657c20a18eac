"""Moving records from one place to another: what status says of the old place, and what the zone answers meanwhile."""

from __future__ import annotations

from typing import Any

from cluster.tenant import ZONE, Records, Tenant
from cluster.zone_watch import ZoneWatch
from ses_operator.core.dns.migration import Pending

ROUTE53: dict[str, Any] = {"provider": "Route53", "dnsEndpoint": None}
ENDPOINT: dict[str, Any] = {"provider": "DNSEndpoint", "dnsEndpoint": {"labels": {"dns": "moves"}}}
MANUAL: dict[str, Any] = {"provider": "Manual", "dnsEndpoint": None}


def watch(tenant: Tenant) -> ZoneWatch:
    zones = tenant.environment.sandbox.zones
    return ZoneWatch(tenant.environment.sandbox, tenant.route53, zones, zones[ZONE])


def stays(tenant: Tenant, place: str, pending: Pending) -> str:
    """Wait until a place where the records went before is kept for this reason; what status says of it."""

    def message() -> str | None:
        identity = tenant.identity()
        dns = identity.status.dns if identity else None
        former = (dns.former_places or ()) if dns else ()
        return next((each.message for each in former if (each.place, each.reason) == (place, pending)), None)

    said = tenant.wait(message, f"{place} to be kept: {pending}")
    assert said is not None
    return said


def is_up_to_date(tenant: Tenant, provider: str) -> bool:
    """Return True if the records go there now, and no old place is left."""
    identity = tenant.identity()
    dns = identity.status.dns if identity else None
    return dns is not None and dns.provider == provider and not dns.former_places


def needed(tenant: Tenant, *regions: str) -> Records:
    """Return what SES and receivers need for these regions, as it is in the zone."""
    identity = tenant.identity()
    assert identity is not None
    assert identity.status.dns is not None
    keys = {(each.name, each.type) for each in identity.status.dns.records if set(regions) & set(each.regions)}
    found = {key: values for key, values in tenant.records().items() if key in keys}
    assert found.keys() == keys
    return found
