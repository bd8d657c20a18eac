"""The deletion limit: how many identities of an account may be deleted in an hour. Pure.

To delete a folder by mistake deletes hundreds of identities at once, and mail stops. With a limit the first few are
deleted, and the rest waits until a person has noticed.

An identity that loses regions counts like one that is deleted: mail from there stops in the same way. All regions
that it loses at once count as one, as do all of one that is deleted.

The count (``core.tally``) is raised before a deletion begins.
"""

from __future__ import annotations

from ses_operator.api.base.meta import ALLOW_DELETION, LET_GO_AT
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import DeletionPolicy, SesIdentity
from ses_operator.core.model.problems import Problem
from ses_operator.core.planning.plan import Plan
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.steps import DeleteIdentity


def has_a_say(identity: SesIdentity, inventory: Inventory) -> bool:
    """Return True if the limit applies before this identity is deleted.

    It would be deleted from AWS, that has not begun, and no person has allowed it.

    It does not apply to an object that went without waiting for its finalizer: there is nothing left to hold back.
    """
    annotations, told = identity.metadata.annotations, any(region.arn for region in identity.status.regions)
    return (
        identity.metadata.is_deleting
        and identity.spec.deletion_policy is DeletionPolicy.DELETE
        and annotations.get(ALLOW_DELETION) != "true"
        and LET_GO_AT not in annotations
        and (told or bool(inventory.regions))
    )


def regions_to_ask_for(plan: Plan, desired: Desired, inventory: Inventory, identity: SesIdentity) -> frozenset[str]:
    """Return the regions outside the spec to which the limit applies, before the plan deletes the identity in one of them.

    All at once, those too that are deleted later, such as that of a parent after its replicas.
    """
    if identity.metadata.annotations.get(ALLOW_DELETION) == "true":
        return frozenset()
    outside = plan.regions.keys() - {*desired.regions, *inventory.released}
    deletes = any(isinstance(step, DeleteIdentity) for region in outside for step in plan.regions[region].steps)
    return frozenset(outside) if deletes else frozenset()


def held_back(account: str, limit: int, wait: float) -> Problem:
    """Return the problem of an identity that may not be deleted yet; the same for as long as it waits."""
    return Problem(
        Reason.DELETION_LIMIT_REACHED,
        f"{_rule(account, limit)}. Nothing has been deleted yet{_way_out(limit)}",
        retry_after=wait,
    )


def region_held_back(region: str, account: str, limit: int, wait: float) -> Problem:
    """Return the same for the identity in a region that has left the spec."""
    return Problem(
        Reason.DELETION_LIMIT_REACHED,
        f"The region was removed from spec.regions. {_rule(account, limit)}. Nothing has been deleted there "
        f"yet{_way_out(limit)}. "
        "To keep the identity there, add the region to spec.regions again",
        retry_after=wait,
        region=region,
    )


def _rule(account: str, limit: int) -> str:
    allowed = "1 deletion" if limit == 1 else f"{limit or 'no'} deletions"
    return f"SesAccount {account} allows {allowed} per hour (spec.maxDeletionsPerHour)"


def _way_out(limit: int) -> str:
    turn = "" if limit == 0 else "; deletion will proceed when the limit allows"
    return f"{turn}. To delete it now, set the annotation {ALLOW_DELETION} to true"
