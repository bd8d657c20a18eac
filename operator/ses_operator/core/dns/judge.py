"""Judges whether a record is published, for all providers: what is found at its name against what it is for. Pure.

One table, ``JUDGES``: for each purpose and type, the verdict about what is served. A publisher that reads a zone and a
resolver that asks name servers both come here, so that a record is published, or is not, whoever publishes it.
``advice`` says how to get from what is there to what is wanted: it keeps what others have in the same set, and never
makes an SPF or DMARC policy weaker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ses_operator.core.model.record_values.dkim_key_record import KeyRecord
from ses_operator.core.model.record_values.dmarc import is_dmarc, says_the_same, weakens
from ses_operator.core.model.record_values.spf import MAX_LOOKUPS, Spf, is_spf, merged
from ses_operator.core.model.records import Purpose, RecordSet, RecordType


class RecordVerdict(StrEnum):
    """The kinds of what is found at a record's name."""

    PUBLISHED = "Published"  # it serves the record's purpose
    MISSING = "Missing"  # nothing of the type is there
    SHARED = "Shared"  # the set has texts for other purposes only: the value has to be added to it
    OTHER = "Other"  # another value is in its place
    SEVERAL = "Several"  # there are more values than may be
    ALIAS = "Alias"  # a CNAME leads to another name, and it is not known what is there
    HIDDEN = "Hidden"  # a CNAME is in its place, and SES does not follow it


@dataclass(frozen=True, slots=True)
class Served:
    """What is at the name of a record. ``values``: those of its type, in the form of RecordSet.values.

    ``alias``: the target of a CNAME that is there instead. ``behind``: the values of the type at the end of that
    CNAME; None if that is not known.
    """

    values: tuple[str, ...] = ()
    alias: str = ""
    behind: tuple[str, ...] | None = None


FOLLOWED = frozenset({RecordType.TXT})
"""The types that receivers of mail look up, which follow a CNAME as DNS does (RFC 6376, 3.6.2.1; RFC 7489, 6.6.3).

SES looks for the MX, and it is not documented that it follows one.
"""


def judge(record: RecordSet, served: Served) -> RecordVerdict:
    """Return the verdict about a wanted record."""
    if not served.alias:
        return _judge_values(record, served.values)
    if record.type not in FOLLOWED:
        return RecordVerdict.HIDDEN
    return RecordVerdict.ALIAS if served.behind is None else _judge_values(record, served.behind)


def matches(record: RecordSet, found: Sequence[str]) -> bool:
    """Return True if these values serve the record's purpose. Both in the form of RecordSet.values."""
    return _judge_values(record, found) is RecordVerdict.PUBLISHED


def is_for(record: RecordSet, value: str) -> bool:
    """Return True if a value has the purpose of the record; False for a text that only shares its name."""
    return record.type is not RecordType.TXT or _TEXTS[record.purpose](value)


def advice(record: RecordSet, found: Sequence[str]) -> str:
    """Return how to change these values to what is wanted, as a sentence without its closing dot."""
    wanted = ", ".join(record.values)
    ours = tuple(value for value in found if is_for(record, value))
    if not ours:
        return f"Add {wanted} to it as one more value, and keep the others"
    if record.purpose is Purpose.SPF:
        return _spf_advice(ours)
    if len(ours) > len(record.values):
        return f"Keep only {wanted}"
    if record.purpose is Purpose.DMARC and (less := weakens(ours[0], record.values[0])):
        return (
            f"It is stricter than spec.dmarc, which asks for {wanted} ({', '.join(less)}). Make spec.dmarc as strict, or "
            "remove it"
        )
    return f"Change it to {wanted}"


def _spf_advice(texts: Sequence[str]) -> str:
    policies = [policy for text in texts if (policy := Spf.parse(text)) is not None]
    proposal = merged(policies) if len(policies) > 1 else policies[0].amended()
    if faults := proposal.faults:
        return f"Correct {', '.join(faults)} in it: receivers ignore a policy with a term that is no SPF"
    if proposal.lookups > MAX_LOOKUPS:
        return (
            f"Name fewer than {proposal.lookups} other names in it, and include:amazonses.com among them: receivers ignore a "
            f"policy that makes them query more than {MAX_LOOKUPS}"
        )
    return f"Keep only {proposal.text}" if len(policies) > 1 else f"Change it to {proposal.text}"


def _judge_values(record: RecordSet, found: Sequence[str]) -> RecordVerdict:
    return JUDGES[record.purpose, record.type](record.values, found) if found else RecordVerdict.MISSING


_Judge = Callable[[Sequence[str], Sequence[str]], RecordVerdict]


def _names(wanted: Sequence[str], found: Sequence[str]) -> RecordVerdict:
    """Compare domain names, alone or after a preference: case and a closing dot do not count."""
    if sorted(map(_plain, wanted)) == sorted(map(_plain, found)):
        return RecordVerdict.PUBLISHED
    return RecordVerdict.SEVERAL if len(found) > len(wanted) else RecordVerdict.OTHER


def _one_of(is_one: Callable[[str], bool], serves: Callable[[str, str], bool]) -> _Judge:
    """Return the judge of a text of which there may be one at a name, beside texts for other purposes."""

    def judged(wanted: Sequence[str], found: Sequence[str]) -> RecordVerdict:
        policies = [value for value in found if value in wanted or is_one(value)]
        if len(policies) > 1:
            return RecordVerdict.SEVERAL
        if not policies:
            return RecordVerdict.SHARED
        is_served = policies[0] in wanted or serves(wanted[0], policies[0])
        return RecordVerdict.PUBLISHED if is_served else RecordVerdict.OTHER

    return judged


def _is_key(text: str) -> bool:
    return KeyRecord.parse(text) is not None


def _is_same_key(wanted: str, found: str) -> bool:
    one, other = KeyRecord.parse(wanted), KeyRecord.parse(found)
    return one is not None and other is not None and other.verifies_with(one)


def _lets_ses_send(_: str, found: str) -> bool:
    policy = Spf.parse(found)
    return policy is not None and policy.lets_ses_send


_TEXTS: Mapping[Purpose, Callable[[str], bool]] = {Purpose.SPF: is_spf, Purpose.DMARC: is_dmarc, Purpose.DKIM: _is_key}

JUDGES: Mapping[tuple[Purpose, RecordType], _Judge] = {
    (Purpose.DKIM, RecordType.CNAME): _names,
    (Purpose.DKIM, RecordType.TXT): _one_of(_is_key, _is_same_key),
    (Purpose.MAIL_FROM, RecordType.MX): _names,
    (Purpose.SPF, RecordType.TXT): _one_of(is_spf, _lets_ses_send),
    (Purpose.DMARC, RecordType.TXT): _one_of(is_dmarc, says_the_same),
}
"""The table: for each record that the operator wants, the judge of what is found. Of (wanted, found), found not empty."""


def _plain(value: str) -> str:
    return value.lower().removesuffix(".")
