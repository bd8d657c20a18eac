"""The cache of one zone: what has been read of it lately, and of which parts of it. Without I/O.

Route 53 lists a zone by name with the labels reversed (``com.example.mail.``, with the closing dot). In that order a
domain and all names below it are adjacent, so that one page that begins at a domain holds it whole, and most often
its neighbours too. The cache remembers which stretches of the order have been read, and when.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ses_operator.core.dns.zone_sets import Change, ZoneSet, ZoneView, apply

LIFETIME_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """From a key up to, but without, another one; ``end`` None is the end of the zone."""

    start: str
    end: str | None

    @classmethod
    def of_domain(cls, domain: str) -> Stretch:
        """Return the stretch of the domain and everything below it."""
        key = order_key(domain)
        return cls(key, f"{key[:-1]}/")  # "/" follows "." in ASCII

    def covers(self, other: Stretch) -> bool:
        """Return True if this stretch contains the other."""
        ends_later = self.end is None or (other.end is not None and other.end <= self.end)
        return self.start <= other.start and ends_later

    def without(self, other: Stretch) -> list[Stretch]:
        """Return what is left of this stretch, in up to two parts."""
        if (self.end is not None and self.end <= other.start) or (other.end is not None and other.end <= self.start):
            return [self]
        parts = [Stretch(self.start, other.start)] if self.start < other.start else []
        if other.end is not None and (self.end is None or other.end < self.end):
            parts.append(Stretch(other.end, self.end))
        return parts


def order_key(name: str) -> str:
    """Return the place of a name in Route 53's order. Source: API reference, ListResourceRecordSets."""
    return ".".join(reversed(name.split("."))) + "."


class ZoneCache:
    """The record sets of the stretches that have been read within ``lifetime`` seconds."""

    def __init__(self, clock: Callable[[], float], lifetime: float = LIFETIME_SECONDS) -> None:
        self._clock = clock
        self._lifetime = lifetime
        self._read: list[tuple[Stretch, float]] = []
        self._keys: list[str] = []
        self._sets: dict[str, list[ZoneSet]] = {}

    def view(self, domain: str) -> ZoneView | None:
        """Return the record sets at the domain and below it; None if that has not been read lately."""
        self.expire()
        wanted = Stretch.of_domain(domain)
        if not any(stretch.covers(wanted) for stretch, _ in self._read):
            return None
        sets = (self._sets[key] for key in self._keys_in(wanted))
        return {standing[0].name: list(standing) for standing in sets}

    def remember(self, stretch: Stretch, sets: Iterable[ZoneSet]) -> None:
        """Take these as all the record sets of the stretch."""
        self._forget_sets(stretch)
        for standing in sets:
            self._put(standing)
        self._read.append((stretch, self._clock()))

    def changed(self, changes: Iterable[Change]) -> None:
        """Apply changes that Route 53 has accepted. To apply them twice is harmless."""
        for change in changes:
            key = order_key(change.set.name)
            before = {change.set.name: self._sets.get(key, [])}
            self._replace(key, list(apply(before, [change]).get(change.set.name, ())))

    def forget(self, domain: str) -> None:
        """Forget the domain, which may not be as remembered: it is to be read again."""
        hole = Stretch.of_domain(domain)
        self._read = [(part, read_at) for stretch, read_at in self._read for part in stretch.without(hole)]

    def expire(self) -> None:
        """Drop what is too old; when nothing is left, all of it."""
        oldest = self._clock() - self._lifetime
        self._read = [(stretch, read_at) for stretch, read_at in self._read if read_at > oldest]
        if not self._read:
            self._keys.clear()
            self._sets.clear()

    def _keys_in(self, stretch: Stretch) -> list[str]:
        return self._keys[self._bounds(stretch)]

    def _bounds(self, stretch: Stretch) -> slice:
        end = len(self._keys) if stretch.end is None else bisect_left(self._keys, stretch.end)
        return slice(bisect_left(self._keys, stretch.start), end)

    def _forget_sets(self, stretch: Stretch) -> None:
        bounds = self._bounds(stretch)
        for key in self._keys[bounds]:
            del self._sets[key]
        del self._keys[bounds]

    def _put(self, standing: ZoneSet) -> None:
        key = order_key(standing.name)
        self._replace(key, [*self._sets.get(key, ()), standing])

    def _replace(self, key: str, sets: list[ZoneSet]) -> None:
        place = bisect_left(self._keys, key)
        known = key in self._sets
        if sets:
            self._sets[key] = sets
            if not known:
                self._keys.insert(place, key)
        elif known:
            del self._sets[key]
            del self._keys[place]
