"""An AWS that accepts only the keys of its users, for what their policies allow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.tenant import ZONE
from controllers.guarded.aws_accounts import AwsAccount
from controllers.host import Host, hosting
from controllers.world import World
from devcluster.sandbox_process import ACCOUNT_ID


@pytest.fixture(scope="session")
def host(
    open_host: Host,  # noqa: ARG001 - it has installed the kinds in the apiserver that both use
    run_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Host]:
    """The same apiserver with this AWS."""
    with hosting(run_folder, tmp_path_factory.mktemp("guarded"), zones=(ZONE,), access_control=True) as host:
        yield host


@pytest.fixture
def world(host: Host, namespace: str) -> Iterator[World]:
    """An operator for the namespace and for an account that is called like it, which the test has to make."""
    host.sandbox.ask("reset", {})
    world = World(host, [namespace], [namespace])
    yield world
    world.stop()


@pytest.fixture
def home(host: Host) -> AwsAccount:
    """The AWS account with the hosted zone example.com."""
    return AwsAccount(host.sandbox, ACCOUNT_ID)
