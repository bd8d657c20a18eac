"""The status of a SesAccount, made from what the operator found. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ses_operator.api.account.audit import AuditStatus
from ses_operator.api.account.kind import AccountRegionStatus, SendQuotaStatus, SesAccount, SesAccountStatus
from ses_operator.api.account.notifications import NotificationsStatus
from ses_operator.api.base.actors import Actor
from ses_operator.api.base.conditions import Condition, ConditionType, find
from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import AccountFacts
from ses_operator.core.state.surroundings import AccountStanding
from ses_operator.core.status.transitions import EventType, Transition
from ses_operator.core.status.verdicts import Verdict, conditions, not_ready, yes

MOST_NAMED = 10
"""Objects that a message names."""


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


def standings(
    statuses: Iterable[AccountRegionStatus], before: Mapping[str, AccountStanding | Problem]
) -> dict[str, AccountStanding | Problem]:
    """Return what identities have to know of the account in each region, from its status.

    What passes by itself, such as a region that does not answer for a while, leaves what was known ``before``.
    """
    found: dict[str, AccountStanding | Problem] = {}
    for status in statuses:
        known, answer = before.get(status.region), _standing(status)
        passes = isinstance(answer, Problem) and answer.reason.actor is Actor.OPERATOR
        found[status.region] = known if passes and known is not None else answer
    return found


def in_use(holders: Sequence[str]) -> Problem | None:
    """Return why a SesAccount that is being deleted is still there: who needs its credentials; None if no one does."""
    if not holders:
        return None
    named = ", ".join(holders[:MOST_NAMED])
    more = f" and {len(holders) - MOST_NAMED} more" if len(holders) > MOST_NAMED else ""
    return Problem(
        Reason.ACCOUNT_IN_USE,
        f"Deletion is waiting for {len(holders)} objects that refer to this SesAccount and own something at AWS: {named}{more}. "
        "Delete them. It takes no new identities meanwhile",
    )


def deletion_news(before: tuple[Condition, ...], after: tuple[Condition, ...]) -> tuple[Transition, ...]:
    """Return the Event of a SesAccount whose deletion begins to wait."""
    old, new = find(before, ConditionType.READY), find(after, ConditionType.READY)
    waits = new is not None and new.reason == Reason.ACCOUNT_IN_USE
    begun = waits and (old is None or old.reason != Reason.ACCOUNT_IN_USE)
    return (Transition(EventType.WARNING, new.reason, new.message),) if begun and new is not None else ()


def _standing(status: AccountRegionStatus) -> AccountStanding | Problem:
    if not status.reachable:
        reason = next((known for known in Reason if known == status.reason), Reason.REGION_UNREACHABLE)
        return Problem(reason, status.message or "", region=status.region)
    quota = status.send_quota
    return AccountStanding(
        sending_enabled=status.sending_enabled is not False,
        enforcement_status=status.enforcement_status or "",
        production_access=status.production_access_enabled is not False,
        daily_quota=quota.max24_hour_send if quota else None,
        rate_quota=quota.max_send_rate if quota else None,
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
