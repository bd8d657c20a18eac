"""Sending-authorization policies as SES takes them: made from authorized senders, or checked as they were written.

Sources: SES Developer Guide, "Sending authorization policy anatomy" and "Sending policy examples"; API reference,
CreateEmailIdentityPolicy; IAM User Guide, "IAM JSON policy elements reference".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

from pydantic import JsonValue

from ses_operator.api.identity.sending import GENERATED_POLICY, AuthorizedSender, RawPolicy
from ses_operator.core.model.bounds import LEFT_OUT, is_deeper
from ses_operator.core.model.policies.policy_terms import (
    ANYONE,
    DOCUMENT_ELEMENTS,
    STATEMENT_ELEMENTS,
    PrincipalType,
    as_list,
    canonical,
    plain_principal,
    principal_of_sender,
    principals,
    unknown_operator,
)

MAX_BYTES = 4096
"""Of one policy (API reference, CreateEmailIdentityPolicy: "The policy cannot exceed 4 KB")."""

VERSIONS = ("2008-10-17", "2012-10-17")

Document = Mapping[str, Any]

MAX_POLICY_LEVELS = 8
"""Levels of lists and maps in a document. IAM's own grammar has six: a value in a list in a condition's key."""

_TOO_DEEP = (
    f"it is too large, or nested more than {MAX_POLICY_LEVELS} levels deep. Write the policy without further levels"
)


@dataclass(frozen=True, slots=True)
class WantedPolicy:
    """One desired policy in one region. ``document`` is the JSON that SES gets.

    If ``fault`` says why it cannot be set, the document is empty, and the policy at SES is kept.
    """

    name: str
    document: str = ""
    fault: str = ""

    @property
    def field(self) -> str:
        """The part of the spec that it comes from."""
        return field_of(self.name)


def field_of(name: str) -> str:
    """Return the part of the spec that asks for the policy of this name."""
    return "spec.authorizedSenders" if name == GENERATED_POLICY else f"spec.policies[{name}]"


def wanted_policies(
    senders: Iterable[AuthorizedSender], raw: Iterable[RawPolicy], arn: str
) -> tuple[WantedPolicy, ...]:
    """Return all policies of the identity with this ARN, the generated one first."""
    authorized = tuple(senders)
    generated = (_policy(GENERATED_POLICY, lambda: _generated(authorized, arn)),) if authorized else ()
    return (*generated, *(_written(policy, arn) for policy in raw))


def are_same(one: str, other: str) -> bool:
    """Return True if two documents mean the same, however they are spelt: order, single values, accounts as ids or as ARNs."""
    return one == other or _meaning(one) == _meaning(other)


def narrowed(found: str, wanted: str) -> str:
    """Return the document ``found`` without the principals that ``wanted`` allows nothing; empty where that leaves nothing.

    What is denied stays denied. A document that cannot be taken apart is returned as it is.
    """
    try:
        old, kept = json.loads(found), _allowed(json.loads(wanted))
    except (ValueError, RecursionError):
        return found
    if ANYONE in kept or not isinstance(old, dict):
        return found
    statements = as_list(old.get("Statement"))
    left = [each for each in (_kept(statement, kept) for statement in statements) if each is not None]
    if left == statements:
        return found
    return json.dumps({**old, "Statement": left}, separators=(",", ":")) if left else ""


def _allowed(document: Any) -> set[str]:
    statements = as_list(document.get("Statement") if isinstance(document, dict) else None)
    return {
        name
        for each in statements
        if _allows(each)
        for names in _by_kind(each).values()
        for name in map(plain_principal, names)
    }


def _kept(statement: Any, names: set[str]) -> Any:
    """Return the statement with these principals alone; None where it has none of them."""
    if not _allows(statement):
        return statement
    by_kind = _by_kind(statement)
    left = {kind: [name for name in found if plain_principal(name) in names] for kind, found in by_kind.items()}
    if left == by_kind:
        return statement
    left = {kind: found for kind, found in left.items() if found}
    return {**statement, "Principal": left} if left else None


def _allows(statement: Any) -> bool:
    """Return True if it grants a permission to principals that it names."""
    return isinstance(statement, dict) and statement.get("Effect") == "Allow" and "Principal" in statement


def _by_kind(statement: Any) -> dict[str, list[Any]]:
    principals = statement["Principal"]
    found = principals if isinstance(principals, dict) else {ANYONE: principals}
    return {kind: as_list(names) for kind, names in found.items()}


class _UnusableError(Exception):
    """A document cannot be set; the text says why, and what to write."""


def _written(policy: RawPolicy, arn: str) -> WantedPolicy:
    return _policy(policy.name, lambda: _checked(policy.document, arn))


def _policy(name: str, make: Callable[[], Document]) -> WantedPolicy:
    """Return the policy as JSON, or why there is none."""
    try:
        text = json.dumps(make(), separators=(",", ":"))
    except _UnusableError as fault:
        return WantedPolicy(name, fault=str(fault))
    except RecursionError:
        return WantedPolicy(name, fault=_TOO_DEEP)
    if len(text) > MAX_BYTES:
        return WantedPolicy(name, fault=f"it has {len(text)} bytes; SES accepts {MAX_BYTES}. Write several policies")
    return WantedPolicy(name, text)


def _generated(senders: tuple[AuthorizedSender, ...], arn: str) -> Document:
    return {"Version": VERSIONS[-1], "Statement": [_statement(sender, arn) for sender in senders]}


def _statement(sender: AuthorizedSender, arn: str) -> Document:
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": _principals(sender.principals, partition=arn.split(":")[1]),
        "Action": [action.value for action in sender.actions],
        "Resource": arn,
    }
    conditions = _conditions(sender)
    return {**statement, "Condition": conditions} if conditions else statement


def _principals(names: Iterable[str], partition: str) -> dict[str, list[str]]:
    """Return the principals by kind; account ids as the ARN of the account's root, which is what IAM makes of them."""
    found: dict[str, list[str]] = {}
    for name in names:
        each = principal_of_sender(name)
        written = f"arn:{partition}:iam::{name}:root" if each.account == name else name
        found.setdefault(each.type.value, []).append(written)
    return found


