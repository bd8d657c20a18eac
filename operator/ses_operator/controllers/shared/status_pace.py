"""How often the status of a SesAccount is written: what says little, and what another client changes back, can wait."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from ses_operator.api.account.kind import SesAccountStatus
from ses_operator.core.account.report import is_changed_back, tells_of_numbers_only
from ses_operator.runtime.backoff import Backoff

logger = logging.getLogger(__name__)

REPORT_INTERVAL = 5.0
"""Seconds between two writes that report only another number of identities: they come and go in hundreds."""

LONGEST_PAUSE = 3600.0
DISPUTE = Backoff(first=REPORT_INTERVAL, cap=LONGEST_PAUSE, spread=0.0)
"""How long a status is left as another client wrote it."""


@dataclass(frozen=True, slots=True)
class _Write:
    status: SesAccountStatus
    at: float
    disputes: int


class StatusPace:
    """Remembers what was written last, and when, in seconds of a clock that only goes forward."""

    def __init__(self) -> None:
        self._last: dict[str, _Write] = {}

    def wait(self, name: str, current: SesAccountStatus, new: SesAccountStatus, now: float) -> float:
        """Return the seconds until ``new`` may replace ``current``; 0 or less: now."""
        last = self._last.get(name)
        if last is None:
            return 0.0
        if is_changed_back(last.status, current, new):
            return last.at + DISPUTE.delay(last.disputes + 1) - now
        return last.at + REPORT_INTERVAL - now if tells_of_numbers_only(current, new) else 0.0

    def wrote(self, name: str, current: SesAccountStatus, new: SesAccountStatus, now: float) -> None:
        """Note that ``new`` replaced ``current``."""
        last, disputes = self._last.get(name), 0
        if last is not None and is_changed_back(last.status, current, new):
            disputes = min(last.disputes + 1, 16)
            if disputes == 1:
                logger.warning(
                    "another client changes the status of the SesAccount back: where several operators run in one cluster, give "
                    "each a SesAccount of its own, by spec.installationID",
                    extra={"account": name},
                )
        self._last[name] = _Write(new, now, disputes)

    def forget(self, name: str) -> None:
        """Forget a SesAccount that is gone."""
        self._last.pop(name, None)
