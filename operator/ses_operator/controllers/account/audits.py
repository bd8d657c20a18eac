"""Schedules the audits: begins and ends them, and has their results ready for status."""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime, timedelta

from ses_operator.api.account.audit import AuditSpec, AuditStatus
from ses_operator.api.account.kind import SesAccount
from ses_operator.api.base.meta import RECONCILE_REQUESTED_AT
from ses_operator.aws.sessions import AwsAccount
from ses_operator.controllers.account.audit import Auditor, Shelf
from ses_operator.controllers.account.policy_reports import PolicyReports
from ses_operator.controllers.shared.context import ControllerContext
from ses_operator.core.audit.progress import completed_audit, configuration, due_at, progress, standards_of
from ses_operator.core.audit.report import Series
from ses_operator.core.model.problems import OperatorError, Retry
from ses_operator.runtime.source import Source

LOGGER = logging.getLogger(__name__)

PROGRESS_INTERVAL = 60.0
"""Seconds between two reports of how far an audit is."""

AFTER_FAILURE = timedelta(minutes=10)
"""An audit that failed for no known reason is started again after this."""


@dataclass(frozen=True, slots=True)
class _Running:
    """An audit that runs, and the configuration that it was started for."""

    auditor: Auditor
    task: asyncio.Task[None]
    aws: AwsAccount
    configured: str


class Audits:
    """The audits of all accounts, each a task beside the reconciles. A restart starts again what was not complete.

    ``ended`` emits the names of accounts whose audit has ended.
    """

    def __init__(self, context: ControllerContext) -> None:
        self.ended: Source[str] = Source()
        self._context = context
        self._now = context.now
        self._running: dict[str, _Running] = {}
        self._done: dict[str, AuditStatus] = {}
        self._failed: dict[str, datetime] = {}
        self._uids: dict[str, str] = {}
        self._tidy: set[str] = set()

    async def attend(self, account: SesAccount, aws: AwsAccount) -> float | None:
        """Start an audit if one is due, end one that is not wanted any more.

        Returns the seconds until the next look, None for none.
        """
        name, audit = account.metadata.name, account.spec.audit
        if self._uids.setdefault(name, account.metadata.uid) != account.metadata.uid:
            self.forget(name)  # another object of the same name
            self._uids[name] = account.metadata.uid
        if audit is None or account.metadata.is_deleting:
            self.stop(name)
            self._done.pop(name, None)
            await self._remove_reports(account, aws)
            return None
        self._tidy.discard(name)
        configured = configuration(account.spec, audit)
        running = self._running.get(name)
        if running is not None and (running.configured != configured or running.aws is not aws):
            self.stop(name)
            running = None
        wait = (self._due(account, audit, configured) - self._now()).total_seconds()
        if running is None and wait <= 0:
            self._begin(account, audit, aws, configured)
        return PROGRESS_INTERVAL if name in self._running else wait

    def status(self, account: SesAccount) -> AuditStatus | None:
        """Return the audit's part of status."""
        name, audit = account.metadata.name, account.spec.audit
        if audit is None:
            return None
        latest, running = self._latest(account) or AuditStatus(), self._running.get(name)
        if running is None:
            next_at = self._due(account, audit, configuration(account.spec, audit)) if latest.completed_at else None
            return latest.model_copy(update={"progress": None, "next_at": next_at})
        said = progress(running.auditor.read, running.auditor.listed)
        return latest.model_copy(update={"progress": said, "next_at": None})

    def stop(self, name: str) -> None:
        """Stop the audit of an account that cannot be read at present, or not with the configuration that it was started for."""
        if (running := self._running.pop(name, None)) is not None:
            running.task.cancel()

    def forget(self, name: str) -> None:
        """Forget an account that is gone."""
        self.stop(name)
        for known in (self._done, self._failed, self._uids):
            known.pop(name, None)
        self._tidy.discard(name)

    async def close(self) -> None:
        """End what runs."""
        tasks = [running.task for running in self._running.values()]
        for name in tuple(self._running):
            self.stop(name)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _latest(self, account: SesAccount) -> AuditStatus | None:
        return self._done.get(account.metadata.name) or account.status.audit

    def _due(self, account: SesAccount, audit: AuditSpec, configured: str) -> datetime:
        requested = account.metadata.annotations.get(RECONCILE_REQUESTED_AT)
        due = due_at(audit, self._latest(account), configured, requested, self._now())
        failed = self._failed.get(account.metadata.name)
        return due if failed is None else max(due, failed + AFTER_FAILURE)

    def _begin(self, account: SesAccount, audit: AuditSpec, aws: AwsAccount, configured: str) -> None:
        series = self._series(account, aws)
        shelf = Shelf(PolicyReports(self._context.cluster.client, series.selector), series)
        auditor = Auditor(self._context, aws, standards_of(account.spec, audit), shelf)
        run = self._run(account, audit, auditor, configured)
        task = asyncio.create_task(run, name=f"audit of {account.metadata.name}", context=Context())
        self._running[account.metadata.name] = _Running(auditor, task, aws, configured)
        LOGGER.info("an audit begins", extra={"account": account.metadata.name})

    async def _run(self, account: SesAccount, audit: AuditSpec, auditor: Auditor, configured: str) -> None:
        name, started_at = account.metadata.name, self._now()
        try:
            report = await auditor.run(audit.regions)
        except Exception:  # a task that ends unseen would never be started again
            LOGGER.exception("an audit failed unexpectedly", extra={"account": name})
            self._failed[name] = self._now()
        else:
            self._failed.pop(name, None)
            self._done[name] = completed_audit(
                auditor.tally,
                started_at=started_at,
                now=self._now(),
                configured=configured,
                requested_at=account.metadata.annotations.get(RECONCILE_REQUESTED_AT),
                report=report,
            )
            found = f"{auditor.tally.findings} findings in {auditor.tally.identities} identities"
            LOGGER.info("an audit has ended: %s", found, extra={"account": name})
        self._running.pop(name, None)
        self.ended.emit(name)

    async def _remove_reports(self, account: SesAccount, aws: AwsAccount) -> None:
        """Delete the reports of former audits. Once in the life of a process, and after each audit: status alone may be lost."""
        name = account.metadata.name
        if name in self._tidy and account.status.audit is None:
            return
        reports = PolicyReports(self._context.cluster.client, self._series(account, aws).selector)
        try:
            await reports.open()
            await reports.keep_only({})
        except Retry:
            return
        except OperatorError as error:
            # If the kind is not installed, or not permitted, nothing was written either.
            LOGGER.debug("there are no reports of audits: %s", error, extra={"account": name})
        self._tidy.add(name)

    def _series(self, account: SesAccount, aws: AwsAccount) -> Series:
        meta = account.metadata
        return Series(self._context.settings.installation_id, meta.name, meta.uid, aws.account_id)