def _conditions(sender: AuthorizedSender) -> dict[str, dict[str, Any]]:
    """Return the conditions by operator and key. Every recipient has to match; SES gives the other keys one value."""
    for entry in sender.source_ips:
        _check_network(sender, entry)
    asked: list[tuple[str, str, Any]] = [
        ("StringLike", "ses:FromAddress", sender.from_addresses),
        ("StringLike", "ses:FromDisplayName", sender.from_display_names),
        ("StringLike", "ses:FeedbackAddress", sender.feedback_addresses),
        ("ForAllValues:StringLike", "ses:Recipients", sender.recipients),
        ("IpAddress", "aws:SourceIp", sender.source_ips),
        ("StringEquals", "aws:SourceAccount", sender.source_accounts),
        ("DateGreaterThan", "aws:CurrentTime", _moment(sender.not_before)),
        ("DateLessThan", "aws:CurrentTime", _moment(sender.not_after)),
    ]
    conditions: dict[str, dict[str, Any]] = {}
    for operator, key, value in asked:
        if value:
            conditions.setdefault(operator, {})[key] = value if isinstance(value, str) else list(value)
    return conditions


def _check_network(sender: AuthorizedSender, entry: str) -> None:
    try:
        ip_network(entry, strict=False)
    except ValueError:
        raise _UnusableError(f"{entry} in the sourceIPs of {sender.name} is not an IP address or range") from None


