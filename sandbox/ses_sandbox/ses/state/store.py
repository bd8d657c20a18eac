"""All of SES's state, and the lock that guards it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import RLock

from ses_sandbox.ses.state.models import Identity, RegionState
from ses_sandbox.ses.state.outbox import Outbox


class Store:
    """State per account and region. Readers and writers hold ``lock``.

    ``watch``: called, under the lock, with an identity whose records are to be looked up soon; the verifier sets it.
    """

    def __init__(self, outbox: Outbox) -> None:
        self.lock = RLock()
        self.outbox = outbox
        self.watch: Callable[[Identity], None] = _nobody_watches
        self._regions: dict[tuple[str, str], RegionState] = {}

    def region(self, account: str, region: str) -> RegionState:
        """Return the state of an account in a region, empty at first."""
        key = (account, region)
        if (state := self._regions.get(key)) is None:
            state = self._regions[key] = RegionState(account, region)
        return state

    def regions(self) -> list[RegionState]:
        """Return all accounts and regions that were ever used, in order."""
        return [self._regions[key] for key in sorted(self._regions)]

    def identities(self) -> Iterator[Identity]:
        """Return all identities."""
        for state in self.regions():
            yield from state.identities.values()

    def replicas_of(self, parent: Identity) -> list[Identity]:
        """Return the DEED replicas that take their keys from an identity, in any region of its account."""
        return [
            identity
            for identity in self.identities()
            if identity.account == parent.account
            and identity.name == parent.name
            and identity.dkim is not None
            and identity.dkim.parent_region == parent.region
        ]

    def reset(self) -> None:
        """Forget everything."""
        self._regions.clear()
        self.outbox.clear()


def _nobody_watches(_: Identity) -> None:
    """Do nothing, before a verifier is attached."""
