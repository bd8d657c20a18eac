"""A model of two hosted zones of one name, an ExternalDNS that writes into the first, and the loop that moves records
between them: plans and decisions are the real ones, carried out on plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.meta import WITHDRAW_FROM
from ses_operator.api.base.reasons import Reason
from ses_operator.core.dns.migration import Disposition, FormerPlace, MigrationDecision, Move, Place, decide
from ses_operator.core.dns.zone_plan import (
    ZonePlan,
    holdings,
    plan_publication,
    plan_release,
    plan_retention,
    plan_withdrawal,
)
from ses_operator.core.dns.zone_sets import Change, ChangeAction, ZoneSet, ZoneView
from ses_operator.core.model.records import RecordId, RecordSet
from ses_operator.core.model.schedule import DELEGATION_TTL
from ses_operator.core.state.answers import Answer, FindingState, LookupFinding, Outcome, PublishedAt
from ses_operator.core.state.inventory import DNS_ENDPOINT_PLACE
from ses_operator.core.state.publication import RecordState
from ses_operator.core.state.steps import Surplus
from unit.world import NOW
from unit.zones import OWNER, SEAL, change

NAME = "example.com"
Z1, Z2 = "Route53/Z1", "Route53/Z2"


class KilledError(Exception):
    """The operator dies before this write."""


@dataclass(frozen=True)
class Target:
    """Where records are to go. ``zone``: which one is delegated to when all is done."""

    provider: DnsProvider
    zone: str

    @property
    def place(self) -> str:
        return {DnsProvider.ROUTE53: self.zone, DnsProvider.DNS_ENDPOINT: DNS_ENDPOINT_PLACE, DnsProvider.MANUAL: ""}[
            self.provider
        ]


@dataclass
class MovingWorld:
    """``places`` and ``said`` are what the inventory and status remember. ``delegated``: the zone that is asked, and since when
    others were. ``check`` is called before and after each write of ours, and answers what must not be lost by it."""

    zones: dict[str, ZoneView]
    delegated: str = Z1
    left_at: dict[str, datetime] = field(default_factory=dict)
    endpoint: frozenset[RecordSet] | None = None
    external: set[RecordId] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    said: dict[str, FormerPlace] = field(default_factory=dict)
    requested: set[str] = field(default_factory=set)
    now: datetime = NOW
    writes_left: int | None = None
    needed: tuple[RecordSet, ...] = ()

    def run(self, target: Target, wanted: tuple[RecordSet, ...]) -> None:
        """One reconcile. Raises KilledError at the write at which it is to die."""
        self.places |= {target.place} - {""}
        published = self._publish(target, wanted)
        said: dict[str, FormerPlace] = {}
        for place in sorted(self.places - {target.place}):
            decision = self._settle(place, target, wanted, published=published)
            if decision.fate is not Disposition.FORGET:
                said[place] = FormerPlace(
                    place, decision.pending or "", decision.message, self.now, decision.fate
                ).follows(self.said)
        self.places = {target.place, *said} - {""}
        self.said = said

    def _publish(self, target: Target, wanted: tuple[RecordSet, ...]) -> bool:
        if target.provider is DnsProvider.DNS_ENDPOINT:
            if self.endpoint != frozenset(wanted):
                self.write(lambda: setattr(self, "endpoint", frozenset(wanted)))
            return self._answers(wanted)
        if target.provider is DnsProvider.ROUTE53:
            self._carry_out(target.zone, lambda view: plan_publication(OWNER, SEAL, wanted, view))
            states = plan_publication(OWNER, SEAL, wanted, self.zones[target.zone]).records
            return all(entry.state is RecordState.PUBLISHED for entry in states)
        return self._answers(wanted)

    def _settle(
        self, place: str, target: Target, wanted: tuple[RecordSet, ...], *, published: bool
    ) -> MigrationDecision:
        move = Move(
            old=Place(place, _served_from(place), self.holds(place)),
            new=Place(target.place, _served_from(target.place), self.holds(target.place)),
            provider=target.provider,
            wanted=wanted,
            surplus=Surplus.REMOVE,
            published=published,
            now=self.now,
            findings=self.findings(wanted),
            requested=place in self.requested,
            said=self.said.get(place),
        )
        decision = decide(move)
        match decision.fate:
            case Disposition.KEEP:
                self._retain(place, wanted)
            case Disposition.RELEASE:
                self._retain(place, wanted)
                self._release(place)
                return MigrationDecision(Disposition.FORGET)
            case Disposition.WITHDRAW:
                self._withdraw(place)
                return decide(move.emptied())
        return decision

    def _retain(self, place: str, wanted: tuple[RecordSet, ...]) -> None:
        if place == DNS_ENDPOINT_PLACE:
            kept = frozenset(record for record in wanted if record.id in self.holds(place))
            if kept != self.endpoint:
                self.write(lambda: setattr(self, "endpoint", kept))
        else:
            self._carry_out(place, lambda view: plan_retention(OWNER, SEAL, wanted, view))

    def _withdraw(self, place: str) -> None:
        if place == DNS_ENDPOINT_PLACE:
            self.write(lambda: setattr(self, "endpoint", None))
        else:
            self._carry_out(place, lambda view: plan_withdrawal(OWNER, SEAL, view))

    def _release(self, place: str) -> None:
        """A DNSEndpoint that is let go of goes on being served; here, its records become those of people at once."""
        if place == DNS_ENDPOINT_PLACE:
            self.write(self._let_go_of_endpoint)
        else:
            self._carry_out(place, lambda view: plan_release(OWNER, SEAL, view))

    def _let_go_of_endpoint(self) -> None:
        self.endpoint = None
        self.external.clear()

    def _carry_out(self, zone: str, plan: Callable[[ZoneView], ZonePlan]) -> None:
        while changes := plan(self.zones[zone]).changes:
            self.write(lambda changes=changes: self._change(zone, changes))  # type: ignore[misc]

    def _change(self, zone: str, changes: Iterable[Change]) -> None:
        self.zones[zone] = change(self.zones[zone], changes)

    def write(self, what: Callable[[], object]) -> None:
        """One external write of ours: it must not take away what is needed and served."""
        if self.writes_left == 0:
            raise KilledError
        self.writes_left = None if self.writes_left is None else self.writes_left - 1
        before = self._served()
        what()
        lost = before - self._served()
        assert not lost or self.requested, f"{lost} are missing"

    def _served(self) -> frozenset[tuple[str, RecordId]]:
        """What is needed and stands in a zone that resolvers may ask."""
        cached = {zone for zone, at in self.left_at.items() if (self.now - at).total_seconds() < DELEGATION_TTL}
        return frozenset(
            (zone, record.id) for zone in {self.delegated, *cached} for record in self.needed if self._has(zone, record)
        )

    def external_dns(self) -> None:
        """ExternalDNS runs, with --policy=sync: it creates what is absent, and deletes what it has created and nobody wants."""
        wanted = {record.id: record for record in self.endpoint or ()}
        for record_id in sorted(self.external - wanted.keys()):
            standing = next(found for found in self.zones[Z1][record_id.name] if found.type == record_id.type)
            self._change(Z1, [Change(ChangeAction.DELETE, standing)])
            self.external.discard(record_id)
        for record_id, record in sorted(wanted.items()):
            if not any(found.type == record_id.type for found in self.zones[Z1].get(record_id.name, ())):
                self._change(Z1, [Change(ChangeAction.CREATE, ZoneSet.of(record))])
                self.external.add(record_id)

    def people(self, target: Target, wanted: tuple[RecordSet, ...]) -> None:
        """They publish by hand where that is theirs to do, delegate to a zone that has everything, and do what status asks."""
        if target.provider is DnsProvider.MANUAL:
            for record in wanted:
                if not any(found.type == record.type for found in self.zones[target.zone].get(record.name, ())):
                    self._change(target.zone, [Change(ChangeAction.CREATE, ZoneSet.of(record))])
        if self.delegated != target.zone and all(self._has(target.zone, record) for record in wanted):
            self.left_at[self.delegated] = self.now
            self.delegated = target.zone
        for place in self.said.values():
            if WITHDRAW_FROM in place.message and self.delegated == target.zone == place.place:
                self.requested.add(place.place)

    def holds(self, place: str) -> frozenset[RecordId]:
        """What is ours there."""
        if place == DNS_ENDPOINT_PLACE:
            return frozenset(record.id for record in self.endpoint or ())
        return holdings(OWNER, SEAL, self.zones[place]) if place else frozenset()

    def findings(self, wanted: Iterable[RecordSet]) -> Mapping[RecordId, LookupFinding]:
        """What the name servers that are delegated to say."""
        return {record.id: self._finding(record) for record in wanted}

    def _finding(self, record: RecordSet) -> LookupFinding:
        if self._has(self.delegated, record):
            answer = Answer(Outcome.FOUND, record.values, zone=NAME, servers=(self.delegated,))
            return LookupFinding(record, FindingState.PUBLISHED, Reason.SUCCEEDED, "", answer)
        return LookupFinding(
            record, FindingState.MISSING, Reason.DNS_RECORD_MISSING, "not there", Answer(Outcome.NO_NAME)
        )

    def _answers(self, wanted: Iterable[RecordSet]) -> bool:
        return all(self._has(self.delegated, record) for record in wanted)

    def _has(self, zone: str, record: RecordSet) -> bool:
        meaning = ZoneSet.of(record).meaning
        return any(
            found.type == record.type and found.meaning == meaning for found in self.zones[zone].get(record.name, ())
        )

    def wait(self, duration: timedelta) -> None:
        self.now += duration


def _served_from(place: str) -> PublishedAt | None:
    """Both zones have one name, and name servers of their own."""
    return PublishedAt(NAME, (place,)) if place in (Z1, Z2) else None
