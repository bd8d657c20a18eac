"""A SesAccount while the apiserver has hiccups, and after it is gone."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
from kubernetes.aio.client.configuration import Configuration

from ses_operator.api.account.kind import SesAccount
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.template import SesVerificationTemplate
from ses_operator.aws.calls.budget import RequestBudget
from ses_operator.aws.calls.calls import Calls
from ses_operator.aws.calls.clients import Clients
from ses_operator.aws.calls.config import AccountConfig
from ses_operator.aws.calls.executor import Executor
from ses_operator.aws.sessions import AwsAccount, Sessions
from ses_operator.controllers.account.audits import Audits
from ses_operator.controllers.account.controller import AccountController
from ses_operator.controllers.shared.accounts import OpenAccount
from ses_operator.controllers.shared.cluster import ACCOUNT_INDEXES, IDENTITY_INDEXES, TEMPLATE_INDEXES, Cluster
from ses_operator.controllers.shared.context import ControllerContext
from ses_operator.controllers.shared.telemetry import Telemetry
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Problem
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.events import EventRecorder
from ses_operator.runtime.kube.resources import JsonObject, Resource
from ses_operator.runtime.source import Source
from ses_operator.runtime.watch.cache import ObjectStore
from ses_operator.runtime.watch.reflector import Reflected
from ses_operator.runtime.workqueue import Result
from ses_operator.settings import Settings

KEY = ObjectKey("", "default")
ACCOUNT: JsonObject = {
    "metadata": {"name": "default", "uid": "a1", "resourceVersion": "1", "generation": 1},
    "spec": {"credentials": {"secretRef": {"name": "keys"}}},
    "status": {"observedGeneration": -1},
}


class Nothing:
    """A cluster without DNSEndpoints, whose namespaces and Secrets may not be seen."""

    installed = False

    def __init__(self) -> None:
        self.changes: Source[Reflected] = Source()
        self.installations: Source[Resource] = Source()

    def get(self, key: ObjectKey) -> JsonObject | None:
        del key
        return None


class Desk:
    """The controller of a cluster with one SesAccount, and what it knows of it."""

    def __init__(self, client: KubeClient) -> None:
        self.cluster = Cluster(
            client=client,
            identities=ObjectStore(SesIdentity.model_validate, IDENTITY_INDEXES),
            accounts=ObjectStore(SesAccount.model_validate, ACCOUNT_INDEXES),
            endpoints=Nothing(),
            namespaces=Nothing(),
            secrets=Nothing(),
            dkim_secrets=Nothing(),
            events=EventRecorder(client, clock=time.monotonic),
            templates=ObjectStore(SesVerificationTemplate.model_validate, TEMPLATE_INDEXES),
        )
        self.cluster.accounts.observe(ACCOUNT)
        context = ControllerContext(Settings(installation_id="test", namespace="ops"), self.cluster, Telemetry())
        self.accounts = context.accounts
        sessions = Sessions(Executor(threads=1), RequestBudget())
        self.controller = AccountController(context, sessions, Audits(context), Source())

    def open(self) -> OpenAccount:
        config = AccountConfig("default")
        calls = Calls(Executor(threads=1), RequestBudget())
        aws = AwsAccount(config, Clients(config, 1), calls, "123456789012", "arn:aws:iam::123456789012:root")
        opened = OpenAccount("default", SesAccount.model_validate(ACCOUNT).spec, aws)
        self.accounts.put("default", opened)
        return opened


@contextlib.asynccontextmanager
async def desk(status: int) -> AsyncIterator[Desk]:
    """A desk whose apiserver answers every read with this HTTP status, and takes every write."""

    async def read(_: web.Request) -> web.Response:
        return web.json_response({"kind": "Status", "message": "not now"}, status=status)

    async def write(request: web.Request) -> web.Response:
        changes: list[dict[str, Any]] = await request.json()
        version = {**ACCOUNT["metadata"], "resourceVersion": "2"}
        return web.json_response({**ACCOUNT, "metadata": version, "status": changes[-1]["value"]})

    application = web.Application()
    application.router.add_get("/{path:.*}", read)
    application.router.add_patch("/{path:.*}", write)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with KubeClient(Configuration(host=f"http://127.0.0.1:{runner.addresses[0][1]}")) as client:
            yield Desk(client)
    finally:
        await runner.cleanup()


async def test_an_open_account_stays_open_while_the_apiserver_does_not_answer() -> None:
    async with desk(503) as at:
        opened = at.open()
        assert await at.controller.reconcile(KEY) == Result.retry()
        assert at.accounts.get("default") is opened


async def test_an_open_account_whose_secret_is_gone_is_open_no_more() -> None:
    async with desk(404) as at:
        at.open()
        assert await at.controller.reconcile(KEY) == Result.retry()
        state = at.accounts.get("default")
        assert isinstance(state, Problem)
        assert state.reason is Reason.SECRET_NOT_FOUND


async def test_an_account_that_is_gone_gives_its_credentials_to_nobody() -> None:
    async with desk(503) as at:
        at.open()
        at.cluster.accounts.remove(KEY, "a1")
        assert await at.controller.reconcile(KEY) == Result.done()
        state = at.accounts.get("default")
        assert isinstance(state, Problem)
        assert state.reason is Reason.ACCOUNT_NOT_FOUND


async def test_an_account_that_becomes_another_installation_s_is_nobody_s_here_and_nothing_is_written() -> None:
    async with desk(503) as at:
        at.open()
        metadata = {**ACCOUNT["metadata"], "resourceVersion": "2", "generation": 2}
        at.cluster.accounts.observe({**ACCOUNT, "metadata": metadata, "spec": {"installationID": "other"}})
        assert await at.controller.reconcile(KEY) == Result.done()
        assert at.accounts.get("default") is None
        at.cluster.accounts.observe(
            {**ACCOUNT, "metadata": {**metadata, "resourceVersion": "3"}, "spec": {"installationID": "test"}}
        )
        assert await at.controller.reconcile(KEY) == Result.retry(), "it is opened anew, where its Secret can be read"
