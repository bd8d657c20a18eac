"""Decides about the places where records were published before: another zone, a DNSEndpoint. Pure.

Records are published in the new place first. Those in an old place that are still wanted stay owned and correct until
name servers are seen to answer them from elsewhere; those that are not wanted are deleted at once. The rules, in the
order in which they are tried, are in ``RULES``. Where ExternalDNS writes, two things follow that no order can avoid:

- ExternalDNS deletes what it wrote when it no longer finds it in a DNSEndpoint. If it wrote into the very zone that the operator
  writes to, no record of the operator can exist beside its record before that: it is published again right after, and until
  then watched.
- ExternalDNS leaves alone what is there already. If it is to write into the zone that has the operator's records, it does
  nothing for as long as they exist: they are kept, until a person asks for them to be withdrawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    """The ways to treat an old place."""

    ASK = "Ask"  # that depends on what name servers answer for the records: they have to be queried first
    KEEP = "Keep"  # what is wanted stays there, owned and corrected; what is not wanted is deleted
    WITHDRAW = "Withdraw"  # all that the object owns there is deleted
    RELEASE = "Release"  # what is wanted is kept and released
    WATCH = "Watch"  # nothing owned is there any more, but what is needed is not safe in the new place yet
    FORGET = "Forget"  # nothing is left to do


class Pending(StrEnum):
    """The reasons for which an old place is kept or watched.

    In status: the time since when is kept by the reason, whatever the words.
    """

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
    """An old place or the new one. ``zone``: the zone that serves a Route 53 place; None if only others know it.

    ``holds``: the record sets there that the object owns. ``delegated``: the zones that serve the names that ``zone``
    delegates.
    """

    name: str
    zone: PublishedAt | None = None
    holds: frozenset[RecordId] = frozenset()
    delegated: tuple[PublishedAt, ...] = ()

    def may_serve(self, answer: Answer) -> bool:
        """Return True if an answer is from here, as far as is known."""
        return any(zone.may_have_given(answer) for zone in (self.zone, *self.delegated) if zone is not None)


@dataclass(frozen=True, slots=True)
class FormerPlace:
    """An old place that still needs work, as it is reported: why, and since when that is so.

    ``reason``: of ``Pending``, or that of the problem that is in the way; "" if nothing was reported yet.
    """

    place: str
    reason: str
    message: str
    since: datetime
    fate: Disposition = Disposition.KEEP
    retry_after: float | None = None

    def follows(self, before: Mapping[str, FormerPlace]) -> FormerPlace:
        """Return the same, with the time from when it was first so."""
        known = before.get(self.place)
        return self if known is None or known.reason != self.reason else replace(self, since=known.since)


@dataclass(frozen=True, slots=True)
class Move:
    """All that the decision about one old place depends on.

    ``wanted``: the records that are needed, except those left to others; ``published``: True if the new place has
    them all.
    ``findings``: what name servers answer for them, None as long as they were not queried. ``requested``: a person
    wants the old place cleared in any case. ``said``: what was last reported of the old place, None if nothing was.
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
        """The wanted records that the new place has from another writer."""
        return tuple(record for record in self.wanted if record.id not in self.new.holds)

    def emptied(self) -> Move:
        """Return the same after all owned records were deleted. Answers from before a forced withdrawal do not count."""
        emptied = replace(self, old=replace(self.old, holds=frozenset()))
        if not self.requested:
            return emptied
        return replace(emptied, findings={}, said=self.said or FormerPlace(self.old.name, "", "", self.now))

    def waited(self, pending: Pending) -> float:
        """Return for how many seconds this has been so of the old place."""
        if self.said is None or self.said.reason != pending:
            return 0.0
        return (self.now - self.said.since).total_seconds()


@dataclass(frozen=True, slots=True)
class MigrationDecision:
    """The decision about an old place; ``pending`` and ``message`` say why it still needs work, the same from run to run."""

    fate: Disposition
    message: str = ""
    pending: Pending | None = None
    retry_after: float | None = None
    """Seconds until something else can be decided, where that is known."""


MigrationRule = Callable[[Move], MigrationDecision | None]


def nothing_left(move: Move) -> MigrationDecision | None:
    """Forget a place where nothing is owned, unless ExternalDNS has yet to act.

    It may still delete what it wrote; or have to publish, after a forced withdrawal.
    """
    if move.old.holds:
        return None
    if move.old.name == DNS_ENDPOINT_PLACE and move.provider is DnsProvider.ROUTE53 and move.not_ours:
        return _until_external_dns_has_gone(move)
    if move.provider is DnsProvider.DNS_ENDPOINT and move.said is not None:
        return _until_external_dns_has_come(move)
    return MigrationDecision(Disposition.FORGET)


def not_all_known(move: Move) -> MigrationDecision | None:
    """Keep what looks superfluous while a region does not report its records: it may be needed."""
    if move.surplus is not Surplus.KEEP:
        return None
    return MigrationDecision(
        Disposition.KEEP,
        "The old records stay until every region has reported which ones it needs",
        Pending.REGIONS_UNKNOWN,
    )


def requested(move: Move) -> MigrationDecision | None:
    """Withdraw if a person accepts the consequences."""
    return MigrationDecision(Disposition.WITHDRAW) if move.requested else None


