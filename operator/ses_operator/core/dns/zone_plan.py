"""Plans the changes of a Route 53 zone: it gets the wanted records of one identity, and no other record is changed.

The rules, in the order in which they are tried:

- A ledger of another owner, or a record at the ledger's name that is no ledger: nothing is written.
- What the ledger names, is no longer wanted and is still as it was written is deleted (unless the caller says that
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

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ses_operator.api.base.reasons import Reason
from ses_operator.core.dns.ledger import LEDGER_TTL, Ledger, ledger_name
from ses_operator.core.dns.zone_records import Move, judge_surplus, judge_wanted, sets_at
from ses_operator.core.dns.zone_sets import BatchLimits, Change, ChangeAction, ZoneSet, ZoneView
from ses_operator.core.model import txt
from ses_operator.core.model.keys import Owner
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.records import Purpose, RecordId, RecordSet, RecordType
from ses_operator.core.state.publication import PublishedRecord
from ses_operator.core.state.steps import Surplus

_TEXTS = frozenset({Purpose.DMARC, Purpose.DKIM})


@dataclass(frozen=True, slots=True)
class ZonePlan:
    """The changes to make, and the state before they are made.

    ``changes``: one batch, deletions first, the ledger's included. ``records``: each wanted record set and its state
    now. ``surplus``: owned record sets that are not wanted. ``released``: those that the ledger named but that
    another client changed since, in words. ``problem``: why nothing at all can be written.
    """

    changes: tuple[Change, ...] = ()
    records: tuple[PublishedRecord, ...] = ()
    surplus: tuple[str, ...] = ()
    released: tuple[str, ...] = ()
    problem: Problem | None = None


def plan_publication(
    owner: Owner,
    domain: str,
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
    ledger = _read_ledger(owner, domain, view)
    if isinstance(ledger, Problem):
        return ZonePlan(records=judge_wanted(wanted, view, {}, frozenset()).records, problem=ledger)
    extra = judge_surplus(ledger.digests, {record.id for record in wanted}, view, surplus)
    judged = judge_wanted(wanted, view, ledger.digests, extra.leaving)
    draft = _Draft(
        owner, domain, (*extra.moves, *judged.moves), {**extra.kept, **judged.kept}, _ledger_set(domain, view)
    )
    return ZonePlan(
        changes=draft.changes_within(limits or BatchLimits()),
        records=judged.records,
        surplus=extra.names,
        released=extra.released,
    )


def plan_retention(
    owner: Owner, domain: str, wanted: Iterable[RecordSet], view: ZoneView, surplus: Surplus = Surplus.REMOVE
) -> ZonePlan:
    """Return the plan for a zone that records have moved away from.

    Of the owned records those wanted are corrected and the rest is deleted; nothing is added.
    """
    standing = holdings(owner, domain, view)
    plan = plan_publication(owner, domain, (record for record in wanted if record.id in standing), view, surplus)
    return plan if plan.problem is None else ZonePlan()


def holdings(owner: Owner, domain: str, view: ZoneView) -> frozenset[RecordId]:
    """Return the owned record sets that exist in the zone."""
    ledger = _read_ledger(owner, domain, view)
    if isinstance(ledger, Problem):
        return frozenset()
    return frozenset(record_id for record_id in ledger.digests if sets_at(record_id, view))


def plan_withdrawal(owner: Owner, domain: str, view: ZoneView) -> ZonePlan:
    """Return the plan that deletes everything that the ledger names and that is still as written, and the ledger.

    Without a ledger of this owner nothing in the zone is owned, and there is nothing to do; a ledger that cannot be
    read is reported.
    """
    plan = plan_publication(owner, domain, (), view)
    if plan.problem is None:
        return plan
    if _is_ledger_of_another(domain, view):
        return ZonePlan()
    return ZonePlan(
        released=(f"Records of {domain} may be left, because their ledger cannot be read: {plan.problem.message}",)
    )


def plan_release(owner: Owner, domain: str, view: ZoneView) -> ZonePlan:
    """Return the plan that deletes the ledger alone: the records are kept and have no owner."""
    plan = plan_publication(owner, domain, (), view, Surplus.RELEASE)
    return ZonePlan() if plan.problem is not None else plan


def plan_handover(owner: Owner, new_owner: Owner, domain: str, view: ZoneView) -> ZonePlan:
    """Return the plan that writes another owner's name into the ledger; the records are kept, and become the new owner's."""
    ledger, standing = _read_ledger(owner, domain, view), _ledger_set(domain, view)
    if isinstance(ledger, Problem) or standing is None:
        return ZonePlan()
    return ZonePlan(changes=tuple(_ledger_changes(Ledger(new_owner, ledger.digests), domain, standing)))


def names_concerned(domain: str, wanted: Iterable[RecordSet], view: ZoneView) -> frozenset[str]:
    """Return the names that the plan must know: the ledger's, those wanted, and those that the ledger has."""
    name = ledger_name(domain)
    standing = _ledger_set(domain, view)
    ledger = Ledger.decode(standing.meaning, domain) if standing else None
    return frozenset(
        {name, *(record.name for record in wanted), *(entry.name for entry in (ledger.digests if ledger else ()))}
    )


