"""Sending-authorization policies as SES takes them: made from authorized senders, or checked as they were written.

Sources: SES Developer Guide, "Sending authorization policy anatomy" and "Sending policy examples"; API reference,
CreateEmailIdentityPolicy; IAM User Guide, "IAM JSON policy elements reference".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

from pydantic import JsonValue

from ses_operator.api.identity.sending import GENERATED_POLICY, AuthorizedSender, RawPolicy

MAX_BYTES = 4096
"""Of one policy (API reference, CreateEmailIdentityPolicy: "The policy cannot exceed 4 KB")."""

EVERYONE = "*"
_ROOT = re.compile(r"arn:[^:]+:iam::(\d{12}):root")

VERSIONS = ("2008-10-17", "2012-10-17")

Document = Mapping[str, Any]


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
    """Return True if two documents say the same, however their JSON is laid out."""
    return one == other or _canonical(one) == _canonical(other)


def narrowed(found: str, wanted: str) -> str:
    """Return the document ``found`` without the principals that ``wanted`` allows nothing; empty where that leaves nothing.

    What is denied stays denied. A document that cannot be taken apart is returned as it is.
    """
    try:
        old, kept = json.loads(found), _allowed(json.loads(wanted))
    except (ValueError, RecursionError):
        return found
    if EVERYONE in kept or not isinstance(old, dict):
        return found
    statements = _listed(old.get("Statement"))
    left = [each for each in (_kept(statement, kept) for statement in statements) if each is not None]
    if left == statements:
        return found
    return json.dumps({**old, "Statement": left}, separators=(",", ":")) if left else ""


def _allowed(document: Any) -> set[str]:
    statements = _listed(document.get("Statement") if isinstance(document, dict) else None)
    return {
        name for each in statements if _allows(each) for names in _by_kind(each).values() for name in map(_plain, names)
    }


def _kept(statement: Any, names: set[str]) -> Any:
    """Return the statement with these principals alone; None where it has none of them."""
    if not _allows(statement):
        return statement
    by_kind = _by_kind(statement)
    left = {kind: [name for name in found if _plain(name) in names] for kind, found in by_kind.items()}
    if left == by_kind:
        return statement
    left = {kind: found for kind, found in left.items() if found}
    return {**statement, "Principal": left} if left else None


def _allows(statement: Any) -> bool:
    """Return True if it grants a permission to principals that it names."""
    return isinstance(statement, dict) and statement.get("Effect") == "Allow" and "Principal" in statement


def _by_kind(statement: Any) -> dict[str, list[Any]]:
    principals = statement["Principal"]
    found = principals if isinstance(principals, dict) else {EVERYONE: principals}
    return {kind: _listed(names) for kind, names in found.items()}


def _listed(value: Any) -> list[Any]:
    """Return the value as a list: IAM takes a single one without brackets."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _plain(name: Any) -> str:
    """Return an account by its id, however it is written, and others as they are."""
    root = _ROOT.fullmatch(str(name))
    return root[1] if root else str(name)


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
        return WantedPolicy(name, fault="it is nested too deeply")
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
        if name.isdigit():
            found.setdefault("AWS", []).append(f"arn:{partition}:iam::{name}:root")
        else:
            found.setdefault("AWS" if name.startswith("arn:") else "Service", []).append(name)
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


def _checked(document: str | Mapping[str, JsonValue], arn: str) -> Document:
    """Return the document, with this ARN as the Resource of each statement. Raises _UnusableError."""
    parsed = _parsed(document) if isinstance(document, str) else document
    version = parsed.get("Version", VERSIONS[0])
    if version not in VERSIONS:
        raise _UnusableError(f"write one of {', '.join(VERSIONS)} as its Version, in quotes")
    statements = as_list(parsed.get("Statement"))
    if not statements:
        raise _UnusableError("it has no Statement")
    return {**parsed, "Statement": [_completed(statement, n, arn) for n, statement in enumerate(statements, start=1)]}


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        parsed = json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise _UnusableError(f"it is not JSON ({error})") from None
    if not isinstance(parsed, dict):
        raise _UnusableError("it is JSON, but not an object with Version and Statement")
    return parsed


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON value")


def _completed(statement: Any, number: int, arn: str) -> Document:
    """Return a statement with its Resource. Raises _UnusableError with the first fault."""
    if not isinstance(statement, dict):
        raise _UnusableError(f"statement {number} is not an object")
    for fault_of in (_effect_fault, _principal_fault, _action_fault, _resource_fault):
        if fault := fault_of(statement, arn):
            raise _UnusableError(f"statement {number}: {fault}")
    return {**statement, "Resource": arn}


def _effect_fault(statement: Document, _: str) -> str:
    return "" if statement.get("Effect") in ("Allow", "Deny") else "write Allow or Deny as its Effect"


def _principal_fault(statement: Document, _: str) -> str:
    if "NotPrincipal" in statement:
        return "name who it is about in Principal; NotPrincipal is not accepted, because it means everyone else"
    principal = statement.get("Principal")
    names = [name for group in principal.values() for name in as_list(group)] if isinstance(principal, dict) else []
    if principal == "*" or any("*" in str(name) for name in names):
        return "its Principal is anyone (*), which is not allowed; name accounts, users, roles or services"
    if not names or not all(isinstance(name, str) for name in names):
        return 'name who it is about in Principal, such as {"AWS": "arn:aws:iam::111122223333:root"}'
    return ""


def _action_fault(statement: Document, _: str) -> str:
    actions = as_list(statement.get("Action"))
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


def as_list(value: Any) -> list[Any]:
    """Return a list: elements of a policy may be single or lists."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _canonical(text: str) -> str:
    """Return the document in one layout: sorted, and a list of one as its only member, which means the same in a policy."""
    try:
        return json.dumps(_unwrapped(json.loads(text)), sort_keys=True)
    except (ValueError, RecursionError):
        return text


def _unwrapped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unwrapped(member) for key, member in value.items()}
    if isinstance(value, list):
        members = [_unwrapped(member) for member in value]
        return members[0] if len(members) == 1 else members
    return value
