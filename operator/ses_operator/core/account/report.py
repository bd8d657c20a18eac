"""The status of a SesAccount, made from what the operator found. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ses_operator.api.account.audit import AuditStatus
from ses_operator.api.account.kind import AccountRegionStatus, SendQuotaStatus, SesAccount, SesAccountStatus
from ses_operator.api.account.notifications import NotificationsStatus
from ses_operator.api.base.conditions import ConditionType
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import AccountFacts
from ses_operator.core.status.report import Verdict, conditions, not_ready, yes


def region_status(region: str, answer: AccountFacts | Problem) -> AccountRegionStatus:
    """Return the status of one region, as GetAccount answered or failed. It has nothing that changes with each mail sent."""
    if isinstance(answer, Problem):
        return AccountRegionStatus(region=region, reachable=False, reason=answer.reason, message=answer.message)
    return AccountRegionStatus(
        region=region,
        reachable=True,
        production_access_enabled=answer.production_access,
        sending_enabled=answer.sending_enabled,
        enforcement_status=answer.enforcement_status,
        send_quota=SendQuotaStatus(max24_hour_send=answer.max_24_hour_send, max_send_rate=answer.max_send_rate),
    )


def account_status(
    account: SesAccount,
    *,
    account_id: str | None,
    regions: tuple[AccountRegionStatus, ...],
    identities: int,
    requested_at: str | None,
    audit: AuditStatus | None,
    problem: Problem | None,
    now: datetime,
    notifications: NotificationsStatus | None = None,
) -> SesAccountStatus:
    """Return the whole status.

    ``problem`` is why the account cannot be used at all, None if it can; ``notifications`` why an email was not sent.
    """
    generation = account.metadata.generation
    return SesAccountStatus(
        observed_generation=generation,
        conditions=conditions(_verdicts(account_id, regions, problem), account.status.conditions, generation, now),
        account_id=account_id or account.status.account_id,
        identities=identities,
        regions=regions,
        audit=audit,
        notifications=notifications,
        last_handled_reconcile_at=requested_at,
    )


def is_changed_back(written: SesAccountStatus, current: SesAccountStatus, new: SesAccountStatus) -> bool:
    """Return True if another writer has changed the status, and it would be written again: two operators of one account."""
    return _words(new) == _words(written) != _words(current)


def tells_of_numbers_only(current: SesAccountStatus, new: SesAccountStatus) -> bool:
    """Return True if only the number of identities differs."""
    return current.model_copy(update={"identities": new.identities}) == new != current


def _words(status: SesAccountStatus) -> dict[str, Any]:
    """Return the status as JSON, without the times at which conditions changed."""
    said = status.to_json()
    for condition in said.get("conditions", ()):
        condition.pop("lastTransitionTime", None)
    return said


def _verdicts(
    account_id: str | None, regions: tuple[AccountRegionStatus, ...], problem: Problem | None
) -> dict[ConditionType, Verdict]:
    if problem is not None:
        return not_ready(problem)
    silent = [region.region for region in regions if not region.reachable]
    answering = f"{len(regions) - len(silent)} of {len(regions)} regions in use answer"
    return {ConditionType.READY: yes(f"The credentials work for AWS account {account_id}; {answering}")}
