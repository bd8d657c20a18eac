"""The changes of status that are worth a Kubernetes Event: the few that a person waits for, or has to act on. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ses_operator.api.base.actors import Actor
from ses_operator.api.base.conditions import Condition, ConditionType, find
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.status import RegionStatus, RepairStatus, WarningStatus

ACTORS_TO_CALL = frozenset({Actor.DNS, Actor.MAILBOX, Actor.PLATFORM, Actor.AUTHOR})


LOSSES = frozenset({Reason.VERIFICATION_FAILED, Reason.VERIFICATION_REVOKED, Reason.VERIFICATION_EMAIL_EXPIRED})
"""The reasons that each region reports for itself."""


class EventType(StrEnum):
    """The two types of Event in Kubernetes."""

    NORMAL = "Normal"
    WARNING = "Warning"


RECORDS_LEFT = "RecordsLeft"
"""The reason of an Event about DNS records that are still there after they were to be deleted."""

RECORDS_RELEASED = "RecordsReleased"
"""The reason of an Event about DNS records that were owned and have no owner from now on."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One Event."""

    type: EventType
    reason: str
    message: str


def transitions(before: tuple[Condition, ...], after: tuple[Condition, ...]) -> tuple[Transition, ...]:
    """Return the Events of a change: it became Ready, or help is needed, for another reason than before."""
    old, new = find(before, ConditionType.READY), find(after, ConditionType.READY)
    if new is None:
        return ()
    if new.is_true:
        became = old is None or not old.is_true
        return (Transition(EventType.NORMAL, "Ready", new.message),) if became else _lost_besides(before, after)
    if old is not None and not old.is_true and old.reason == new.reason:
        return ()
    if new.reason == Reason.SUSPENDED:
        return (Transition(EventType.NORMAL, new.reason, new.message),)  # a person wanted it so
    return (Transition(EventType.WARNING, new.reason, new.message),) if _calls_for_help(new.reason) else ()


def _lost_besides(before: tuple[Condition, ...], after: tuple[Condition, ...]) -> tuple[Transition, ...]:
    """Return the Event of what is lost though Ready stays True: a MAIL FROM domain without which SES sends with its own."""
    old, new = (find(each, ConditionType.MAIL_FROM_VERIFIED) for each in (before, after))
    lost = old is not None and old.is_true and new is not None and not new.is_true
    return (Transition(EventType.WARNING, new.reason, new.message),) if lost and new is not None else ()


def new_losses(
    before: tuple[RegionStatus, ...], after: tuple[RegionStatus, ...], told: tuple[Transition, ...]
) -> tuple[Transition, ...]:
    """Return the Events of regions that failed or lost their verification, if ``told``, which is about Ready, does not say so.

    Another region came first there, or failed before.
    """
    known, said = {(region.region, region.reason) for region in before}, {transition.reason for transition in told}
    return tuple(
        Transition(EventType.WARNING, region.reason, f"{region.region}: {region.message}")
        for region in after
        if region.reason in LOSSES and region.reason not in said and (region.region, region.reason) not in known
    )


def new_warnings(before: tuple[WarningStatus, ...], after: tuple[WarningStatus, ...]) -> tuple[Transition, ...]:
    """Return the Events of warnings that are new, or say something else."""
    return tuple(
        Transition(EventType.WARNING, warning.reason, warning.message) for warning in after if warning not in before
    )


def new_contests(before: tuple[RepairStatus, ...], after: tuple[RepairStatus, ...]) -> tuple[Transition, ...]:
    """Return the Events of settings that another client keeps changing back: once, when that is noticed."""
    known = {(repair.setting, repair.region) for repair in before if repair.message}
    return tuple(
        Transition(EventType.WARNING, Reason.CONTESTED, repair.message)
        for repair in after
        if repair.message and (repair.setting, repair.region) not in known
    )


def _calls_for_help(reason: str) -> bool:
    return any(known == reason and known.actor in ACTORS_TO_CALL for known in Reason)