def _moment(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""


def _checked(document: JsonValue, arn: str) -> Document:
    """Return the document, with this ARN as the Resource of each statement. Raises _UnusableError."""
    if document == LEFT_OUT:
        raise _UnusableError(_TOO_DEEP)
    parsed = _parsed(document) if isinstance(document, str) else document
    if not isinstance(parsed, dict):
        raise _UnusableError("it is not an object with Version and Statement")
    if is_deeper(parsed, MAX_POLICY_LEVELS):
        raise _UnusableError(_TOO_DEEP)
    if unknown := sorted(map(str, parsed.keys() - DOCUMENT_ELEMENTS)):
        raise _UnusableError(f"remove {', '.join(unknown)}, which is not an element of a policy")
    version = parsed.get("Version", VERSIONS[0])
    if version not in VERSIONS:
        raise _UnusableError(f"write one of {', '.join(VERSIONS)} as its Version, in quotes")
    statements = as_list(parsed.get("Statement"))
    if not statements:
        raise _UnusableError("it has no Statement")
    return {**parsed, "Statement": [_completed(statement, n, arn) for n, statement in enumerate(statements, start=1)]}


def _parsed(text: str) -> JsonValue:
    try:
        parsed: JsonValue = json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise _UnusableError(f"it is not JSON ({error})") from None
    return parsed


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON value")


def _completed(statement: Any, number: int, arn: str) -> Document:
    """Return a statement with its Resource. Raises _UnusableError with the first fault."""
    if not isinstance(statement, dict):
        raise _UnusableError(f"statement {number} is not an object")
    for fault_of in FAULTS:
        if fault := fault_of(statement, arn):
            raise _UnusableError(f"statement {number}: {fault}")
    return {**statement, "Resource": arn}


def _element_fault(statement: Document, _: str) -> str:
    unknown = sorted(map(str, statement.keys() - STATEMENT_ELEMENTS))
    return f"remove {', '.join(unknown)}, which is not an element of a statement" if unknown else ""


def _condition_fault(statement: Document, _: str) -> str:
    operator = unknown_operator(statement.get("Condition"))
    return f"remove the condition operator {operator}, which IAM does not have" if operator else ""


def _effect_fault(statement: Document, _: str) -> str:
    return "" if statement.get("Effect") in ("Allow", "Deny") else "write Allow or Deny as its Effect"


def _principal_fault(statement: Document, _: str) -> str:
    if "NotPrincipal" in statement:
        return "name who it is about in Principal; NotPrincipal is not accepted, because it means everyone else"
    element = statement.get("Principal")
    found = tuple(principals(element))
    if any(each.is_anyone for each in found):
        return "its Principal is anyone (*), which is not allowed; name accounts, users, roles or services"
    names = [name for group in element.values() for name in as_list(group)] if isinstance(element, dict) else []
    if unknown := next((each for each in found if each.type is PrincipalType.UNKNOWN), None):
        return f"{unknown} is a principal of no type that IAM has; write AWS or Service before it"
    if not names or not all(isinstance(name, str) for name in names):
        return 'name who it is about in Principal, such as {"AWS": "arn:aws:iam::111122223333:root"}'
    return ""


def _action_fault(statement: Document, _: str) -> str:
    actions = as_list(statement.get("Action"))
    if "NotAction" in statement:
        return "name what it is about in Action; NotAction is not accepted, because it means everything else"
    if not actions or not all(isinstance(action, str) and action.lower().startswith("ses:") for action in actions):
        return "write actions of SES, such as ses:SendEmail"
    return ""


def _resource_fault(statement: Document, arn: str) -> str:
    others = [str(resource) for resource in as_list(statement.get("Resource")) if resource != arn]
    if "NotResource" in statement:
        others.append("NotResource")
    if not others:
        return ""
    return f"leave out {others[0]}; the Resource is {arn}, and the operator fills it in for each region"


FAULTS = (_element_fault, _effect_fault, _principal_fault, _action_fault, _resource_fault, _condition_fault)


def _meaning(text: str) -> Any:
    """Return what a document means; a text that is no policy means itself."""
    try:
        return canonical(json.loads(text))
    except (ValueError, RecursionError, TypeError):
        return text
