"""IAM policies evaluated. Pure: documents and a request in, a decision out.

Source: IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements reference". Identity-based and
resource-based documents are read alike; a statement without Principal applies to the principal that it is attached
to. Not evaluated: permission boundaries, service control policies, condition keys that the caller of ``decide`` does
not supply (they are absent, as in AWS).
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

Document = Mapping[str, Any]


class Decision(Enum):
    """The decision of policies: an explicit Deny wins over any Allow, and without either it is denied."""

    ALLOW = "allow"
    EXPLICIT_DENY = "explicit deny"
    IMPLICIT_DENY = "implicit deny"


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """A request for an action.

    ``context``: values of condition keys, by name; several for multivalued keys. Key names are compared without case.
    """

    action: str
    resource: str
    principal: str = ""
    context: Mapping[str, Sequence[str]] = field(default_factory=dict)


def decide(documents: Iterable[Document], request: AccessRequest) -> Decision:
    """Return what the documents together decide about a request."""
    allowed = False
    for document in documents:
        for statement in as_list(document.get("Statement")):
            if not _applies(statement, request):
                continue
            if statement.get("Effect") == "Deny":
                return Decision.EXPLICIT_DENY
            allowed = allowed or statement.get("Effect") == "Allow"
    return Decision.ALLOW if allowed else Decision.IMPLICIT_DENY


def as_list(value: Any) -> list[Any]:
    """Return a list: policy elements may be single or lists."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _applies(statement: Mapping[str, Any], request: AccessRequest) -> bool:
    return (
        _element(statement, "Action", lambda patterns: _matches_action(patterns, request.action))
        and _element(statement, "Resource", lambda patterns: _matches_resource(patterns, request))
        and _element(statement, "Principal", lambda principals: _matches_principal(principals, request.principal))
        and _conditions_hold(statement.get("Condition") or {}, request.context)
    )


def _element(statement: Mapping[str, Any], name: str, matches: Callable[[list[Any]], bool]) -> bool:
    """Match an element, its negation (NotAction, …), or neither, which the kind of policy allows for Resource and Principal."""
    if name in statement:
        return matches(as_list(statement[name]))
    if f"Not{name}" in statement:
        return not matches(as_list(statement[f"Not{name}"]))
    return name != "Action"


def _matches_action(patterns: Iterable[Any], action: str) -> bool:
    return any(_like(str(pattern).lower(), action.lower()) for pattern in patterns)


def _matches_resource(patterns: Iterable[Any], request: AccessRequest) -> bool:
    return any(_like(_substitute(str(pattern), request.context), request.resource) for pattern in patterns)


def _matches_principal(principals: Iterable[Any], principal: str) -> bool:
    return any(_is_principal(item, principal) for item in principals)


def _is_principal(item: Any, principal: str) -> bool:
    if isinstance(item, Mapping):
        return any(_is_principal(name, principal) for names in item.values() for name in as_list(names))
    name = str(item)
    if name == "*" or name == principal:
        return True
    account = _account_of(principal)
    return (bool(account) and name in (account, f"arn:aws:iam::{account}:root")) or _is_session_of(principal, name)


def _is_session_of(principal: str, role_arn: str) -> bool:
    """Return True if a role session is of the role, whatever its path.

    arn:aws:sts::A:assumed-role/R/S is a session of arn:aws:iam::A:role/path/R.
    """
    session = re.fullmatch(r"arn:[\w-]+:sts::(\d+):assumed-role/([^/]+)/.+", principal)
    role = re.fullmatch(r"arn:[\w-]+:iam::(\d+):role/(?:.*/)?([^/]+)", role_arn)
    return session is not None and role is not None and session.groups() == role.groups()


def _account_of(principal: str) -> str:
    parts = principal.split(":")
    return parts[4] if len(parts) > 5 else ""


def _conditions_hold(conditions: Mapping[str, Any], context: Mapping[str, Sequence[str]]) -> bool:
    known = {key.lower(): values for key, values in context.items()}
    return all(
        _condition_holds(
            operator, [_substitute(str(value), context) for value in as_list(wanted)], known.get(key.lower())
        )
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _condition_holds(operator: str, wanted: list[str], actual: Sequence[str] | None) -> bool:
    if operator == "Null":
        return (actual is None) == (wanted[:1] == ["true"])
    quantifier, _, name = operator.rpartition(":")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    if not actual:
        return if_exists or quantifier == "ForAllValues" or "Not" in name
    compare = OPERATORS.get(name)
    if compare is None:
        return False  # what cannot be evaluated is not met
    if "Not" in name:
        return all(compare(value, pattern) for value in actual for pattern in wanted)
    met = [any(compare(value, pattern) for pattern in wanted) for value in actual]
    return all(met) if quantifier == "ForAllValues" else any(met)


def _substitute(text: str, context: Mapping[str, Sequence[str]]) -> str:
    """Replace policy variables: ${aws:PrincipalTag/team} becomes the key's value, or stays if there is none."""

    def replace(found: re.Match[str]) -> str:
        values = context.get(found[1], ())
        return values[0] if len(values) == 1 else found[0]

    return re.sub(r"\$\{([^}]+)\}", replace, text) if "${" in text else text


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(text.replace("[", "[[]")))


def _like(pattern: str, value: str) -> bool:
    return pattern == "*" or pattern == value or _pattern(pattern).match(value) is not None


def _arn_like(value: str, pattern: str) -> bool:
    """Match an ARN, in which wildcards do not reach over the colons, except in the last part."""
    values, patterns = value.split(":", 5), pattern.split(":", 5)
    return len(values) == len(patterns) and all(_like(p, v) for p, v in zip(patterns, values, strict=True))


def _in_network(value: str, network: str) -> bool:
    try:
        return ip_address(value) in ip_network(network, strict=False)
    except ValueError:
        return False


def _numbers(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def holds(value: str, wanted: str) -> bool:
        try:
            return compare(float(value), float(wanted))
        except ValueError:
            return False

    return holds


def _dates(compare: Callable[[datetime, datetime], bool]) -> Callable[[str, str], bool]:
    def holds(value: str, wanted: str) -> bool:
        try:
            return compare(datetime.fromisoformat(value), datetime.fromisoformat(wanted))
        except (ValueError, TypeError):
            return False

    return holds


OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringNotEquals": lambda value, wanted: value != wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringNotEqualsIgnoreCase": lambda value, wanted: value.lower() != wanted.lower(),
    "StringLike": lambda value, wanted: _like(wanted, value),
    "StringNotLike": lambda value, wanted: not _like(wanted, value),
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "ArnNotEquals": lambda value, wanted: not _arn_like(value, wanted),
    "ArnNotLike": lambda value, wanted: not _arn_like(value, wanted),
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "IpAddress": _in_network,
    "NotIpAddress": lambda value, wanted: not _in_network(value, wanted),
    "NumericEquals": _numbers(lambda a, b: a == b),
    "NumericNotEquals": _numbers(lambda a, b: a != b),
    "NumericLessThan": _numbers(lambda a, b: a < b),
    "NumericLessThanEquals": _numbers(lambda a, b: a <= b),
    "NumericGreaterThan": _numbers(lambda a, b: a > b),
    "NumericGreaterThanEquals": _numbers(lambda a, b: a >= b),
    "DateLessThan": _dates(lambda a, b: a < b),
    "DateGreaterThan": _dates(lambda a, b: a > b),
}
