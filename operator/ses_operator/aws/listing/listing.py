"""The listings of one region: the state of each identity, and which of them were changed by another client.

Pure: no I/O, and the caller brings the time (monotonic seconds).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ses_operator.core.model.ses import ListedIdentity, VerificationStatus

GRACE_SECONDS = 30.0
"""SES promises no read-after-write: for this long a listing that lags behind a read or a write of the operator is not news."""

_STATUSES = tuple(VerificationStatus)
_INDEX = {status: index for index, status in enumerate(_STATUSES)}
_HASH_MASK = 0xFFFF_FFFF_FFFF_FFFF


@dataclass(frozen=True, slots=True)
class Listed:
    """The identity exists."""

    identity: ListedIdentity


@dataclass(frozen=True, slots=True)
class NotListed:
    """The identity is in no page of a complete listing. Listings lag: Get or Create confirm it."""


@dataclass(frozen=True, slots=True)
class NotYetListed:
    """Not known: nothing was listed yet, or it changed and how is not known. A Get finds out."""


ListedState = Listed | NotListed | NotYetListed

NOT_LISTED = NotListed()
NOT_YET_LISTED = NotYetListed()


def canonical(identity: str) -> str:
    """Return the name under which an identity is kept: domains are case-insensitive, addresses are not."""
    return identity if "@" in identity else identity.lower()


class Listing:
    """All identities of one region, in nine bytes each: a 64-bit hash of the name, and the state.

    Two of 10,000 names have the same hash once in 10¹¹ listings; and a Get confirms what a listing says.
    """

    __slots__ = ("_hashes", "_states")

    def __init__(self, identities: Iterable[ListedIdentity] = ()) -> None:
        entries = sorted((_hash(identity.name), _encode(identity)) for identity in identities)
        self._hashes = array("Q", (entry[0] for entry in entries))
        self._states = bytes(entry[1] for entry in entries)

    def __len__(self) -> int:
        return len(self._states)

    def state(self, identity: str) -> Listed | NotListed:
        """Return the state of an identity, which this listing has or has not."""
        wanted = _hash(identity)
        position = bisect_left(self._hashes, wanted)
        if position == len(self._hashes) or self._hashes[position] != wanted:
            return NOT_LISTED
        status, sending_enabled = divmod(self._states[position], 2)
        return Listed(ListedIdentity(canonical(identity), _STATUSES[status], bool(sending_enabled)))


def _hash(identity: str) -> int:
    return hash(canonical(identity)) & _HASH_MASK


def _encode(identity: ListedIdentity) -> int:
    return 2 * _INDEX[identity.verification_status] + identity.sending_enabled


@dataclass(frozen=True, slots=True)
class _Learned:
    """The result of a read or a write of the operator, and its time; status None for an identity that does not exist."""

    status: VerificationStatus | None
    at: float

    def agrees(self, said: Listed | NotListed) -> bool:
        return self.status == (said.identity.verification_status if isinstance(said, Listed) else None)

    def agrees_on_presence(self, said: Listed | NotListed) -> bool:
        return (self.status is not None) == isinstance(said, Listed)

    def state(self, identity: str) -> Listed | NotListed:
        if self.status is None:
            return NOT_LISTED
        return Listed(ListedIdentity(identity, self.status, self.status is VerificationStatus.SUCCESS))


class Knowledge:
    """The knowledge of one region: the last complete listing, corrected by partial ones and by reads and writes.

    News is what differs from the listing before and was not changed by the operator. So a listing that disagrees with
    Get for good is news once, not for ever.
    """

    __slots__ = ("_learned", "_listing", "_since")

    def __init__(self) -> None:
        self._listing: Listing | None = None
        self._since: dict[str, ListedState] = {}  # states that are newer than the last complete listing, or replace it
        self._learned: dict[str, _Learned] = {}

    @property
    def size(self) -> int | None:
        """The number of identities in the region; None before the first complete listing."""
        return None if self._listing is None else len(self._listing)

    def state(self, identity: str) -> ListedState:
        """Return the state of an identity by its canonical name."""
        learned = self._learned.get(identity)
        return self._verdict(identity) if learned is None else learned.state(identity)

    def learn(self, identity: str, status: VerificationStatus | None, now: float) -> None:
        """Note the state that a read or a write has shown: no listing that agrees is news."""
        learned = _Learned(status, now)
        verdict = self._verdict(identity)
        if not isinstance(verdict, NotYetListed) and learned.agrees(verdict):
            self._learned.pop(identity, None)
        else:
            self._learned[identity] = learned

    def forget(self, identity: str) -> None:
        """Forget an identity that is no longer watched."""
        self._since.pop(identity, None)
        self._learned.pop(identity, None)

    def take_complete(self, listing: Listing, started_at: float, watched: Collection[str]) -> set[str]:
        """Take a complete listing; return the watched identities that are news."""
        news, kept = set(), {}
        for identity in watched:
            if self._predates_what_we_know(identity, started_at):
                kept[identity] = self._verdict(identity)
            elif self._is_news(identity, listing.state(identity), started_at):
                news.add(identity)
        self._listing = listing
        self._since = kept
        return news

    def take_partial(
        self,
        found: Mapping[str, ListedIdentity],
        statuses: Collection[VerificationStatus],
        started_at: float,
        watched: Collection[str],
    ) -> set[str]:
        """Take a listing of those with ``statuses`` alone; return the watched identities that are news.

        One that should be in it and is not has changed: only a read can find out how.
        """
        news = set()
        for identity in watched:
            if self._predates_what_we_know(identity, started_at):
                continue
            listed = found.get(identity)
            if listed is not None:
                said = Listed(listed)
                if self._is_news(identity, said, started_at):
                    news.add(identity)
                self._since[identity] = said
            elif self._has_left(identity, statuses, started_at):
                self._learned.pop(identity, None)
                self._since[identity] = NOT_YET_LISTED
                news.add(identity)
        return news

    def _verdict(self, identity: str) -> ListedState:
        """Return the state of the identity in the latest listing that covers it."""
        newer = self._since.get(identity)
        if newer is not None:
            return newer
        return NOT_YET_LISTED if self._listing is None else self._listing.state(identity)

    def _predates_what_we_know(self, identity: str, started_at: float) -> bool:
        learned = self._learned.get(identity)
        return learned is not None and started_at < learned.at

    def _is_news(self, identity: str, said: Listed | NotListed, started_at: float) -> bool:
        before = self._verdict(identity)
        learned = self._learned.get(identity)
        if learned is None:
            return said != before and not isinstance(before, NotYetListed)
        lags = said == before and started_at < learned.at + GRACE_SECONDS
        if not lags:
            del self._learned[identity]
        if learned.agrees(said) or lags:
            return False
        return said != before or not learned.agrees_on_presence(said)

    def _has_left(self, identity: str, statuses: Collection[VerificationStatus], started_at: float) -> bool:
        learned = self._learned.get(identity)
        if learned is not None and started_at < learned.at + GRACE_SECONDS:
            return False
        state = self.state(identity)
        return isinstance(state, Listed) and state.identity.verification_status in statuses
