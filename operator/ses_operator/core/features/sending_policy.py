"""Sending-authorization policies: which are set, changed and removed, and which belong to other clients and are kept.

The policy that authorizedSenders become is the operator's by its name. One from spec.policies is the operator's in a
region if the identity's own tags say so (``marks``); one that existed already with the same document counts as set, is
not the operator's, and is never removed.
"""

from __future__ import annotations

from collections.abc import Iterable

from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.sending import GENERATED_POLICY, MAX_POLICIES
from ses_operator.core.features.marks import has_mark, wanted_marks
from ses_operator.core.model.policies.policy_documents import WantedPolicy, are_same, narrowed
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import IdentityFacts
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.steps import CreatePolicy, DeletePolicy, SesStep, UpdatePolicy, WithdrawRights, policy_key
from ses_operator.core.state.todo import Todo

LOOK_AGAIN = 600.0
"""Seconds until the next check if a policy that is in the way still exists."""


def withdrawals(desired: Desired, region: str, facts: IdentityFacts, inventory: Inventory) -> Iterable[SesStep]:
    """Yield what may take permissions away.

    The operator's unwanted policies are deleted; those that differ first lose the permissions that are no longer
    wanted, all of them before any gets new ones.
    """
    for name in _surplus(desired, region, facts, inventory):
        yield DeletePolicy(region, desired.identity, name)
    changed = [
        (wanted, found)
        for wanted in desired.policies.get(region, ())
        if (found := facts.policies.get(wanted.name)) is not None
        and not wanted.fault
        and not _is_in_the_way(wanted, region, facts, inventory)
        and not are_same(found, wanted.document)
    ]
    left = {wanted.name: narrowed(found, wanted.document) for wanted, found in changed}
    for wanted, found in changed:
        if left[wanted.name] != found and not are_same(left[wanted.name], wanted.document):
            yield WithdrawRights(region, desired.identity, wanted.name, left[wanted.name] or None)
    for wanted, _ in changed:
        step = UpdatePolicy if left[wanted.name] else CreatePolicy
        yield step(region, desired.identity, wanted.name, wanted.document)


def grants(desired: Desired, region: str, facts: IdentityFacts, inventory: Inventory) -> Todo:
    """Return the policies to create, and why not all of those that are wanted can be set."""
    has_room = _beyond_limit(desired, region, facts, inventory) <= 0
    marks = wanted_marks(desired, region, facts)
    new = (
        each
        for each in desired.policies.get(region, ())
        if each.name not in facts.policies and not each.fault and has_mark(each.name, marks)
    )
    steps = tuple(CreatePolicy(region, desired.identity, each.name, each.document) for each in new) if has_room else ()
    return Todo(steps, _policy_problems(desired, region, facts, inventory))


def _policy_problems(desired: Desired, region: str, facts: IdentityFacts, inventory: Inventory) -> dict[str, Problem]:
    """Return why policies cannot be set in this region, by the keys of their steps."""
    problems: dict[str, Problem] = {}
    for wanted in desired.policies.get(region, ()):
        key = policy_key(wanted.name)
        if wanted.fault:
            problems[key] = Problem(Reason.POLICY_INVALID, f"{wanted.field}: {wanted.fault}", region=region)
        elif _is_in_the_way(wanted, region, facts, inventory):
            problems[key] = Problem(
                Reason.POLICY_CONFLICT,
                f"{desired.identity} already has another policy {wanted.name}, which does not belong to this object; it "
                f"is left as it is. Remove it in SES, or choose another name in {wanted.field}",
                LOOK_AGAIN,
                region,
            )
    if (beyond := _beyond_limit(desired, region, facts, inventory)) > 0:
        problems["policies"] = Problem(
            Reason.QUOTA_EXCEEDED,
            f"SES keeps {MAX_POLICIES} policies for {desired.identity}; with those of other clients there would be "
            f"{MAX_POLICIES + beyond}. Remove {beyond} in SES, or from spec.policies",
            LOOK_AGAIN,
            region,
        )
    return problems


def _surplus(desired: Desired, region: str, facts: IdentityFacts, inventory: Inventory) -> list[str]:
    wanted = {policy.name for policy in desired.policies.get(region, ())}
    return sorted(name for name in facts.policies.keys() - wanted if _is_ours(name, region, inventory))


def _beyond_limit(desired: Desired, region: str, facts: IdentityFacts, inventory: Inventory) -> int:
    """Return by how many policies the limit would be exceeded, if all that can be set were set."""
    new = {policy.name for policy in desired.policies.get(region, ()) if not policy.fault}
    kept = facts.policies.keys() - set(_surplus(desired, region, facts, inventory))
    return len(kept | new) - MAX_POLICIES


def _is_in_the_way(wanted: WantedPolicy, region: str, facts: IdentityFacts, inventory: Inventory) -> bool:
    found = facts.policies.get(wanted.name)
    if found is None or _is_ours(wanted.name, region, inventory):
        return False
    return not are_same(found, wanted.document)


def _is_ours(name: str, region: str, inventory: Inventory) -> bool:
    return name == GENERATED_POLICY or _entry(region, name) in inventory.policies


def _entry(region: str, name: str) -> str:
    return f"{region}/{name}"
