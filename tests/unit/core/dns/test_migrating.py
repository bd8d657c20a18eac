"""Records move from any place to any other, with deaths in between: nothing that is needed is missing by our doing, and in the
end nothing is left where they were."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.base.fields import DnsProvider
from ses_operator.core.dns.zone_sets import Change, ChangeAction, ZoneSet
from ses_operator.core.model.records import RecordSet, RecordType, dkim_records
from unit.moving import Z1, Z2, KilledError, MovingWorld, Target
from unit.zones import DOMAIN, LEDGER, change, contents, record

TARGETS = (
    Target(DnsProvider.ROUTE53, Z1),
    Target(DnsProvider.ROUTE53, Z2),
    Target(DnsProvider.DNS_ENDPOINT, Z1),
    Target(DnsProvider.MANUAL, Z1),
    Target(DnsProvider.MANUAL, Z2),
)
FOREIGN = ZoneSet.of(record(f"www.{DOMAIN}", RecordType.TXT, ("somebody else's",)))


def of_regions(*regions: str, ttl: int = 300) -> tuple[RecordSet, ...]:
    return tuple(
        found
        for region in regions
        for found in dkim_records(DOMAIN, region, (f"x{region}", f"y{region}"), "dkim.x", ttl)
    )


def move(world: MovingWorld, target: Target, wanted: tuple[RecordSet, ...]) -> None:
    """Reconciles, ExternalDNS and people take turns until nothing more is said of old places; days go by."""
    for _ in range(40):
        world.run(target, wanted)
        world.people(target, wanted)
        world.external_dns()
        world.wait(timedelta(hours=5))
        if not world.said and world.delegated == target.zone:
            world.run(target, wanted)
            return
    raise AssertionError(f"it does not come to an end: {world.said}")


@given(
    st.sampled_from(TARGETS),
    st.sampled_from(TARGETS),
    st.integers(0, 6),
    st.sampled_from([60, 300]),
    st.booleans(),
)
def test_any_move_comes_to_its_end_without_a_gap_of_our_making(
    first: Target, second: Target, writes: int, ttl: int, status_is_lost: bool
) -> None:
    old, new = of_regions("a", "b"), of_regions("b", "c", ttl=ttl)
    stays = of_regions("b")
    world = MovingWorld({zone: change({}, [Change(ChangeAction.CREATE, FOREIGN)]) for zone in (Z1, Z2)})
    move(world, first, old)
    world.needed = stays

    world.writes_left = writes
    with suppress(KilledError):
        world.run(second, new)
    world.writes_left = None
    if status_is_lost:
        world.said = {}
    move(world, second, new)

    assert world.places == {second.place} - {""}
    assert all(FOREIGN in contents(world.zones[zone]) for zone in (Z1, Z2))
    assert all(finding.message == "" for finding in world.findings(new).values()), "all is served"
    ledgers = {zone for zone in (Z1, Z2) if LEDGER in world.zones[zone]}
    by_people = first.provider is DnsProvider.MANUAL and first.zone == second.zone
    assert ledgers <= ({second.zone} if second.provider is DnsProvider.ROUTE53 else set())
    assert (world.endpoint is not None) is (second.provider is DnsProvider.DNS_ENDPOINT)
    if second.provider is DnsProvider.ROUTE53 and not by_people:
        assert world.holds(second.zone) == {found.id for found in new}
    other = Z2 if second.zone == Z1 else Z1
    if first.provider is not DnsProvider.MANUAL and second.provider is not DnsProvider.MANUAL:
        assert contents(world.zones[other]) == {FOREIGN}, "nothing is left in the zone that records have left"
