"""Reads the fate of mail, once in an interval for each account and region, and exposes it as metrics. Off by default.

A round costs one GetAccount and one GetSendStatistics for each account and region and, if the Virtual Deliverability
Manager is on, six queries for each identity, ten of them in a call. All wait for their turn behind everything else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from datetime import datetime

from ses_operator.api.identity.kind import SesIdentity
from ses_operator.aws.calls.budget import Priority
from ses_operator.aws.sessions import AwsAccount
from ses_operator.controllers.shared.accounts import Accounts, OpenAccount
from ses_operator.controllers.shared.cluster import BY_DOMAIN
from ses_operator.controllers.shared.telemetry import BY_MARK
from ses_operator.core.metrics.identity_metrics import Sample
from ses_operator.core.metrics.mail_figures import WINDOW_DAYS, RegionMail, Window, by_identity, queries
from ses_operator.core.metrics.mail_samples import Place, Senders, mail_samples
from ses_operator.core.model.problems import OperatorError
from ses_operator.runtime.watch.cache import ObjectStore

logger = logging.getLogger(__name__)

TICK = 30.0
"""Seconds between two checks of what is due."""

RETRY_SECONDS = 600.0
"""What could not be read is read again after this, or after the interval, if that is shorter."""


class MailFigures:
    """The figures of each account and region. Those that could not be read again are no longer exposed."""

    def __init__(
        self,
        identities: ObjectStore[SesIdentity],
        accounts: Accounts,
        interval: float,
        now: Callable[[], datetime],
    ) -> None:
        """Take the ``interval``: seconds between two readings of the same."""
        self._identities = identities
        self._accounts = accounts
        self._interval = interval
        self._now = now
        self._known: dict[Place, RegionMail] = {}
        self._due: dict[Place, float] = {}
        self._reading: dict[Place, asyncio.Task[None]] = {}
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Read from now on, until ``close``."""
        self._loop = asyncio.create_task(self._run(), name="mail figures")

    async def close(self) -> None:
        """Stop reading."""
        tasks = [*self._reading.values(), *([self._loop] if self._loop else ())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def samples(self) -> Iterator[Sample]:
        """Return what is known now, of the objects that exist now."""
        return mail_samples(self._known, self._senders())

    async def _run(self) -> None:
        while True:
            self._begin_what_is_due()
            await asyncio.sleep(min(TICK, self._interval))

    def _begin_what_is_due(self) -> None:
        senders, now = self._senders(), asyncio.get_running_loop().time()
        for place in self._known.keys() - senders.at.keys():
            del self._known[place]
        for place in senders.at:
            account = self._accounts.get(place[0])
            if not isinstance(account, OpenAccount):
                self._known.pop(place, None)
            elif place not in self._reading and self._due.get(place, now) <= now:
                self._reading[place] = asyncio.create_task(self._read(place, account.aws, senders.names_at(place)))

    async def _read(self, place: Place, aws: AwsAccount, names: list[str]) -> None:
        wait = min(self._interval, RETRY_SECONDS)
        try:
            self._known[place] = await self._region(aws, place[1], names)
            wait = self._interval
        except OperatorError as error:
            self._known.pop(place, None)
            logger.warning("what became of mail cannot be read: %s", error, extra={"account": place[0]})
        finally:
            del self._reading[place]
            self._due[place] = asyncio.get_running_loop().time() + wait

    async def _region(self, aws: AwsAccount, region: str, names: list[str]) -> RegionMail:
        window, figures = Window.of_days(WINDOW_DAYS, self._now()), aws.metric_data(region)
        account = await figures.account_mail(window)
        if not (await aws.region(region).get_account(Priority.SWEEP)).vdm_enabled:
            return RegionMail(account)
        return RegionMail(account, by_identity(await figures.counts(queries(names), window)))

    def _senders(self) -> Senders:
        return Senders.of(self._identities.index(BY_MARK), self._identities.index(BY_DOMAIN))
