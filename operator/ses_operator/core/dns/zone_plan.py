"""Plans the changes of a Route 53 zone: it gets the wanted records of one identity, and no other record is changed.

The rules, in the order in which they are tried:

- A ledger of another owner, or a record at the ledger's name that is no ledger: nothing is written.
- What the ledger names, is no longer wanted and is still as it was written is deleted (unless the caller says that
  surplus is to be kept or released). If another client has changed it since, it belongs to that client now: it is left, the
  ledger no longer names it, and the plan says so.
- What is wanted and absent is created.
- What is wanted and exists with the wanted values is up to date; a DMARC policy of another client also if it only says the
  same. Unless the ledger names it, it is not owned: it is not entered there and never deleted.
- What is wanted, named by the ledger and different (changed by another client, or wanted differently now) is corrected by an
  exact DELETE and a CREATE.
- If the ledger was deleted, nothing is owned any more: the records are up to date and stay for good.
- Anything else that is in the way is a conflict: reported with both values, never overwritten; the other records go on.

The ledger after the plan names exactly the owned sets that exist after the plan; it changes in the same batch. Every
change is conditional in Route 53 (CREATE fails if something exists, DELETE if something else exists), so that a plan
made from an old view of the zone is refused as a whole instead of doing harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ses_operator.api.base.reasons import Reason
from ses_operator.core.dns.ledger import LEDGER_TTL, Ledger, digest, ledger_name
from ses_operator.core.dns.matching import matches
from ses_operator.core.dns.zone_sets import BatchLimits, Change, ChangeAction, ZoneSet, ZoneView
from ses_operator.core.model import txt
from ses_operator.core.model.keys import Owner
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.records import Purpose, RecordId, RecordSet, RecordType
from ses_operator.core.state.publication import PublishedRecord, RecordState
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


@dataclass(frozen=True, slots=True)
class _Move:
    """The changes of one owned record set: delete it as it is, create it, or both."""

    id: RecordId
    delete: ZoneSet | None = None
    create: ZoneSet | None = None

    @property
    def changes(self) -> Iterator[Change]:
        if self.delete is not None:
            yield Change(ChangeAction.DELETE, self.delete)
        if self.create is not None:
            yield Change(ChangeAction.CREATE, self.create)


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
        return ZonePlan(records=_judge_all(wanted, view, {}, frozenset()).records, problem=ledger)
    extra = _judge_surplus(ledger.digests, {record.id for record in wanted}, view, surplus)
    judged = _judge_all(wanted, view, ledger.digests, frozenset(move.id for move in extra.moves))
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
    return frozenset(record_id for record_id in ledger.digests if _same_type(record_id, view))


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
class _Extra:
    """Record sets that the ledger names and that are not wanted: their changes, and the digests of those that stay owned."""

    names: tuple[str, ...] = ()
    moves: tuple[_Move, ...] = ()
    kept: Mapping[RecordId, str] = field(default_factory=dict)
    released: tuple[str, ...] = ()


def _judge_surplus(digests: Mapping[RecordId, str], wanted: set[RecordId], view: ZoneView, policy: Surplus) -> _Extra:
    extra = {record_id: digest for record_id, digest in sorted(digests.items()) if record_id not in wanted}
    names = tuple(str(record_id) for record_id in extra if _same_type(record_id, view))
    if policy is Surplus.KEEP:
        return _Extra(names, kept=extra)
    if policy is Surplus.RELEASE:
        return _Extra(names)
    moves: list[_Move] = []
    released: list[str] = []
    for record_id, written in extra.items():
        standing = _same_type(record_id, view)
        if len(standing) == 1 and not standing[0].routing and digest(standing[0]) == written:
            moves.append(_Move(record_id, delete=standing[0]))
        elif standing:
            released.append(
                f"{record_id} was changed by another client and is left as it is: {_values(standing)}. Remove it by hand if "
                "it is not needed"
            )
    return _Extra(names, tuple(moves), released=tuple(released))


@dataclass(frozen=True, slots=True)
class _Judged:
    """The wanted records' states, their changes, and the digests of the owned ones that exist."""

    records: tuple[PublishedRecord, ...]
    moves: tuple[_Move, ...]
    kept: Mapping[RecordId, str]


