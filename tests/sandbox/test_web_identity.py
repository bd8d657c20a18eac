"""Tokens of a cluster in place of keys. Sources: API reference, AssumeRoleWithWebIdentity; IAM User Guide, OIDC federation."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from sandbox.operator_aws_world import REGION as WORLD_REGION
from sandbox.operator_aws_world import AwsWorld, aws_world
from sandbox.ses_world import SesWorld, refused, ses_world
from ses_operator.api.base.reasons import Reason
from ses_operator.aws.calls.config import AccountConfig, Role, WebIdentityAccess
from ses_operator.core.model.problems import Blocked
from ses_sandbox.calls import CallFilter
from ses_sandbox.server import SandboxSettings

ISSUER = "kubernetes.default.svc"
HOME = "123456789012"
SUBJECT = "system:serviceaccount:ops:ses"
AUDIENCE = "sts.amazonaws.com"
NEVER = 4_102_444_800  # in 2100: some tokens are made when tests are collected, which may be long before they run
NAME = "web"
ROLE = f"arn:aws:iam::{HOME}:role/{NAME}"


def jwt(**claims: Any) -> str:
    """A token as the cluster issues it; nobody here looks at its signature."""
    whole = {"iss": f"https://{ISSUER}", "sub": SUBJECT, "aud": [AUDIENCE], "exp": NEVER, **claims}
    payload = base64.urlsafe_b64encode(json.dumps(whole).encode()).decode().rstrip("=")
    return f"e30.{payload}.c2ln"


def trust(iam: Any, *, subject: str = SUBJECT) -> None:
    """An OIDC provider, and a role that trusts one ServiceAccount."""
    provider = iam.create_open_id_connect_provider(
        Url=f"https://{ISSUER}", ClientIDList=[AUDIENCE], ThumbprintList=["0" * 40]
    )["OpenIDConnectProviderArn"]
    equals = {f"{ISSUER}:sub": subject, f"{ISSUER}:aud": AUDIENCE}
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": equals},
    }
    iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=_document(statement))
    allowed = _document({"Effect": "Allow", "Action": "ses:*", "Resource": "*"})
    iam.put_role_policy(RoleName=NAME, PolicyName="p", PolicyDocument=allowed)


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def world() -> Iterator[SesWorld]:
    with ses_world(access_control=True) as world:
        world.control("POST", "/reset")
        trust(world.new_client("iam", key="root"))
        yield world


def assume(world: SesWorld, token: str, role: str = ROLE) -> Any:
    sts = world.new_client("sts")
    return sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="s", WebIdentityToken=token)["Credentials"]


def test_a_token_that_the_role_trusts_gives_credentials_that_work(world: SesWorld) -> None:
    keys = assume(world, jwt())
    client = world.new_client(key=keys["AccessKeyId"], token=keys["SessionToken"])
    client.create_email_identity(EmailIdentity="example.com")
    caller = world.new_client("sts", key=keys["AccessKeyId"], token=keys["SessionToken"]).get_caller_identity()
    assert caller["Arn"] == f"arn:aws:sts::{HOME}:assumed-role/{NAME}/s"


@pytest.mark.parametrize(
    ("token", "code", "words"),
    [
        pytest.param("nonsense", "InvalidIdentityToken", "not a valid JWT", id="no token"),
        pytest.param(jwt(exp=1), "ExpiredTokenException", "Token expired", id="an old token"),
        pytest.param(
            jwt(iss="https://elsewhere"), "InvalidIdentityToken", "No OpenIDConnect provider", id="a stranger's"
        ),
        pytest.param(jwt(aud="vault"), "InvalidIdentityToken", "Incorrect token audience", id="another audience"),
        pytest.param(
            jwt(sub="system:serviceaccount:ops:other"), "AccessDenied", "Not authorized", id="another account"
        ),
    ],
)
def test_a_token_is_refused(world: SesWorld, token: str, code: str, words: str) -> None:
    with refused(code, words):
        assume(world, token)


def test_a_role_that_does_not_exist_is_not_told_from_one_that_does_not_trust(world: SesWorld) -> None:
    with refused("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        assume(world, jwt(), f"{ROLE}-gone")


# The operator's side.

IDENTITY = WebIdentityAccess("ses", AUDIENCE, Role(ROLE, session_name="team a"))


def by_token(config: AccountConfig) -> AccountConfig:
    return replace(config, credentials=None, web_identity=IDENTITY)


class Tokens:
    """Gives out a token each time it is asked, or refuses."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.refusal: Blocked | None = None

    def __call__(self, identity: WebIdentityAccess) -> str:
        if self.refusal is not None:
            raise self.refusal
        self.given.append(jwt(sub=f"system:serviceaccount:ops:{identity.service_account}", aud=identity.audience))
        return self.given[-1]


def signed_in(world: AwsWorld) -> int:
    wanted = CallFilter(operation="AssumeRoleWithWebIdentity")
    return len([call for call in world.sandbox.calls.calls(wanted, 100) if call.status == 200])


GUARDED = SandboxSettings(rate=100.0, access_control=True)


async def test_an_account_works_by_the_token_of_a_service_account_and_asks_once() -> None:
    tokens = Tokens()
    async with aws_world(GUARDED, change=by_token, tokens=tokens) as world:
        world.tell("reset")
        trust(world.iam())
        account = await world.account()
        for _ in range(3):
            await account.region(WORLD_REGION).list_page()
        assert account.account_id == HOME
        assert account.caller_arn == f"arn:aws:sts::{HOME}:assumed-role/{NAME}/team-a"
        assert len(tokens.given) == signed_in(world) == 1


async def test_a_session_that_is_over_is_told_and_the_next_opening_takes_a_new_token() -> None:
    tokens = Tokens()
    async with aws_world(GUARDED, change=by_token, tokens=tokens) as world:
        world.tell("reset")
        trust(world.iam())
        before = await world.account()
        world.tell("sessions/expire")
        with pytest.raises(Blocked) as caught:
            await before.region(WORLD_REGION).list_page()
        assert caught.value.problem.reason is Reason.CREDENTIALS_REJECTED
        after = await world.account()
        await after.region(WORLD_REGION).list_page()
        assert (after is before, len(tokens.given)) == (False, 2)


async def test_a_token_that_is_not_trusted_says_what_the_role_has_to_trust() -> None:
    async with aws_world(GUARDED, change=by_token, tokens=Tokens()) as world:
        world.tell("reset")
        trust(world.iam(), subject="system:serviceaccount:ops:other")
        with pytest.raises(Blocked) as caught:
            await world.account()
        assert caught.value.problem.reason is Reason.ACCESS_DENIED
        assert "trust policy" in str(caught.value)


async def test_a_cluster_that_the_aws_account_does_not_know_is_told() -> None:
    async with aws_world(GUARDED, change=by_token, tokens=Tokens()) as world:
        world.tell("reset")
        iam = world.iam()
        trust(iam)
        for provider in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
            iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider["Arn"])
        with pytest.raises(Blocked) as caught:
            await world.account()
        assert caught.value.problem.reason is Reason.CREDENTIALS_REJECTED
        assert "OIDC provider" in str(caught.value)


async def test_a_token_that_is_not_given_out_is_the_accounts_problem() -> None:
    tokens = Tokens()
    tokens.refusal = Blocked(Reason.SERVICE_ACCOUNT_NOT_FOUND, "the ServiceAccount ses does not exist")
    async with aws_world(GUARDED, change=by_token, tokens=tokens) as world:
        with pytest.raises(Blocked) as caught:
            await world.account()
        assert caught.value.problem.reason is Reason.SERVICE_ACCOUNT_NOT_FOUND
