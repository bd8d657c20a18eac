"""The brake on deletion: how many identities of an account may go in an hour. Pure.

Who deletes a folder by mistake deletes hundreds of identities at once, and mail stops. With a brake the first few go, and the
rest waits until somebody has noticed.

An identity that loses regions counts like one that is deleted: mail from there stops in the same way. All regions that it loses
at once count as one, as do all of one that is deleted.

The count is kept by the minute, in an annotation of the SesAccount, and is raised before a deletion begins: it survives a
restart, and its size does not depend on the limit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ses_operator.api.identity import DeletionPolicy, SesIdentity
from ses_operator.api.meta import ALLOW_DELETION, LET_GO_AT
from ses_operator.api.reasons import Reason
from ses_operator.core.desired import Desired
from ses_operator.core.footprint import Footprint
from ses_operator.core.plan import Plan
from ses_operator.core.problems import Problem
from ses_operator.core.steps import DeleteIdentity

MINUTE = 60.0
WINDOW_MINUTES = 60
LOOK_AGAIN = 3600.0
"""Seconds until an identity that no time lets go is looked at again; what lets it go wakes it before that."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Deletions that were let go, by the minute (since 1970, UTC) in which that was."""

    minutes: Mapping[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.minutes.values())

    def of_the_last_hour(self, now: datetime) -> Tally:
        """Without what is over for an hour, counted from the end of its minute; nor what a wrong clock wrote far ahead."""
        current = _minute(now)
        near = range(current - WINDOW_MINUTES, current + WINDOW_MINUTES + 1)
        return Tally({minute: count for minute, count in self.minutes.items() if minute in near})

    def with_more(self, count: int, now: datetime) -> Tally:
        current = _minute(now)
        return Tally({**self.minutes, current: self.minutes.get(current, 0) + count})

    def encode(self) -> str:
        """The annotation's value: ``{"<minute>":<count>}``, in order."""
        return json.dumps({str(minute): self.minutes[minute] for minute in sorted(self.minutes)}, separators=(",", ":"))

    @classmethod
    def decode(cls, text: str | None) -> Tally:
        """What the annotation says; a missing or damaged one (a person may edit it) says nothing."""
        try:
            value: Any = json.loads(text or "{}")
            return cls({int(minute): int(count) for minute, count in value.items() if int(count) > 0})
        except (ValueError, TypeError, AttributeError):
            return cls()


@dataclass(frozen=True, slots=True)
class Decision:
    """So many may go now; the count with them in it; seconds until it is worth asking again, for those that may not."""

    granted: int
    tally: Tally
    wait: float


def decide(tally: Tally, limit: int, asked: int, now: datetime) -> Decision:
    """Let as many go as the limit leaves room for in the hour that ends now."""
    recent = tally.of_the_last_hour(now)
    granted = min(asked, max(0, limit - recent.total))
    counted = recent.with_more(granted, now) if granted else recent
    return Decision(granted, counted, _until_room(counted, limit, now))


def has_a_say(identity: SesIdentity, footprint: Footprint) -> bool:
    """Whether the brake is to be asked before this identity goes: it would be deleted from AWS, that has not begun, and nobody
    has said that it may.

    An object that went without waiting for its finalizer is not asked about: there is nothing left to hold back.
    """
    annotations, told = identity.metadata.annotations, any(region.arn for region in identity.status.regions)
    return (
        identity.metadata.is_deleting
        and identity.spec.deletion_policy is DeletionPolicy.DELETE
        and annotations.get(ALLOW_DELETION) != "true"
        and LET_GO_AT not in annotations
        and (told or bool(footprint.regions))
    )


def regions_to_ask_for(plan: Plan, desired: Desired, footprint: Footprint, identity: SesIdentity) -> frozenset[str]:
    """The regions outside the spec whose identity the plan deletes, and for which the brake is to be asked before."""
    if identity.metadata.annotations.get(ALLOW_DELETION) == "true":
        return frozenset()
    return frozenset(
        region
        for region, steps in plan.ses_steps.items()
        if region not in {*desired.regions, *footprint.let_go}
        and any(isinstance(step, DeleteIdentity) for step in steps)
    )


def held_back(account: str, limit: int, wait: float) -> Problem:
    """What is said of an identity that may not go yet; the same for as long as it waits."""
    return Problem(
        Reason.DELETION_HELD_BACK,
        f"{_rule(account, limit)}, and nothing of this one has been touched; {_way_out(limit)}",
        retry_after=wait,
    )


def region_held_back(region: str, account: str, limit: int, wait: float) -> Problem:
    """The same of the identity in a region that has left the spec."""
    return Problem(
        Reason.DELETION_HELD_BACK,
        f"{region}: the region has left spec.regions; {_rule(account, limit)}, and the identity there has not been touched. "
        f"Add the region again to keep it; {_way_out(limit)}",
        retry_after=wait,
    )


def _rule(account: str, limit: int) -> str:
    gone = "has no identity deleted unasked" if limit == 0 else f"has {limit} identities deleted in an hour"
    return f"the SesAccount {account} {gone} (spec.maxDeletionsPerHour)"


def _way_out(limit: int) -> str:
    turn = "" if limit == 0 else "it goes by itself in turn; "
    return f"{turn}to have it deleted now, set the annotation {ALLOW_DELETION} to true"


def _until_room(tally: Tally, limit: int, now: datetime) -> float:
    """Seconds until one minute less counts. With a limit of 0 no time helps."""
    if limit == 0 or not tally.minutes:
        return LOOK_AGAIN
    leaves = (min(tally.minutes) + WINDOW_MINUTES + 1) * MINUTE
    return max(1.0, leaves - now.timestamp())


def _minute(moment: datetime) -> int:
    return int(moment.timestamp() // MINUTE)
