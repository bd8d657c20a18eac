"""The terms of a resource-based policy as IAM understands them: principals by type, and conditions that bind a key. Pure.

Sources: IAM User Guide, "AWS JSON policy elements: Principal", "IAM JSON policy elements: Condition operators",
"Single-valued vs. multivalued context keys", "The confused deputy problem".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

ANYONE = "*"

_ACCOUNT = re.compile(r"[0-9]{12}")
_ROOT = re.compile(r"arn:[^:*?]+:iam::([0-9]{12}):root")
_PRINCIPAL_ARN = re.compile(r"arn:[^:*?]+:(?:iam|sts)::([0-9]{12}):[^*?]+")

STATEMENT_ELEMENTS = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
DOCUMENT_ELEMENTS = frozenset({"Version", "Id", "Statement"})

_BASE_OPERATORS = frozenset(
    {
        *("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
        *("StringLike", "StringNotLike", "Bool", "BinaryEquals", "IpAddress", "NotIpAddress"),
        *(f"Numeric{test}" for test in ("Equals", "NotEquals")),
        *(f"Date{test}" for test in ("Equals", "NotEquals")),
        *(f"{kind}{test}" for kind in ("Numeric", "Date") for test in ("LessThan", "LessThanEquals")),
        *(f"{kind}{test}" for kind in ("Numeric", "Date") for test in ("GreaterThan", "GreaterThanEquals")),
        *("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"),
    }
)
_STRING_TESTS = frozenset({"stringequals", "stringequalsignorecase", "stringlike"})
_ARN_TESTS = frozenset({"arnequals", "arnlike"})
"""Those that hold only for the values that they name, and do not hold if the request has no value at all."""

_IF_EXISTS = "ifexists"


class PrincipalType(StrEnum):
    """The types of principal; their names in a policy."""

    AWS = "AWS"
    SERVICE = "Service"
    FEDERATED = "Federated"
    CANONICAL_USER = "CanonicalUser"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Principal:
    """A principal of a statement. ``account``: the AWS account that it is in; "" if that cannot be told."""

    type: PrincipalType
    name: str
    account: str = ""

    @property
    def is_anyone(self) -> bool:
        """True if it may be anyone: a wildcard, whatever is beside it."""
        return ANYONE in self.name or "?" in self.name

    def __str__(self) -> str:
        return self.name


def principal_of_sender(name: str) -> Principal:
    """Return a principal of spec.authorizedSenders: an account, an ARN, or the name of a service."""
    is_aws = name.startswith("arn:") or name.isdecimal()
    return principal(PrincipalType.AWS if is_aws else PrincipalType.SERVICE, name)


def principal(type_: PrincipalType, name: str) -> Principal:
    """Return a principal with the account that it is in. The type says what it is, and nothing in its name does."""
    if type_ not in (PrincipalType.AWS, PrincipalType.FEDERATED):
        return Principal(type_, name)
    found = _PRINCIPAL_ARN.fullmatch(name)
    account = name if type_ is PrincipalType.AWS and _ACCOUNT.fullmatch(name) else found[1] if found else ""
    return Principal(type_, name, account)


def principals(element: Any) -> Iterator[Principal]:
    """Yield the principals of a Principal element; what it may not have is of the type UNKNOWN."""
    if not isinstance(element, Mapping):
        for name in as_list(element):
            yield principal(PrincipalType.AWS, str(name))
        return
    known = {each.value: each for each in PrincipalType if each is not PrincipalType.UNKNOWN}
    for kind, names in element.items():
        for name in as_list(names):
            yield principal(known.get(kind, PrincipalType.UNKNOWN), str(name))


def plain_principal(name: Any) -> str:
    """Return an account by its id, however it is written, and others as they are."""
    root = _ROOT.fullmatch(str(name))
    return root[1] if root else str(name)


@dataclass(frozen=True, slots=True)
class Test:
    """One test of a Condition: an operator with its modifiers, in lower case, the key, in lower case, and the values."""

    operator: str
    key: str
    values: tuple[str, ...]

    __test__ = False

    @property
    def quantifier(self) -> str:
        """``forallvalues``, ``foranyvalue``, or nothing."""
        return self.operator.rpartition(":")[0]

    @property
    def base(self) -> str:
        """The operator without its modifiers."""
        return self.operator.rpartition(":")[2].removesuffix(_IF_EXISTS)

    @property
    def holds_without_value(self) -> bool:
        """True if a request without the key passes it: then a caller who leaves the key out is let in."""
        return self.operator.endswith(_IF_EXISTS) or self.quantifier == "forallvalues"


def tests(condition: Any) -> Iterator[Test]:
    """Yield the tests of a Condition element, all of which have to hold."""
    for operator, keys in condition.items() if isinstance(condition, Mapping) else ():
        for key, values in keys.items() if isinstance(keys, Mapping) else ():
            yield Test(str(operator).lower(), str(key).lower(), tuple(map(_value, as_list(values))))


def bound_values(condition: Any, key: str) -> Iterator[tuple[Test, tuple[str, ...]]]:
    """Yield the tests by which a request must have the key, with one of these values. ``key`` in lower case.

    Not those that hold for a request without the key, unless another test requires that it is there; and not those
    that name values that must not be.
    """
    found = tuple(tests(condition))
    is_required = any(test.base == "null" and test.key == key and test.values == ("false",) for test in found)
    for test in found:
        if test.key != key or test.base not in _STRING_TESTS | _ARN_TESTS or not test.values:
            continue
        if not test.holds_without_value or is_required:
            yield test, test.values


def accounts_bound(condition: Any, account_key: str, arn_key: str) -> Iterator[frozenset[str]]:
    """Yield the AWS accounts that tests of these two keys bind a request to: one of each set, at most."""
    for _, values in bound_values(condition, account_key):
        if all(_ACCOUNT.fullmatch(value) for value in values):
            yield frozenset(values)
    for test, values in bound_values(condition, arn_key):
        accounts = [_account_of_arn(value, test) for value in values]
        if all(accounts):
            yield frozenset(accounts)


def _account_of_arn(value: str, test: Test) -> str:
    """Return the account that an ARN has to be of; "" if it may be of several.

    Arn operators compare the six parts one by one; in a string, a wildcard before the account may stand for any part.
    """
    parts = value.split(":", 5)
    if len(parts) != 6 or not _ACCOUNT.fullmatch(parts[4]) or "${" in value:
        return ""
    wild = test.base == "stringlike" and any(sign in part for part in parts[:4] for sign in "*?")
    return "" if wild else parts[4]


def unknown_operator(condition: Any) -> str:
    """Return the first operator of a Condition that IAM does not have; "" if there is none."""
    known = {operator.lower() for operator in _BASE_OPERATORS}
    for operator in condition if isinstance(condition, Mapping) else ():
        test = Test(str(operator).lower(), "", ())
        is_null = test.operator == "null"
        if not is_null and (test.base not in known or test.quantifier not in ("", "forallvalues", "foranyvalue")):
            return str(operator)
    return ""


def canonical(document: Any) -> Any:
    """Return a policy so that two that mean the same are equal: lists without order, one value as a list, accounts by id."""
    if not isinstance(document, Mapping):
        return document
    statements = {_frozen(_canonical_statement(each)) for each in as_list(document.get("Statement"))}
    rest = {name: value for name, value in document.items() if name not in ("Statement", "Version")}
    return str(document.get("Version", "2008-10-17")), frozenset(statements), _frozen(rest)


def _canonical_statement(statement: Any) -> Any:
    if not isinstance(statement, Mapping):
        return statement
    found = dict(statement)
    for element in ("Principal", "NotPrincipal"):
        if element in found:
            found[element] = frozenset(_canonical_principals(found[element]))
    for element in ("Action", "NotAction"):
        if element in found:
            found[element] = frozenset(str(action).lower() for action in as_list(found[element]))
    for element in ("Resource", "NotResource"):
        if element in found:
            found[element] = frozenset(map(str, as_list(found[element])))
    condition = found.get("Condition")
    if isinstance(condition, Mapping) and all(isinstance(keys, Mapping) for keys in condition.values()):
        found["Condition"] = frozenset(
            (test.operator, test.key, frozenset(test.values)) for test in tests(found["Condition"])
        )
        if not found["Condition"]:
            del found["Condition"]
    return found


def _canonical_principals(element: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(element, Mapping):
        yield from ((PrincipalType.AWS.value, plain_principal(name)) for name in as_list(element))
        return
    for kind, names in element.items():
        yield from ((str(kind), plain_principal(name)) for name in as_list(names))


def _frozen(value: Any) -> Any:
    """Return the value so that it can be a member of a set."""
    if isinstance(value, Mapping):
        return frozenset((str(key), _frozen(member)) for key, member in value.items())
    if isinstance(value, list):
        return tuple(_frozen(member) for member in value)
    return value


def _value(value: Any) -> str:
    """Return a value of a condition as IAM compares it: JSON's true and numbers are texts there."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_list(value: Any) -> list[Any]:
    """Return a list: elements of a policy may be single or lists."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
