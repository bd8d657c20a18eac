"""Judges each record set of a zone, wanted or no longer wanted, and returns the changes that it needs. Pure.

Whether a set serves its purpose, ``judge`` says, whoever wrote it. Here is what follows from that in a zone that the
operator writes to:

- An owned set that is as the operator wrote it becomes what is wanted now.
- An owned set that another client has changed is corrected only if it no longer serves its purpose: an SPF policy that
  was made stricter stays.
- A TXT set may hold texts for other purposes, which others added. They stay, whatever becomes of the owned value.
- What is not owned is never changed: published, or a conflict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ses_operator.core.dns.judge import RecordVerdict, Served, advice, is_for, judge
from ses_operator.core.dns.ledger import digest
from ses_operator.core.dns.shapes import may_be_ours
from ses_operator.core.dns.zone_sets import Change, ChangeAction, ZoneSet, ZoneView
from ses_operator.core.model.record_values import txt
from ses_operator.core.model.records import RecordId, RecordSet, RecordType
from ses_operator.core.state.publication import PublishedRecord, RecordState
from ses_operator.core.state.steps import Surplus


@dataclass(frozen=True, slots=True)
class SetMove:
    """The changes of one record set: delete it as it is, create it, or both.

    ``before``: the digest of it that the ledger has now, "" if it has none. ``after``: the one that it has then.
    """

    id: RecordId
    delete: ZoneSet | None = None
    create: ZoneSet | None = None
    before: str = ""
    after: str = ""

    @property
    def changes(self) -> Iterator[Change]:
        """The changes, in their order."""
        if self.delete is not None:
            yield Change(ChangeAction.DELETE, self.delete)
        if self.create is not None:
            yield Change(ChangeAction.CREATE, self.create)


@dataclass(frozen=True, slots=True)
class SurplusSets:
    """Record sets that the ledger names and that are not wanted: their changes, and the digests of those that stay owned."""

    names: tuple[str, ...] = ()
    moves: tuple[SetMove, ...] = ()
    kept: Mapping[RecordId, str] = field(default_factory=dict)
    released: tuple[str, ...] = ()

    @property
    def leaving(self) -> frozenset[RecordId]:
        """The record sets of which nothing is left."""
        return frozenset(move.id for move in self.moves if move.create is None)


@dataclass(frozen=True, slots=True)
class WantedSets:
    """The wanted records' states, their changes, and the digests of the owned ones that exist."""

    records: tuple[PublishedRecord, ...]
    moves: tuple[SetMove, ...]
    kept: Mapping[RecordId, str]


def judge_surplus(
    digests: Mapping[RecordId, str], wanted: set[RecordId], view: ZoneView, policy: Surplus, domain: str
) -> SurplusSets:
    """Return what becomes of the owned sets that are not wanted; only what has the shape of the operator's records goes."""
    extra = {record_id: written for record_id, written in sorted(digests.items()) if record_id not in wanted}
    names = tuple(str(record_id) for record_id in extra if sets_at(record_id, view))
    if policy is Surplus.KEEP:
        return SurplusSets(names, kept=extra)
    if policy is Surplus.RELEASE:
        return SurplusSets(names)
    moves: list[SetMove] = []
    released: list[str] = []
    for record_id, written in extra.items():
        standing = sets_at(record_id, view)
        if move := _removal(record_id, standing, written, domain):
            moves.append(move)
        elif standing:
            released.append(
                f"{record_id} was changed by another client and is left as it is: {_values(standing)}. Remove it by hand if "
                "it is not needed"
            )
    return SurplusSets(names, tuple(moves), released=tuple(released))


def judge_wanted(
    wanted: Iterable[RecordSet], view: ZoneView, digests: Mapping[RecordId, str], leaving: frozenset[RecordId]
) -> WantedSets:
    """Return what becomes of the wanted sets. ``leaving``: those that make room in the same batch."""
    records: list[PublishedRecord] = []
    moves: list[SetMove] = []
    kept: dict[RecordId, str] = {}
    created: dict[str, list[ZoneSet]] = {}
    for record in wanted:
        standing, written = sets_at(record.id, view), digests.get(record.id, "")
        others = [
            found for found in view.get(record.name, ()) if found.type != record.type and not _leaves(found, leaving)
        ]
        others += created.get(record.name, ())
        judged = _judge(record, standing, others, written)
        records.append(judged)
        if written and standing and not standing[0].routing:
            kept[record.id] = digest(standing[0]) if _is_as_wanted(record, standing[0]) else written
        if judged.state in (RecordState.MISSING, RecordState.DIFFERENT):
            move = _correction(record, standing[0] if standing else None, written)
            moves.append(move)
            created.setdefault(record.name, []).append(ZoneSet.of(record))
    return WantedSets(tuple(records), tuple(moves), kept)


def sets_at(record_id: RecordId, view: ZoneView) -> list[ZoneSet]:
    """Return the record sets of this name and type: one, or several with a routing policy."""
    return [found for found in view.get(record_id.name, ()) if found.type == record_id.type]


