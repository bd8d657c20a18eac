"""SPF (RFC 7208): what a policy allows SES, and how it is to be changed without making it weaker. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

VERSION = "v=spf1"
SES = "amazonses.com"
INCLUDE_SES = f"include:{SES}"
MAX_LOOKUPS = 10
"""Terms of one policy that make receivers query DNS: with more of them they ignore it (RFC 7208, 4.6.4)."""

_TERM = re.compile(
    r"(?P<qualifier>[+?~-]?)(?P<mechanism>all|include:\S+|a|a[:/]\S+|mx|mx[:/]\S+|ip4:\S+|ip6:\S+|exists:\S+|ptr(:\S+)?)"
    r"|(?P<modifier>[a-z][a-z0-9._-]*)=\S*",
    re.IGNORECASE,
)
_LOOKUP = re.compile(r"[+?~-]?(include:|a$|a[:/]|mx|exists:|ptr)|redirect=", re.IGNORECASE)
_STRICTEST_FIRST = ("-", "~", "?", "")


@dataclass(frozen=True, slots=True)
class Spf:
    """A policy: its terms as they are written, in order."""

    terms: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Spf | None:
        """Read a TXT value; None if it is no SPF policy (RFC 7208, 4.5)."""
        return cls(tuple(text.split()[1:])) if is_spf(text) else None

    @property
    def text(self) -> str:
        """The value of the record."""
        return " ".join((VERSION, *self.terms))

    @property
    def faults(self) -> tuple[str, ...]:
        """The terms that are no SPF, for which receivers ignore the whole policy (RFC 7208, 4.6)."""
        once = [term.lower().partition("=")[0] for term in self.terms if term.lower().startswith(("redirect=", "exp="))]
        return (
            *(term for term in self.terms if not _TERM.fullmatch(term)),
            *(f"{name}= (twice)" for name in sorted(set(once)) if once.count(name) > 1),
        )

    @property
    def lookups(self) -> int:
        """The number of terms for which receivers query DNS."""
        return sum(1 for term in self.terms if _LOOKUP.match(term))

    @property
    def lets_ses_send(self) -> bool:
        """True if mail from SES passes: the first of its mechanisms that decides about SES says so.

        What another name's policy says (``include:`` or ``redirect=`` of any other) is not looked at.
        """
        if self.faults or self.lookups > MAX_LOOKUPS:
            return False
        for term in self.terms:
            mechanism, passes = term.lower().lstrip("+?~-"), term[0] not in "?~-"
            if _is_ses(mechanism, "include:") or mechanism == "all":
                return passes
        return any(_is_ses(term.lower(), "redirect=") for term in self.terms)

    def amended(self) -> Spf:
        """Return the policy that lets SES send too: everything else stays, in its order."""
        others = (term for term in self.terms if not _is_ses(term.lower().lstrip("+?~-"), "include:"))
        return self if self.lets_ses_send else Spf((INCLUDE_SES, *others))


def merged(policies: Iterable[Spf]) -> Spf:
    """Return one policy for several: what any of them names, and the strictest of their closing ``all``."""
    terms = list(dict.fromkeys(term for policy in policies for term in policy.terms))
    closing = [term for term in terms if term.lower().lstrip("+?~-") == "all"]
    strictest = sorted(closing, key=lambda term: _STRICTEST_FIRST.index(term[0] if term[0] in "-~?" else ""))[:1]
    return Spf((*(term for term in terms if term not in closing), *strictest)).amended()


def is_spf(text: str) -> bool:
    """Return True if a TXT value is an SPF policy (RFC 7208, 4.5)."""
    return text.lower().split(" ")[0] == VERSION


def _is_ses(term: str, prefix: str) -> bool:
    return term.startswith(prefix) and term.removeprefix(prefix).removesuffix(".") == SES
