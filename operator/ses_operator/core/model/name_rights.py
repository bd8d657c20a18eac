"""The names at which an identity may have DNS records: what grants and zones leave to it at and below its domain. Pure.

One rule for every record that is written, whatever its purpose and publisher: the ledger, DKIM, MAIL FROM, DMARC. A
label that begins with an underscore belongs to the name above it (RFC 8552: no host, and so no identity, has such a
name); ``_dmarc.example.com`` is judged as ``example.com``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from ses_operator.api.account.tenancy import WILDCARD

ANY_NAME = "*"
"""The pattern of a zone that is open to every name."""


class NameHolder(StrEnum):
    """Whose a pattern is, as seen from the namespace that asks."""

    OURS = "Ours"
    OTHERS = "Others"
    UNKNOWN = "Unknown"  # that depends on labels of the namespace, which are not known


class NameVerdict(StrEnum):
    """The answer about a name."""

    ALLOWED = "Allowed"
    REFUSED = "Refused"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Pattern:
    """An exact name, ``*.`` before a name for all below it, or ANY_NAME; and whose it is."""

    text: str
    holder: NameHolder


Rule = Callable[[str, str, Iterable[str], Iterable[str]], bool]


@dataclass(frozen=True, slots=True)
class NameRights:
    """The rights of one identity. ``grants``, ``zone``: the patterns of each; None where there is no such rule.

    Without a domain it may write nothing: these are rights that have not been worked out.
    """

    domain: str = ""
    grants: tuple[Pattern, ...] | None = None
    zone: tuple[Pattern, ...] | None = None

    def permits(self, name: str) -> bool:
        """Return True if a record may be written at this name."""
        return self.by_grants(name) is NameVerdict.ALLOWED and self.by_zone(name) is NameVerdict.ALLOWED

    def by_grants(self, name: str) -> NameVerdict:
        """Return what the grants say: the most exact for the name decides, or for the domain where none names the name."""
        return self._judge(name, self.grants, _is_granted)

    def by_zone(self, name: str) -> NameVerdict:
        """Return what the zone says: an entry for the name opens it, or one for the domain if no one else's names the name."""
        return self._judge(name, self.zone, _is_open)

    def _judge(self, name: str, patterns: tuple[Pattern, ...] | None, rule: Rule) -> NameVerdict:
        place = governing_name(name)
        if not self.domain or not is_within(place, self.domain):
            return NameVerdict.REFUSED
        if patterns is None:
            return NameVerdict.ALLOWED

        def with_unknown_as(holder: NameHolder) -> bool:
            known = [
                (pattern.text, holder if pattern.holder is NameHolder.UNKNOWN else pattern.holder)
                for pattern in patterns
            ]
            ours = [text for text, whose in known if whose is NameHolder.OURS]
            others = [text for text, whose in known if whose is NameHolder.OTHERS]
            return rule(place, self.domain, ours, others)

        if with_unknown_as(NameHolder.OTHERS):
            return NameVerdict.ALLOWED
        return NameVerdict.UNKNOWN if with_unknown_as(NameHolder.OURS) else NameVerdict.REFUSED


def precision(pattern: str, name: str) -> int:
    """Return how exactly a pattern names the name: 0 not at all, more for a longer wildcard, most for the name itself."""
    if pattern == name:
        return len(name) + 1
    is_below = pattern.startswith(WILDCARD) and name.endswith(pattern.removeprefix("*"))
    return len(pattern) if is_below else 0


def governing_name(name: str) -> str:
    """Return the name that a record's name is judged as: what follows its last label with an underscore."""
    labels = name.lower().removesuffix(".").split(".")
    service = [number for number, label in enumerate(labels) if label.startswith("_")]
    return ".".join(labels[service[-1] + 1 :] if service else labels)


def is_within(name: str, domain: str) -> bool:
    """Return True if ``name`` is ``domain`` or below it."""
    return name == domain or name.endswith(f".{domain}")


def _is_granted(name: str, domain: str, ours: Iterable[str], others: Iterable[str]) -> bool:
    own = max(_best(ours, name, domain))
    return own > 0 and own >= max(_best(others, name, domain))


def _is_open(name: str, domain: str, ours: Iterable[str], others: Iterable[str]) -> bool:
    held = list(ours)
    if ANY_NAME in held:
        return True
    for_name, for_domain = _best(held, name, domain)
    return for_name > 0 or (for_domain > 0 and not _best(others, name, domain)[0])


def _best(patterns: Iterable[str], name: str, domain: str) -> tuple[int, int]:
    """Return how exactly the patterns name the name, and the domain, at best."""
    ranks = [(precision(pattern, name), precision(pattern, domain)) for pattern in patterns]
    return max((rank for rank, _ in ranks), default=0), max((rank for _, rank in ranks), default=0)
