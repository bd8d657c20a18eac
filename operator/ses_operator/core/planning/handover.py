"""Hands over what an identity owns to the object of the same namespace and name in another installation. Pure.

Only the ownership markers change: first the tags at SES, region by region, then the owner of the DNS records. In this
order, a deletion in between leaves records without an owner at the worst, and never an identity without records.
"""

from __future__ import annotations

from collections.abc import Mapping

from ses_operator.api.base.meta import HAND_OVER_TO, INVENTORY, OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.core.features.ownership import is_ours
from ses_operator.core.model.keys import DNS_LABEL, Installation, Owner
from ses_operator.core.model.problems import Problem
from ses_operator.core.planning.plan import NOTHING_TRIED, Plan
from ses_operator.core.planning.region_plan import RegionPlan
from ses_operator.core.state.attempt import Attempt
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Observed, Present, Unread
from ses_operator.core.state.steps import HandOverRecords, TagIdentity


def requested_new_owner(annotations: Mapping[str, str], installation: Installation) -> str | None:
    """Return the installation that a person wants to own what the object owns; None if it is to stay with this one."""
    asked = annotations.get(HAND_OVER_TO)
    return None if asked in (None, installation.id) else asked


def invalid_new_owner(new_owner: str) -> Problem | None:
    """Return why nothing can be handed over to what the annotation says."""
    if DNS_LABEL.fullmatch(new_owner):
        return None
    return Problem(
        Reason.INVALID_SPEC,
        f"The annotation {HAND_OVER_TO} is {new_owner!r}, which is not an installation id. Set it to the installationID of the "
        "other installation, or remove it",
    )


def plan_handover(desired: Desired, observed: Observed, new_owner: Owner, attempt: Attempt = NOTHING_TRIED) -> Plan:
    """Return the steps that can be taken now. DNS comes only when the tags of all regions name the new owner."""
    regions = {
        region: _plan_region(desired, region, observed, new_owner, attempt) for region in sorted(observed.regions)
    }
    if any(plan.steps or plan.problem for plan in regions.values()):
        return Plan(regions)
    return Plan(regions, HandOverRecords(new_owner))


def _plan_region(desired: Desired, region: str, observed: Observed, new_owner: Owner, attempt: Attempt) -> RegionPlan:
    if failures := attempt.failures.get(region):
        return RegionPlan(problems=failures)
    match observed.regions[region]:
        case Unread() if observed.is_nowhere(region):
            return RegionPlan()
        case Unread(problem):
            return RegionPlan.held_up(problem)
        case Present(facts) if is_ours(region, facts, desired.owner, observed.invited):
            return RegionPlan((TagIdentity(region, desired.identity, {OWNER_TAG: str(new_owner)}),))
        case _:
            return RegionPlan()


def handed_over(new_owner: str) -> Problem:
    """Return the problem that reports a completed hand-over."""
    return Problem(
        Reason.HANDED_OVER,
        f"What this object owned now belongs to installation {new_owner}, under the same namespace and name. "
        "Delete this object when the one there is Ready; nothing is removed with it",
    )


def is_handed_over(identity: SesIdentity, new_owner: str) -> bool:
    """Return True if status says that it is completed."""
    known = identity.status.handover
    return known is not None and known.completed and known.to == new_owner


def possessions(identity: SesIdentity) -> str:
    """Return what the object owns outside the cluster, by its inventory; and what it uses that stays here."""
    inventory = Inventory.decode(identity.metadata.annotations.get(INVENTORY))
    template = identity.spec.verification_template_ref
    said = (
        [f"the identity {identity.spec.identity} in {', '.join(sorted(inventory.regions))}"]
        if inventory.regions
        else []
    )
    if inventory.places:
        said.append(f"its DNS records in {', '.join(sorted(inventory.places))}")
    if not said:
        said.append("nothing is known to be owned; what carries its owner tag is handed over")
    if template is not None:
        said.append(
            f"SesVerificationTemplate {template.name}, which its emails use, is not handed over: apply it there as well, "
            "because each "
            "installation has its own at SES"
        )
    return "; ".join(said)
