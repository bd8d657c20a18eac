"""What has to hold before a replica acts, and what the active one writes before its controllers start."""

from __future__ import annotations

from typing import Protocol


class StartRefusedError(Exception):
    """The operator must not run as it was started; the message tells a person why, and the way out."""


class Preparation(Protocol):
    """Asked by the manager. Either may raise StartRefusedError, which ends the process, or OperatorError: it is tried again."""

    async def check(self) -> None:
        """Find out whether this replica may run at all, by reads. A standby does too, and is not ready before."""

    async def begin(self) -> None:
        """Write what has to be there before anything else is written: the replica holds the Lease, no controller runs."""


class NothingToPrepare:
    """Checks and writes nothing."""

    async def check(self) -> None:
        """Return at once."""

    async def begin(self) -> None:
        """Return at once."""
