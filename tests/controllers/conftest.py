"""One apiserver for all test processes, one AWS in each of them; every test has a namespace and an account of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cluster.tenant import PATIENCE, ZONE, Tenant
from controllers.host import Host, hosting, worker
from controllers.world import World
from devcluster.apiclient import GROUP, ApiError
from devcluster.externaldns import dnsendpoint_crd
from devcluster.waiting import eventually
from ses_operator.api.schema.kinds import KINDS

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all test processes of the run share."""
    own = tmp_path_factory.getbasetemp()
    return own if worker() == "main" else own.parent


@pytest.fixture(scope="session")
def open_host(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """The apiserver with the kinds, AWS in this process with the hosted zone example.com. It takes any keys."""
    with hosting(run_folder, tmp_path_factory.mktemp("plane"), zones=(ZONE,)) as host:
        host.environment.install()
        kinds = [f"{GROUP}/{kind.plural}" for kind in KINDS]
        eventually(lambda: _are_served(host, kinds), timeout=PATIENCE, of="all kinds")
        yield host


@pytest.fixture(scope="session")
def host(open_host: Host) -> Host:
    """What the tests of this process share; those of a folder may have another AWS."""
    return open_host


def _are_served(host: Host, kinds: list[str]) -> bool:
    """A kind that has just been established is refused as "(re)initializing" for a moment."""
    with suppress(ApiError):
        return all(host.api.get(kind) is not None for kind in kinds)
    return False


@pytest.fixture(scope="session")
def dnsendpoint_kind(host: Host) -> None:
    """ExternalDNS's kind is served. Operators take it for installed only in the tests that ask for ``dnsendpoints``."""
    host.plane.kubectl.apply(dnsendpoint_crd())
    host.plane.kubectl.await_kinds("crd/dnsendpoints.externaldns.k8s.io")
    kinds = ["/apis/externaldns.k8s.io/v1alpha1/dnsendpoints"]
    eventually(lambda: _are_served(host, kinds), timeout=PATIENCE, of="DNSEndpoints")


@pytest.fixture
def dnsendpoints(host: Host, dnsendpoint_kind: None) -> Iterator[None]:  # noqa: ARG001 - served
    """ExternalDNS's kind is installed; nothing publishes what is in its objects."""
    host.has_dnsendpoints = True
    host.api.note()
    yield
    host.has_dnsendpoints = False


@pytest.fixture
def namespace(host: Host) -> str:
    """A new namespace. What is in it stays: no operator sees it any more."""
    name = f"{worker()}-{next(_NUMBERS)}"
    host.api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    return name


@pytest.fixture
def world(host: Host, namespace: str) -> Iterator[World]:
    """An operator for the namespace and an account that is called like it; AWS is empty but for the zone."""
    host.sandbox.ask("reset", {})
    host.environment.add_account(namespace)
    world = World(host, [namespace], [namespace])
    yield world
    world.stop()


@pytest.fixture
def careful(world: World) -> Iterator[World]:
    """The operator makes one call to AWS at a time: when it is killed, just so many writes were carried out as it has counted."""
    world.stop()
    careful = World(world.host, world.namespaces, world.accounts, aws_connections=1)
    yield careful
    careful.stop()


@pytest.fixture
def tenant(world: World, namespace: str) -> Tenant:
    """An application team that applies identities, which the world reconciles while the tenant waits for something."""
    return Tenant(world.host.environment, world.host.api, namespace, account=namespace, wait=world.until)
