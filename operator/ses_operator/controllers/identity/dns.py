"""The DNS side of an identity: the place of its records, their state, and the answers of the name servers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ses_operator.api.account.kind import Zone
from ses_operator.api.base.fields import DnsProvider
from ses_operator.aws.calls.calls import Calls
from ses_operator.aws.route53 import Route53Access
from ses_operator.aws.sessions import AwsAccount
from ses_operator.controllers.identity.lookups import Lookups
from ses_operator.controllers.shared.accounts import OpenAccount
from ses_operator.core.dns.zones import Cut, not_delegated, part_domain
from ses_operator.core.model.keys import Owner
from ses_operator.core.model.problems import Blocked, Gone, OperatorError, Problem, Stale
from ses_operator.core.model.records import RecordId
from ses_operator.core.planning.grounds import Grounds, has_remembered_records, remembered_records
from ses_operator.core.planning.plan import names_of_records, surplus_policy, wanted_records
from ses_operator.core.state.answers import PublishedAt
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import DNS_ENDPOINT_PLACE, ROUTE53_PLACE
from ses_operator.core.state.observed import Observed
from ses_operator.core.state.publication import DnsZone, Publication, Witness
from ses_operator.core.state.steps import DnsStep, HandOverRecords, PublishRecords, ReleaseRecords, WithdrawRecords
from ses_operator.dns.endpoint import DnsEndpointPublisher
from ses_operator.dns.ledger_keys import LedgerKeys
from ses_operator.dns.manual import ManualPublisher
from ses_operator.dns.publisher import DnsPublisher
from ses_operator.dns.route53 import Route53Publisher
from ses_operator.dns.split import Part, SplitPublisher
from ses_operator.dns.zones import Ledgers, ZoneDirectory

LOGGER = logging.getLogger(__name__)

MAX_DELEGATED = 16
"""Delegated zones of one identity that are written to: a circle of delegations ends here."""

EndpointPublisherFor = Callable[[OpenAccount], DnsEndpointPublisher]


@dataclass(frozen=True, slots=True)
class Target:
    """The place of one identity's records, and its publisher.

    ``delegated``: for names that the zone delegates, the publications in the zones that they are delegated to; without
    a zone if that is not within reach.
    """

    publisher: DnsPublisher
    publication: Publication
    place: str | None = None
    delegated: tuple[Publication, ...] = ()

    @property
    def places(self) -> frozenset[str]:
        """The places, as the inventory names them; empty if there is none."""
        delegated = {_place(zone) for zone in self.zones}
        return frozenset({self.place, *delegated}) if self.place else frozenset(delegated)

    @property
    def zones(self) -> tuple[DnsZone, ...]:
        """The hosted zones that it writes to."""
        return tuple(each.zone for each in (self.publication, *self.delegated) if each.zone is not None)

    @property
    def out_of_reach(self) -> tuple[PublishedAt, ...]:
        """The zones that only people can write to."""
        return tuple(PublishedAt(each.domain) for each in self.delegated if each.zone is None)


@dataclass(frozen=True, slots=True)
class _Bound:
    """The parts of one open AWS account.

    ``entries`` are the zones that its SesAccount names, ``nameservers`` those that it has queried.
    """

    aws: AwsAccount
    entries: tuple[Zone, ...]
    nameservers: tuple[str, ...]
    zones: ZoneDirectory
    route53: Route53Publisher


class DnsSide:
    """Chooses publishers and calls them. One ``Route53Publisher`` an account, so that changes go in batches."""

    def __init__(
        self,
        calls: Calls,
        lookups: Lookups,
        endpoint_publisher: EndpointPublisherFor,
        on_insync: Callable[[Owner], None],
        ledger_keys: LedgerKeys,
    ) -> None:
        self._calls = calls
        self._lookups = lookups
        self._endpoint_publisher = endpoint_publisher
        self._on_insync = on_insync
        self._ledger_keys = ledger_keys
        self._manual = ManualPublisher()
        self._bound: dict[str, _Bound] = {}

    async def target(
        self, account: OpenAccount, desired: Desired, witness: Witness, believed: frozenset[str] = frozenset()
    ) -> Target | Problem:
        """Return where the records are to go now, or why that is not known. ``believed``: places of its inventory."""
        bound = await self._bind(account)
        publication = _publication(desired, witness)
        try:
            match desired.provider:
                case DnsProvider.DNS_ENDPOINT:
                    return Target(self._endpoint_publisher(account), publication, DNS_ENDPOINT_PLACE)
                case DnsProvider.MANUAL:
                    return Target(self._manual, publication)
                case DnsProvider.ROUTE53:
                    return await self._in_route53(bound, desired, publication, believed)
        except OperatorError as error:
            return error.problem

    async def target_anew(
        self, account: OpenAccount, desired: Desired, witness: Witness, believed: frozenset[str] = frozenset()
    ) -> Target | Problem:
        """Return the same, without anything that is remembered of hosted zones: a person may have made the zone."""
        (await self._bind(account)).zones.forget()
        return await self.target(account, desired, witness, believed)

    async def _in_route53(
        self, bound: _Bound, desired: Desired, publication: Publication, believed: frozenset[str]
    ) -> Target:
        async def has_ledger(zone: DnsZone) -> bool:
            at = replace(publication, zone=zone)
            try:
                return bool(await bound.route53.holdings(at))
            except OperatorError:
                return False  # nothing follows but that the author is asked, as without a ledger

        ids = frozenset(place.removeprefix(ROUTE53_PLACE) for place in believed)
        zone = await bound.zones.zone_for(desired.identity, desired.zone_ref, Ledgers(has_ledger, ids))
        main = replace(publication, zone=zone)
        delegated = await self._delegated(bound, main, desired)
        below = await bound.zones.named_below(desired.identity, desired.zone_ref)
        if below is not None and below not in [each.zone for each in delegated]:
            raise Blocked.of(not_delegated(desired.identity, zone, below))
        return Target(_publisher(bound, self._manual, main, delegated), main, _place(zone), delegated)

    async def _delegated(self, bound: _Bound, main: Publication, desired: Desired) -> tuple[Publication, ...]:
        """Return the publications for names of the identity's records that its zone, or one of those, delegates."""
        found: list[Publication] = []
        to_read = [main]
        while to_read and len(found) < MAX_DELEGATED:
            publication = to_read.pop()
            for cut in await bound.route53.cuts(publication, names_of_records(desired)):
                zone = await self._zone_behind(bound, cut)
                part = replace(main, domain=cut.name, zone=zone)
                found.append(part)
                to_read += [part] if zone is not None else []
        return tuple(found)

    async def _zone_behind(self, bound: _Bound, cut: Cut) -> DnsZone | None:
        """Return the zone that a delegation leads to: of its name, on its name servers. None if that is not within reach."""
        nameservers = bound.nameservers
        delegated_to = PublishedAt(cut.name, tuple(sorted(cut.servers)))
        for found in await bound.zones.zones_named(cut.name):
            if not found.at.has_other_servers(delegated_to):
                return found.zone
            known_as = await self._lookups.with_addresses(delegated_to, nameservers)
            if not (await self._lookups.with_addresses(found.at, nameservers)).has_other_servers(known_as):
                return found.zone
        return None

    async def target_at(self, account: OpenAccount, desired: Desired, witness: Witness, place: str) -> Target | None:
        """Return where records were published once, by the inventory; None if that place no longer exists."""
        bound = await self._bind(account)
        publication = _publication(desired, witness)
        if not place.startswith(ROUTE53_PLACE):
            return Target(self._endpoint_publisher(account), publication, place)
        try:
            zone = await bound.zones.zone_by_id(place.removeprefix(ROUTE53_PLACE))
        except Gone:
            return None
        domain = part_domain(desired.identity, zone)
        return Target(bound.route53, replace(publication, domain=domain, zone=zone), place)

    def distrust(self, target: Target | Problem, owner: Owner) -> None:
        """Believe nothing that is remembered: the records are to be read in full, and looked up."""
        self.forget(target)
        self._lookups.forget(owner.key)

    def forget(self, target: Target | Problem) -> None:
        """Forget what is remembered of the records: they are to be read in full."""
        if not isinstance(target, Target):
            return
        for bound in self._bound.values():
            for publication in (target.publication, *target.delegated):
                bound.route53.forget(publication)

    async def observe(self, target: Target | Problem, desired: Desired, observed: Observed) -> Observed:
        """Return the observation with the state of the wanted records."""
        if isinstance(target, Problem):
            return replace(observed, dns_failure=target)
        try:
            if has_remembered_records(desired, observed):
                observed = replace(observed, held=await self._held(target, desired, observed))
            records, surplus = wanted_records(desired, observed), surplus_policy(desired, observed)
            found = await target.publisher.observe(target.publication, records, surplus)
        except OperatorError as error:
            return replace(observed, dns_failure=error.problem)
        return replace(observed, dns=found.marked())

    async def _held(self, target: Target, desired: Desired, observed: Observed) -> frozenset[RecordId]:
        """Return the records that are kept though a region that needs them cannot be read. People keep their own list."""
        if desired.provider is DnsProvider.MANUAL:
            return remembered_records(desired, observed)
        return await target.publisher.holdings(target.publication)

    async def carry_out(self, target: Target, step: PublishRecords, observed: Observed, known: Grounds) -> Observed:
        """Return the observation with the state of the records after ``step``, which is based on what is ``known``."""
        del known  # it is the proof
        try:
            answer = await target.publisher.publish(target.publication, step.records, step.surplus)
        except Stale:
            return replace(observed, dns=None)  # the next round observes again
        except OperatorError as error:
            return replace(observed, dns_failure=error.problem)
        _log(step, target)
        return replace(observed, dns=answer)

    async def take_away(self, target: Target, step: DnsStep) -> tuple[str, ...]:
        """Carry out the last step of an identity at one place. Return sentences about what was left because others changed it."""
        left: tuple[str, ...] = ()
        match step:
            case WithdrawRecords():
                left = await target.publisher.withdraw(target.publication)
            case HandOverRecords(new_owner):
                left = await target.publisher.hand_over(target.publication, new_owner)
            case ReleaseRecords():
                await target.publisher.release(target.publication)
            case PublishRecords():
                raise TypeError("nothing is published while an identity goes")
        _log(step, target)
        return left

    async def look_up(
        self, account: OpenAccount, target: Target | Problem, desired: Desired, observed: Observed, now: datetime
    ) -> Observed:
        """Return the observation with the answers of the name servers, for records of which that is in question."""
        nameservers = account.spec.dns.nameservers
        return await self._lookups.refine(
            desired, observed, nameservers, lambda: self._published_at(account, target), now
        )

    async def _published_at(self, account: OpenAccount, target: Target | Problem) -> tuple[PublishedAt, ...]:
        """Return the zones that are written to. With their name servers, unless others are queried in their place."""
        if not isinstance(target, Target):
            return ()
        if account.spec.dns.nameservers:
            return (*(PublishedAt(zone.name) for zone in target.zones), *target.out_of_reach)
        directory = (await self._bind(account)).zones
        return (*[await directory.published_at(zone) for zone in target.zones], *target.out_of_reach)

    async def served_from(
        self, account: OpenAccount, old: Target, new: Target
    ) -> tuple[PublishedAt | None, tuple[PublishedAt, ...]]:
        """Return the zone that serves an old place, and those that serve the new one.

        By name servers too if those are known, or must be because zones of both have one name.
        """
        before = old.publication.zone
        same_name = before is not None and before.name in {zone.name for zone in new.zones}
        directory = (await self._bind(account)).zones

        async def found(zone: DnsZone) -> PublishedAt:
            nameservers = account.spec.dns.nameservers
            if nameservers and not same_name:
                return PublishedAt(zone.name)
            return await self._lookups.with_addresses(await directory.published_at(zone), nameservers)

        after = (*[await found(zone) for zone in new.zones], *new.out_of_reach)
        return await found(before) if before else None, after

    async def close(self) -> None:
        """Stop what runs in the background."""
        for bound in self._bound.values():
            await bound.route53.close()

    async def _bind(self, account: OpenAccount) -> _Bound:
        bound, entries, nameservers = (
            self._bound.get(account.name),
            account.spec.dns.zones,
            account.spec.dns.nameservers,
        )
        if bound is not None and bound.aws is account.aws and bound.entries == entries:
            if bound.nameservers != nameservers:
                self._bound[account.name] = bound = replace(bound, nameservers=nameservers)
            return bound
        access = Route53Access(account.aws, self._calls)
        zones = ZoneDirectory(access, entries, asyncio.get_running_loop().time)
        if bound is not None and bound.aws is account.aws:
            self._bound[account.name] = replace(bound, entries=entries, nameservers=nameservers, zones=zones)
            return self._bound[account.name]
        publisher = Route53Publisher(access.for_zone, self._on_insync, self._ledger_keys.keyring)
        self._bound[account.name] = _Bound(account.aws, entries, nameservers, zones, publisher)
        if bound is not None:
            await bound.route53.close()
        return self._bound[account.name]


def _publication(desired: Desired, witness: Witness) -> Publication:
    return Publication(
        desired.owner,
        desired.identity,
        labels=desired.endpoint_labels,
        annotations=desired.endpoint_annotations,
        witness=witness,
        identity=desired.identity,
        provider_specific=desired.provider_specific,
    )


def _log(step: DnsStep, target: Target) -> None:
    LOGGER.info(
        "%s",
        step,
        extra={"operation": type(step).__name__, "identity": target.publication.domain, "place": target.place},
    )


def _place(zone: DnsZone) -> str:
    return f"{ROUTE53_PLACE}{zone.hosted_zone_id}"


def _publisher(
    bound: _Bound, manual: ManualPublisher, main: Publication, delegated: Sequence[Publication]
) -> DnsPublisher:
    """Return the publisher for these zones. In a zone that is not within reach, people publish."""
    if not delegated:
        return bound.route53
    parts = [Part(bound.route53 if each.zone else manual, each) for each in delegated]
    return SplitPublisher(Part(bound.route53, main), parts)
