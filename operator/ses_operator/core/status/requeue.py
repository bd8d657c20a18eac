"""When to look at an identity again, if nothing wakes it before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from types import MappingProxyType

from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.reasons import Reason
from ses_operator.core.dns.migration import Disposition
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.schedule import (
    CONFLICT_READ,
    LONGEST_LOOKUP,
    LOOKUP_GRACE,
    LOOKUP_PATIENCE,
    SHORTEST_READ,
    TOPIC_READ,
    lookup_interval,
    mail_from_interval,
    read_interval,
    retry_interval,
    watch_interval,
)
from ses_operator.core.model.ses import IdentityType, VerificationStatus
from ses_operator.core.planning.region_plan import WHOLE_REGION
from ses_operator.core.state.observed import Present, RegionView
from ses_operator.core.state.publication import RecordState
from ses_operator.core.state.steps import SetDkimSource
from ses_operator.core.state.waits import DNS_WAIT, MAIL_FROM_WAIT, VERIFICATION, Waits, seconds_waited
from ses_operator.core.status.report import ReportInput
from ses_operator.core.status.waits import mail_from_waits, verification_waits, waits_of

Interval = Callable[[float], float]
"""From the seconds that something has been waited for to the seconds until it is looked at again."""

NO_AGES: Mapping[str, float] = MappingProxyType({})

SHORTEST_WAIT = 1.0
"""Seconds until an identity is looked at again at the earliest, where what is waited for has been read a moment too early."""

HELD_BY_OTHERS = frozenset(
    {
        Reason.OWNED_BY_ANOTHER,
        Reason.NOT_ADOPTED,
        Reason.MAIL_FROM_CONFLICT,
        Reason.DKIM_CONFLICT,
        Reason.UNKNOWN_ANSWER,
    }
)
"""The reasons of an identity that exists at SES and is left as it is."""


def requeue_after(case: ReportInput, now: datetime, ages: Mapping[str, float] = NO_AGES) -> float | None:
    """Return the seconds until the earliest thing that is worth another look; None if only an event can change something.

    ``ages``: how old, in seconds, the reading of each region is that the case was made from; 0 if it is not named.
    """
    return min(_intervals(case, now, ages), default=None)


def needs_backoff(case: ReportInput) -> bool:
    """Return True if something was left undone that is worth trying again without a better idea of when."""
    return case.suspended is None and not case.plan.is_empty


@dataclass(frozen=True, slots=True)
class ReadingLife:
    """For how long a reading of one region may be used: by what is waited for there, each by the age of its own wait.

    ``is_due``: the identity is to be read in full. ``now``: when the reading is to be used.
    """

    waits: Waits
    now: datetime
    is_due: bool = False

    def left(self, view: RegionView, age: float) -> float:
        """Return in how many seconds a reading that shows this, and is ``age`` seconds old, has to be made again."""
        if self.is_due:
            return -age
        return min((rule(self._waited(key, age)) - age for key, rule in self._rules(view)), default=inf)

    def _waited(self, key: str, age: float) -> float:
        """Return for how long it had been waited when the reading was made."""
        return max(seconds_waited(self.waits, key, self.now) - age, 0.0)

    def _rules(self, view: RegionView) -> Iterator[tuple[str, Interval]]:
        """Yield the waits that only a read can end. What is verified does not age: the identity cache notices when it changes.

        What others hold or have set, only they can change, and no list shows it; the resync reads the rest.
        """
        yield from ((key, read_interval) for key, wait in self.waits.items() if wait.reason in HELD_BY_OTHERS)
        if not isinstance(view, Present):
            yield WHOLE_REGION, lambda _: SHORTEST_READ
        elif view.facts.type is not IdentityType.EMAIL_ADDRESS:  # the lists have all of an address that can change
            if verification_waits(view.facts):
                is_listed = view.facts.verification_status is not VerificationStatus.SUCCESS
                yield VERIFICATION, read_interval if is_listed else mail_from_interval
            if mail_from_waits(view.facts):
                yield MAIL_FROM_WAIT, mail_from_interval


def is_early(provider: DnsProvider, seconds: float) -> bool:
    """Return True if it is too soon to query name servers: what Route 53 serves, SES mostly finds first."""
    return provider is DnsProvider.ROUTE53 and seconds < LOOKUP_GRACE


def lookup_due(provider: DnsProvider, seconds: float) -> float:
    """Return in how many seconds to query the name servers, after ``seconds`` of waiting."""
    return LOOKUP_GRACE - seconds if is_early(provider, seconds) else lookup_interval(seconds)


def _intervals(case: ReportInput, now: datetime, ages: Mapping[str, float]) -> Iterable[float]:
    waits = waits_of(case, now)
    for region, plan in case.plan.regions.items():
        yield from _intervals_of_problems(plan.problems, waits.get(region, {}), now)
        yield from (pause.retry_after for pause in plan.pauses if pause.retry_after is not None)
        if plan.awaited is not None and plan.awaited.retry_after is not None:
            yield plan.awaited.retry_after
    dns = case.observed.dns
    everywhere = (case.observed.dns_failure, dns.problem if dns else None, case.plan.dns_problem)
    for problem in everywhere:
        if problem is not None:
            yield from _intervals_of_problems({DNS_WAIT: problem}, waits[None], now)
    yield from _intervals_of_records(case, waits[None], now)
    yield from _intervals_of_moves(case, now)
    if any(around.missing_topics for around in case.observed.surroundings.values()):
        yield TOPIC_READ
    if not case.desired.is_address:
        for region in case.desired.regions:
            yield from _intervals_of_region(case, region, waits[region], now, ages.get(region, 0.0))


def _intervals_of_problems(problems: Mapping[str, Problem], waits: Waits, now: datetime) -> Iterable[float]:
    for key, problem in problems.items():
        seconds = seconds_waited(waits, key, now)
        if problem.retry_after is not None:
            yield problem.retry_after
        else:
            yield read_interval(seconds) if problem.reason in HELD_BY_OTHERS else retry_interval(seconds)


def _intervals_of_region(case: ReportInput, region: str, waits: Waits, now: datetime, age: float) -> Iterable[float]:
    """Yield when to read the region again, and when to query name servers about what SES has to see there."""
    view = case.observed.regions.get(region)
    if not isinstance(view, Present):
        return
    if verification_waits(view.facts) or mail_from_waits(view.facts):
        yield max(ReadingLife(waits, now).left(view, age), SHORTEST_WAIT)
    for key in (VERIFICATION, SetDkimSource.KEY, MAIL_FROM_WAIT):
        if key in waits:
            yield lookup_due(case.desired.provider, seconds_waited(waits, key, now))


def _intervals_of_records(case: ReportInput, waits: Waits, now: datetime) -> Iterable[float]:
    """Yield when to look at records again of which SES reports nothing, such as SPF and DMARC. Route 53 reports them itself."""
    dns = case.observed.dns
    if dns is not None and any(entry.state is RecordState.CONFLICT for entry in dns.records):
        yield CONFLICT_READ
    if case.desired.provider is DnsProvider.ROUTE53:
        return
    for key, wait in waits.items():
        if key != DNS_WAIT and wait.reason != RecordState.CONFLICT:
            yield lookup_interval(seconds_waited(waits, key, now))


def _intervals_of_moves(case: ReportInput, now: datetime) -> Iterable[float]:
    """Yield the intervals of places where records were published before: what ExternalDNS may delete is looked at often."""
    for place in case.former:
        seconds = max((now - place.since).total_seconds(), 0.0)
        if place.retry_after is not None:
            yield max(place.retry_after, LONGEST_LOOKUP)
        elif place.fate is Disposition.WATCH:
            yield watch_interval(seconds)
        elif seconds < LOOKUP_PATIENCE:
            yield lookup_interval(seconds)
