"""What name servers are asked and what they answer about one record, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.records import RecordSet


class Outcome(StrEnum):
    """What came back from the name servers."""

    FOUND = "Found"
    NO_NAME = "NoName"  # NXDOMAIN
    NO_DATA = "NoData"  # the name is there, without this type
    OTHER_TYPE = "OtherType"  # the name has a CNAME instead of this type
    SERVER_FAILURE = "ServerFailure"  # SERVFAIL
    TIMEOUT = "Timeout"
    REFUSED = "Refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the name servers said of one name and type.

    ``values``: sorted, in the form of RecordSet.values, in the case that was served. For OTHER_TYPE, the CNAME's target.
    ``zone``: the name of the zone that was asked, without the closing dot; empty where none was found.
    ``primary``: its primary name server (SOA mname), to compare with the one that SES saw.
    ``servers``: its name servers by its NS records; those that were asked where they do not answer.
    """

    outcome: Outcome
    values: tuple[str, ...] = ()
    zone: str = ""
    primary: str = ""
    servers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Probes:
    """What else was found where a record was missing or wrong. Empty: not so, or not asked.

    ``doubled_suffix``, ``without_underscore``, ``value_as_name``: the name at which something stands by that mistake.
    ``addresses``: the A and AAAA records at the wanted name. ``wildcard`` and ``wildcard_addresses``: what a name answers
    that nobody made.
    """

    doubled_suffix: str = ""
    without_underscore: str = ""
    value_as_name: str = ""
    wildcard: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    wildcard_addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PublishedAt:
    """Where the records were written: a zone and its name servers (empty: not known)."""

    zone: str
    servers: tuple[str, ...] = ()


class FindingState(StrEnum):
    """Where a record stands as name servers see it."""

    PUBLISHED = "Published"
    MISSING = "Missing"
    DIFFERENT = "Different"
    UNREACHABLE = "Unreachable"  # nothing can be said of it


@dataclass(frozen=True, slots=True)
class LookupFinding:
    """The diagnosis of one record. ``message`` is empty where it is published. ``answer`` is what it was made from."""

    record: RecordSet
    state: FindingState
    reason: Reason
    message: str
    answer: Answer
