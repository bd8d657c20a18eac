"""What holds for every answer to "why is it not ready?": which conditions say it, that it stays as it is, and the Event."""

from __future__ import annotations

from cluster.tenant import Tenant
from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.core.status.transitions import ACTORS_TO_CALL

ABNORMAL = {ConditionType.RECONCILING, ConditionType.STALLED}
ATTEMPTS = 4
"""How often SES and DNS may have news of their own between two looks, before an answer counts as restless."""


def explains(tenant: Tenant, reason: Reason, *parts: str, name: str = "mail") -> SesIdentity:
    """Waits until the identity is not ready for `reason`; its message must have all `parts`. The identity then."""
    _assert_says(tenant.not_ready(reason, name).message, parts)
    identity = _at_rest(tenant, name)
    conditions = {condition.type: condition for condition in identity.status.conditions}
    ready = conditions[ConditionType.READY]
    _assert_says(ready.message, parts)
    abnormal = ABNORMAL & conditions.keys()
    assert abnormal == {ConditionType.STALLED if reason.stalls else ConditionType.RECONCILING}
    assert {ready.reason, *(conditions[kind].reason for kind in abnormal)} == {reason}
    if reason.actor in ACTORS_TO_CALL:
        tenant.wait(lambda: _is_told(tenant, name, reason, parts), f"the Event {reason}")
    return identity


def _assert_says(message: str, parts: tuple[str, ...]) -> None:
    missing = [part for part in parts if part not in message]
    assert not missing, f"{message!r} does not say {missing}"


def _is_told(tenant: Tenant, name: str, reason: Reason, parts: tuple[str, ...]) -> bool:
    """Whether an Event says it, perhaps with what there was to say of other regions at that moment."""
    kind = "Normal" if reason is Reason.SUSPENDED else "Warning"  # a person wanted it so
    return any(
        (type_, event_reason) == (kind, reason) and all(part in message for part in parts)
        for type_, event_reason, message in tenant.events(name)
    )


def _at_rest(tenant: Tenant, name: str) -> SesIdentity:
    """The identity after two reconciles of which the second has changed nothing, and has written only that it was made."""
    before = tenant.reconciled(name)
    for _ in range(ATTEMPTS):
        mark = tenant.environment.plane.audit.mark()
        after = tenant.reconciled(name)
        if after.status.conditions == before.status.conditions and _status_writes(tenant, name, mark) == 1:
            return after
        before = after
    raise AssertionError(f"it says something else each time; the last was {before.status.conditions}")


def _status_writes(tenant: Tenant, name: str, mark: int) -> int:
    subject = (tenant.namespace, name, "status")
    writes = tenant.environment.plane.audit.writes(since=mark)
    return sum((write.namespace, write.name, write.subresource) == subject for write in writes)
