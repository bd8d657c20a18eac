"""One audit of one account: all regions side by side, in each one identity after the other. Nothing is changed at AWS."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from ses_operator.api.account.audit import AuditReportStatus
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.aws.calls.budget import Priority
from ses_operator.aws.ses.identities import SesRegion
from ses_operator.aws.sessions import AwsAccount
from ses_operator.controllers.account.policy_reports import PolicyReports
from ses_operator.controllers.shared.context import ControllerContext
from ses_operator.core.audit.report import REPORT_KIND, Chunk, Chunks, Series
from ses_operator.core.audit.rules import (
    AuditedAccount,
    AuditedIdentity,
    Claim,
    Found,
    Holder,
    Standards,
    account_findings,
    holder_of,
    identity_findings,
)
from ses_operator.core.audit.tally import AuditTally
from ses_operator.core.metrics.mail_figures import SendHistory, Window
from ses_operator.core.model.keys import Owner
from ses_operator.core.model.problems import Gone, OperatorError
from ses_operator.runtime.backoff import Backoff

LOGGER = logging.getLogger(__name__)

REGIONS_AT_ONCE = 8
"""Most of the threads for calls are left to reconciles; and so many lists of names are held at the same time."""

NAMES_AT_ONCE = 100
"""The number of identities whose sending is read at once: more would be a sum for each day of each in memory."""

TRIES = 4
BACKOFF = Backoff(first=5.0, factor=5.0)
"""Between attempts after a passing failure; after the last, the region, or the report, is given up for this time."""

HOW_TO_INSTALL = (
    "The kind ClusterPolicyReport (wgpolicyk8s.io/v1alpha2) is not installed. Apply its CustomResourceDefinition, from "
    "kubernetes-sigs/wg-policy-prototypes or the chart of Kyverno, to have all findings written"
)

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class Shelf:
    """The report of an audit as it grows. If it cannot be written, status says so, and nothing else is affected."""

    reports: PolicyReports
    series: Series
    results: int = 0
    trouble: str = ""
    written: dict[str, set[str]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)

    async def open(self) -> None:
        """Learn which reports exist."""
        try:
            await _patiently(self.reports.open)
        except Gone:
            self.trouble = HOW_TO_INSTALL
        except OperatorError as error:
            self.trouble = str(error)

    async def put(self, region: str, chunks: Iterable[Chunk]) -> None:
        """Write these reports of a region, if they differ."""
        names = self.written.setdefault(region, set())
        for chunk in chunks:
            if not self.trouble and await self._is_written(chunk):
                names.add(chunk.name)
                self.results += chunk.results

    async def _is_written(self, chunk: Chunk) -> bool:
        try:
            await _patiently(self.reports.put, chunk)
        except OperatorError as error:
            self.trouble = f"{chunk.name} cannot be written: {error}"
            return False
        return True

    async def close(self) -> AuditReportStatus:
        """Delete what earlier audits wrote and this one has not; return what the report has become."""
        if not self.trouble:
            kept = {region: frozenset(names) for region, names in self.written.items()} | dict.fromkeys(self.lost)
            try:
                await _patiently(self.reports.keep_only, kept)
            except OperatorError as error:
                self.trouble = str(error)
        return AuditReportStatus(
            kind=REPORT_KIND,
            selector=self.series.selector,
            objects=sum(map(len, self.written.values())),
            results=self.results,
            message=self.trouble or None,
        )


class Auditor:
    """Reads one account once. ``read`` of ``listed`` identities have been read so far."""

    def __init__(
        self,
        context: ControllerContext,
        aws: AwsAccount,
        standards: Standards,
        shelf: Shelf,
    ) -> None:
        self._context = context
        self._aws = aws
        self._standards = standards
        self._now = context.now
        self._turns = asyncio.Semaphore(REGIONS_AT_ONCE)
        self.shelf = shelf
        self.tally = AuditTally()
        self.read = 0
        self.listed = 0

    async def run(self, regions: Iterable[str]) -> AuditReportStatus:
        """Audit these regions; without any, all that exist. The results are in ``tally``."""
        asked = tuple(regions)
        await self.shelf.open()
        async with asyncio.TaskGroup() as group:
            for region in asked or self._aws.ses_regions:
                group.create_task(self._region(region, is_asked_for=bool(asked)), name=f"audit {region}")
        return await self.shelf.close()

    async def _region(self, region: str, *, is_asked_for: bool) -> None:
        async with self._turns:
            try:
                await self._look_over(region)
            except OperatorError as error:
                self.shelf.lost.add(region)
                # A region that is not enabled for the account rejects its credentials.
                if is_asked_for or error.problem.reason is not Reason.CREDENTIALS_REJECTED:
                    LOGGER.warning("cannot audit %s: %s", region, error)
                    self.tally.region(region).problem = error.problem

    async def _look_over(self, region: str) -> None:
        ses, chunks = self._aws.region(region), Chunks(self.shelf.series, region)
        names = await self._names(ses)
        if not names:
            return
        facts = await _patiently(ses.get_account, Priority.AUDIT)
        audited = AuditedAccount(region, facts, len(names))
        await self._note(region, chunks, account_findings(audited, self._standards))
        for start in range(0, len(names), NAMES_AT_ONCE):
            some = names[start : start + NAMES_AT_ONCE]
            history = await self._history(region, some) if facts.vdm_enabled else None
            for name in some:
                await self._note(region, chunks, await self._identity(ses, name, history))
                self.read += 1
        await self.shelf.put(region, chunks.rest())

    async def _history(self, region: str, names: tuple[str, ...]) -> SendHistory | None:
        """Return what was sent from these, if that is wanted. If it cannot be read, the audit goes on, and says so."""
        if self._standards.unused_days is None:
            return None
        window = Window.of_days(self._standards.unused_days, self._now())
        try:
            return await _patiently(self._aws.metric_data(region).send_history, names, window)
        except OperatorError as error:
            self.tally.region(region).problem = error.problem
            return None

    async def _names(self, ses: SesRegion) -> tuple[str, ...]:
        """Return all identities, sorted; listed at once, because it is not documented how long the token of a page is valid."""
        names: list[str] = []
        token: str | None = None
        while True:
            page, token = await _patiently(ses.list_page, token, priority=Priority.AUDIT)
            names += [identity.name for identity in page]
            self.tally.region(ses.region).list(page)
            if token is None:
                break
        self.listed += len(names)
        return tuple(sorted(names))

    async def _identity(self, ses: SesRegion, name: str, history: SendHistory | None) -> tuple[Found, ...]:
        try:
            facts = await _patiently(ses.get, name, Priority.AUDIT)
        except Gone:
            return ()
        tag = (facts.tags or {}).get(OWNER_TAG)
        holder = self._holder(tag, name, ses.region) if tag is not None else Holder(Claim.UNOWNED)
        audited = AuditedIdentity(name, ses.region, facts, holder, self._now(), history)
        return identity_findings(audited, self._standards)

    def _holder(self, tag: str, name: str, region: str) -> Holder:
        """Return the holder by what is known of the cluster at this moment."""
        owner, settings = Owner.parse(tag), self._context.settings
        if owner is None or owner.installation_id not in (settings.installation_id, *settings.inherited):
            return Holder(Claim.ELSEWHERE, tag)
        if settings.namespaces and owner.key.namespace not in settings.namespaces:
            return Holder(Claim.ELSEWHERE, tag)
        return holder_of(tag, self._context.cluster.identities.get(owner.key), name, region)

    async def _note(self, region: str, chunks: Chunks, findings: Iterable[Found]) -> None:
        for found in findings:
            self.tally.add(found)
            await self.shelf.put(region, chunks.add(found))


async def _patiently(ask: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return the answer. A passing failure is waited out: a region has thousands of reads, and hours of time."""
    return await BACKOFF.retry(lambda: ask(*args, **kwargs), tries=TRIES)
