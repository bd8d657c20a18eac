"""The part of a SesIdentity about email addresses: which are accepted, and which settings they exclude."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue

from ses_operator.api.base.fields import LABEL, ObjectName
from ses_operator.api.base.model import Model, rule, rules

MAX_EMAIL = 254
"""Characters of an address: a path of 256 octets, less its angle brackets (RFC 5321, 4.5.3.1.3)."""

_LOCAL = r"[A-Za-z0-9!#$%&\\x27+=^_`{|}~.-]+"
"""Without ``*`` and ``?``, which are wildcards in the ARN of the identity."""

EmailAddress = Annotated[
    str,
    Field(
        max_length=1024,
        json_schema_extra=rules(
            rule(
                f"size(self) <= {MAX_EMAIL}",
                f"write an address of at most {MAX_EMAIL} characters",
            ),
            rule(
                "self.contains('@')", "write an email address, such as billing@example.com, or a domain in spec.domain"
            ),
            rule("self.split('@')[0].size() <= 64", "shorten the part before the @: it has at most 64 characters"),
            rule(
                rf"!self.contains('@') || self.matches('^{_LOCAL}@(?i:{LABEL}([.]{LABEL})+)$')",
                "write the address alone, such as billing@example.com: ASCII, no display name, no brackets, no spaces",
            ),
        ),
    ),
]


class VerificationTemplateReference(Model):
    """Names a SesVerificationTemplate of the same namespace."""

    name: ObjectName = Field(description="Name of the SesVerificationTemplate.")


def _not_with_email(member: str, instead: str) -> JsonValue:
    return rule(f"!has(self.email) || !has(self.{member})", f"leave out {member}: {instead}")


EMAIL_RULES: tuple[JsonValue, ...] = (
    rule(
        "has(self.domain) != has(self.email)",
        "set either spec.domain (any address at that domain) or spec.email (one address), not both",
    ),
    _not_with_email(
        "dkim",
        "an address has no DKIM key. Its mail is signed with the key of its domain: make that a SesIdentity of its own, "
        "with spec.domain",
    ),
    _not_with_email("mailFrom", "set it on a SesIdentity with the address's domain in spec.domain"),
    _not_with_email("dmarc", "a DMARC policy is a domain's: set it on a SesIdentity with spec.domain"),
    _not_with_email("dns", "an address is verified by a link in an email, and needs no DNS records"),
    rule(
        "!has(self.verificationTemplateRef) || has(self.email)",
        "leave out verificationTemplateRef: a domain is verified by its DNS records, and not by an email",
    ),
)
"""CEL rules of the spec as a whole."""