def _judge(record: RecordSet, standing: Sequence[ZoneSet], others: Sequence[ZoneSet], written: str) -> PublishedRecord:
    if obstacle := _obstacle(record, standing, others):
        return PublishedRecord(record, RecordState.CONFLICT, obstacle)
    if alias := _alias(others):
        return PublishedRecord(record, RecordState.PENDING, alias=alias)
    if not standing:
        return PublishedRecord(
            record, RecordState.MISSING, f"{record} is not in the zone yet; expected {_quoted(record)}"
        )
    found = standing[0]
    is_published = judge(record, Served(found.meaning)) is RecordVerdict.PUBLISHED
    if written and not (_is_as_wanted(record, found) or (is_published and not _is_ours_alone(record, found, written))):
        what = f"{_values(standing)} (ttl {found.ttl})"
        return PublishedRecord(
            record,
            RecordState.DIFFERENT,
            f"{record} is {what} in the zone; expected {_quoted(record)} (ttl {record.ttl})",
        )
    if is_published:
        return PublishedRecord(record, RecordState.PUBLISHED)
    return PublishedRecord(
        record,
        RecordState.CONFLICT,
        f"{record} is {_values(standing)} in the zone, which this object did not write; "
        f"expected {_quoted(record)}. {advice(record, found.meaning)}",
    )


def _is_as_wanted(record: RecordSet, found: ZoneSet) -> bool:
    return found.ttl == record.ttl and found.meaning == ZoneSet.of(record).meaning


def _is_ours_alone(record: RecordSet, found: ZoneSet, written: str) -> bool:
    """Return True if the set has the operator's values and no others: as it wrote them, or as they are wanted now."""
    return digest(found) == written or found.meaning == ZoneSet.of(record).meaning


def _correction(record: RecordSet, standing: ZoneSet | None, written: str) -> SetMove:
    """Return the change by which the set gets the wanted value. Texts for other purposes stay in it."""
    wanted = ZoneSet.of(record)
    theirs = () if standing is None or digest(standing) == written else _texts_of_others(record, standing, written)
    create = ZoneSet(wanted.name, wanted.type, wanted.ttl, (*theirs, *wanted.values))
    return SetMove(record.id, standing, create, before=written, after=digest(wanted))


def _texts_of_others(record: RecordSet, standing: ZoneSet, written: str) -> tuple[str, ...]:
    ours = _owned_part(standing, written)
    return tuple(value for value in standing.values if value not in ours and not is_for(record, txt.unquote(value)))


def _removal(record_id: RecordId, standing: Sequence[ZoneSet], written: str, domain: str) -> SetMove | None:
    """Return the change that takes away what the operator wrote; None if it cannot be told from what others wrote."""
    if len(standing) != 1 or standing[0].routing:
        return None
    found = standing[0]
    if digest(found) == written:
        return SetMove(record_id, delete=found, before=written) if may_be_ours(found, domain) else None
    ours = _owned_part(found, written)
    if not ours or not may_be_ours(replace(found, values=ours), domain):
        return None
    theirs = tuple(value for value in found.values if value not in ours)
    return SetMove(record_id, found, ZoneSet(found.name, found.type, found.ttl, theirs), before=written)


def _owned_part(standing: ZoneSet, written: str) -> tuple[str, ...]:
    """Return the value that the operator wrote in a TXT set to which others added theirs; nothing if it is not there."""
    if standing.type != RecordType.TXT:
        return ()
    alone = ((value, ZoneSet(standing.name, standing.type, standing.ttl, (value,))) for value in standing.values)
    return tuple(value for value, one in alone if digest(one) == written)


def _obstacle(record: RecordSet, standing: Sequence[ZoneSet], others: Sequence[ZoneSet]) -> str:
    """Return why the record cannot exist at its name at all, in words; "" if it can."""
    routed = next((found for found in standing if found.routing), None)
    if routed is not None:
        return f"{record} is {routed.routing} in the zone; expected {_quoted(record)}. Remove that record"
    exclusive = others if record.type is RecordType.CNAME else [other for other in others if _hides(other, record)]
    if not exclusive:
        return ""
    stands = ", ".join(sorted({f"{other.type} {_values([other])}" for other in exclusive}))
    return (
        f"{stands} is at {record.name}, where {record.type} {_quoted(record)} is needed, and DNS allows no other record beside a "
        "CNAME. Remove one of them"
    )


def _hides(other: ZoneSet, record: RecordSet) -> bool:
    """Return True if another set is a CNAME that is not followed when this record is looked for."""
    if other.type != RecordType.CNAME:
        return False
    return bool(other.routing) or judge(record, Served(alias=other.meaning[0])) is RecordVerdict.HIDDEN


def _alias(others: Sequence[ZoneSet]) -> str:
    return next((other.meaning[0] for other in others if other.type == RecordType.CNAME), "")


def _leaves(found: ZoneSet, leaving: frozenset[RecordId]) -> bool:
    return any(found.name == record_id.name and found.type == record_id.type for record_id in leaving)


def _values(sets: Sequence[ZoneSet]) -> str:
    return ", ".join(found.routing or ", ".join(f'"{value}"' for value in found.meaning) for found in sets)


def _quoted(record: RecordSet) -> str:
    return ", ".join(f'"{value}"' for value in record.values)
