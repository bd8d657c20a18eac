"""When two policies mean the same, however they are spelt."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.core.model.policies.policy_documents import are_same

ACCOUNT, OTHER = "111122223333", "444455556666"
_principals = st.dictionaries(
    st.sampled_from(["AWS", "Service"]),
    st.lists(st.sampled_from([ACCOUNT, OTHER, f"arn:aws:iam::{ACCOUNT}:role/x", "a.amazonaws.com"]), min_size=1),
    min_size=1,
)
_conditions = st.dictionaries(
    st.sampled_from(["StringEquals", "StringLike", "Bool"]),
    st.dictionaries(
        st.sampled_from(["aws:SourceAccount", "ses:FromAddress"]),
        st.lists(st.sampled_from([ACCOUNT, "a@b", True]), min_size=1),
        min_size=1,
    ),
    min_size=1,
)
_statements = st.builds(
    lambda effect, who, what, when: {"Effect": effect, "Principal": who, "Action": what, "Condition": when},
    st.sampled_from(["Allow", "Deny"]),
    _principals,
    st.lists(st.sampled_from(["ses:SendEmail", "ses:SendRawEmail", "ses:*"]), min_size=1),
    _conditions,
)
_documents = st.builds(
    lambda statements: {"Version": "2012-10-17", "Statement": statements}, st.lists(_statements, min_size=1, max_size=3)
)


def respelt(document: dict[str, Any], random: Random) -> str:
    """The same in other words: in another order, single values without brackets, accounts as ARNs, keys in another case."""

    def shuffled(values: list[Any]) -> Any:
        found = [*values, random.choice(values)]
        random.shuffle(found)
        return found[0] if len(set(map(str, found))) == 1 else found

    def spelt(name: str) -> str:
        return f"arn:aws:iam::{name}:root" if name in (ACCOUNT, OTHER) and random.random() < 0.5 else name

    def conditions(operator: dict[str, list[Any]]) -> dict[str, Any]:
        return {
            key.upper(): shuffled([str(value).lower() if value is True else value for value in values])
            for key, values in operator.items()
        }

    statements = [
        {
            "Condition": {operator: conditions(tests) for operator, tests in reversed(each["Condition"].items())},
            "Action": shuffled([action.replace("Send", "send") for action in each["Action"]]),
            "Principal": {kind: shuffled([spelt(name) for name in names]) for kind, names in each["Principal"].items()},
            "Effect": each["Effect"],
        }
        for each in document["Statement"]
    ]
    random.shuffle(statements)
    one = statements[0] if len(statements) == 1 else statements
    return json.dumps({"Statement": one, "Version": document["Version"]}, indent=1)


@given(_documents, st.randoms(use_true_random=False))
def test_a_policy_that_is_spelt_otherwise_is_the_same(document: dict[str, Any], random: Random) -> None:
    assert are_same(json.dumps(document), respelt(document, random))


BASE: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"AWS": [ACCOUNT]},
    "Action": ["ses:SendEmail"],
    "Condition": {"StringEquals": {"ses:FromAddress": "a@example.com"}},
}


@pytest.mark.parametrize(
    "changed",
    [
        {"Effect": "Deny"},
        {"Principal": {"AWS": [OTHER]}},
        {"Principal": {"AWS": [ACCOUNT, OTHER]}},
        {"Principal": {"Service": [ACCOUNT]}},
        {"Principal": "*"},
        {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/root"}},
        {"Action": ["ses:SendEmail", "ses:SendRawEmail"]},
        {"Condition": {"StringLike": {"ses:FromAddress": "a@example.com"}}},
        {"Condition": {"StringEqualsIfExists": {"ses:FromAddress": "a@example.com"}}},
        {"Condition": {"StringEquals": {"ses:FromAddress": "A@example.com"}}},
        {"Condition": {"StringEquals": {"ses:Recipients": "a@example.com"}}},
        {"Condition": {}},
        {"Condition": {"StringEquals": "a@example.com"}},
        {"Resource": "arn:aws:ses:eu-west-1:111122223333:identity/example.com"},
        {"NotPrincipal": {"AWS": OTHER}},
        {"Sid": "x"},
    ],
    ids=json.dumps,
)
def test_another_meaning_is_another_policy(changed: dict[str, Any]) -> None:
    one, other = ({"Version": "2012-10-17", "Statement": [each]} for each in (BASE, BASE | changed))
    assert are_same(json.dumps(one), json.dumps(one, indent=2))
    assert not are_same(json.dumps(one), json.dumps(other))


def test_anyone_is_anyone_of_aws_and_no_version_is_the_old_one() -> None:
    one = {"Statement": {**BASE, "Principal": "*"}}
    other = {"Version": "2008-10-17", "Statement": [{**BASE, "Principal": {"AWS": "*"}}]}
    assert are_same(json.dumps(one), json.dumps(other))
    assert not are_same(json.dumps(one), json.dumps({**other, "Version": "2012-10-17"}))
