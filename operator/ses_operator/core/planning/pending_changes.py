"""The changes that the spec holds back: one entry for each call and each record. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import AdoptionPolicy
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.records import RecordSet
from ses_operator.core.planning.drift import current_value
from ses_operator.core.planning.dry_run import DryRun
from ses_operator.core.planning.plan import Plan
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.publication import DnsObservation, PublishedRecord, RecordState
from ses_operator.core.state.steps import CreateIdentity, SesStep, Surplus

MAX_CHANGES = 100
"""Changes that status lists: as many as ten regions with everything have. More are counted."""

MAX_IN_WORDS = 6
"""Changes that a message names."""

LEAVE_RECORD = "LeaveRecord"
MORE = "More"

_SURPLUS = {
    Surplus.REMOVE: ("DeleteRecord", "delete {}"),
    Surplus.RELEASE: ("ReleaseRecord", "keep {} and stop managing it"),
}


@dataclass(frozen=True, slots=True)
class PendingChange:
    """One call or record: in one word, and in a sentence. ``region`` None: it is about DNS, or about several."""

    action: str
    description: str
    region: str | None = None
    record: RecordSet | None = None
    count: int = 1

    @property
    def is_change(self) -> bool:
        """True if anything would be written."""
        return self.action != LEAVE_RECORD


@dataclass(frozen=True, slots=True)
class Preview:
    """The changes that would be made, were the operator not held back. ``left``: what would still block it then."""

    changes: tuple[PendingChange, ...] = ()
    left: Plan = field(default_factory=Plan)


def as_if_adopted(desired: Desired, plan: Plan) -> Desired | None:
    """Return what would be wanted if spec.adoptionPolicy allowed more; None if it is in the way of nothing."""
    refused = any(each.problem and each.problem.reason is Reason.NOT_ADOPTED for each in plan.regions.values())
    return replace(desired, adoption=AdoptionPolicy.IF_UNOWNED) if refused else None


def pending_changes(
    rehearsal: DryRun,
    dns: DnsObservation | None,
    surplus: Surplus,
    known: Iterable[RecordSet] = (),
    former_places: Iterable[str] = (),
) -> tuple[PendingChange, ...]:
    """Return every change from the current to the desired state: SES first, by region, then DNS.

    ``dns``: the state of the records that would be wanted in the end. ``known``: records that are needed at present,
    for the values of those that would be deleted. ``former_places``: where records were published before.
    """
    changes = [_call(step, current_value(step, view)) for step, view in rehearsal.steps]
    if dns is not None:
        changes += filter(None, map(_record, dns.records))
        changes += _surplus(dns.surplus, surplus, {str(record): record for record in known})
    changes += (
        PendingChange("LeavePlace", f"remove the records from {place} once name servers answer them from elsewhere")
        for place in sorted(former_places)
    )
    return _bounded(changes)


def suspension(changes: Sequence[PendingChange]) -> Problem | None:
    """Return why a suspended identity is not as the spec asks; None if nothing would be done anyway."""
    count = sum(change.count for change in changes if change.is_change)
    if not count:
        return None
    pending = "1 change is" if count == 1 else f"{count} changes are"
    return Problem(Reason.SUSPENDED, f"Suspended. {pending} pending; see status.pendingChanges")


def with_preview(problem: Problem, region: str, preview: Preview | None) -> Problem:
    """Return the problem of a region whose identity is not adopted, with what adoption would change there."""
    if problem.reason is not Reason.NOT_ADOPTED or preview is None:
        return problem
    found = preview.left.regions.get(region)
    blocker = found.problem if found else None
    if blocker is not None:
        said = f"It could not be adopted as it is: {blocker.message}"
    else:
        changes = in_words([change for change in preview.changes if change.region == region])
        said = f"Adoption would change: {changes}" if changes else "Adoption would change nothing"
    return replace(problem, message=f"{problem.message}. {said}")


def in_words(changes: Sequence[PendingChange]) -> str:
    """Return the first changes, and how many more there are."""
    said = [change.description for change in changes if change.is_change]
    more = len(said) - MAX_IN_WORDS
    named = "; ".join(said[:MAX_IN_WORDS])
    return f"{named}; and {more} more, listed in status.pendingChanges" if more > 0 else named


def _call(step: SesStep, now: str) -> PendingChange:
    said = f"{step} (now: {now})" if now and not isinstance(step, CreateIdentity) else str(step)
    return PendingChange(step.action, said, region=step.region)


def _surplus(names: Iterable[str], policy: Surplus, known: Mapping[str, RecordSet]) -> Iterator[PendingChange]:
    if policy not in _SURPLUS:
        return
    action, words = _SURPLUS[policy]
    for name in names:
        record = known.get(name)
        values = f", {', '.join(record.values)}," if record else ""
        yield PendingChange(action, words.format(f"{name}{values}").rstrip(","), record=record)


def _record(entry: PublishedRecord) -> PendingChange | None:
    record, values = entry.record, ", ".join(entry.record.values)
    match entry.state:
        case RecordState.MISSING:
            return PendingChange("CreateRecord", f"create {record} with the value {values}", record=record)
        case RecordState.DIFFERENT:
            return PendingChange("ChangeRecord", f"change {record} to {values}: {entry.message}", record=record)
        case RecordState.CONFLICT:
            return PendingChange(LEAVE_RECORD, f"leave {record} as it is: {entry.message}", record=record)
        case _:
            return None


def _bounded(changes: Sequence[PendingChange]) -> tuple[PendingChange, ...]:
    if len(changes) <= MAX_CHANGES:
        return tuple(changes)
    left = len(changes) - (MAX_CHANGES - 1)
    return (*changes[: MAX_CHANGES - 1], PendingChange(MORE, f"{left} more changes, which are not listed", count=left))