def _ledger_set(domain: str, view: ZoneView) -> ZoneSet | None:
    return next((found for found in view.get(ledger_name(domain), ()) if found.type == RecordType.TXT), None)


def _is_ledger_of_another(domain: str, view: ZoneView) -> bool:
    standing = _ledger_set(domain, view)
    return standing is not None and Ledger.decode(standing.meaning, domain) is not None


def _read_ledger(owner: Owner, domain: str, view: ZoneView) -> Ledger | Problem:
    name = ledger_name(domain)
    if any(found.type == RecordType.CNAME for found in view.get(name, ())):
        return Problem(
            Reason.LEDGER_CONFLICT,
            f"A CNAME is at {name}, where the operator keeps its ledger, a TXT record of what it wrote. Remove the CNAME",
        )
    standing = _ledger_set(domain, view)
    if standing is None:
        return Ledger(owner)
    ledger = None if standing.routing else Ledger.decode(standing.meaning, domain)
    if ledger is None:
        return Problem(
            Reason.LEDGER_CONFLICT,
            f"TXT {name} is not a ledger of ses-operator, or is damaged, and is not overwritten. "
            f"Delete it to let this object publish the records of {domain}",
        )
    if not owner.holds(ledger.owner):
        return Problem(
            Reason.LEDGER_CONFLICT,
            f"TXT {name} says that another SesIdentity or installation publishes the records of {domain}. "
            "Delete that SesIdentity, hand the domain over, or delete the TXT record if its owner no longer exists",
        )
    return ledger


@dataclass(frozen=True, slots=True)
class _Draft:
    """Moves, and the ledger that they lead to: ``kept`` has the digests of what exists and is not moved."""

    owner: Owner
    domain: str
    moves: tuple[Move, ...]
    kept: Mapping[RecordId, str]
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
        ledger = Ledger(self.owner, {**self.kept, **leaving, **written})
        changes = [change for move in moves for change in move.changes]
        changes += _ledger_changes(ledger, self.domain, self.standing_ledger)
        # Deletions first: a CNAME may make room for an MX at the same name.
        return tuple(sorted(changes, key=lambda change: change.action is ChangeAction.CREATE))


def _ledger_changes(ledger: Ledger, domain: str, standing: ZoneSet | None) -> Iterator[Change]:
    lines = ledger.encode(domain) if ledger.digests else ()
    if standing is not None and standing.meaning == tuple(sorted(lines)):
        return
    if standing is not None:
        yield Change(ChangeAction.DELETE, standing)
    if lines:
        values = tuple(txt.quote(line) for line in lines)
        yield Change(ChangeAction.CREATE, ZoneSet(ledger_name(domain), RecordType.TXT.value, LEDGER_TTL, values))
