"""The questions to name servers about one record, and their answers, as plain values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.name_rights import is_within
from ses_operator.core.model.records import RecordSet


class Outcome(StrEnum):
    """The outcomes of a query to name servers."""

    FOUND = "Found"
    NO_NAME = "NoName"  # NXDOMAIN
    NO_DATA = "NoData"  # the name is there, without this type
    OTHER_TYPE = "OtherType"  # the name has a CNAME instead of this type
    SERVER_FAILURE = "ServerFailure"  # SERVFAIL
    BOGUS = "Bogus"  # SERVFAIL, but an answer for those who do not check signatures: DNSSEC is broken
    TIMEOUT = "Timeout"
    REFUSED = "Refused"
    NOT_ASKED = "NotAsked"  # its name servers have addresses that are never asked


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of the name servers about one name and type.

    ``values``: sorted, in the form of RecordSet.values, in the case that was served. For OTHER_TYPE, the CNAME's
    target; ``behind`` has the values of the type at the end of that CNAME, None if it was not followed or is not known.
    ``zone``: the name of the zone that was queried, without the closing dot; empty if none was found.
    ``primary``: its primary name server (SOA mname), to compare with the one that SES saw.
    ``servers``: its name servers by its NS records; if they do not answer, those that were queried. ``addresses``: their
    IP addresses, as far as they are known.
    """

    outcome: Outcome
    values: tuple[str, ...] = ()
    zone: str = ""
    primary: str = ""
    servers: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    behind: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Probes:
    """Further findings about a missing or wrong record. Empty: not so, or not queried.

    ``doubled_suffix``, ``without_underscore``, ``value_as_name``: the name at which something is by that mistake.
    ``doubled_value``: what is at the name with the doubled suffix, if that is not the wanted value but what became of it
    by the same mistake.
    ``addresses``: the A and AAAA records at the wanted name. ``wildcard`` and ``wildcard_addresses``: the answers of
    a name that does not exist.
    """

    doubled_suffix: str = ""
    doubled_value: str = ""
    without_underscore: str = ""
    value_as_name: str = ""
    wildcard: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    wildcard_addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PublishedAt:
    """The place where the records were written: a zone and its name servers, by name and address (empty: not known)."""

    zone: str
    servers: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    def may_have_given(self, answer: Answer) -> bool:
        """Return True if an answer is from this zone, as far as is known."""
        return answer.zone == self.zone and not self.is_on_other_servers(answer)

    def is_on_other_servers(self, answer: Answer) -> bool:
        """Return True if its name servers are known to be others than those that an answer is from."""
        return self.has_other_servers(PublishedAt(answer.zone, answer.servers, answer.addresses))

    def has_other_servers(self, other: PublishedAt) -> bool:
        """Return True if the name servers of both are known, and none is the same.

        The same servers may have other names (white-label name servers): then their addresses tell.
        """
        ours, theirs = _plain(self.servers), _plain(other.servers)
        if not ours or not theirs or not ours.isdisjoint(theirs):
            return False
        return frozenset(self.addresses).isdisjoint(other.addresses)


def zone_of(name: str, zones: Iterable[PublishedAt]) -> PublishedAt | None:
    """Return the zone that a name belongs to: the nearest above it."""
    holding = [zone for zone in zones if is_within(name, zone.zone)]
    return max(holding, key=lambda zone: len(zone.zone), default=None)


class FindingState(StrEnum):
    """The state of a record as name servers see it."""

    PUBLISHED = "Published"
    MISSING = "Missing"
    DIFFERENT = "Different"
    UNREACHABLE = "Unreachable"  # its state is not known


@dataclass(frozen=True, slots=True)
class LookupFinding:
    """The diagnosis of one record. ``message`` is empty if it is published. ``answer`` is what it was made from."""

    record: RecordSet
    state: FindingState
    reason: Reason
    message: str
    answer: Answer


def _plain(servers: Iterable[str]) -> frozenset[str]:
    return frozenset(server.lower().rstrip(".") for server in servers)
