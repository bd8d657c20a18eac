"""The open AWS accounts: one for each configuration, shared as long as nothing about the access changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from dataclasses import dataclass
from typing import Any

from ses_operator.api.base.reasons import Reason
from ses_operator.aws.calls.budget import Bucket, Priority, RequestBudget
from ses_operator.aws.calls.calls import CallReport, Calls, ClientSource
from ses_operator.aws.calls.clients import Clients, TokenSource, no_tokens
from ses_operator.aws.calls.config import AccountConfig, Role
from ses_operator.aws.calls.executor import Executor
from ses_operator.aws.catalog import aws_regions
from ses_operator.aws.errors.translation import Request
from ses_operator.aws.ses.identities import SesRegion
from ses_operator.aws.ses.mail import SesMail
from ses_operator.aws.ses.metric_data import MetricData
from ses_operator.aws.ses.templates import SesTemplates
from ses_operator.aws.ses.topics import region_of, topic_exists
from ses_operator.core.model.problems import Blocked
from ses_operator.core.model.regions.aws_regions import AwsRegions

FAILURE_SECONDS = 10.0
"""A failed opening is not tried again for this long: a thousand identities of one account call STS once."""

CONFIRM_SECONDS = 60.0
"""Credentials that a service rejects are checked with STS no more often than this: a region that is not enabled
rejects for good."""

STS_RATE = 10.0

IDLE_SECONDS = 120.0
"""A client that was not used for so long is closed: each has some megabytes, and takes a hundredth of a second to make."""

TRUST_SECONDS = 3600.0
"""Seconds for which the credentials are taken to be for the same AWS account. Where they come from may change without a
change of the configuration: a profile, a pod identity."""

Pin = Callable[[str, str], Awaitable[None]]
"""Takes the names of a SesAccount and of an AWS account, before each write there; raises if it is not the one that is meant."""


async def no_pin(name: str, account_id: str) -> None:
    """Let every account be written to."""
    del name, account_id


class AwsAccount:
    """An AWS account whose credentials STS has accepted. Clients are made when they are first used."""

    __slots__ = (
        "_calls",
        "_clients",
        "_known",
        "_pin",
        "_regions",
        "account_id",
        "caller_arn",
        "config",
        "partition",
    )

    def __init__(
        self,
        config: AccountConfig,
        clients: Clients,
        calls: Calls,
        account_id: str,
        caller_arn: str,
        known: AwsRegions | None = None,
        pin: Pin = no_pin,
    ) -> None:
        self.config = config
        self._known = known or aws_regions()
        self.account_id = account_id
        self.caller_arn = caller_arn
        self.partition = caller_arn.split(":")[1]
        self._clients = clients
        self._calls = calls.before_each_write(self.before_write)
        self._pin = pin
        self._regions: dict[str, SesRegion] = {}

    async def before_write(self) -> None:
        """Record that the SesAccount is for this AWS account. Raises Blocked if it is known to be for another."""
        await self._pin(self.config.name, self.account_id)

    def has_ses(self, region: str) -> bool:
        """Return True if SES is known to be in the region, or the platform has added it."""
        return self._known.has_ses(region)

    def region(self, region: str) -> SesRegion:
        """Return SES in one region, without a call. Raises Blocked if SES is not known to be there."""
        self._require(region)
        ses = self._regions.get(region)
        if ses is None:
            ses = self._regions[region] = SesRegion(
                self.account_id,
                self.partition,
                region,
                self._clients.source("sesv2", region),
                self._clients.source("ses", region),
                self._calls,
            )
        return ses

    @property
    def ses_regions(self) -> tuple[str, ...]:
        """The regions of the account's partition that have SES, enabled for the account or not."""
        return self._known.in_partition(self.partition)

    def templates(self, region: str) -> SesTemplates:
        """Return the custom verification email templates in one region, without a call. Raises as ``region`` does."""
        self._require(region)
        return SesTemplates(self.account_id, region, self._clients.source("sesv2", region), self._calls)

    def metric_data(self, region: str) -> MetricData:
        """Return the counts of mail in one region, without a call. Raises as ``region`` does."""
        self._require(region)
        v2, v1 = self._clients.source("sesv2", region), self._clients.source("ses", region)
        return MetricData(self.account_id, region, v2, v1, self._calls)

    async def topic_exists(self, arn: str) -> bool | None:
        """Return True if SNS knows the topic; None if it does not say, or is not to be asked."""
        if not self.config.endpoints.has_sns or not (region := region_of(arn)):
            return None
        return await topic_exists(self._clients.source("sns", region), self._calls, self.account_id, arn)

    def mail(self, region: str) -> SesMail:
        """Return what sends email in one region, without a call. Raises as ``region`` does."""
        self._require(region)
        return SesMail(self.account_id, region, self._clients.source("sesv2", region), self._calls)

    def _require(self, region: str) -> None:
        """Raise Blocked for a region that is not known: no client is made for a name that anyone could have written."""
        if not self.has_ses(region):
            raise Blocked(Reason.REGION_NOT_SUPPORTED, self._known.unknown(region))

    def close_idle(self, seconds: float) -> None:
        """Close the clients that were not used for so long."""
        self._clients.close_idle(seconds)
        used = self.used_regions
        self._regions = {region: ses for region, ses in self._regions.items() if region in used}

    @property
    def has_clients(self) -> bool:
        """True if there are clients."""
        return self._clients.are_open

    @property
    def used_regions(self) -> frozenset[str]:
        """The regions for which there are clients."""
        return self._clients.regions

    def route53_client(self, role: Role | None = None) -> ClientSource:
        """Return Route 53 with the account's credentials, or as ``role``, which they assume; for ``Calls``."""
        return self._clients.source("route53", role=role)

    @property
    def sts_client(self) -> ClientSource:
        """STS with the credentials that the account is used with; for ``Calls``."""
        return self._clients.source("sts")

    def close(self) -> None:
        """Close the connections. Calls in flight end as they do."""
        self._clients.close()


