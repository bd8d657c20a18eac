"""Plans the changes of a Route 53 zone: it gets the wanted records of one identity, and no other record is changed.

The rules, in the order in which they are tried:

- A ledger of another owner, or a record at the ledger's name that is no ledger: nothing is written.
- What the ledger names is owned only if the line proves it (``Seal``), and the name is the domain's: at or below it, and
  not at or below one that has another ledger. What else the ledger names is left as it is and reported; the line stays.
- What is owned, is no longer wanted and is still as it was written is deleted (unless the caller says that
  surplus is to be kept or released). If another client has changed it since, it belongs to that client now: it is left, the
  ledger no longer names it, and the plan says so.
- What is wanted and absent is created.
- What is wanted and serves its purpose as it is (``core/dns/judge.py``) is up to date. Unless the ledger names it, it is not
  owned: it is not entered there and never deleted.
- What is wanted, named by the ledger and different is corrected by an exact DELETE and a CREATE: if it is as the operator
  wrote it and wanted differently now, or if another client changed it so that it no longer serves its purpose. Texts that
  others added to a TXT set stay in it.
- If the ledger was deleted, nothing is owned any more: the records are up to date and stay for good.
- Anything else that is in the way is a conflict: reported with both values, never overwritten; the other records go on.

The ledger after the plan names exactly the owned sets that exist after the plan; it changes in the same batch. Every
change is conditional in Route 53 (CREATE fails if something exists, DELETE if something else exists), so that a plan
made from an old view of the zone is refused as a whole instead of doing harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ses_operator.core.dns.ledger import LEDGER_LABEL, Ledger, Line, Seal, ledger_name
from ses_operator.core.dns.zone_ledger import (
    Owned,
    is_ledger_of_another,
    ledger_changes,
    ledger_set,
    read_ledger,
    signed,
    unproven_left,
)
from ses_operator.core.dns.zone_records import SetMove, judge_surplus, judge_wanted, sets_at
from ses_operator.core.dns.zone_sets import BatchLimits, Change, ChangeAction, ZoneSet, ZoneView
from ses_operator.core.model.keys import Owner
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.records import Purpose, RecordId, RecordSet
from ses_operator.core.state.publication import PublishedRecord
from ses_operator.core.state.steps import Surplus

_TEXTS = frozenset({Purpose.DMARC, Purpose.DKIM})


@dataclass(frozen=True, slots=True)
class ZonePlan:
    """The changes to make, and the state before they are made.

    ``changes``: one batch, deletions first, the ledger's included. ``records``: each wanted record set and its state
    now. ``surplus``: owned record sets that are not wanted. ``released``: those that the ledger named but that
    another client changed since, in words. ``unproven``: record sets that the ledger names and does not prove to be
    owned; they are left. ``owned``: those that the ledger names when the whole plan is carried out. ``problem``: why
    nothing at all can be written.
    """

    changes: tuple[Change, ...] = ()
    records: tuple[PublishedRecord, ...] = ()
    surplus: tuple[str, ...] = ()
    released: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    owned: frozenset[RecordId] = frozenset()
    problem: Problem | None = None


def plan_publication(
    owner: Owner,
    seal: Seal,
    wanted: Iterable[RecordSet],
    view: ZoneView,
    surplus: Surplus = Surplus.REMOVE,
    limits: BatchLimits | None = None,
) -> ZonePlan:
    """Return the plan that makes the zone hold ``wanted``. ``view`` has all that is at ``names_concerned``.

    If the whole does not fit into one batch, the plan is its first part, with a ledger that fits that part: applying
    and planning again does the rest.
    """
    wanted = sorted(wanted)
    owned = read_ledger(owner, seal, view)
    if isinstance(owned, Problem):
        return ZonePlan(records=judge_wanted(wanted, view, {}, frozenset()).records, problem=owned)
    return _plan(owner, seal, owned, wanted, view, surplus, limits or BatchLimits())


def _plan(
    owner: Owner,
    seal: Seal,
    owned: Owned,
    wanted: Sequence[RecordSet],
    view: ZoneView,
    surplus: Surplus,
    limits: BatchLimits,
) -> ZonePlan:
    extra = judge_surplus(owned.digests, {record.id for record in wanted}, view, surplus, seal.whole)
    judged = judge_wanted(wanted, view, owned.digests, extra.leaving)
    draft = _Draft(
        owner,
        seal,
        (*extra.moves, *judged.moves),
        {**extra.kept, **judged.kept},
        owned.unproven,
        ledger_set(seal.domain, view),
    )
    return ZonePlan(
        changes=draft.changes_within(limits),
        records=judged.records,
        surplus=extra.names,
        released=extra.released,
        unproven=tuple(map(str, sorted(owned.unproven))),
        owned=frozenset({*draft.kept, *(move.id for move in draft.moves if move.after)}),
    )


def plan_retention(
    owner: Owner, seal: Seal, wanted: Iterable[RecordSet], view: ZoneView, surplus: Surplus = Surplus.REMOVE
) -> ZonePlan:
    """Return the plan for a zone that records have moved away from.

    Of the owned records those wanted are corrected and the rest is deleted; nothing is added.
    """
    standing = holdings(owner, seal, view)
    plan = plan_publication(owner, seal, (record for record in wanted if record.id in standing), view, surplus)
    return plan if plan.problem is None else ZonePlan()


def holdings(owner: Owner, seal: Seal, view: ZoneView) -> frozenset[RecordId]:
    """Return the owned record sets that exist in the zone."""
    owned = read_ledger(owner, seal, view)
    if isinstance(owned, Problem):
        return frozenset()
    return frozenset(record_id for record_id in owned.digests if sets_at(record_id, view))


def plan_withdrawal(owner: Owner, seal: Seal, view: ZoneView) -> ZonePlan:
    """Return the plan that deletes everything that is owned and that is still as written, and the ledger.

    Without a ledger of this owner nothing in the zone is owned, and there is nothing to do; a ledger that cannot be
    read is reported, and so is what it names without proof.
    """
    owned = read_ledger(owner, seal, view)
    if isinstance(owned, Owned):
        plan = _plan(owner, seal, replace(owned, unproven={}), (), view, Surplus.REMOVE, BatchLimits())
        left = unproven_left(sorted(map(str, owned.unproven)), seal.domain)
        return replace(plan, released=(*plan.released, *left))
    if is_ledger_of_another(seal.domain, view):
        return ZonePlan()
    return ZonePlan(
        released=(f"Records of {seal.domain} may be left, because their ledger cannot be read: {owned.message}",)
    )


def plan_release(owner: Owner, seal: Seal, view: ZoneView) -> ZonePlan:
    """Return the plan that deletes the ledger alone: the records are kept and have no owner."""
    owned = read_ledger(owner, seal, view)
    if isinstance(owned, Problem):
        return ZonePlan()
    return _plan(owner, seal, replace(owned, unproven={}), (), view, Surplus.RELEASE, BatchLimits())


def plan_handover(owner: Owner, new_owner: Owner, seal: Seal, view: ZoneView) -> ZonePlan:
    """Return the plan that writes another owner's name into the ledger; the records are kept, and become the new owner's.

    The lines are signed by this installation: the other one needs its key.
    """
    owned, standing = read_ledger(owner, seal, view), ledger_set(seal.domain, view)
    if isinstance(owned, Problem) or standing is None:
        return ZonePlan()
    return ZonePlan(changes=tuple(ledger_changes(signed(new_owner, seal, owned.digests, {}), seal.domain, standing)))


def names_concerned(domain: str, wanted: Iterable[RecordSet], view: ZoneView) -> frozenset[str]:
    """Return the names that the plan must know: those of ledgers, those wanted, and those that the ledger has."""
    standing = ledger_set(domain, view)
    ledger = Ledger.decode(standing.meaning, domain) if standing else None
    named = ledger.lines if ledger else ()
    ledgers = (name for name in view if name.startswith(f"{LEDGER_LABEL}."))
    return frozenset(
        {ledger_name(domain), *ledgers, *(record.name for record in wanted), *(entry.name for entry in named)}
    )


@dataclass(frozen=True, slots=True)
class _Draft:
    """Moves, and the ledger that they lead to: ``kept`` has the digests of what exists and is not moved."""

    owner: Owner
    seal: Seal
    moves: tuple[SetMove, ...]
    kept: Mapping[RecordId, str]
    unproven: Mapping[RecordId, Line]
    standing_ledger: ZoneSet | None

    def changes_within(self, limits: BatchLimits) -> tuple[Change, ...]:
        """Return the longest part of the moves, or nearly, that fits into one batch together with its ledger."""
        count = len(self.moves)
        while True:
            changes = self._changes(count)
            elements = sum(change.elements for change in changes)
            characters = sum(change.characters for change in changes)
            if count <= 1 or limits.admits(elements, characters):
                return changes
            count -= 1 + count // 8

    def _changes(self, count: int) -> tuple[Change, ...]:
        moves, postponed = self.moves[:count], self.moves[count:]
        written = {move.id: move.after for move in moves if move.after}
        # Surplus that only a later part deletes stays in the ledger until then.
        leaving = {move.id: move.before for move in postponed if not move.after}
        ledger = signed(self.owner, self.seal, {**self.kept, **leaving, **written}, self.unproven)
        changes = [change for move in moves for change in move.changes]
        changes += ledger_changes(ledger, self.seal.domain, self.standing_ledger)
        # Deletions first: a CNAME may make room for an MX at the same name.
        return tuple(sorted(changes, key=lambda change: change.action is ChangeAction.CREATE))
