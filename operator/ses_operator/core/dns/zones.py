"""Chooses the hosted zones of a domain: one for its records, and one for each part of them that is delegated. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ses_operator.api.base.reasons import Reason
from ses_operator.core.dns.zone_sets import ZoneView, plain_name
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


@dataclass(frozen=True, slots=True)
class Cut:
    """A name that a zone delegates (NS records below its own name): from there on it has no authority.

    ``servers``: the name servers that it names.
    """

    name: str
    servers: frozenset[str]


def choose_zone(
    domain: str, configured: Iterable[DnsZone], listed: Iterable[DnsZone], ours: Collection[str] = ()
) -> DnsZone | Problem:
    """Return the zone for the records of ``domain``. All zones given are public.

    It is the one whose name is the longest suffix. Of several with that name, one that the SesAccount names comes
    before those that the account merely has. What is only found by searching gives way to what the ledger says:
    ``ours`` are ids of zones that have the identity's ledger. If none of that decides, it is not known which of them the
    public DNS uses, and the author must choose.
    """
    fitting = _fitting(domain, configured, listed)
    if not fitting:
        return not_found(domain)
    nearest = _nearest(fitting)
    named = [each.zone for each in nearest if each.is_named]
    if len(named) == 1:
        return named[0]
    owned = [each.zone for each in (nearest if named else fitting) if each.zone.hosted_zone_id in ours]
    if len(owned) == 1:
        return owned[0]
    candidates = named or [each.zone for each in nearest]
    return candidates[0] if len(candidates) == 1 else _ambiguous(candidates)


def zones_in_question(
    domain: str, configured: Iterable[DnsZone], listed: Iterable[DnsZone], believed: Collection[str]
) -> tuple[DnsZone, ...]:
    """Return the zones whose ledger decides, so that it has to be read; none if the choice does not depend on it.

    ``believed``: ids of zones in which the identity may have records.
    """
    fitting = _fitting(domain, configured, listed)
    nearest = _nearest(fitting)
    named = [each for each in nearest if each.is_named]
    if not fitting or len(named) == 1:
        return ()
    remembered = [] if named else [each for each in fitting if each.zone.hosted_zone_id in believed]
    questionable = {each.zone.hosted_zone_id: each.zone for each in (*(named or nearest), *remembered)}
    return tuple(questionable.values()) if len(questionable) > 1 else ()


def cuts_above(view: ZoneView, apex: str, names: Iterable[str]) -> tuple[Cut, ...]:
    """Return where the zone of this apex delegates one of the names, or a name above it."""
    found = {cut.name: cut for name in names if (cut := _cut_above(view, apex, name)) is not None}
    return tuple(found[name] for name in sorted(found))


def part_domain(domain: str, zone: DnsZone) -> str:
    """Return the name at or below which a zone has records of ``domain``: its ledger is there."""
    return zone.name if is_within(zone.name, domain) else domain


def _cut_above(view: ZoneView, apex: str, name: str) -> Cut | None:
    """Return the topmost delegation: below it the zone says nothing any more."""
    labels = name.removesuffix(f".{apex}").split(".") if is_within(name, apex) and name != apex else []
    for count in range(1, len(labels) + 1):
        above = f"{'.'.join(labels[-count:])}.{apex}"
        for found in view.get(above, ()):
            if found.type == "NS":
                return Cut(above, frozenset(map(plain_name, found.values)))
    return None


@dataclass(frozen=True, slots=True)
class _Candidate:
    zone: DnsZone
    is_named: bool


def _fitting(domain: str, configured: Iterable[DnsZone], listed: Iterable[DnsZone]) -> list[_Candidate]:
    known = {zone.hosted_zone_id: _Candidate(zone, is_named=False) for zone in listed}
    known.update({zone.hosted_zone_id: _Candidate(zone, is_named=True) for zone in configured})
    return [each for each in known.values() if is_within(domain, each.zone.name)]


def _nearest(fitting: Sequence[_Candidate]) -> list[_Candidate]:
    longest = max((len(each.zone.name) for each in fitting), default=0)
    return [each for each in fitting if len(each.zone.name) == longest]


def not_found(domain: str) -> Problem:
    """Return the problem that no zone that the account has or names holds the domain."""
    return Problem(
        Reason.HOSTED_ZONE_NOT_FOUND,
        f"No public hosted zone holds {domain}. Create one for it or for a parent domain. If the zone is in another AWS account, "
        "list it with its role in spec.dns.zones of the SesAccount. Or choose another spec.dns.provider",
    )


def not_delegated(domain: str, zone: DnsZone, below: DnsZone) -> Problem:
    """Return the problem that the zone that the spec names serves none of the records: the domain's zone does not name it."""
    return Problem(
        Reason.HOSTED_ZONE_NOT_FOUND,
        f"Zone {below.name} ({below.hosted_zone_id}), which spec.dns.route53.zoneRef names, holds only a part of {domain}, and "
        f"zone {zone.name} ({zone.hosted_zone_id}) does not delegate that part to it. Add NS records for {below.name} with its "
        f"name servers to {zone.name}, or change spec.dns.route53.zoneRef",
    )


def _ambiguous(zones: Sequence[DnsZone]) -> Problem:
    ids = ", ".join(sorted(zone.hosted_zone_id for zone in zones))
    return Problem(
        Reason.HOSTED_ZONE_AMBIGUOUS,
        f"Several public hosted zones are named {zones[0].name}: {ids}. List the one that the domain is delegated to in "
        "spec.dns.zones of the SesAccount, and name it in spec.dns.route53.zoneRef",
    )
