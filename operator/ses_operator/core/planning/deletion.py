"""The deletion of an identity: first at SES in every region, then its DNS records, then the finalizer.

The records are needed for as long as the identity may still send, so they are deleted last. ``Retain`` keeps identity
and records and removes only the ownership markers; it never waits for anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import DeletionPolicy, SesIdentity
from ses_operator.core.model.problems import Problem
from ses_operator.core.planning.plan import NOTHING_TRIED, Plan, plan_leaving
from ses_operator.core.planning.region_plan import RegionPlan
from ses_operator.core.state.attempt import Attempt
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Observed, RegionView, Unread
from ses_operator.core.state.steps import ReleaseRecords, WithdrawRecords


def plan_deletion(desired: Desired, observed: Observed, attempt: Attempt = NOTHING_TRIED) -> Plan:
    """Return the steps that can be taken now. DNS comes only when no region has anything of the object any more."""
    regions = {region: plan_leaving(desired, region, observed, attempt) for region in sorted(observed.regions)}
    retained = desired.deletion is DeletionPolicy.RETAIN
    if any(plan.steps for plan in regions.values()):
        return Plan(regions)
    if retained:
        return Plan(regions, ReleaseRecords())
    if any(plan.problem for plan in regions.values()):
        return Plan(regions)
    return Plan(regions, WithdrawRecords())


def blockers(regions: Mapping[str, RegionPlan]) -> tuple[Problem, ...]:
    """Return why identities cannot be deleted, the root cause first.

    A parent that waits for its replicas says less than what blocks these.
    """
    problems = (regions[region].problem for region in sorted(regions))
    found = [problem for problem in problems if problem is not None]
    return tuple(sorted(found, key=lambda problem: problem.reason is Reason.DELETION_BLOCKED))


@dataclass(frozen=True, slots=True)
class CandidateRegions:
    """The regions that may have the identity.

    ``known`` by the inventory, or because SES has returned its ARN there; and those of the spec, in which it is
    looked for in case that the inventory was damaged.
    """

    known: frozenset[str]
    hoped: frozenset[str] = frozenset()

    @classmethod
    def of(cls, identity: SesIdentity, inventory: Inventory) -> CandidateRegions:
        """Return the candidates by inventory, status and spec."""
        told = {status.region for status in identity.status.regions if status.arn is not None}
        wanted = frozenset(identity.spec.regions)
        if inventory == Inventory():
            return cls(wanted | told)  # there is never a finalizer without one: it is lost, and the spec has to do
        known = inventory.regions | told
        return cls(known, wanted - known)

    @property
    def regions(self) -> tuple[str, ...]:
        """All of them, sorted."""
        return tuple(sorted(self.known | self.hoped))

    def relevant(self, views: Mapping[str, RegionView]) -> dict[str, RegionView]:
        """Return the views without unread regions that nothing was made in: they must not hold up the deletion."""
        return {region: view for region, view in views.items() if region in self.known or not isinstance(view, Unread)}
