"""SES's request rate: "all actions except sending are throttled at one request per second" (Developer Guide, quotas)."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

SENDING = frozenset({"SendEmail", "SendBulkEmail", "SendRawEmail", "SendTemplatedEmail", "SendBulkTemplatedEmail"})


class Throttle:
    """A token bucket per account, region and action, in real time: the rate is a client's to keep, not the clock's.

    ``rate``: requests per second and action; 0 switches it off. A bucket holds max(1, rate) requests.
    ``monotonic``: the clock in seconds; a test that skips time puts its own in its place.
    """

    __slots__ = ("_buckets", "_lock", "monotonic", "rate")

    def __init__(self, rate: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.monotonic = monotonic
        self._buckets: dict[tuple[str, str, str], tuple[float, float]] = {}
        self._lock = Lock()

    def admits(self, account: str, region: str, action: str) -> bool:
        """Take one request out of the action's bucket; False if it is empty. Sending is not counted here."""
        if self.rate <= 0 or action in SENDING:
            return True
        capacity = max(1.0, self.rate)
        key = (account, region, action)
        with self._lock:
            now = self.monotonic()
            level, since = self._buckets.get(key, (capacity, now))
            level = min(capacity, level + (now - since) * self.rate)
            admitted = level >= 1
            self._buckets[key] = (level - 1 if admitted else level, now)
        return admitted
