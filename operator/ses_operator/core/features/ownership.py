"""The owner of an SES identity: a claim is (AWS account, region, identity), and there is one owner.

The owner tag names the owner. Without a tag, the oldest object owns it, then the first by namespace and name; but one
that owns nothing, and has been suspended or refused for an hour, keeps it from no other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ses_operator.api.base.actors import Actor
from ses_operator.api.base.conditions import Condition, ConditionType, find
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.keys import ObjectKey, Owner
from ses_operator.core.model.ses import IdentityFacts
from ses_operator.core.state.observed import Present, RegionView, Unread
from ses_operator.core.state.steps import SesStep, TagIdentity


class Ownership(StrEnum):
    """The ownership of an existing SES identity, by its owner tag."""

    OURS = "Ours"
    UNOWNED = "Unowned"
    ANOTHERS = "Anothers"


@dataclass(frozen=True, slots=True)
class Claimant:
    """A SesIdentity that claims an identity in some regions of an AWS account.

    ``idle_since``: since when it has been suspended or refused; None if it works on it.
    """

    key: ObjectKey
    created: datetime
    account_id: str
    identity: str
    regions: frozenset[str]
    idle_since: datetime | None = None


PATIENCE = timedelta(hours=1)
"""For how long an object that does nothing, and owns nothing, goes before others."""


def idle_since(conditions: Iterable[Condition]) -> datetime | None:
    """Return since when an object is not ready, if it is suspended or a person has to act; None while it may become so itself."""
    ready = find(conditions, ConditionType.READY)
    if ready is None or ready.is_true:
        return None
    known = next((reason for reason in Reason if reason == ready.reason), None)
    waits_for_others = known is None or known.actor in (Actor.NONE, Actor.OPERATOR)
    return None if waits_for_others else ready.last_transition_time


def has_waited(claimant: Claimant, now: datetime) -> bool:
    """Return True if the object has been idle for so long that it loses its precedence, should it own nothing."""
    return claimant.idle_since is not None and now - claimant.idle_since >= PATIENCE


def may_own(views: Mapping[str, RegionView], owner: Owner, invited: Collection[str]) -> bool:
    """Return True if this owner holds an identity in one of the regions, or one cannot be read.

    Where SES does not exist there is nothing to hold.
    """
    for region, view in views.items():
        match view:
            case Unread(problem) if problem.reason is not Reason.REGION_NOT_SUPPORTED:
                return True
            case Present(facts) if is_ours(region, facts, owner, invited):
                return True
            case _:
                continue
    return False


def ownership(facts: IdentityFacts, owner: Owner) -> Ownership:
    """Return the ownership of this identity, read from the identity itself."""
    tag = (facts.tags or {}).get(OWNER_TAG)
    if tag is None:
        return Ownership.UNOWNED
    return Ownership.OURS if owner.holds(Owner.parse(tag)) else Ownership.ANOTHERS


def is_ours(region: str, facts: IdentityFacts, owner: Owner, invited: Collection[str]) -> bool:
    """Return True if this owner holds the identity of the region.

    By its tag, or because an email of the operator made it just now.

    ``invited``: the regions in which that may be, by the inventory.
    """
    held = ownership(facts, owner)
    return held is Ownership.OURS or (held is Ownership.UNOWNED and region in invited)


def contested_regions(claimant: Claimant, others: Iterable[Claimant]) -> frozenset[str]:
    """Return the regions in which another object has the better claim, by age."""
    return frozenset(region for other in better_claims(claimant, others) for region in claimant.regions & other.regions)


def better_claims(claimant: Claimant, others: Iterable[Claimant]) -> Iterator[Claimant]:
    """Yield the other objects that ask for the same identity with a better claim, by age."""
    for other in others:
        if other.key == claimant.key or (other.account_id, other.identity) != (claimant.account_id, claimant.identity):
            continue
        if (other.created, other.key) < (claimant.created, claimant.key):
            yield other


def changes_hands(step: SesStep, view: RegionView) -> bool:
    """Return True if the step gives the identity another owner than it has, or one if it has none."""
    return isinstance(step, TagIdentity) and OWNER_TAG in step.tags and step.tags[OWNER_TAG] != owner_tag(view)


def owner_tag(view: RegionView) -> str | None:
    """Return the owner that the tag names; None without a tag, or without an identity."""
    return (view.facts.tags or {}).get(OWNER_TAG) if isinstance(view, Present) else None
