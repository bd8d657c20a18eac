"""What a region is asked for once in an idle poll beside its identities, and only where a spec needs it.

The lists of identities show neither their MAIL FROM domains nor whether their configuration sets exist. Both cost a call
for many: a page of names, and a hundred domains. Losing what is known costs these calls.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ses_operator.api.base.actors import Actor
from ses_operator.aws.calls.budget import Priority
from ses_operator.aws.ses.identities import MAIL_FROM_BATCH, SesRegion
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import OperatorError
from ses_operator.core.model.ses import VerificationStatus

LOGGER = logging.getLogger(__name__)

CURRENT = 30.0
"""Seconds for which a list of configuration sets counts as current, before one is said to be missing because of it."""


@dataclass(frozen=True, slots=True)
class Need:
    """What one object needs to know of its region. ``identity``: its canonical name; ``has_mail_from``: it asks for a domain."""

    identity: str
    configuration_set: str | None = None
    has_mail_from: bool = False


class RegionSurvey:
    """Asks one region, and says which objects that concerns. Errors are logged: what was refused is unknown."""

    def __init__(self, ses: SesRegion) -> None:
        self._ses = ses
        self._clock = asyncio.get_running_loop().time
        self._needs: dict[ObjectKey, Need] = {}
        self._sets: frozenset[str] | None = None
        self._sets_at = float("-inf")
        self._sets_lock = asyncio.Lock()
        self._mail_from: dict[str, VerificationStatus] = {}
        self._refused: set[str] = set()

    def use(self, ses: SesRegion) -> None:
        """Ask with this client from now on."""
        self._ses = ses

    def want(self, key: ObjectKey, need: Need) -> None:
        """Note what an object needs, in place of what it needed before."""
        self._needs[key] = need

    def forget(self, key: ObjectKey) -> None:
        """Forget an object that needs nothing here any more."""
        if (need := self._needs.pop(key, None)) is not None:
            self._mail_from.pop(need.identity, None)

    def mail_from(self, identity: str) -> VerificationStatus | None:
        """Return the status of the MAIL FROM domain as it was read last; None if it is not known."""
        return self._mail_from.get(identity)

    def learn_mail_from(self, identity: str, status: VerificationStatus | None) -> None:
        """Note the status that a read or a write has shown; None: there is no MAIL FROM domain."""
        if status is None:
            self._mail_from.pop(identity, None)
        else:
            self._mail_from[identity] = status

    def learn_configuration_set(self, name: str) -> None:
        """Note a configuration set that SES has just accepted."""
        if self._sets is not None:
            self._sets |= {name}

    def has_configuration_set(self, name: str) -> bool | None:
        """Return True if the last list has it; None if there is none."""
        return None if self._sets is None else name in self._sets

    async def confirmed_configuration_set(self, name: str) -> bool | None:
        """Return the same; one that is missing in a list that is not current is looked for in another."""
        async with self._sets_lock:
            if not self.has_configuration_set(name) and self._clock() - self._sets_at >= CURRENT:
                await self._list_sets(Priority.PENDING)
        return self.has_configuration_set(name)

    async def refresh(self) -> set[ObjectKey]:
        """Ask for all that is needed; return the objects for which something is not as it was, or as it should be."""
        return {*await self._refresh_sets(), *await self._refresh_mail_from()}

    async def _refresh_sets(self) -> Iterable[ObjectKey]:
        if not any(need.configuration_set for need in self._needs.values()):
            return ()
        async with self._sets_lock:
            before = self._sets
            await self._list_sets(Priority.SWEEP)
            after = self._sets
        if after is None:
            return () if before is None else self._naming(before)
        # Before the first list all are assumed to be there.
        return self._naming(before ^ after) if before is not None else self._naming(self._named() - after)

    async def _list_sets(self, priority: Priority) -> None:
        found: set[str] = set()
        token: str | None = None
        try:
            while True:
                names, token = await self._ses.list_configuration_sets(token, priority)
                found.update(names)
                if token is None:
                    break
        except OperatorError as error:
            if error.problem.reason.actor is not Actor.OPERATOR:
                self._sets = None
            self._note("configuration sets", error)
        else:
            self._sets = frozenset(found)
            self._refused.discard("configuration sets")
        self._sets_at = self._clock()

    async def _refresh_mail_from(self) -> Iterable[ObjectKey]:
        asked = sorted({need.identity for need in self._needs.values() if need.has_mail_from})
        changed: set[str] = set()
        for start in range(0, len(asked), MAIL_FROM_BATCH):
            batch = asked[start : start + MAIL_FROM_BATCH]
            before = {identity: self._mail_from.get(identity, VerificationStatus.SUCCESS) for identity in batch}
            try:
                found = await self._ses.mail_from_statuses(batch, Priority.SWEEP)
            except OperatorError as error:
                self._note("MAIL FROM domains", error)
                break
            self._refused.discard("MAIL FROM domains")
            for identity, status in found.items():
                # What was read or written meanwhile is newer.
                if self._mail_from.get(identity, VerificationStatus.SUCCESS) is before.get(identity):
                    self._mail_from[identity] = status
                    changed.update([identity] if status is not before[identity] else [])
        return [key for key, need in self._needs.items() if need.has_mail_from and need.identity in changed]

    def _note(self, what: str, error: OperatorError) -> None:
        if what not in self._refused:
            LOGGER.warning("cannot read the %s in %s: %s", what, self._ses.region, error)
            self._refused.add(what)

    def _named(self) -> frozenset[str]:
        return frozenset(need.configuration_set for need in self._needs.values() if need.configuration_set)

    def _naming(self, names: frozenset[str]) -> Iterator[ObjectKey]:
        return (key for key, need in self._needs.items() if need.configuration_set in names)
