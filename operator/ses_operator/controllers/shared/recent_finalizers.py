"""Objects that got the finalizer a moment ago: the apiserver may lose them all the same.

It decides whether a deletion must wait for finalizers, and then removes the object, in two steps (apiserver,
registry/generic/registry/store.go, ``Delete``). A finalizer that arrives between them is removed with the object,
though the write was confirmed. What was made for such an object is taken back by the object as it was when it got the
finalizer.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ses_operator.api.identity.kind import SesIdentity
from ses_operator.core.model.keys import ObjectKey

UNCERTAIN_SECONDS = 60.0
"""For so long after its finalizer was confirmed an object may turn out to be gone: far longer than the two steps take."""


class RecentFinalizers:
    """Objects that got the finalizer lately, by key. One that has vanished is kept until it is done with."""

    def __init__(self, alive: Callable[[ObjectKey], str | None], clock: Callable[[], float] = time.monotonic) -> None:
        """Take ``alive``: the uid of the object under a key, None for none."""
        self._alive = alive
        self._clock = clock
        self._anchored: dict[ObjectKey, tuple[SesIdentity, float]] = {}

    def note(self, key: ObjectKey, anchored: SesIdentity) -> None:
        """Note that the object has just got the finalizer."""
        self._forget_certain()
        self._anchored[key] = (anchored, self._clock())

    def vanished(self, key: ObjectKey) -> SesIdentity | None:
        """Return the object as it was when it got the finalizer, if there is none under its key now."""
        known = self._anchored.get(key)
        return None if known is None or self._alive(key) is not None else known[0]

    def done(self, key: ObjectKey) -> None:
        """Forget an object of which nothing is left."""
        self._anchored.pop(key, None)

    def _forget_certain(self) -> None:
        old = self._clock() - UNCERTAIN_SECONDS
        certain = [key for key, (_, since) in self._anchored.items() if since <= old and self._alive(key) is not None]
        for key in certain:
            del self._anchored[key]