@dataclass(slots=True)
class _Entry:
    """One configuration: the account, or the opening of it, or why it failed and when, or since when it is open.

    ``is_doubted``: a service has rejected the credentials. ``confirmed_at``: when STS last accepted them.
    """

    config: AccountConfig
    opening: asyncio.Task[AwsAccount]
    failed_at: float = 0.0
    opened_at: float = 0.0
    is_doubted: bool = False
    confirmed_at: float = float("-inf")

    @property
    def failed(self) -> bool:
        return self.opening.done() and (self.opening.cancelled() or self.opening.exception() is not None)


class Sessions:
    """Opens AWS accounts, one for each SesAccount name; a changed configuration opens a new one and closes the old.

    ``on_doubt`` is called with the name of an account whose credentials a service has rejected: the next ``open``
    calls STS. ``on_call`` is called after each call to AWS.
    ``tokens``: for web identities. ``pin`` is called before each write. ``known``: the regions that may be called, by
    default those that botocore knows. ``on_idle`` is called from time to time with the regions that are in use.
    """

    def __init__(
        self,
        executor: Executor,
        budget: RequestBudget,
        on_doubt: Callable[[str], None] = lambda _: None,
        on_call: Callable[[CallReport], None] = lambda _: None,
        tokens: TokenSource = no_tokens,
        pin: Pin = no_pin,
        known: AwsRegions | None = None,
        on_idle: Callable[[frozenset[str]], None] = lambda _: None,
    ) -> None:
        self._executor = executor
        self._budget = budget
        self._sts_calls = Calls(executor, RequestBudget(STS_RATE), on_call=on_call)
        self._on_doubt = on_doubt
        self._on_call = on_call
        self._tokens = tokens
        self._pin = pin
        self._known = known or aws_regions()
        self._on_idle = on_idle
        self._entries: dict[str, _Entry] = {}
        self._next_look: asyncio.TimerHandle | None = None

    async def open(self, config: AccountConfig) -> AwsAccount:
        """Return the account of ``config``; its id comes from STS the first time. Raises ``Blocked`` or ``Retry``."""
        entry = self._entries.get(config.name)
        if entry is None or entry.config != config or self._may_try_again(entry):
            if entry is not None:
                _close(entry)
            entry = self._entries[config.name] = _Entry(
                config, asyncio.create_task(self._open(config), context=Context())
            )
            entry.opening.add_done_callback(lambda _: self._note(entry))
        elif entry.is_doubted or self._is_old(entry):
            return await self._confirmed(entry)
        return await asyncio.shield(entry.opening)

    def forget(self, name: str) -> None:
        """Close the account of a SesAccount that is gone."""
        entry = self._entries.pop(name, None)
        if entry is not None:
            _close(entry)

    def close(self) -> None:
        """Close all accounts."""
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None
        for name in list(self._entries):
            self.forget(name)

    async def _open(self, config: AccountConfig) -> AwsAccount:
        clients = Clients(config, self._executor.threads, self._tokens)
        caller = await self._ask_who_calls(config.name, clients.source("sts"))
        account_id = str(caller["Account"])
        self._budget.set_rate(account_id, config.requests_per_second)
        calls = Calls(self._executor, self._budget, lambda: self._doubt(config), self._on_call)
        self._look_later()
        return AwsAccount(config, clients, calls, account_id, str(caller["Arn"]), self._known, self._pin)

    def _look_later(self) -> None:
        if self._next_look is None:
            self._next_look = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._close_idle)

    def _close_idle(self) -> None:
        """Close clients that nothing uses any more, and tell which regions are still in use."""
        self._next_look = None
        opened = [
            entry.opening.result() for entry in self._entries.values() if entry.opening.done() and not entry.failed
        ]
        for account in opened:
            account.close_idle(IDLE_SECONDS)
        if any(account.has_clients for account in opened) or len(opened) < len(self._entries):
            self._look_later()
        regions = frozenset(region for account in opened for region in account.used_regions)
        self._budget.forget_idle(IDLE_SECONDS)
        self._on_idle(regions)

    async def _ask_who_calls(self, name: str, sts: ClientSource) -> Mapping[str, Any]:
        request = Request("sts", "GetCallerIdentity", subject=f"the SesAccount {name}")
        return await self._sts_calls(sts, request, Bucket(name, "", request.operation), Priority.PERSON)

    def _doubt(self, config: AccountConfig) -> None:
        """Note that a service rejects the credentials: all of AWS may reject them, or one region only."""
        entry = self._entries.get(config.name)
        if entry is None or entry.config != config or entry.is_doubted:
            return
        if asyncio.get_running_loop().time() - entry.confirmed_at >= CONFIRM_SECONDS:
            entry.is_doubted = True
            self._on_doubt(config.name)

    async def _confirmed(self, entry: _Entry) -> AwsAccount:
        """Return the account, if STS still accepts its credentials. Raises Blocked if not, and closes the account; or Retry.

        Credentials that are not part of the configuration (files, environment) may have been replaced: they are read
        again.
        """
        name = entry.config.name
        account = await asyncio.shield(entry.opening)
        try:
            caller = await self._ask_who_calls(name, account.sts_client)
        except Blocked:
            self._drop(entry)
            if entry.config.credentials is not None:
                raise
            return await self.open(entry.config)
        if caller["Account"] != account.account_id:
            self._drop(entry)
            return await self.open(entry.config)
        entry.is_doubted = False
        entry.confirmed_at = asyncio.get_running_loop().time()
        return account

    def _drop(self, entry: _Entry) -> None:
        if self._entries.get(entry.config.name) is entry:
            self.forget(entry.config.name)

    def _is_old(self, entry: _Entry) -> bool:
        """Return True if the credentials may be for another AWS account by now. Keys in the configuration are not."""
        if entry.config.credentials is not None or not entry.opening.done() or entry.failed:
            return False
        return asyncio.get_running_loop().time() - max(entry.opened_at, entry.confirmed_at) >= TRUST_SECONDS

    def _may_try_again(self, entry: _Entry) -> bool:
        return entry.failed and asyncio.get_running_loop().time() - entry.failed_at >= FAILURE_SECONDS

    def _note(self, entry: _Entry) -> None:
        now = asyncio.get_running_loop().time()
        if entry.failed:
            entry.failed_at = now
        else:
            entry.opened_at = now


def _close(entry: _Entry) -> None:
    """Close what was opened. An opening in flight goes on, for those that wait for it, and is closed after it."""
    if not entry.opening.done():
        entry.opening.add_done_callback(lambda _: _close(entry))
    elif not entry.failed:
        entry.opening.result().close()
