"""The identity cache, shared by all objects that watch identities: one lister for each account and region.

A listing of a thousand identities costs one call, where a read of each would cost a thousand. News (verified, failed,
deleted by another client) wakes the objects that watch the identity, and only then is it read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from zlib import crc32

from ses_operator.aws.listing.lister import Intervals, RegionLister
from ses_operator.aws.listing.listing import NOT_YET_LISTED, Listed, ListedState, NotListed, NotYetListed, canonical
from ses_operator.aws.listing.survey import Need
from ses_operator.aws.sessions import AwsAccount
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import ListedIdentity, VerificationStatus

__all__ = ["IdentityCache", "Intervals", "Listed", "ListedState", "Need", "NotListed", "NotYetListed", "canonical"]


DEFAULT_INTERVALS = Intervals()
NO_NEEDS: Mapping[str, Need] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Watch:
    """The identity that one object watches, and where."""

    account_id: str
    identity: str
    regions: frozenset[str]


class IdentityCache:
    """Keeps listings of the regions that are watched. Made in a running event loop, whose time it uses.

    ``on_change`` is called with the key of each object whose identity was changed by another client.
    """

    def __init__(self, on_change: Callable[[ObjectKey], None], intervals: Intervals = DEFAULT_INTERVALS) -> None:
        self._on_change = on_change
        self._intervals = intervals
        self._listers: dict[tuple[str, str], RegionLister] = {}
        self._watches: dict[ObjectKey, _Watch] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def watch(
        self,
        key: ObjectKey,
        account: AwsAccount,
        identity: str,
        regions: Mapping[str, bool],
        needs: Mapping[str, Need] = NO_NEEDS,
    ) -> None:
        """Watch an identity for ``key`` in these regions, as far as they exist; True where it waits for verification.

        ``needs``: what else it needs to know of a region. Replaces what it watched before; to be called in each reconcile.
        """
        known = {region: pending for region, pending in regions.items() if account.has_ses(region)}
        watch = _Watch(account.account_id, canonical(identity), frozenset(known))
        self._drop(key, keep=watch)
        self._watches[key] = watch
        for region, pending in known.items():
            lister = self._lister(account, region)
            lister.watch(key, watch.identity)
            lister.survey.want(key, needs.get(region, Need(watch.identity)))
            if pending:
                lister.expect(key, watch.identity)
            else:
                lister.settle(key, watch.identity)

    def rest(self, key: ObjectKey) -> None:
        """Stop listing often for ``key``, which waits for nothing that a list could show."""
        if (watch := self._watches.get(key)) is not None:
            for region in watch.regions:
                self._listers[watch.account_id, region].settle(key, watch.identity)

    def unwatch(self, key: ObjectKey) -> None:
        """Stop watching anything for ``key``."""
        self._drop(key, keep=None)

    def listed(self, account_id: str, region: str, identity: str) -> ListedState:
        """Return what is known of an identity without a call."""
        lister = self._listers.get((account_id, region))
        return NOT_YET_LISTED if lister is None else lister.state(canonical(identity))

    def learn(self, account_id: str, region: str, identity: str, entry: ListedIdentity | None) -> None:
        """Note how a watched identity will be listed, after a read or a write; None: it does not exist.

        A listing that says the same is then no news. Only the verification status counts: a read shows nothing else
        in the same way as a listing.
        """
        lister = self._listers.get((account_id, region))
        if lister is not None:
            lister.learn(canonical(identity), entry.verification_status if entry else None)

    def mail_from(self, account_id: str, region: str, identity: str) -> VerificationStatus | None:
        """Return the status of an identity's MAIL FROM domain without a call; None if it is not known."""
        lister = self._listers.get((account_id, region))
        return None if lister is None else lister.survey.mail_from(canonical(identity))

    def learn_mail_from(self, account_id: str, region: str, identity: str, status: VerificationStatus | None) -> None:
        """Note the status of a MAIL FROM domain after a read or a write; None: there is no domain."""
        if (lister := self._listers.get((account_id, region))) is not None:
            lister.survey.learn_mail_from(canonical(identity), status)

    def learn_configuration_set(self, account_id: str, region: str, name: str) -> None:
        """Note a configuration set that SES has just accepted."""
        if (lister := self._listers.get((account_id, region))) is not None:
            lister.survey.learn_configuration_set(name)

    async def has_configuration_set(self, account_id: str, region: str, name: str) -> bool | None:
        """Return True if a configuration set exists; False only by a current list; None if that is not known."""
        lister = self._listers.get((account_id, region))
        return None if lister is None else await lister.survey.confirmed_configuration_set(name)

    async def first_listing(self, account_id: str, region: str) -> None:
        """Wait until a watched region was listed.

        Raises the error of the listing as long as it never succeeded; returns at once for a region that is not
        watched.
        """
        lister = self._listers.get((account_id, region))
        if lister is not None:
            await lister.first_listing()

    def problem(self, account_id: str, region: str) -> Problem | None:
        """Return why the latest listing of a watched region failed."""
        lister = self._listers.get((account_id, region))
        return None if lister is None else lister.problem

    def wake(self) -> None:
        """List all regions at once."""
        for lister in self._listers.values():
            lister.wake()

    async def close(self) -> None:
        """Stop listing."""
        listers = list(self._listers.values())
        self._listers.clear()
        self._watches.clear()
        await asyncio.gather(*(lister.close() for lister in listers), *self._closing)

    def _lister(self, account: AwsAccount, region: str) -> RegionLister:
        lister = self._listers.get((account.account_id, region))
        if lister is None:
            # Accounts are listed at different moments; the regions of one account at the same.
            offset = crc32(account.account_id.encode()) / 2**32 * self._intervals.pending
            lister = RegionLister(account.region(region), self._intervals, offset, self._on_change)
            self._listers[account.account_id, region] = lister
        lister.use(account.region(region))
        return lister

    def _drop(self, key: ObjectKey, keep: _Watch | None) -> None:
        """End the watches of ``key`` that are not in ``keep``; a region without watches is no longer listed."""
        old = self._watches.pop(key, None)
        if old is None:
            return
        same = keep is not None and (keep.account_id, keep.identity) == (old.account_id, old.identity)
        for region in old.regions - (keep.regions if same and keep else frozenset()):
            lister = self._listers[old.account_id, region]
            lister.unwatch(key, old.identity)
            if not lister.is_watched:
                del self._listers[old.account_id, region]
                closing = asyncio.ensure_future(lister.close())
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)
