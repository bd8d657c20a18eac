"""The SES side of an identity: reads what is not known, carries out steps, each region apart from the others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from ses_operator.aws.calls.budget import Priority
from ses_operator.aws.listing.identity_cache import IdentityCache, Listed, Need, NotListed, canonical
from ses_operator.aws.sessions import AwsAccount
from ses_operator.controllers.identity.facts import Facts, FactsKey
from ses_operator.controllers.identity.topics import TopicLooks
from ses_operator.controllers.shared.accounts import OpenAccount
from ses_operator.core.features.ownership import changes_hands, owner_tag
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Blocked, Gone, OperatorError, Problem, Stale, Unauthenticated
from ses_operator.core.model.ses import ListedIdentity, VerificationStatus
from ses_operator.core.planning.expected import accepted_configuration_set, expected_memory, expected_state
from ses_operator.core.planning.plan import Plan
from ses_operator.core.planning.region_plan import RegionPlan
from ses_operator.core.planning.repairs import refused_key
from ses_operator.core.state.attempt import Attempt
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.observed import (
    Absent,
    Known,
    Observed,
    Present,
    Read,
    RegionView,
    Remembered,
    Unlisted,
    Unread,
    recalled,
)
from ses_operator.core.state.setting import SupplementaryRead
from ses_operator.core.state.steps import SesStep
from ses_operator.core.state.surroundings import Surroundings
from ses_operator.core.status.requeue import ReadingLife

LOGGER = logging.getLogger(__name__)


READ_AHEAD = 0.5
"""Seconds by which a reading may be made before it is due, so that none is found to be due a moment after."""

FRESH = 30.0
"""Seconds for which a reading counts as current."""

NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RegionOutcome:
    """The outcome of the calls in one region.

    The view after them, the steps that were taken, what was refused by the key of what that holds up, and whether it
    ends the run there.
    """

    view: RegionView
    done: tuple[SesStep, ...] = ()
    failures: Mapping[str, Problem] = field(default_factory=dict)
    ends: bool = False

    def noted(self, attempt: Attempt, region: str) -> Attempt:
        """Return the attempt with what was refused here."""
        for key, problem in self.failures.items():
            attempt = attempt.failed(region, key, problem, ends=self.ends)
        return attempt


@dataclass(frozen=True, slots=True)
class Applied:
    """The state after a plan was applied, what was refused, and which steps were taken in each region."""

    observed: Observed
    attempt: Attempt
    done: Mapping[str, tuple[SesStep, ...]]


class Regions:
    """Reads and writes identities, and remembers what it read until that is known to hold no longer."""

    def __init__(self, facts: Facts, identity_cache: IdentityCache, topics: TopicLooks) -> None:
        self._facts = facts
        self._topics = topics
        self._identity_cache = identity_cache

    def watch(self, desired: Desired, account: AwsAccount, regions: Mapping[str, bool]) -> None:
        """Watch an identity, and what it depends on, in the lists. ``regions``: True where it is waited for."""
        identity = canonical(desired.identity)
        needs = {
            region: Need(identity, desired.configuration_set(region), region in desired.mail_from) for region in regions
        }
        self._identity_cache.watch(desired.owner.key, account, desired.identity, regions, needs)

    async def around(self, account: OpenAccount, desired: Desired, topics_age: float | None) -> dict[str, Surroundings]:
        """Return what is known of each region beside the identity: the account, the configuration set and topics that it names.

        ``topics_age``: how old, in seconds, what SNS said of topics may be; None if only what is missing is asked for.
        """
        found = await asyncio.gather(
            *(self._has_configuration_set(account.aws.account_id, desired, region) for region in desired.regions)
        )
        arns = (topic.arn for topics in desired.topics.values() for topic in topics.values() if topic.arn)
        missing = await self._topics.missing(account.aws, arns, topics_age)
        return {
            region: replace(account.around(region), has_configuration_set=exists, missing_topics=missing)
            for region, exists in zip(desired.regions, found, strict=True)
        }

    async def _has_configuration_set(self, account_id: str, desired: Desired, region: str) -> bool | None:
        name = desired.configuration_set(region)
        return None if name is None else await self._identity_cache.has_configuration_set(account_id, region, name)

    def rest(self, key: ObjectKey) -> None:
        """Wait for nothing in the lists of what the object watches."""
        self._identity_cache.rest(key)

    def unwatch(self, key: ObjectKey) -> None:
        """Have the lists tell nothing to the object any more."""
        self._identity_cache.unwatch(key)

    async def listed(self, account: AwsAccount, regions: Iterable[str]) -> None:
        """Wait for the first listing of each region; the error of one that fails is that of a read, too."""
        listings = (self._identity_cache.first_listing(account.account_id, region) for region in regions)
        await asyncio.gather(*listings, return_exceptions=True)

    async def read(
        self,
        account: AwsAccount,
        identity: str,
        lives: Mapping[str, ReadingLife],
        priority: Priority,
    ) -> dict[str, RegionView]:
        """Return a view of the identity in each region of ``lives``, which says for how long a reading there may be used."""
        views = await asyncio.gather(
            *(
                self._read(account, FactsKey(account.account_id, region, identity), life, priority)
                for region, life in lives.items()
            )
        )
        return dict(zip(lives, views, strict=True))

    def ages(self, account_id: str, identity: str, regions: Iterable[str]) -> dict[str, float]:
        """Return how old, in seconds, the readings are that are kept of these regions."""
        known = ((region, self._facts.get(FactsKey(account_id, region, identity))) for region in regions)
        return {region: self._facts.age(reading) for region, reading in known if reading is not None}

    async def with_reads(
        self,
        account: AwsAccount,
        identity: str,
        observed: Observed,
        reads: Mapping[str, Iterable[SupplementaryRead]],
        attempt: Attempt,
        priority: Priority,
    ) -> tuple[Observed, Attempt]:
        """Return the views, with what GetEmailIdentity does not return and is needed in these regions."""
        outcomes = await asyncio.gather(
            *(
                self._supplement(account, region, identity, observed.regions[region], wanted, priority)
                for region, wanted in reads.items()
            )
        )
        views = dict(observed.regions)
        for region, outcome in zip(reads, outcomes, strict=True):
            views[region] = outcome.view
            attempt = outcome.noted(attempt, region)
        return replace(observed, regions=views), attempt

    async def _supplement(
        self,
        account: AwsAccount,
        region: str,
        identity: str,
        view: RegionView,
        reads: Iterable[SupplementaryRead],
        priority: Priority,
    ) -> RegionOutcome:
        """Make the reads; one that is refused holds up the settings that need it, and nothing else."""
        failures: dict[str, Problem] = {}
        for read in reads:
            if not isinstance(view, Present):
                break
            try:
                facts = await account.region(region).read(read, identity, view.facts, priority)
            except OperatorError as error:
                if _ends_the_run(error):
                    return RegionOutcome(Unread(error.problem))
                failures[read.key] = error.problem
            else:
                view = replace(view, facts=facts)
                self._keep(FactsKey(account.account_id, region, identity), view)
        return RegionOutcome(view, failures=failures)

    async def read_certainly(
        self, account: AwsAccount, identity: str, regions: Iterable[str], priority: Priority
    ) -> dict[str, RegionView]:
        """Return the same, each read now: for what is about to be deleted or published. Lists and memory are beliefs."""
        names = tuple(regions)
        keys = [FactsKey(account.account_id, region, identity) for region in names]
        views = await asyncio.gather(*(self._get(account, key, priority) for key in keys))
        return dict(zip(names, views, strict=True))

    async def _read(self, account: AwsAccount, key: FactsKey, life: ReadingLife, priority: Priority) -> RegionView:
        try:
            await self._identity_cache.first_listing(key.account_id, key.region)
        except OperatorError as error:
            return Unread(error.problem)
        listed = self._identity_cache.listed(key.account_id, key.region, key.identity)
        known = self._facts.get(key)
        if known is None:
            # What is in no list is created without a read: CreateEmailIdentity itself says if it exists.
            if isinstance(listed, NotListed) and not self._facts.is_distrusted(key):
                return Unlisted()
            return await self._get(account, key, priority)
        agrees = _agrees(listed, known.view) and self._agrees_on_mail_from(key, known.view)
        if agrees and life.left(known.view, self._facts.age(known)) > READ_AHEAD:
            return recalled(known.view)
        return await self._get(account, key, priority)

    async def _get(self, account: AwsAccount, key: FactsKey, priority: Priority) -> RegionView:
        try:
            view: RegionView = Read(await account.region(key.region).get(key.identity, priority))
        except Gone:
            view = Absent()
        except OperatorError as error:
            return Unread(error.problem)
        self._keep(key, view)
        return view

    def forget(self, account_id: str, identity: str, regions: Iterable[str]) -> None:
        """Drop what is remembered of an identity that needs it no longer."""
        for region in regions:
            self._facts.drop(FactsKey(account_id, region, identity))

    async def apply(
        self,
        account: AwsAccount,
        plan: Plan,
        observed: Observed,
        attempt: Attempt,
        now: datetime,
        priority: Priority,
    ) -> Applied:
        """Apply the plan's steps at SES: regions side by side, in each every step unless one that it needs failed."""
        plans = {region: todo for region, todo in plan.regions.items() if todo.steps}
        outcomes = await asyncio.gather(
            *(
                self._apply_if_known(account, region, todo, observed.regions[region], priority)
                for region, todo in plans.items()
            )
        )
        views, remembered, done = dict(observed.regions), dict(observed.remembered), {}
        for region, outcome in zip(plans, outcomes, strict=True):
            views[region] = outcome.view
            attempt = outcome.noted(attempt, region)
            for step in outcome.done:
                remembered[region] = expected_memory(step, remembered.get(region, Remembered()), now)
            done[region] = outcome.done
        return Applied(replace(observed, regions=views, remembered=remembered), attempt, done)

    async def _apply_if_known(
        self, account: AwsAccount, region: str, plan: RegionPlan, view: RegionView, priority: Priority
    ) -> RegionOutcome:
        """Apply the steps of one region. A belief is no ground for them: the next round plans from what is read now."""
        if isinstance(view, Read | Absent):
            return await self._apply(account, region, plan, view, priority)
        key = FactsKey(account.account_id, region, plan.steps[0].identity)
        return RegionOutcome(await self._get(account, key, priority))

    async def _apply(
        self, account: AwsAccount, region: str, plan: RegionPlan, view: Known, priority: Priority
    ) -> RegionOutcome:
        """Apply the steps of one region.

        A refused one ends those that need it; an error that any other would meet ends the run there.
        """
        done, failures, out = list[SesStep](), dict[str, Problem](), set[str]()
        for step in plan.steps:
            if plan.needs.get(step.key, NOTHING) & out:
                out.add(step.key)
                continue
            key = FactsKey(account.account_id, region, step.identity)
            if changes_hands(step, view):
                # Nothing is taken over by an old reading that another owner may have taken over since.
                fresh = await self._get(account, key, priority)
                if not isinstance(fresh, Present) or owner_tag(fresh) != owner_tag(view):
                    return RegionOutcome(fresh, tuple(done), failures)
            try:
                told = await account.region(region).perform(step, view, priority)
            except Stale:
                # What was observed does not hold: the next round plans from the present state.
                self._facts.distrust(key)
                return RegionOutcome(await self._get(account, key, priority), tuple(done), failures)
            except OperatorError as error:
                failures[refused_key(step, error.problem)] = error.problem
                out.add(step.key)
                if not isinstance(error, Blocked):
                    # It may have been carried out: only a read can find out.
                    self._facts.distrust(key)
                if _ends_the_run(error):
                    return RegionOutcome(view, tuple(done), failures, ends=True)
                continue
            LOGGER.info("%s", step, extra={"operation": step.action, "identity": step.identity, "region": region})
            view = expected_state(step, view, told)
            if (name := accepted_configuration_set(step)) is not None:
                self._identity_cache.learn_configuration_set(account.account_id, region, name)
            self._keep(key, view)
            done.append(step)
        return RegionOutcome(view, tuple(done), failures)

    def _agrees_on_mail_from(self, key: FactsKey, view: RegionView) -> bool:
        found = view.facts.mail_from if isinstance(view, Present) else None
        said = self._identity_cache.mail_from(key.account_id, key.region, key.identity)
        return found is None or said is None or found.status is said

    def _keep(self, key: FactsKey, view: RegionView) -> None:
        self._facts.put(key, view)
        if isinstance(view, Present):
            facts = view.facts
            entry = ListedIdentity(key.identity, facts.verification_status, facts.sending_enabled)
            self._identity_cache.learn(key.account_id, key.region, key.identity, entry)
            status = facts.mail_from.status if facts.mail_from else None
            self._identity_cache.learn_mail_from(key.account_id, key.region, key.identity, status)
        else:
            self._identity_cache.learn(key.account_id, key.region, key.identity, None)


def _agrees(listed: object, view: RegionView) -> bool:
    """Return True if the last listing shows what was read."""
    if isinstance(listed, Listed):
        seen = view.facts if isinstance(view, Present) else None
        if seen is None or seen.verification_status is not listed.identity.verification_status:
            return False
        verified = seen.verification_status is VerificationStatus.SUCCESS
        return not verified or seen.sending_enabled is listed.identity.sending_enabled
    return isinstance(listed, NotListed) and isinstance(view, Absent)


def _ends_the_run(error: OperatorError) -> bool:
    """Return True if other calls in the region would fail too: time-outs, throttling, credentials, a closed write gate."""
    return not isinstance(error, Blocked) or isinstance(error, Unauthenticated)
