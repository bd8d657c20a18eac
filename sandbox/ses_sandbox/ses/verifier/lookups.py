"""The records that an identity must have, and what is wrong with those that DNS answers. Pure.

Names are compared as DNS does, without regard to case; key material exactly. A CNAME is looked up as such and its
target need not resolve, as SES compares the record itself. Sources: VerificationInfo.ErrorType in the SESv2 API
reference; Developer Guide, "Easy DKIM", "BYODKIM", "Using a custom MAIL FROM domain".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ses_sandbox.ses.state.models import Dkim, Identity, SoaRecord
from ses_sandbox.ses.state.verification import VerificationError

MX_PREFERENCE = 10
MX_HOST = re.compile(r"feedback-smtp\.[a-z0-9-]+\.amazonses\.com", re.IGNORECASE)


class AnswerKind(StrEnum):
    """The ways in which a lookup can end."""

    FOUND = "found"
    NO_TYPE = "no record of this type"
    NO_NAME = "no such name"
    SERVER_FAILURE = "server failure"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question.

    ``values``: targets of CNAMEs without trailing dot, ``preference host`` of MX, joined strings of TXT.
    ``soa``: from the authority section, if it came.
    """

    kind: AnswerKind
    values: Sequence[str] = ()
    soa: SoaRecord | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A record that must exist. ``accepts``: returns True if the values found are right."""

    name: str
    type: str
    accepts: Callable[[Sequence[str]], bool]


ERRORS = {
    AnswerKind.NO_TYPE: VerificationError.TYPE_NOT_FOUND,
    AnswerKind.NO_NAME: VerificationError.HOST_NOT_FOUND,
    AnswerKind.SERVER_FAILURE: VerificationError.DNS_SERVER_ERROR,
}


def judge(question: Question, answer: Answer) -> VerificationError | None:
    """Return what is wrong with the answer; None if it is right."""
    if answer.kind is not AnswerKind.FOUND:
        return ERRORS[answer.kind]
    return None if question.accepts(answer.values) else VerificationError.INVALID_VALUE


def dkim_questions(domain: str, dkim: Dkim) -> list[Question]:
    """Return the records of DKIM: three CNAMEs, or with BYODKIM one TXT."""
    if dkim.own_key is not None:
        return [
            Question(f"{dkim.own_key.selector}._domainkey.{domain}", "TXT", _has_public_key(dkim.own_key.public_key))
        ]
    return [
        Question(f"{token}._domainkey.{domain}", "CNAME", _is_host(f"{token}.{dkim.hosted_zone}"))
        for token in dkim.tokens
    ]


def txt_question(identity: Identity) -> Question | None:
    """Return the TXT record of v1 VerifyDomainIdentity, if it was requested."""
    token = identity.txt_token
    return None if token is None else Question(f"_amazonses.{identity.name}", "TXT", lambda values: token in values)


def mail_from_question(domain: str) -> Question:
    """Return the one MX that a MAIL FROM domain must have; that of another region is accepted, SES redirects the bounces."""
    return Question(domain, "MX", _is_feedback_exchange)


def _is_host(expected: str) -> Callable[[Sequence[str]], bool]:
    return lambda values: len(values) == 1 and values[0].lower() == expected.lower()


def _has_public_key(expected: str) -> Callable[[Sequence[str]], bool]:
    def accepts(values: Sequence[str]) -> bool:
        return any(_dkim_tags(value).get("p") == expected for value in values)

    return accepts


def _dkim_tags(value: str) -> dict[str, str]:
    """Return the tags of a DKIM key record (RFC 6376, 3.6.1), white space removed."""
    pairs = (part.partition("=") for part in value.split(";"))
    return {name.strip(): "".join(content.split()) for name, _, content in pairs}


def _is_feedback_exchange(values: Sequence[str]) -> bool:
    if len(values) != 1:
        return False
    preference, _, host = values[0].partition(" ")
    return preference == str(MX_PREFERENCE) and MX_HOST.fullmatch(host) is not None