def _judge_all(
    wanted: Sequence[RecordSet], view: ZoneView, digests: Mapping[RecordId, str], leaving: frozenset[RecordId]
) -> _Judged:
    records: list[PublishedRecord] = []
    moves: list[_Move] = []
    kept: dict[RecordId, str] = {}
    created: dict[str, list[ZoneSet]] = {}
    for record in wanted:
        standing = _same_type(record.id, view)
        others = [
            found for found in view.get(record.name, ()) if found.type != record.type and not _leaves(found, leaving)
        ]
        others += created.get(record.name, ())
        judged = _judge(record, standing, others, ours=record.id in digests)
        records.append(judged)
        if record.id in digests and standing and not standing[0].routing:
            published = judged.state is RecordState.PUBLISHED
            kept[record.id] = digest(standing[0]) if published else digests[record.id]
        if judged.state in (RecordState.MISSING, RecordState.DIFFERENT):
            wanted_set = ZoneSet.of(record)
            moves.append(_Move(record.id, delete=standing[0] if standing else None, create=wanted_set))
            created.setdefault(record.name, []).append(wanted_set)
    return _Judged(tuple(records), tuple(moves), kept)


def _judge(record: RecordSet, standing: Sequence[ZoneSet], others: Sequence[ZoneSet], *, ours: bool) -> PublishedRecord:
    obstacle = _obstacle(record, standing, others)
    if obstacle:
        return PublishedRecord(record, RecordState.CONFLICT, obstacle)
    if not standing:
        return PublishedRecord(
            record, RecordState.MISSING, f"{record} is not in the zone yet; expected {_quoted(record)}"
        )
    found = standing[0]
    same_values = found.meaning == ZoneSet.of(record).meaning
    if (same_values and (not ours or found.ttl == record.ttl)) or (not ours and _is_as_good(record, found)):
        return PublishedRecord(record, RecordState.PUBLISHED)
    if ours:
        what = f"{_values(standing)} (ttl {found.ttl})"
        return PublishedRecord(
            record,
            RecordState.DIFFERENT,
            f"{record} is {what} in the zone; expected {_quoted(record)} (ttl {record.ttl})",
        )
    return PublishedRecord(
        record,
        RecordState.CONFLICT,
        f"{record} is {_values(standing)} in the zone, which this object did not write; "
        f"expected {_quoted(record)}. Correct or remove that record",
    )


def _is_as_good(record: RecordSet, found: ZoneSet) -> bool:
    """Return True if a text of another client says the same to receivers: a DMARC policy, or a DKIM key."""
    return record.type is RecordType.TXT and record.purpose in _TEXTS and matches(record, found.meaning)


def _obstacle(record: RecordSet, standing: Sequence[ZoneSet], others: Sequence[ZoneSet]) -> str:
    """Return why the record cannot exist at its name at all, in words; "" if it can."""
    routed = next((found for found in standing if found.routing), None)
    if routed is not None:
        return f"{record} is {routed.routing} in the zone; expected {_quoted(record)}. Remove that record"
    exclusive = (
        others if record.type is RecordType.CNAME else [other for other in others if other.type == RecordType.CNAME]
    )
    if not exclusive:
        return ""
    stands = ", ".join(sorted({f"{other.type} {_values([other])}" for other in exclusive}))
    return (
        f"{stands} is at {record.name}, where {record.type} {_quoted(record)} is needed, and DNS allows no other record beside a "
        "CNAME. Remove one of them"
    )


@dataclass(frozen=True, slots=True)
class _Draft:
    """Moves, and the ledger that they lead to: ``kept`` has the digests of what exists and is not moved."""

    owner: Owner
    domain: str
    moves: tuple[_Move, ...]
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
        written = {move.id: digest(move.create) for move in moves if move.create is not None}
        # Surplus that only a later part deletes stays in the ledger until then.
        leaving = {
            move.id: digest(move.delete) for move in postponed if move.delete is not None and move.create is None
        }
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


def _same_type(record_id: RecordId, view: ZoneView) -> list[ZoneSet]:
    return [found for found in view.get(record_id.name, ()) if found.type == record_id.type]


def _leaves(found: ZoneSet, leaving: frozenset[RecordId]) -> bool:
    return any(found.name == record_id.name and found.type == record_id.type for record_id in leaving)


def _values(sets: Sequence[ZoneSet]) -> str:
    return ", ".join(found.routing or ", ".join(f'"{value}"' for value in found.meaning) for found in sets)


def _quoted(record: RecordSet) -> str:
    return ", ".join(f'"{value}"' for value in record.values)
