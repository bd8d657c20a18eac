"""The SES side of an identity: reads what is not known, carries out steps, each region apart from the others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from ses_operator.aws.calls.budget import Priority
from ses_operator.aws.listing.identity_cache import IdentityCache, Listed, NotListed
from ses_operator.aws.sessions import AwsAccount
from ses_operator.controllers.identity.facts import Facts, FactsKey
from ses_operator.core.features.ownership import changes_hands, owner_tag
from ses_operator.core.model.problems import Blocked, Gone, OperatorError, Problem, Stale
from ses_operator.core.model.ses import ListedIdentity
from ses_operator.core.planning.expected import expected_memory, expected_state
from ses_operator.core.state.observed import Absent, Observed, Present, RegionView, Remembered, Unread
from ses_operator.core.state.steps import SesStep
from ses_operator.core.status.requeue import freshness

LOGGER = logging.getLogger(__name__)

FRESH = 30.0
"""Seconds for which a reading is taken as what stands, before something is deleted by it."""


class Regions:
    """Reads and writes identities, and remembers what it read until something tells that it no longer holds."""

    def __init__(self, facts: Facts, identity_cache: IdentityCache) -> None:
        self._facts = facts
        self._identity_cache = identity_cache

    async def listed(self, account: AwsAccount, regions: Iterable[str]) -> None:
        """Wait for the first listing of each region; what one that fails has to say, a read of the region will."""
        listings = (self._identity_cache.first_listing(account.account_id, region) for region in regions)
        await asyncio.gather(*listings, return_exceptions=True)

    async def read(
        self,
        account: AwsAccount,
        identity: str,
        waited: Mapping[str, float],
        oldest: Mapping[str, float],
        priority: Priority,
    ) -> dict[str, RegionView]:
        """A view of the identity in each region of ``waited``, which says for how long it has been waited there.

        ``oldest``: how old in seconds a reading of each region may be at the most, whatever it shows.
        """
        views = await asyncio.gather(
            *(
                self._read(account, FactsKey(account.account_id, region, identity), seconds, oldest[region], priority)
                for region, seconds in waited.items()
            )
        )
        return dict(zip(waited, views, strict=True))

    async def with_topics(
        self,
        account: AwsAccount,
        identity: str,
        views: Mapping[str, RegionView],
        regions: Iterable[str],
        priority: Priority,
    ) -> Mapping[str, RegionView]:
        """The views, with the SNS topics of these regions where they are not known: GetEmailIdentity does not tell them."""
        unknown = [
            region for region in regions if isinstance(view := views.get(region), Present) and view.facts.topics is None
        ]
        read = await asyncio.gather(
            *(self._with_topics(account, region, identity, views[region], priority) for region in unknown)
        )
        return {**views, **dict(zip(unknown, read, strict=True))}

    async def _with_topics(
        self, account: AwsAccount, region: str, identity: str, view: RegionView, priority: Priority
    ) -> RegionView:
        if not isinstance(view, Present):
            return view
        try:
            topics = await account.region(region).get_topics(identity, priority)
        except OperatorError as error:
            return Unread(error.problem)
        known = Present(replace(view.facts, topics=topics))
        self._keep(FactsKey(account.account_id, region, identity), known)
        return known

    async def read_certainly(
        self, account: AwsAccount, identity: str, regions: Iterable[str], priority: Priority
    ) -> dict[str, RegionView]:
        """The same for what is about to go: lists are not believed, they may lag behind what was just created."""
        names = tuple(regions)
        keys = [FactsKey(account.account_id, region, identity) for region in names]
        views = await asyncio.gather(*(self._known_or_read(account, key, priority) for key in keys))
        return dict(zip(names, views, strict=True))

    async def _known_or_read(self, account: AwsAccount, key: FactsKey, priority: Priority) -> RegionView:
        known = self._facts.get(key)
        if known is not None and self._facts.age(known) < FRESH:
            return known.view
        return await self._get(account, key, priority)

    async def _read(
        self, account: AwsAccount, key: FactsKey, seconds: float, max_age: float, priority: Priority
    ) -> RegionView:
        try:
            await self._identity_cache.first_listing(key.account_id, key.region)
        except OperatorError as error:
            return Unread(error.problem)
        listed = self._identity_cache.listed(key.account_id, key.region, key.identity)
        known = self._facts.get(key)
        if known is None:
            # What is in no list is created without a read: CreateEmailIdentity itself says if it exists.
            if isinstance(listed, NotListed) and not self._facts.is_distrusted(key):
                return Absent()
            return await self._get(account, key, priority)
        if _agrees(listed, known.view) and self._facts.age(known) < min(freshness(known.view, seconds), max_age):
            return known.view
        return await self._get(account, key, priority)

    async def _get(self, account: AwsAccount, key: FactsKey, priority: Priority) -> RegionView:
        try:
            view: RegionView = Present(await account.region(key.region).get(key.identity, priority))
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
        steps: Mapping[str, tuple[SesStep, ...]],
        observed: Observed,
        now: datetime,
        priority: Priority,
    ) -> Observed:
        """What stands after the steps: regions side by side, the steps of one in order, up to the first that fails."""
        outcomes = await asyncio.gather(
            *(self._apply(account, region, todo, observed.regions[region], priority) for region, todo in steps.items())
        )
        views, failures, remembered = dict(observed.regions), dict(observed.failures), dict(observed.remembered)
        for region, (view, problem, done) in zip(steps, outcomes, strict=True):
            views[region] = view
            if problem is not None:
                failures[region] = problem
            for step in done:
                remembered[region] = expected_memory(step, remembered.get(region, Remembered()), now)
        return replace(observed, regions=views, failures=failures, remembered=remembered)

    async def _apply(
        self, account: AwsAccount, region: str, steps: tuple[SesStep, ...], view: RegionView, priority: Priority
    ) -> tuple[RegionView, Problem | None, tuple[SesStep, ...]]:
        """The view after the steps, why no more of them could be taken, and those that were."""
        done: list[SesStep] = []
        for step in steps:
            key = FactsKey(account.account_id, region, step.identity)
            if changes_hands(step, view):
                # Nobody takes over by an old reading what somebody else has taken over since.
                fresh = await self._get(account, key, priority)
                if not isinstance(fresh, Present) or owner_tag(fresh) != owner_tag(view):
                    return fresh, None, tuple(done)
            try:
                told = await account.region(region).perform(step, priority)
            except Stale:
                # What was observed does not hold: the next round plans from what stands now.
                self._facts.distrust(key)
                return await self._get(account, key, priority), None, tuple(done)
            except OperatorError as error:
                if not isinstance(error, Blocked):
                    # It may have been carried out: only a read can tell what stands.
                    self._facts.distrust(key)
                return view, error.problem, tuple(done)
            LOGGER.info(
                "%s", step, extra={"operation": type(step).__name__, "identity": step.identity, "region": region}
            )
            view = expected_state(step, view, told)
            self._keep(key, view)
            done.append(step)
        return view, None, tuple(done)

    def _keep(self, key: FactsKey, view: RegionView) -> None:
        self._facts.put(key, view)
        if isinstance(view, Present):
            facts = view.facts
            entry = ListedIdentity(key.identity, facts.verification_status, facts.sending_enabled)
            self._identity_cache.learn(key.account_id, key.region, key.identity, entry)
        else:
            self._identity_cache.learn(key.account_id, key.region, key.identity, None)


def _agrees(listed: object, view: RegionView) -> bool:
    """Whether the last listing shows what was read."""
    if isinstance(listed, Listed):
        return isinstance(view, Present) and view.facts.verification_status is listed.identity.verification_status
    return isinstance(listed, NotListed) and isinstance(view, Absent)
