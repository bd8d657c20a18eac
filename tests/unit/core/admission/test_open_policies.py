"""Whom a sending policy lets in: attacks on the guardrail, and on the audit, which has the same judge."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.identity.sending import RawPolicy
from ses_operator.core.admission.open_policies import open_document, open_statement

OURS, STRANGER = "111122223333", "999999999999"
ALLOWED = frozenset({OURS})
SERVICE = {"Service": "ses.amazonaws.com"}
ORGANIZATION = "o-abcdefghij"


def statement(principal: Any = None, condition: Any = None, **more: Any) -> dict[str, Any]:
    made = {"Effect": "Allow", "Action": "ses:SendEmail", **more}
    if principal is not None:
        made["Principal"] = principal
    if condition is not None:
        made["Condition"] = condition
    return made


def on_behalf(operator: str, value: Any, key: str = "aws:SourceAccount", **more: Any) -> dict[str, Any]:
    """A statement for a service with one condition, and further ones."""
    return statement(SERVICE, {operator: {key: value}, **more})


def arn(account: str) -> str:
    return f"arn:aws:ses:*:{account}:*"


def role(account: str, name: str) -> dict[str, str]:
    return {"AWS": f"arn:aws:iam::{account}:role/{name}"}


OPEN: dict[str, dict[str, Any]] = {
    "anyone": statement("*"),
    "anyone, by type": statement({"AWS": "*"}),
    "anyone, in a list": statement({"AWS": [OURS, "*"]}),
    "anyone, by a wildcard in an ARN": statement(role(OURS, "*")),
    "any account, by a wildcard": statement({"AWS": "arn:aws:iam::*:root"}),
    "one character that may be any": statement({"AWS": "arn:aws:iam::11112222333?:root"}),
    "any service": statement({"Service": "*"}),
    "everyone but one": {**statement(), "NotPrincipal": {"AWS": OURS}},
    "everyone but one, beside one": statement({"AWS": OURS}, NotPrincipal={"AWS": STRANGER}),
    "another account": statement({"AWS": STRANGER}),
    "another account's root": statement({"AWS": f"arn:aws:iam::{STRANGER}:root"}),
    "another account beside one of ours": statement({"AWS": [OURS, STRANGER]}),
    "another account's role that is called like a service": statement(role(STRANGER, "evil.amazonaws.com")),
    "such a role, with a condition that binds services": statement(
        role(STRANGER, "evil.amazonaws.com"), {"StringEquals": {"aws:SourceAccount": OURS}}
    ),
    "another account's session": statement({"AWS": f"arn:aws:sts::{STRANGER}:assumed-role/a/b"}),
    "an account whose id is in the name of another's role": statement(role(STRANGER, OURS)),
    "an account in digits of another script": statement({"AWS": "١١١١٢٢٢٢٣٣٣٣"}),
    "the id of a principal that is gone": statement({"AWS": "AIDACKCEVSQ6C2EXAMPLE"}),
    "a web identity provider": statement({"Federated": "accounts.google.com"}),
    "another account's identity provider": statement({"Federated": f"arn:aws:iam::{STRANGER}:saml-provider/x"}),
    "a canonical user": statement({"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8"}),
    "a type that IAM does not have": statement({"Everyone": OURS}),
    "a type in another case": statement({"aws": OURS}),
    "a service without a condition": statement(SERVICE),
    "two services": statement({"Service": ["a.amazonaws.com", "b.amazonaws.com"]}),
    "a service for another account": on_behalf("StringEquals", STRANGER),
    "a service for two accounts": on_behalf("StringEquals", [OURS, STRANGER]),
    "a service for any account": on_behalf("StringLike", "*"),
    "a service for accounts with a wildcard": on_behalf("StringLike", "1111*"),
    "a service for accounts with a question mark": on_behalf("StringLike", "11112222333?"),
    "a service for an account that a variable names": on_behalf("StringEquals", "${aws:SourceAccount}"),
    "a service for no account": on_behalf("StringEquals", []),
    "if there is one": on_behalf("StringEqualsIfExists", OURS),
    "if there is one, alike": on_behalf("StringLikeIfExists", OURS),
    "if all there are": on_behalf("ForAllValues:StringEquals", OURS),
    "if any there is, if there is one": on_behalf("ForAnyValue:StringEqualsIfExists", OURS),
    "if there is none": on_behalf("Null", "true"),
    "if there is one of whatever value": on_behalf("Null", "false"),
    "not this account": on_behalf("StringNotEquals", OURS),
    "not like this account": on_behalf("StringNotLike", OURS),
    "not this account, in any case": on_behalf("StringNotEqualsIgnoreCase", OURS),
    "an operator for numbers": on_behalf("NumericLessThanEquals", OURS),
    "an operator that IAM does not have": on_behalf("StringIs", OURS),
    "a condition on something else": on_behalf("StringEquals", "x", key="ses:FromAddress"),
    "a condition on a key of nearly the same name": on_behalf("StringEquals", OURS, key="aws:SourceAccounts"),
    "an ARN of another account": on_behalf("ArnLike", arn(STRANGER), key="aws:SourceArn"),
    "an ARN of any account": on_behalf("ArnLike", arn("*"), key="aws:SourceArn"),
    "any ARN": on_behalf("ArnLike", "arn:aws:ses:*", key="aws:SourceArn"),
    "not this ARN": on_behalf("ArnNotLike", arn(OURS), key="aws:SourceArn"),
    "an ARN as text, where a wildcard passes the account": on_behalf("StringLike", arn(OURS), key="aws:SourceArn"),
    "an ARN, if there is one": on_behalf("ArnLikeIfExists", arn(OURS), key="aws:SourceArn"),
    "an ARN of two accounts": on_behalf("ArnLike", [arn(OURS), arn(STRANGER)], key="aws:SourceArn"),
    "an ARN with a variable": on_behalf("ArnEquals", f"arn:aws:ses:eu-west-1:{OURS}:${{x}}", key="aws:SourceArn"),
    "an organization": on_behalf("StringEquals", ORGANIZATION, key="aws:SourceOrgID"),
    "anyone of another account": statement("*", {"StringEquals": {"aws:PrincipalAccount": STRANGER}}),
    "anyone, if it has an account": statement("*", {"StringEqualsIfExists": {"aws:PrincipalAccount": OURS}}),
    "anyone, from one address": statement("*", {"StringEquals": {"ses:FromAddress": "a@example.com"}}),
    "an element that IAM does not have": statement({"AWS": OURS}, Principle="*"),
    "an element in another case": {**statement({"AWS": OURS}), "principal": "*"},
    "an effect in another case": {**statement("*"), "Effect": "allow"},
    "no effect": {"Principal": "*", "Action": "ses:SendEmail"},
    "all actions but one": {"Effect": "Allow", "Principal": {"AWS": STRANGER}, "NotAction": "ses:SendEmail"},
}
"""What lets more in than account 111122223333."""

BOUND: dict[str, dict[str, Any]] = {
    "an account": statement({"AWS": OURS}),
    "an account's root": statement({"AWS": f"arn:aws:iam::{OURS}:root"}),
    "a role": statement({"AWS": [f"arn:aws-cn:iam::{OURS}:role/x/y"]}),
    "a role that is called like a service": statement(role(OURS, "a.amazonaws.com")),
    "a user's session": statement({"AWS": f"arn:aws:sts::{OURS}:federated-user/x"}),
    "its own identity provider": statement({"Federated": f"arn:aws:iam::{OURS}:saml-provider/x"}),
    "a service for it": on_behalf("StringEquals", OURS),
    "a service for it, in a list": on_behalf("StringEquals", [OURS]),
    "a key in another case": on_behalf("StringEquals", OURS, key="AWS:sourceaccount"),
    "an operator in another case": on_behalf("stringequals", OURS),
    "alike, without a wildcard": on_behalf("StringLike", OURS),
    "any of it": on_behalf("ForAnyValue:StringEquals", OURS),
    "if there is one, and there has to be": on_behalf(
        "StringEqualsIfExists", OURS, Null={"aws:SourceAccount": "false"}
    ),
    "all there are, and there is one": on_behalf("ForAllValues:StringLike", OURS, Null={"aws:SourceAccount": False}),
    "an ARN": on_behalf("ArnLike", arn(OURS), key="aws:SourceArn"),
    "an ARN as text": on_behalf("StringEquals", f"arn:aws:ses:eu-west-1:{OURS}:identity/x", key="aws:SourceArn"),
    "an ARN that ends in a wildcard": on_behalf("StringLike", f"arn:aws:ses:eu-west-1:{OURS}:*", key="aws:SourceArn"),
    "one that binds beside one that does not": on_behalf("StringEquals", OURS, StringLike={"aws:SourceArn": "*"}),
    "anyone of it": statement("*", {"StringEquals": {"aws:PrincipalAccount": OURS}}),
    "what is denied": {**statement("*"), "Effect": "Deny"},
    "everyone else is denied": {"Effect": "Deny", "NotPrincipal": {"AWS": OURS}, "Action": "ses:*"},
    "no one": statement({"AWS": []}),
}


def judged(statements: Any, accounts: frozenset[str] = ALLOWED) -> str:
    """What the guardrail says, of an object as of a text; the audit says the same."""
    document = {"Version": "2012-10-17", "Statement": statements}
    policy = RawPolicy.model_validate({"name": "raw", "document": document})
    as_text = RawPolicy.model_validate({"name": "raw", "document": json.dumps(document)})
    said = open_statement((), (policy,), accounts)
    assert said == open_statement((), (as_text,), accounts)
    assert open_document({"raw": json.dumps(document)}, accounts) == said.replace(
        "spec.policies[raw]", "the policy raw"
    )
    return said


@pytest.mark.parametrize("one", OPEN.values(), ids=OPEN)
def test_a_statement_that_lets_in_others_is_found(one: dict[str, Any]) -> None:
    assert "spec.policies[raw]" in judged(one)
    assert judged([statement({"AWS": OURS}), one])


@pytest.mark.parametrize("one", BOUND.values(), ids=BOUND)
def test_a_statement_that_lets_in_no_others_is_not(one: dict[str, Any]) -> None:
    assert judged(one) == ""


@pytest.mark.parametrize(
    "one",
    [
        statement({"AWS": STRANGER}),
        on_behalf("StringEquals", STRANGER),
        on_behalf("StringEquals", ORGANIZATION, key="aws:SourceOrgID"),
        statement("*", {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}}),
    ],
)
def test_without_a_list_of_accounts_any_that_is_named_will_do(one: dict[str, Any]) -> None:
    assert judged(one, frozenset()) == ""


@pytest.mark.parametrize("named", ["o-*", "*", "o-", "${aws:PrincipalOrgID}", "r-abcd"])
def test_an_organization_has_to_be_named(named: str) -> None:
    assert judged(on_behalf("StringLike", named, key="aws:SourceOrgID"), frozenset())


def test_an_element_of_the_document_that_iam_does_not_have_is_refused() -> None:
    document = {"Version": "2012-10-17", "Statement": [statement({"AWS": OURS})], "statement": [statement("*")]}
    assert "remove statement" in open_document({"raw": json.dumps(document)}, ALLOWED)


_operators = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "ForAnyValue:", "ForAllValues:"]),
    st.sampled_from(["StringEquals", "StringLike", "StringNotEquals", "StringNotLike", "ArnLike", "NumericEquals"]),
    st.sampled_from(["", "IfExists"]),
) | st.just("Null")
_values = st.sampled_from([OURS, STRANGER, "*", "1111*", "true", "false", arn(OURS), arn("*")])
_keys = st.sampled_from(["aws:SourceAccount", "aws:SourceArn", "ses:FromAddress"])
_conditions = st.dictionaries(_operators, st.dictionaries(_keys, st.lists(_values, max_size=2), max_size=2), max_size=3)
Condition = dict[str, dict[str, list[str]]]

OF_A_STRANGER = {
    "aws:SourceAccount": STRANGER,
    "aws:SourceArn": f"arn:aws:ses:eu-west-1:{STRANGER}:x:{OURS}:x",
    "ses:FromAddress": OURS,
}
REQUESTS = (
    OF_A_STRANGER,
    {},
    *({key: value} for key, value in OF_A_STRANGER.items()),
    *({k: v for k, v in OF_A_STRANGER.items() if k != key} for key in OF_A_STRANGER),
)
"""What a stranger may have a service ask for: with any of the keys, or without."""


@given(_conditions)
def test_a_service_passes_only_if_it_cannot_send_for_a_stranger(condition: Condition) -> None:
    """The judge beside an evaluation of the condition, as the IAM User Guide describes it."""
    if judged(statement(SERVICE, condition)) == "":
        assert not [request for request in REQUESTS if _holds(condition, request)]


def _holds(condition: Condition, request: dict[str, str]) -> bool:
    return all(
        _test_holds(operator, values, request.get(key))
        for operator, tests in condition.items()
        for key, values in tests.items()
    )


def _test_holds(operator: str, values: list[str], found: str | None) -> bool:
    quantifier, _, base = operator.rpartition(":")
    if_exists, base = base.endswith("IfExists"), base.removesuffix("IfExists")
    if base == "Null":
        return str(found is None).lower() in values
    if found is None:
        return if_exists or quantifier == "ForAllValues" or ("Not" in base and not quantifier)
    matched = any(_matches(base.replace("Not", ""), value, found) for value in values)
    return not matched if "Not" in base else matched


def _matches(base: str, pattern: str, found: str) -> bool:
    if base in ("StringEquals", "NumericEquals"):
        return pattern == found
    if base == "ArnLike":
        parts = zip(pattern.split(":", 5), found.split(":", 5), strict=False)
        return pattern.count(":") >= 5 and all(one in ("*", other) for one, other in parts)
    return _like(pattern, found)


def _like(pattern: str, found: str) -> bool:
    if not pattern:
        return not found
    if pattern[0] == "*":
        return any(_like(pattern[1:], found[start:]) for start in range(len(found) + 1))
    return bool(found) and pattern[0] == found[0] and _like(pattern[1:], found[1:])
