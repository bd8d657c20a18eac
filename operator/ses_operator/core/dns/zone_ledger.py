"""The ledger of a zone as a plan sees it: what it proves to be owned, and how it changes with the records. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ses_operator.api.base.reasons import Reason
from ses_operator.core.dns.ledger import LEDGER_LABEL, LEDGER_TTL, Ledger, Line, Seal, ledger_name
from ses_operator.core.dns.zone_records import sets_at
from ses_operator.core.dns.zone_sets import Change, ChangeAction, ZoneSet, ZoneView
from ses_operator.core.model.keys import Owner
from ses_operator.core.model.name_rights import is_within
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.record_values import txt
from ses_operator.core.model.records import RecordId, RecordType


@dataclass(frozen=True, slots=True)
class Owned:
    """What the ledger of this owner names: the digests of what is proven to be owned, and the lines that prove nothing."""

    digests: Mapping[RecordId, str] = field(default_factory=dict)
    unproven: Mapping[RecordId, Line] = field(default_factory=dict)


def ledger_set(domain: str, view: ZoneView) -> ZoneSet | None:
    """Return the record set at the name of the ledger, whatever is in it; None if there is none."""
    return next((found for found in view.get(ledger_name(domain), ()) if found.type == RecordType.TXT), None)


def is_ledger_of_another(domain: str, view: ZoneView) -> bool:
    """Return True if a ledger that is not this owner's, which is known already, can be read."""
    standing = ledger_set(domain, view)
    return standing is not None and Ledger.decode(standing.meaning, domain) is not None


def read_ledger(owner: Owner, seal: Seal, view: ZoneView) -> Owned | Problem:
    """Return what this owner owns by the ledger, nothing without one; or why the name of the ledger cannot be used."""
    domain = seal.domain
    name = ledger_name(domain)
    if any(found.type == RecordType.CNAME for found in view.get(name, ())):
        return Problem(
            Reason.LEDGER_CONFLICT,
            f"A CNAME is at {name}, where the operator keeps its ledger, a TXT record of what it wrote. Remove the CNAME",
        )
    standing = ledger_set(domain, view)
    if standing is None:
        return Owned()
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
    return _proven(ledger, seal, view)


def _proven(ledger: Ledger, seal: Seal, view: ZoneView) -> Owned:
    """Tell the lines that prove something from those that do not; those are left out if their record is not there.

    Of what is outside of the domain, or in that of another ledger, nothing is proven by any line.
    """
    others = _domains_of_others(seal.domain, view)
    digests: dict[RecordId, str] = {}
    unproven: dict[RecordId, Line] = {}
    for record_id, line in ledger.lines.items():
        is_ours = is_within(record_id.name, seal.domain) and not any(is_within(record_id.name, name) for name in others)
        if is_ours and seal.proves(ledger.owner, record_id, line):
            digests[record_id] = line.digest
        elif sets_at(record_id, view):
            unproven[record_id] = line
    return Owned(digests, unproven)


def _domains_of_others(domain: str, view: ZoneView) -> tuple[str, ...]:
    """Return the names below the domain that have a ledger of their own: what is there is another identity's."""
    ledgers = (name for name, sets in view.items() if sets and name.startswith(f"{LEDGER_LABEL}."))
    below = (name.removeprefix(f"{LEDGER_LABEL}.") for name in ledgers)
    return tuple(name for name in below if name != domain and is_within(name, domain))


def unproven_left(unproven: Sequence[str], domain: str) -> tuple[str, ...]:
    """Return the sentence about records that the ledger names without proof; none if there are none."""
    if not unproven:
        return ()
    sentence = (
        f"TXT {ledger_name(domain)} names {', '.join(unproven)}, but nothing proves that the operator wrote this: the key that "
        "signed it is not known, or others wrote it. The records are left as they are. Remove those that are not needed by hand"
    )
    return (sentence,)


def signed(owner: Owner, seal: Seal, digests: Mapping[RecordId, str], unproven: Mapping[RecordId, Line]) -> Ledger:
    """Return the ledger of the owned record sets, each line signed with the current key; lines without proof stay as they are."""
    lines = {record_id: seal.line(owner, record_id, written) for record_id, written in digests.items()}
    return Ledger(owner, {**unproven, **lines})


def ledger_changes(ledger: Ledger, domain: str, standing: ZoneSet | None) -> Iterator[Change]:
    """Yield the changes that put this ledger in the place of what is there; an empty one is removed."""
    lines = ledger.encode(domain) if ledger.lines else ()
    if standing is not None and standing.meaning == tuple(sorted(lines)):
        return
    if standing is not None:
        yield Change(ChangeAction.DELETE, standing)
    if lines:
        values = tuple(txt.quote(line) for line in lines)
        yield Change(ChangeAction.CREATE, ZoneSet(ledger_name(domain), RecordType.TXT.value, LEDGER_TTL, values))
