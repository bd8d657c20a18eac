"""IAM policies evaluated. Sources: IAM User Guide, "Policy evaluation logic" and "JSON policy elements"."""

from __future__ import annotations

from typing import Any

import pytest

from ses_sandbox.access.policy import AccessRequest, Decision, decide

ARN = "arn:aws:ses:eu-west-1:123456789012:identity/example.com"
USER = "arn:aws:iam::123456789012:user/u"
SESSION = "arn:aws:sts::123456789012:assumed-role/operator/session"
ALLOW, DENY, NEITHER = Decision.ALLOW, Decision.EXPLICIT_DENY, Decision.IMPLICIT_DENY


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    """A policy of statements that allow everything but for what is given."""
    return {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", **given} for given in statements]}


def decision(
    *statements: dict[str, Any], context: dict[str, list[str]] | None = None, principal: str = USER
) -> Decision:
    """What statements say to CreateEmailIdentity on example.com."""
    return decide([document(*statements)], AccessRequest("ses:CreateEmailIdentity", ARN, principal, context or {}))


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({}, ALLOW),
        ({"Action": "ses:CreateEmailIdentity"}, ALLOW),
        ({"Action": ["ses:Get*", "SES:create*"]}, ALLOW),
        ({"Action": "ses:CreateEmailIdentit?"}, ALLOW),
        ({"Action": "ses:Get*"}, NEITHER),
        ({"Action": None, "NotAction": "ses:Delete*"}, ALLOW),
        ({"Resource": ARN}, ALLOW),
        ({"Resource": "arn:aws:ses:*:*:identity/*.com"}, ALLOW),
        ({"Resource": "arn:aws:ses:*:*:identity/Example.com"}, NEITHER),
        ({"Resource": "arn:aws:ses:*:*:identity/[e]xample.com"}, NEITHER),
        ({"Effect": "Deny"}, DENY),
        ({"Effect": "Deny", "Resource": "arn:aws:s3:::x"}, NEITHER),
    ],
)
def test_actions_and_resources_are_matched_by_wildcards(statement: dict[str, Any], expected: Decision) -> None:
    given = {name: value for name, value in statement.items() if value is not None}
    policy = document(given)
    if "NotAction" in given:
        del policy["Statement"][0]["Action"]
    assert decide([policy], AccessRequest("ses:CreateEmailIdentity", ARN)) is expected


def test_a_deny_wins_wherever_it_stands() -> None:
    deny = {"Effect": "Deny", "Action": "ses:*"}
    assert decision({}, deny) is DENY
    assert decide([document(deny), document({})], AccessRequest("ses:GetAccount", "*")) is DENY


def test_without_documents_nothing_is_allowed() -> None:
    assert decide([], AccessRequest("ses:GetAccount", "*")) is NEITHER


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringEquals": {"aws:RequestTag/team": "a"}}, ALLOW),
        ({"StringEquals": {"AWS:requesttag/team": ["x", "a"]}}, ALLOW),
        ({"StringEquals": {"aws:RequestTag/team": "A"}}, NEITHER),
        ({"StringEqualsIgnoreCase": {"aws:RequestTag/team": "A"}}, ALLOW),
        ({"StringNotEquals": {"aws:RequestTag/team": ["x", "a"]}}, NEITHER),
        ({"StringNotEquals": {"aws:RequestTag/absent": "x"}}, ALLOW),
        ({"StringLike": {"aws:RequestTag/team": "?"}}, ALLOW),
        ({"StringLike": {"aws:RequestTag/absent": "*"}}, NEITHER),
        ({"StringLikeIfExists": {"aws:RequestTag/absent": "x"}}, ALLOW),
        ({"Null": {"aws:RequestTag/absent": "true"}}, ALLOW),
        ({"Null": {"aws:RequestTag/team": "true"}}, NEITHER),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "cost", "owner"]}}, ALLOW),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}, NEITHER),
        ({"ForAllValues:StringEquals": {"absent": ["team"]}}, ALLOW),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["team"]}}, ALLOW),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["other"]}}, NEITHER),
        ({"Bool": {"aws:SecureTransport": "true"}}, ALLOW),
        ({"NumericLessThan": {"size": "11"}}, ALLOW),
        ({"NumericLessThan": {"size": "10"}}, NEITHER),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, ALLOW),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, NEITHER),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}}, ALLOW),
        ({"ArnLike": {"aws:PrincipalArn": "arn:*/u"}}, NEITHER),
        ({"DateGreaterThan": {"aws:CurrentTime": "2025-01-01T00:00:00+00:00"}}, ALLOW),
        ({"StringSortOf": {"aws:RequestTag/team": "a"}}, NEITHER),
        ({"StringEquals": {"aws:RequestTag/team": "a"}, "Bool": {"aws:SecureTransport": "false"}}, NEITHER),
    ],
)
def test_conditions_must_all_hold(condition: dict[str, Any], expected: Decision) -> None:
    context = {
        "aws:RequestTag/team": ["a"],
        "aws:TagKeys": ["team", "cost"],
        "aws:SecureTransport": ["true"],
        "size": ["10"],
        "aws:SourceIp": ["10.1.2.3"],
        "aws:PrincipalArn": [USER],
        "aws:CurrentTime": ["2026-01-01T00:00:00+00:00"],
    }
    assert decision({"Condition": condition}, context=context) is expected


@pytest.mark.parametrize(
    ("principal", "element", "expected"),
    [
        (USER, "*", ALLOW),
        (USER, {"AWS": USER}, ALLOW),
        (USER, {"AWS": "arn:aws:iam::123456789012:root"}, ALLOW),
        (USER, {"AWS": ["123456789012"]}, ALLOW),
        (USER, {"AWS": "arn:aws:iam::210987654321:root"}, NEITHER),
        (USER, {"Service": "ses.amazonaws.com"}, NEITHER),
        (SESSION, {"AWS": "arn:aws:iam::123456789012:role/operator"}, ALLOW),
        (SESSION, {"AWS": "arn:aws:iam::123456789012:role/path/operator"}, ALLOW),
        (SESSION, {"AWS": "arn:aws:iam::123456789012:role/other"}, NEITHER),
    ],
)
def test_principals_are_users_accounts_roles_and_their_sessions(
    principal: str, element: Any, expected: Decision
) -> None:
    assert decision({"Principal": element}, principal=principal) is expected


def test_variables_stand_for_what_is_known_of_the_caller() -> None:
    own = {"Resource": "arn:aws:ses:*:*:identity/${aws:PrincipalTag/domain}"}
    assert decision(own, context={"aws:PrincipalTag/domain": ["example.com"]}) is ALLOW
    assert decision(own, context={"aws:PrincipalTag/domain": ["example.org"]}) is NEITHER
    assert decision(own) is NEITHER
