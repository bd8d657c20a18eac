"""Defects to plant: what was wrong once, or nearly, each as a replacement of source text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """One replacement in a file of the operator's package. ``old`` is there exactly once."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Defect:
    """``name`` says what the operator with it does."""

    name: str
    changes: tuple[Change, ...]


def _defect(name: str, file: str, old: str, new: str) -> Defect:
    return Defect(name, (Change(file, old, new),))


DEFECTS = (
    _defect(
        "identities of others are taken for ours",
        "core/planning/plan.py",
        "    ours = is_ours(region, facts, desired.owner, observed.invited)\n    match",
        "    ours = True\n    match",
    ),
    _defect(
        "adoptionPolicy Never adopts",
        "core/planning/plan.py",
        "case Ownership.UNOWNED if desired.adoption is AdoptionPolicy.NEVER:",
        "case Ownership.UNOWNED if desired.adoption is None:",
    ),
    _defect(
        "policies of others are deleted",
        "core/features/sending_policy.py",
        "return sorted(name for name in facts.policies.keys() - wanted if _is_ours(name, region, inventory))",
        "return sorted(facts.policies.keys() - wanted)",
    ),
    _defect(
        "the inventory is not kept",
        "controllers/identity/controller.py",
        "needed = run.inventory | within_reach(wanted, run.observed) | more",
        "needed = run.inventory | more",
    ),
    _defect(
        "Ready ignores what could not be set",
        "core/status/report.py",
        "holds_up = any(_holds_up_ready(case, kind, verdict.status) for kind, verdict in found.items())",
        "holds_up = found[ConditionType.VERIFIED].status is not ConditionStatus.TRUE",
    ),
    _defect(
        "status is written each time",
        "controllers/shared/writes.py",
        "    if old == new:\n        return None\n",
        "",
    ),
    _defect(
        "deletion does not wait for regions that do not answer",
        "controllers/identity/finalizer.py",
        "if problems and not lets_go:",
        "if problems and lets_go:",
    ),
    _defect(
        "records are not withdrawn",
        "core/dns/zone_plan.py",
        "        plan = _plan(owner, seal, replace(owned, unproven={}), (), view, Surplus.REMOVE, BatchLimits())",
        "        return ZonePlan()",
    ),
    _defect(
        "a ledger needs no signature",
        "core/dns/ledger.py",
        "        if self.keys.verifies(self._statement(owner, record, line.digest), line.signature):",
        "        if line.digest:",
    ),
    _defect(
        "a region that has left the spec is forgotten",
        "controllers/identity/controller.py",
        "leaving = run.inventory.regions - frozenset(run.desired.regions)",
        "leaving: frozenset[str] = frozenset()",
    ),
    _defect(
        "an object that cannot be read ends the operator",
        "runtime/manager.py",
        '        found = obj["metadata"]\n',
        "        os._exit(EXIT_FAILED)\n",
    ),
    Defect(
        "a standby works as well",
        (
            Change(
                "runtime/manager.py",
                "self.client = KubeClient(configuration, gate=self._elector.check)",
                "self.client = KubeClient(configuration)",
            ),
            Change(
                "runtime/manager.py",
                "        await self._elector.acquire()\n        async with asyncio.TaskGroup() as group:\n"
                '            group.create_task(self._start(), name="start")\n',
                "        async with asyncio.TaskGroup() as group:\n"
                '            group.create_task(self._start(), name="start")\n            await self._elector.acquire()\n',
            ),
        ),
    ),
)
