"""What becomes of the places where records went before: another zone, a DNSEndpoint. Pure.

Records are published in the new place first. Of what stands in an old one, that which is still wanted stays ours and right
until name servers are seen to answer it from elsewhere; what is not wanted goes at once. The rules, in the order in which
they are asked, are in ``RULES``. Where somebody else's program writes, two things follow that no order can avoid:

- ExternalDNS takes away what it wrote when it no longer finds it in a DNSEndpoint. Where it wrote into the very zone that we
  write to, nothing of ours can stand beside its record before that: it is published anew right after, and until then watched.
- ExternalDNS leaves alone what is there already. Where it is to write into the zone in which our records stand, it does
  nothing for as long as they do: they are kept, until a person asks for them to be withdrawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.meta import WITHDRAW_FROM
from ses_operator.core.model.records import RecordId, RecordSet
from ses_operator.core.model.schedule import DELEGATION_TTL, WATCH_PATIENCE
from ses_operator.core.state.answers import Answer, FindingState, LookupFinding, PublishedAt
from ses_operator.core.state.inventory import DNS_ENDPOINT_PLACE
from ses_operator.core.state.steps import Surplus


class Disposition(StrEnum):
    """What becomes of an old place."""

    ASK = "Ask"  # that depends on what name servers say of the records: they have to be asked first
    KEEP = "Keep"  # what is wanted stays there, is ours and is kept right; what is not wanted goes
    WITHDRAW = "Withdraw"  # all of ours goes
    RELEASE = "Release"  # what is wanted stays and is nobody's
    WATCH = "Watch"  # nothing of ours is there any more, but what is needed is not safe in the new place yet
    FORGET = "Forget"  # there is nothing left to do


class Pending(StrEnum):
    """What an old place is kept or watched for. In status: by it is told since when that is so, whatever the words."""

    REGIONS_UNKNOWN = "RegionsUnknown"
    NOT_PUBLISHED = "NotPublished"
    NOT_ANSWERED = "NotAnswered"
    STILL_DELEGATED = "StillDelegated"
    NOT_DELEGATED = "NotDelegated"
    CACHED_DELEGATION = "CachedDelegation"
    EXTERNAL_DNS_REMOVES = "ExternalDNSRemoves"
    EXTERNAL_DNS_PUBLISHES = "ExternalDNSPublishes"


@dataclass(frozen=True, slots=True)
class Place:
    """An old place or the new one. ``zone``: where a Route 53 place is served from; None where only others know.

    ``holds``: the record sets there that are ours.
    """

    name: str
    zone: PublishedAt | None = None
    holds: frozenset[RecordId] = frozenset()


@dataclass(frozen=True, slots=True)
class FormerPlace:
    """An old place that is not over with, as it is reported: why, and since when that is so.

    ``reason``: of ``Pending``, or that of the problem that hinders; "" where nothing was said of it yet.
    """

    place: str
    reason: str
    message: str
    since: datetime
    fate: Disposition = Disposition.KEEP
    retry_after: float | None = None

    def follows(self, before: Mapping[str, FormerPlace]) -> FormerPlace:
        """The same, with the time from when it was first so."""
        known = before.get(self.place)
        return self if known is None or known.reason != self.reason else replace(self, since=known.since)


@dataclass(frozen=True, slots=True)
class Move:
    """All that the fate of one old place depends on.

    ``wanted``: the records that are needed, but for those left to others; ``published``: whether the new place has them all.
    ``findings``: what name servers say of them, None as long as nobody asked. ``requested``: a person wants the old place
    cleared, come what may. ``said``: what has been said of the old place so far, None if nothing was.
    """

    old: Place
    new: Place
    provider: DnsProvider
    wanted: tuple[RecordSet, ...]
    surplus: Surplus
    published: bool
    now: datetime
    findings: Mapping[RecordId, LookupFinding] | None = None
    requested: bool = False
    said: FormerPlace | None = None

    @property
    def not_ours(self) -> tuple[RecordSet, ...]:
        """What stands in the new place as somebody else wrote it."""
        return tuple(record for record in self.wanted if record.id not in self.new.holds)

    def emptied(self) -> Move:
        """The same when all of ours has been taken away. What name servers said before a forced withdrawal is no news."""
        emptied = replace(self, old=replace(self.old, holds=frozenset()))
        if not self.requested:
            return emptied
        return replace(emptied, findings={}, said=self.said or FormerPlace(self.old.name, "", "", self.now))

    def waited(self, pending: Pending) -> float:
        """For how many seconds this has been so of the old place."""
        if self.said is None or self.said.reason != pending:
            return 0.0
        return (self.now - self.said.since).total_seconds()


@dataclass(frozen=True, slots=True)
class MigrationDecision:
    """The fate of an old place; ``pending`` and ``message`` say why it is not over with it yet, the same from run to run."""

    fate: Disposition
    message: str = ""
    pending: Pending | None = None
    retry_after: float | None = None
    """Seconds until something else can be decided, where that is known."""


MigrationRule = Callable[[Move], MigrationDecision | None]


def nothing_left(move: Move) -> MigrationDecision | None:
    """Nothing of ours is there. ExternalDNS may still come for what it wrote; or have to come, after a forced withdrawal."""
    if move.old.holds:
        return None
    if move.old.name == DNS_ENDPOINT_PLACE and move.provider is DnsProvider.ROUTE53 and move.not_ours:
        return _until_external_dns_has_gone(move)
    if move.provider is DnsProvider.DNS_ENDPOINT and move.said is not None:
        return _until_external_dns_has_come(move)
    return MigrationDecision(Disposition.FORGET)


def not_all_known(move: Move) -> MigrationDecision | None:
    """Some region cannot tell its records: what looks superfluous may be needed."""
    if move.surplus is not Surplus.KEEP:
        return None
    return MigrationDecision(
        Disposition.KEEP,
        "the records there stay until every region has told which ones it needs",
        Pending.REGIONS_UNKNOWN,
    )


def requested(move: Move) -> MigrationDecision | None:
    """A person accepts what may follow."""
    return MigrationDecision(Disposition.WITHDRAW) if move.requested else None


def left_to_people(move: Move) -> MigrationDecision | None:
    """People publish from now on. Whether they mean to keep what stands or to publish elsewhere, nothing tells: it is theirs."""
    if move.provider is not DnsProvider.MANUAL:
        return None
    if move.findings is None:
        return MigrationDecision(Disposition.ASK)
    return None if _is_known_to_be_elsewhere(move) else MigrationDecision(Disposition.RELEASE)


def not_published(move: Move) -> MigrationDecision | None:
    """The new place does not have everything yet."""
    if move.published:
        return None
    return MigrationDecision(
        Disposition.KEEP, f"the records there stay until all are published in {move.new.name}", Pending.NOT_PUBLISHED
    )


def not_answered(move: Move) -> MigrationDecision | None:
    """Name servers do not answer some record, or cannot be asked."""
    if move.findings is None:
        return MigrationDecision(Disposition.ASK)
    record = _unanswered(move)
    if record is None:
        return None
    finding = (move.findings or {}).get(record.id)
    said = f": {finding.message}" if finding and finding.message else ""
    return MigrationDecision(
        Disposition.KEEP,
        f"the records there stay until name servers answer all of them from elsewhere{said}",
        Pending.NOT_ANSWERED,
    )


def still_asked(move: Move) -> MigrationDecision | None:
    """Name servers answer from the old zone, or it cannot be told from the new one."""
    zone = move.old.zone
    if zone is None or not any(_may_be_from(answer, zone) for answer in _answers(move)):
        return None
    if move.provider is DnsProvider.DNS_ENDPOINT:
        return MigrationDecision(
            Disposition.KEEP,
            f"name servers still answer from the zone {zone.zone} there, and ExternalDNS leaves alone what it finds in a zone. "
            "If it writes to another one, delegate the domain to that; if it is to take over in this one, annotate this "
            f"object with {WITHDRAW_FROM}={move.old.name}: the records are then missing until its next run",
            Pending.STILL_DELEGATED,
        )
    return MigrationDecision(
        Disposition.KEEP,
        f"name servers still answer from the zone {zone.zone} there, or it cannot be told from the new one: delegate it to "
        f"the name servers of {move.new.name}, and the records there are withdrawn",
        Pending.STILL_DELEGATED,
    )


def not_yet_asked(move: Move) -> MigrationDecision | None:
    """Name servers answer from a zone that is not the one where the records are now."""
    zone = move.new.zone
    if zone is None or all(_may_be_from(answer, zone) for answer in _answers(move)):
        return None
    asked = sorted({answer.zone for answer in _answers(move) if not _may_be_from(answer, zone)})
    return MigrationDecision(
        Disposition.KEEP,
        f"name servers answer from {', '.join(asked)} and not from {zone.zone} ({move.new.name}), where the records are now: "
        "delegate the domain to that zone, and the records there are withdrawn",
        Pending.NOT_DELEGATED,
    )


def still_cached(move: Move) -> MigrationDecision | None:
    """Resolvers go on asking a zone that is no longer delegated to, for as long as they have the delegation in their caches.

    Not so where the old zone itself refers them to the one that answers: one below it.
    """
    if _old_zone_refers_to_the_new(move) or (move.old.zone is None and move.not_ours):
        return None
    left = DELEGATION_TTL - move.waited(Pending.CACHED_DELEGATION)
    if left <= 0:
        return None
    return MigrationDecision(
        Disposition.KEEP,
        "name servers answer all records from elsewhere; those there are withdrawn when that has been so for "
        f"{round(DELEGATION_TTL / 3600)} hours, for so long resolvers may have the former delegation in their caches",
        Pending.CACHED_DELEGATION,
        left,
    )


def served_from_elsewhere(move: Move) -> MigrationDecision | None:
    """Nobody is answered from the old place any more."""
    del move
    return MigrationDecision(Disposition.WITHDRAW)


RULES: tuple[MigrationRule, ...] = (
    nothing_left,
    not_all_known,
    requested,
    left_to_people,
    not_published,
    not_answered,
    still_asked,
    not_yet_asked,
    still_cached,
    served_from_elsewhere,
)


def decide(move: Move) -> MigrationDecision:
    """The fate of the old place: what the first rule says that has something to say."""
    return next(decision for rule in RULES if (decision := rule(move)) is not None)


def _until_external_dns_has_gone(move: Move) -> MigrationDecision:
    names = ", ".join(sorted(str(record) for record in move.not_ours))
    if move.waited(Pending.EXTERNAL_DNS_REMOVES) <= WATCH_PATIENCE:
        return MigrationDecision(
            Disposition.WATCH,
            f"the DNSEndpoint is gone, and ExternalDNS may take away what it wrote into {move.new.name}: {names}. "
            "Each is published anew within seconds of that",
            Pending.EXTERNAL_DNS_REMOVES,
        )
    return MigrationDecision(
        Disposition.FORGET,
        f"ExternalDNS has left what it wrote into {move.new.name}, which is as wanted and not this object's: {names}. "
        "Remove it by hand when the identity is gone",
    )


def _until_external_dns_has_come(move: Move) -> MigrationDecision:
    if move.findings is None:
        return MigrationDecision(Disposition.ASK)
    record = _unanswered(move)
    if record is None:
        return MigrationDecision(Disposition.FORGET)
    return MigrationDecision(
        Disposition.WATCH,
        f"the records there are withdrawn, and {record} is missing until ExternalDNS publishes it",
        Pending.EXTERNAL_DNS_PUBLISHES,
    )


def _unanswered(move: Move) -> RecordSet | None:
    """The first record that no name server is known to answer as it should be."""
    findings = move.findings or {}
    for record in move.wanted:
        finding = findings.get(record.id)
        if finding is None or finding.state is not FindingState.PUBLISHED:
            return record
    return None


def _answers(move: Move) -> list[Answer]:
    return [finding.answer for finding in (move.findings or {}).values() if finding.state is FindingState.PUBLISHED]


def _is_known_to_be_elsewhere(move: Move) -> bool:
    zone = move.old.zone
    return zone is not None and _unanswered(move) is None and not any(_may_be_from(a, zone) for a in _answers(move))


def _old_zone_refers_to_the_new(move: Move) -> bool:
    zone = move.old.zone
    return zone is not None and all(answer.zone.endswith(f".{zone.zone}") for answer in _answers(move))


def _may_be_from(answer: Answer, zone: PublishedAt) -> bool:
    """Whether an answer is this zone's, as far as can be told: its name, and one of its name servers where they are known."""
    ours, asked = _plain(zone.servers), _plain(answer.servers)
    return answer.zone == zone.zone and not (ours and asked and ours.isdisjoint(asked))


def _plain(servers: Iterable[str]) -> frozenset[str]:
    return frozenset(server.lower().rstrip(".") for server in servers)
