"""DMARC (RFC 7489): the policy record of a domain, how two of them compare, and who else has to accept reports. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ses_operator.api.identity.dmarc import Alignment, DmarcPolicy, DmarcSpec
from ses_operator.core.model.name_rights import is_within

VERSION = "v=DMARC1"
DEFAULTS: Mapping[str, str] = {"pct": "100", "adkim": "r", "aspf": "r", "rua": "", "ruf": ""}
"""The meaning of a tag that is absent (RFC 7489, 6.3); ``sp`` is then as ``p``."""

_POLICIES = tuple(policy.value for policy in (DmarcPolicy.NONE, DmarcPolicy.QUARANTINE, DmarcPolicy.REJECT))
_LISTS = frozenset({"rua", "ruf"})
_ALIGNMENTS = {Alignment.RELAXED: "r", Alignment.STRICT: "s"}


@dataclass(frozen=True, slots=True)
class Dmarc:
    """The wanted policy. ``percentage`` of the mail that fails; ``rua`` and ``ruf`` are mailto URIs."""

    policy: DmarcPolicy
    subdomain_policy: DmarcPolicy | None = None
    percentage: int = 100
    dkim: Alignment = Alignment.RELAXED
    spf: Alignment = Alignment.RELAXED
    rua: tuple[str, ...] = ()
    ruf: tuple[str, ...] = ()

    @classmethod
    def of(cls, spec: DmarcSpec) -> Dmarc:
        """Return the policy that the spec asks for."""
        return cls(
            spec.policy,
            spec.subdomain_policy,
            spec.percentage,
            spec.alignment.dkim,
            spec.alignment.spf,
            spec.rua,
            spec.ruf,
        )

    @property
    def text(self) -> str:
        """The text of the record: ``v`` and ``p`` first, as they must be, and no tag that has its default."""
        return "; ".join((VERSION, *(f"{tag}={value}" for tag, value in self._tags() if value != DEFAULTS.get(tag))))

    def _tags(self) -> Iterator[tuple[str, str]]:
        yield "p", self.policy.value
        if self.subdomain_policy is not None and self.subdomain_policy is not self.policy:
            yield "sp", self.subdomain_policy.value
        yield "pct", str(self.percentage)
        yield "adkim", _ALIGNMENTS[self.dkim]
        yield "aspf", _ALIGNMENTS[self.spf]
        yield "rua", ",".join(self.rua)
        yield "ruf", ",".join(self.ruf)


@dataclass(frozen=True, slots=True, order=True)
class ReportAuthorization:
    """A TXT record, of the value ``VERSION``, with which ``host`` accepts reports about a domain (RFC 7489, 7.1)."""

    name: str
    host: str
    message: str


def dmarc_name(domain: str) -> str:
    """Return the name of the policy record of a domain (RFC 7489, 6.1)."""
    return f"_dmarc.{domain}"


def is_dmarc(text: str) -> bool:
    """Return True if a TXT value is a DMARC record: its first tag says so, in just this case (RFC 7489, 6.3)."""
    name, _, value = text.partition(";")[0].partition("=")
    return (name.strip().lower(), value.strip()) == ("v", "DMARC1")


def says_the_same(one: str, other: str) -> bool:
    """Return True if two DMARC records ask for the same: order, blanks, and tags that the operator does not set do not matter."""
    meaning = _meaning(one)
    return meaning is not None and meaning == _meaning(other)


def weakens(found: str, wanted: str) -> tuple[str, ...]:
    """Return the tags by which the wanted record asks receivers for less than the one found, such as ``p=none``."""
    one, other = _meaning(found), _meaning(wanted)
    if one is None or other is None:
        return ()
    return tuple(
        f"{tag}={other[tag]}" for tag, strength in _STRENGTH.items() if strength(one[tag]) > strength(other[tag])
    )


def report_authorizations(domain: str, dmarc: Dmarc) -> tuple[ReportAuthorization, ...]:
    """Return the records by which others have to accept reports about ``domain``, for the addresses that are not of it."""
    hosts = {_host(address) for address in (*dmarc.rua, *dmarc.ruf)}
    return tuple(
        ReportAuthorization(f"{domain}._report._dmarc.{host}", host, _request(domain, host))
        for host in sorted(hosts)
        if not is_within(host, domain) and not is_within(domain, host)
    )


def _meaning(text: str) -> Mapping[str, str | frozenset[str]] | None:
    """Return the tags that count, defaults filled in; None for what is no valid record."""
    if not is_dmarc(text):
        return None
    tags: dict[str, str] = {}
    for part in filter(str.strip, text.split(";")):
        name, equals, value = part.partition("=")
        tag = name.strip().lower()
        if not equals or tag in tags:
            return None
        tags[tag] = value.strip()
    if "p" not in tags:
        return None
    known = {**DEFAULTS, "p": tags["p"], "sp": tags["p"]}
    return {tag: _value(tag, tags.get(tag, default)) for tag, default in known.items()}


def _rank(policy: object) -> int:
    return _POLICIES.index(str(policy)) if policy in _POLICIES else 0


def _percentage(share: object) -> int:
    return int(str(share)) if str(share).isdecimal() else 100


def _strictness(alignment: object) -> int:
    return int(alignment == "s")


_STRENGTH: Mapping[str, Callable[[object], int]] = {
    "p": _rank,
    "sp": _rank,
    "pct": _percentage,
    "adkim": _strictness,
    "aspf": _strictness,
}
"""For each tag that makes a policy stricter or weaker: how strict a value of it is."""


def _value(tag: str, text: str) -> str | frozenset[str]:
    if tag in _LISTS:
        return frozenset(_address(address.strip()) for address in text.split(",") if address.strip())
    return text.lower()


def _address(uri: str) -> str:
    """Return the URI with scheme and domain in lower case: their case does not count, that of a mailbox may."""
    scheme, colon, rest = uri.partition(":")
    mailbox, at, host = rest.partition("@")
    return f"{scheme.lower()}{colon}{mailbox}{at}{host.lower()}"


def _host(address: str) -> str:
    """Return the domain of a mailto URI, without the largest size that may follow it."""
    return address.rpartition("@")[2].partition("!")[0].lower()


def _request(domain: str, host: str) -> str:
    """Return the request to publish the record.

    Only the public suffix list knows which names belong to one organization: where they may, the request says so.
    """
    text = f"The owner of {host} has to publish this record; without it, receivers send no DMARC reports about {domain} there"
    if domain.split(".")[-2:] == host.split(".")[-2:]:
        text += ". It is not needed if both names belong to one registered domain"
    return text
