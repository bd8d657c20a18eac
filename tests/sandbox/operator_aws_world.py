"""The operator's side of AWS, against a sandbox of its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3

from ses_operator.aws.calls.budget import Priority, RequestBudget
from ses_operator.aws.calls.clients import TokenSource, no_tokens
from ses_operator.aws.calls.config import AccountConfig, ServiceEndpoints, StaticCredentials
from ses_operator.aws.calls.executor import Executor, Gate, always_open
from ses_operator.aws.ses.identities import SesRegion
from ses_operator.aws.sessions import AwsAccount, Sessions
from ses_operator.core.model.dkim_source import EasyDkim
from ses_operator.core.model.ses import DkimFacts
from ses_operator.core.planning.expected import unverified_address
from ses_operator.core.state.observed import Absent, Read
from ses_operator.core.state.steps import CreateIdentity, SesStep
from ses_sandbox.calls import CallFilter
from ses_sandbox.server import SandboxServer, SandboxSettings

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_sesv2 import SESV2Client

ACCESS_KEY = "AKIASANDBOX"
REGION = "eu-west-1"
DOMAIN = "example.com"


READ = Read(unverified_address())
"""Knowledge of an identity. What it says does not matter to the call."""


async def perform(ses: SesRegion, step: SesStep, priority: Priority) -> DkimFacts | None:
    """Carry out the step as if the identity had been read just now: as absent if it is to be made."""
    return await ses.perform(step, Absent() if isinstance(step, CreateIdentity) else READ, priority)


@dataclass
class AwsWorld:
    """What a test holds."""

    sandbox: SandboxServer
    executor: Executor
    sessions: Sessions
    budget: RequestBudget
    config: AccountConfig

    async def account(self) -> AwsAccount:
        return await self.sessions.open(self.config)

    async def create(self, name: str = DOMAIN, region: str = REGION, **tags: str) -> DkimFacts:
        account = await self.account()
        facts = await perform(
            account.region(region), CreateIdentity(region, name, EasyDkim(2048), tags), Priority.PERSON
        )
        assert facts is not None
        return facts

    def somebody_else(self, region: str = REGION) -> SESV2Client:
        """Another client of the same AWS account."""
        return boto3.client(
            "sesv2",
            region_name=region,
            endpoint_url=self.sandbox.aws_url,
            aws_access_key_id="AKIASOMEBODYELSE",
            aws_secret_access_key="secret",
        )

    def iam(self) -> IAMClient:
        """IAM, as the administrator of the AWS account."""
        return boto3.client(
            "iam",
            region_name="us-east-1",
            endpoint_url=self.sandbox.aws_url,
            aws_access_key_id="AKIAADMINISTRATOR",
            aws_secret_access_key="secret",
        )

    def tell(self, what: str) -> None:
        """POST to the sandbox's control API."""
        with closing(HTTPConnection(urlsplit(self.sandbox.aws_url).netloc, timeout=10)) as connection:
            connection.request("POST", f"/_sandbox/{what}")
            assert connection.getresponse().status == HTTPStatus.OK

    def calls(self) -> Counter[str]:
        """How often the operator called each operation so far."""
        made = self.sandbox.calls.calls(CallFilter(), limit=100_000)
        return Counter(call.operation for call in made if call.access_key == ACCESS_KEY)


async def until(condition: Callable[[], bool]) -> None:
    """Returns once the condition holds; fails after a while."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what the sandbox logs raises no event
            await asyncio.sleep(0.01)


@asynccontextmanager
async def aws_world(
    settings: SandboxSettings | None = None,
    gate: Gate = always_open,
    change: Callable[[AccountConfig], AccountConfig] = replace,
    tokens: TokenSource = no_tokens,
) -> AsyncIterator[AwsWorld]:
    """A sandbox at 100 requests per second, unless told otherwise, and an account that knows it."""
    settings = settings or SandboxSettings(rate=100.0, threads=8)
    with SandboxServer(settings) as sandbox:
        url = sandbox.aws_url
        config = AccountConfig(
            name="default",
            credentials=StaticCredentials(ACCESS_KEY, "secret"),
            endpoints=ServiceEndpoints(url, url, url, url),
            requests_per_second=settings.rate or 1000.0,
        )
        budget = RequestBudget()
        executor = Executor(gate)
        sessions = Sessions(executor, budget, tokens=tokens)
        try:
            yield AwsWorld(sandbox, executor, sessions, budget, change(config))
        finally:
            sessions.close()
            executor.close()
