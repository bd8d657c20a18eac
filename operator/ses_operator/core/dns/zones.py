"""Chooses the hosted zone of a domain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.name_rights import is_within
from ses_operator.core.model.problems import Problem
from ses_operator.core.state.publication import DnsZone


@dataclass(frozen=True, slots=True)
class HostedZone:
    """A hosted zone as Route 53 describes it. ``id`` is bare; ``name`` in lower case, without the closing dot.

    ``name_servers``: those of its delegation set, as GetHostedZone returns them; a list of zones does not.
    """

    id: str
    name: str
    private: bool = False
    name_servers: tuple[str, ...] = ()


def choose_zone(domain: str, configured: Iterable[DnsZone], listed: Iterable[DnsZone]) -> DnsZone | Problem:
    """Return the public zone whose name is the longest suffix of ``domain``.

    Among zones of that same name, one that the SesAccount names comes before those that the account merely has;
    beyond that it is not known which of them the public DNS uses, and the author must choose. All zones given are
    public.
    """
    known: dict[str, tuple[DnsZone, bool]] = {zone.hosted_zone_id: (zone, False) for zone in listed}
    known.update({zone.hosted_zone_id: (zone, True) for zone in configured})
    fitting = [(zone, named) for zone, named in known.values() if is_within(domain, zone.name)]
    if not fitting:
        return not_found(domain)
    longest = max(len(zone.name) for zone, _ in fitting)
    nearest = [(zone, named) for zone, named in fitting if len(zone.name) == longest]
    preferred = [zone for zone, named in nearest if named] or [zone for zone, _ in nearest]
    return preferred[0] if len(preferred) == 1 else _ambiguous(preferred)


def not_found(domain: str) -> Problem:
    """Return the problem that no zone that the account has or names holds the domain."""
    return Problem(
        Reason.HOSTED_ZONE_NOT_FOUND,
        f"No public hosted zone holds {domain}. Create one for it or for a parent domain. If the zone is in another AWS account, "
        "list it with its role in spec.dns.zones of the SesAccount. Or choose another spec.dns.provider",
    )


def _ambiguous(zones: Sequence[DnsZone]) -> Problem:
    ids = ", ".join(sorted(zone.hosted_zone_id for zone in zones))
    return Problem(
        Reason.HOSTED_ZONE_AMBIGUOUS,
        f"Several public hosted zones are named {zones[0].name}: {ids}. List the one that the domain is delegated to in "
        "spec.dns.zones of the SesAccount, and name it in spec.dns.route53.zoneRef",
    )
