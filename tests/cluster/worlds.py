"""A second AWS, for tests that move its clock or close it to strangers.

It stands for the same AWS account as the first, and an operator sees both. What the operator knows of SES it knows by account
and region, so the tests of such a world use regions that are used nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.tenant import PATIENCE
from devcluster.apiclient import ACCOUNTS, GROUP
from devcluster.environment import Environment
from devcluster.forked import fork_operator
from devcluster.sandbox_process import Sandbox, SandboxOptions
from devcluster.waiting import eventually


@contextmanager
def world(environment: Environment, options: SandboxOptions, log: Path) -> Iterator[Environment]:
    """The same cluster with another AWS. It ends when no identity is in it any more, and its SesAccounts go with it."""
    with Sandbox(options, log) as sandbox:
        yield Environment(environment.plane, sandbox, launch=fork_operator)
        accounts = _accounts(environment, sandbox)
        eventually(lambda: not _has_users(environment, accounts), timeout=PATIENCE, of="the identities to go")
        environment.kubectl("delete", "sesaccounts", "--ignore-not-found", "--timeout=90s", *sorted(accounts))


def _accounts(environment: Environment, sandbox: Sandbox) -> set[str]:
    """The names of the SesAccounts whose AWS is this sandbox."""
    found = (environment.plane.api.get(ACCOUNTS) or {})["items"]
    return {
        account["metadata"]["name"]
        for account in found
        if account["spec"].get("endpoints", {}).get("sesv2") == sandbox.aws_url
    }


def _has_users(environment: Environment, accounts: set[str]) -> bool:
    found = (environment.plane.api.get(f"{GROUP}/sesidentities") or {})["items"]
    return any(identity["spec"]["accountRef"]["name"] in accounts for identity in found)
