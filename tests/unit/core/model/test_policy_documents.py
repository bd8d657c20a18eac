"""Sending-authorization policies as SES takes them. Sources: Developer Guide, "Sending policy examples"; API reference."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.account.kind import SesAccountSpec
from ses_operator.api.identity.kind import SesIdentitySpec
from ses_operator.api.identity.sending import GENERATED_POLICY, AuthorizedSender, RawPolicy
from ses_operator.core.model.bounds import LEFT_OUT
from ses_operator.core.model.keys import Installation, ObjectKey
from ses_operator.core.model.policies.policy_documents import WantedPolicy, are_same, narrowed, wanted_policies
from ses_operator.core.state.desired import AwsScope, desired_identity

ARN = "arn:aws:ses:eu-west-1:123456789012:identity/mail.example.com"
ROOT = "arn:aws:iam::111122223333:root"
ALLOW = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "ses:SendEmail"}


def of_senders(*senders: dict[str, Any], arn: str = ARN) -> WantedPolicy:
    (policy,) = wanted_policies([AuthorizedSender.model_validate(sender) for sender in senders], (), arn)
    return policy


def statement(**sender: Any) -> dict[str, Any]:
    """The one statement of the policy for one sender."""
    document = json.loads(of_senders({"name": "partner", "principals": [ROOT], **sender}).document)
    assert document["Version"] == "2012-10-17"
    (only,) = document["Statement"]
    found: dict[str, Any] = only
    return found


def raw(document: Any) -> WantedPolicy:
    (policy,) = wanted_policies((), [RawPolicy.model_validate({"name": "audit", "document": document})], ARN)
    return policy


def test_a_sender_may_send_and_send_raw_as_the_identity() -> None:
    assert statement() == {
        "Effect": "Allow",
        "Principal": {"AWS": [ROOT]},
        "Action": ["ses:SendEmail", "ses:SendRawEmail"],
        "Resource": ARN,
    }


def test_principals_are_told_apart_and_accounts_are_their_root() -> None:
    names = ["444455556666", "arn:aws:iam::444455556666:role/mailer", "email.cognito-idp.amazonaws.com"]
    assert statement(principals=names)["Principal"] == {
        "AWS": ["arn:aws:iam::444455556666:root", "arn:aws:iam::444455556666:role/mailer"],
        "Service": ["email.cognito-idp.amazonaws.com"],
    }


def test_an_account_is_in_the_partition_of_the_identity() -> None:
    policy = of_senders(
        {"name": "partner", "principals": ["444455556666"]},
        arn="arn:aws-us-gov:ses:us-gov-west-1:123456789012:identity/mail.example.com",
    )
    assert "arn:aws-us-gov:iam::444455556666:root" in policy.document


CONDITIONS = (
    ({"fromAddresses": ["*@mail.example.com"]}, {"StringLike": {"ses:FromAddress": ["*@mail.example.com"]}}),
    ({"fromDisplayNames": ["Ada*"]}, {"StringLike": {"ses:FromDisplayName": ["Ada*"]}}),
    ({"feedbackAddresses": ["b@example.com"]}, {"StringLike": {"ses:FeedbackAddress": ["b@example.com"]}}),
    ({"recipients": ["*@example.net"]}, {"ForAllValues:StringLike": {"ses:Recipients": ["*@example.net"]}}),
    ({"sourceIPs": ["192.0.2.0/24", "2001:db8::1"]}, {"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "2001:db8::1"]}}),
    ({"sourceAccounts": ["111122223333"]}, {"StringEquals": {"aws:SourceAccount": ["111122223333"]}}),
    ({"notBefore": "2026-01-31T01:00:00+01:00"}, {"DateGreaterThan": {"aws:CurrentTime": "2026-01-31T00:00:00Z"}}),
    ({"notAfter": "2026-12-31T00:00:00Z"}, {"DateLessThan": {"aws:CurrentTime": "2026-12-31T00:00:00Z"}}),
    (
        {"fromAddresses": ["a@example.com"], "feedbackAddresses": ["b@example.com"], "notAfter": "2026-12-31T00:00:00Z"},
        {
            "StringLike": {"ses:FromAddress": ["a@example.com"], "ses:FeedbackAddress": ["b@example.com"]},
            "DateLessThan": {"aws:CurrentTime": "2026-12-31T00:00:00Z"},
        },
    ),
)  # fmt: skip


@pytest.mark.parametrize(("given_", "expected"), CONDITIONS, ids=[", ".join(given_) for given_, _ in CONDITIONS])
def test_conditions_are_those_of_the_developer_guide(given_: dict[str, Any], expected: dict[str, Any]) -> None:
    assert statement(**given_)["Condition"] == expected


def test_each_sender_is_a_statement_of_one_policy() -> None:
    policy = of_senders({"name": "a", "principals": ["111122223333"]}, {"name": "b", "principals": ["444455556666"]})
    assert policy.name == GENERATED_POLICY
    assert len(json.loads(policy.document)["Statement"]) == 2


def test_an_address_range_that_is_none_is_named() -> None:
    policy = of_senders({"name": "partner", "principals": [ROOT], "sourceIPs": ["192.0.2.0/33"]})
    assert policy.fault == "192.0.2.0/33 in the sourceIPs of partner is not an IP address or range"


def test_senders_that_do_not_fit_in_4_kilobytes_are_refused_before_the_call() -> None:
    senders = [{"name": f"s{n}", "principals": [f"arn:aws:iam::111122223333:role/{'r' * 300}"]} for n in range(10)]
    policy = of_senders(*senders)
    assert "SES accepts 4096" in policy.fault
    assert policy.document == ""


@pytest.mark.parametrize(
    "document",
    [
        {"Version": "2012-10-17", "Statement": [ALLOW]},
        {"Statement": ALLOW},
        {"Statement": [{**ALLOW, "Resource": ARN}]},
        {"Statement": [{**ALLOW, "Resource": [ARN]}]},
        {"Statement": [{**ALLOW, "Action": ["SES:SendEmail", "ses:Send*"]}]},
        {"Id": "mine", "Statement": [{**ALLOW, "Effect": "Deny", "Principal": {"Service": "ses.amazonaws.com"}}]},
    ],
)
def test_a_document_is_taken_with_the_arn_filled_in_whether_it_is_text_or_an_object(document: dict[str, Any]) -> None:
    policy = raw(document)
    assert policy == raw(json.dumps(document, indent=2))
    assert policy.fault == ""
    (only,) = json.loads(policy.document)["Statement"]
    assert only["Resource"] == ARN


def deep(levels: int) -> Any:
    return {"a": deep(levels - 1)} if levels else 1


FAULTS: tuple[tuple[str, Any, str], ...] = (
    ("not JSON", "{", "it is not JSON"),
    ("a constant that JSON has not", '{"Statement": NaN}', "NaN is no JSON value"),
    ("a list", "[]", "it is not an object"),
    ("a list that is no text", [], "it is not an object"),
    ("a number", 7, "it is not an object"),
    ("nothing", None, "it is not an object"),
    ("an unknown version", {"Version": "2020-01-01", "Statement": [ALLOW]}, "write one of 2008-10-17, 2012-10-17"),
    ("no statement", {"Version": "2012-10-17"}, "it has no Statement"),
    ("a statement that is text", {"Statement": ["x"]}, "statement 1 is not an object"),
    ("no effect", {"Statement": [ALLOW, {**ALLOW, "Effect": "Maybe"}]}, "statement 2: write Allow or Deny"),
    ("everybody", {"Statement": [{**ALLOW, "Principal": "*"}]}, "its Principal is anyone (*)"),
    ("everybody of AWS", {"Statement": [{**ALLOW, "Principal": {"AWS": ["*"]}}]}, "its Principal is anyone (*)"),
    ("everybody but one", {"Statement": [{**ALLOW, "NotPrincipal": {"AWS": ROOT}}]}, "NotPrincipal is not accepted"),
    ("nobody", {"Statement": [{"Effect": "Allow", "Action": "ses:SendEmail"}]}, "name who it is about in Principal"),
    ("a principal that is a number", {"Statement": [{**ALLOW, "Principal": {"AWS": 1}}]}, "name who it is about"),
    ("an action of another service", {"Statement": [{**ALLOW, "Action": "s3:GetObject"}]}, "write actions of SES"),
    ("every action", {"Statement": [{**ALLOW, "Action": "*"}]}, "write actions of SES"),
    ("another identity", {"Statement": [{**ALLOW, "Resource": ARN + "x"}]}, f"leave out {ARN}x; the Resource is {ARN}"),
    ("every resource", {"Statement": [{**ALLOW, "Resource": "*"}]}, "leave out *;"),
    ("every other resource", {"Statement": [{**ALLOW, "NotResource": ARN}]}, "leave out NotResource;"),
    ("more than 4 KB", {"Statement": [{**ALLOW, "Sid": "s" * 4096}]}, "SES accepts 4096"),
    ("a depth that no policy has", "[" * 100_000, "nested more than 8 levels deep"),
    ("a depth that Python can read", {"Statement": [deep(20)]}, "nested more than 8 levels deep"),
    ("what was cut when it was read", {"Statement": [ALLOW, LEFT_OUT]}, "statement 2 is not an object"),
    ("one that was left out when it was read", LEFT_OUT, "it is too large, or nested more than 8 levels deep"),
)  # fmt: skip


@pytest.mark.parametrize(("document", "words"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_a_document_is_refused_for(document: Any, words: str) -> None:
    policy = raw(document)
    assert words in policy.fault
    assert policy.document == ""
    assert policy.field == "spec.policies[audit]"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["Version", "Statement", "Effect", "Principal", "Action", "Resource", "AWS"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_no_document_is_both_sent_and_refused_and_none_fails(document: Any) -> None:
    policy = raw(json.dumps(document))
    assert bool(policy.document) != bool(policy.fault)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('{"a": 1, "b": [2]}', '{"b":[2],"a":1}', True),
        ('{"a": [1, 2]}', '{"a": [2, 1]}', False),
        ('{"a": 1}', '{"a": 2}', False),
        ("no JSON", "no JSON", True),
        ("no JSON", "{}", False),
    ],
)
def test_documents_are_compared_by_what_they_say(one: str, other: str, same: bool) -> None:
    assert are_same(one, other) is same


def test_each_region_gets_the_arn_that_the_identity_has_there() -> None:
    spec = SesIdentitySpec.model_validate(
        {
            "domain": "mail.example.com",
            "regions": ["eu-west-1", "us-east-1"],
            "authorizedSenders": [{"name": "partner", "principals": [ROOT]}],
            "policies": [{"name": "audit", "document": {"Statement": [ALLOW]}}],
        }
    )
    key = ObjectKey("team-a", "mail")
    desired = desired_identity(Installation("test"), key, spec, SesAccountSpec(), AwsScope("123456789012"))
    assert desired.policies.keys() == {"eu-west-1", "us-east-1"}
    for region, policies in desired.policies.items():
        assert [policy.name for policy in policies] == [GENERATED_POLICY, "audit"]
        for policy in policies:
            assert f'"arn:aws:ses:{region}:123456789012:identity/mail.example.com"' in policy.document
    assert desired_identity(Installation("test"), key, spec, SesAccountSpec(), None).policies == {}


def document(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*accounts: str, **more: object) -> dict[str, object]:
    return {"Effect": "Allow", "Principal": {"AWS": list(accounts)}, "Action": "ses:SendEmail", **more}


A, B, FRESH = "111111111111", "arn:aws:iam::222222222222:root", "arn:aws:iam::333333333333:role/fresh"
DENY_A = {**allow(A), "Effect": "Deny"}

NARROWED = [
    ("whoever is no longer named goes", document(allow(A), allow(B)), document(allow(A), allow(FRESH)), document(allow(A))),
    ("out of a statement with others too", document(allow(A, B)), document(allow(A, FRESH)), document(allow(A))),
    ("an account is the same as its root", document(allow(f"arn:aws:iam::{A}:root")), document(allow(A)), None),
    ("the rights of those who stay are left to the change", document(allow(A)), document(allow(A, Action="ses:*")), None),
    ("what is denied stays denied", document(DENY_A, allow(B)), document(allow(FRESH)), document(DENY_A)),
    ("nothing is left", document(allow(B)), document(allow(FRESH)), ""),
    ("everyone goes when some are named", document({**allow(), "Principal": "*"}), document(allow(A)), ""),
    ("no one goes when everyone is named", document(allow(B)), document({**allow(), "Principal": "*"}), None),
    ("a single statement needs no list", json.dumps({"Statement": allow(B)}), document(allow(A)), ""),
    ("what is no policy is left", "no JSON", document(allow(A)), None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("found", "wanted", "left"), [case[1:] for case in NARROWED], ids=[case[0] for case in NARROWED]
)
def test_a_document_is_narrowed_to_those_who_are_still_named(found: str, wanted: str, left: str | None) -> None:
    said = narrowed(found, wanted)
    assert said == found if left is None else said == left or are_same(said, left)