def left_to_people(move: Move) -> MigrationDecision | None:
    """Release the records if people publish from now on: nothing shows if they mean to keep them or to publish elsewhere."""
    if move.provider is not DnsProvider.MANUAL:
        return None
    if move.findings is None:
        return MigrationDecision(Disposition.ASK)
    return None if _is_known_to_be_elsewhere(move) else MigrationDecision(Disposition.RELEASE)


def not_published(move: Move) -> MigrationDecision | None:
    """Keep the old place while the new one does not have everything."""
    if move.published:
        return None
    return MigrationDecision(
        Disposition.KEEP, f"The old records stay until all are published in {move.new.name}", Pending.NOT_PUBLISHED
    )


def not_answered(move: Move) -> MigrationDecision | None:
    """Keep the old place while name servers do not answer some record, or cannot be queried."""
    if move.findings is None:
        return MigrationDecision(Disposition.ASK)
    record = _unanswered(move)
    if record is None:
        return None
    finding = (move.findings or {}).get(record.id)
    said = f": {finding.message}" if finding and finding.message else ""
    return MigrationDecision(
        Disposition.KEEP,
        f"The old records stay until name servers answer all of them from elsewhere{said}",
        Pending.NOT_ANSWERED,
    )


def still_asked(move: Move) -> MigrationDecision | None:
    """Keep the old place while name servers answer from its zone, or it cannot be told apart from the new one."""
    zone = move.old.zone
    if zone is None or not any(zone.may_have_given(answer) for answer in _answers(move)):
        return None
    if move.provider is DnsProvider.DNS_ENDPOINT:
        return MigrationDecision(
            Disposition.KEEP,
            f"Name servers still answer from zone {zone.zone}, and ExternalDNS does not touch what it finds in a zone. "
            "If ExternalDNS writes to another zone, delegate the domain to that one. If it is to take over in this zone, "
            "annotate this "
            f"object with {WITHDRAW_FROM}={move.old.name}; the records are then missing until its next run",
            Pending.STILL_DELEGATED,
        )
    return MigrationDecision(
        Disposition.KEEP,
        f"Name servers still answer from the old zone {zone.zone}, or it cannot be told from the new one. Delegate it to "
        f"the name servers of {move.new.name}; the old records are then removed",
        Pending.STILL_DELEGATED,
    )


def not_yet_asked(move: Move) -> MigrationDecision | None:
    """Keep the old place while name servers answer from a zone that is not the one where the records are now."""
    zone = move.new.zone
    if zone is None or all(move.new.may_serve(answer) for answer in _answers(move)):
        return None
    asked = sorted({answer.zone for answer in _answers(move) if not move.new.may_serve(answer)})
    return MigrationDecision(
        Disposition.KEEP,
        f"Name servers answer from {', '.join(asked)} and not from {zone.zone} ({move.new.name}), where the records are now. "
        "Delegate the domain to that zone; the old records are then removed",
        Pending.NOT_DELEGATED,
    )


def still_cached(move: Move) -> MigrationDecision | None:
    """Keep the old place while resolvers may have the former delegation in their caches, and still query its zone.

    Not if the old zone itself refers them to the one that answers: one below it.
    """
    if _old_zone_refers_to_the_new(move) or (move.old.zone is None and move.not_ours):
        return None
    left = DELEGATION_TTL - move.waited(Pending.CACHED_DELEGATION)
    if left <= 0:
        return None
    return MigrationDecision(
        Disposition.KEEP,
        "Name servers answer all records from elsewhere. The old ones are removed when that has been so for "
        f"{round(DELEGATION_TTL / 3600)} hours, because resolvers may cache the former delegation for so long",
        Pending.CACHED_DELEGATION,
        left,
    )


def served_from_elsewhere(move: Move) -> MigrationDecision | None:
    """Withdraw: no resolver gets answers from the old place any more."""
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
    """Return the decision of the first rule that applies."""
    return next(decision for rule in RULES if (decision := rule(move)) is not None)


def _until_external_dns_has_gone(move: Move) -> MigrationDecision:
    names = ", ".join(sorted(str(record) for record in move.not_ours))
    if move.waited(Pending.EXTERNAL_DNS_REMOVES) <= WATCH_PATIENCE:
        return MigrationDecision(
            Disposition.WATCH,
            f"The DNSEndpoint is gone, and ExternalDNS may remove what it wrote into {move.new.name}: {names}. "
            "Each record is then published again within seconds",
            Pending.EXTERNAL_DNS_REMOVES,
        )
    return MigrationDecision(
        Disposition.FORGET,
        f"ExternalDNS has left what it wrote into {move.new.name}, which is correct but does not belong to this object: {names}. "
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
        f"The old records are removed, and {record} is missing until ExternalDNS publishes it",
        Pending.EXTERNAL_DNS_PUBLISHES,
    )


def _unanswered(move: Move) -> RecordSet | None:
    """Return the first record that no name server is known to answer as it should be."""
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
    return (
        zone is not None
        and _unanswered(move) is None
        and not any(zone.may_have_given(answer) for answer in _answers(move))
    )


def _old_zone_refers_to_the_new(move: Move) -> bool:
    zone = move.old.zone
    return zone is not None and all(answer.zone.endswith(f".{zone.zone}") for answer in _answers(move))
