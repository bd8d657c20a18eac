"""One control plane and one sandbox for each test process; every test keeps to a namespace of its own."""

import itertools
from collections.abc import Generator, Iterator

import pytest

from cluster.crds import crds
from cluster.tenant import PATIENCE, ZONE, Tenant
from devcluster.apiclient import GROUP, ApiClient
from devcluster.controlplane import ControlPlane
from devcluster.environment import Environment
from devcluster.forked import fork_operator
from devcluster.kubectl import Kubectl
from devcluster.operator_process import OperatorOptions, OperatorProcess
from devcluster.sandbox_process import Sandbox, SandboxOptions
from devcluster.waiting import eventually
from ses_operator.api.base.meta import FINALIZER

__all__ = ["control_plane", "crds", "kubectl", "namespace"]

_NUMBERS = itertools.count(1)

# SES looks at records half a second after they were asked for, and Route 53 has no limit: the tests read it too.
SANDBOX = SandboxOptions(speed=60, rate=100, route53_rate=0, check_interval=30, zones=(ZONE,))
# So often are SES's lists read. Nobody is to lose a Lease because the machine stood still for a while.
QUICK = {"pending-poll": 0.5, "idle-poll": 1, "lease-duration": 80, "lease-renew-deadline": 70}


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """etcd, kube-apiserver and kube-controller-manager, started when the first test asks for them."""
    with ControlPlane() as plane:
        yield plane


@pytest.fixture
def kubectl(control_plane: ControlPlane) -> Kubectl:
    """kubectl as the administrator."""
    return control_plane.kubectl


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A new namespace. Its objects of our kinds start to go away when the test is over; it stays, for to look for objects of
    every kind there is in it would cost more than most tests."""
    name = f"test-{next(_NUMBERS)}"
    control_plane.api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    for plural in ("sesidentities", "sesverificationtemplates"):
        control_plane.api.delete(f"{GROUP}/namespaces/{name}/{plural}")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """AWS, with the hosted zone example.com."""
    with Sandbox(SANDBOX, tmp_path_factory.mktemp("sandbox") / "ses-sandbox.log") as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def environment(control_plane: ControlPlane, sandbox: Sandbox, crds: None) -> Environment:  # noqa: ARG001 - installed
    """All that an operator needs, and the SesAccount `default`."""
    environment = Environment(control_plane, sandbox, launch=fork_operator)
    environment.install()
    environment.add_account()
    return environment


@pytest.fixture(scope="module")
def operator(environment: Environment) -> Iterator[OperatorProcess]:
    """One operator for all tests of a module, the same installation in every module; it watches all namespaces."""
    with environment.operator(OperatorOptions(installation_id="tests", flags=QUICK)) as operator:
        yield operator
        if operator.process.running:
            _await_departures(environment.plane.api)


def _await_departures(api: ApiClient) -> None:
    """Waits until the identities of all tests are gone, while there is an operator that lets them: what one module leaves
    would keep the operator of the next one busy."""

    try:
        eventually(lambda: not _going(api), timeout=PATIENCE, of="the identities of all tests to go")
    except TimeoutError:
        raise AssertionError(f"these do not go: {_going(api)}") from None


def _going(api: ApiClient) -> dict[str, str]:
    """The identities that are being deleted and that an operator holds, and what the first condition of each says."""
    found = (api.get(f"{GROUP}/sesidentities") or {"items": []})["items"]
    return {
        f"{each['metadata']['namespace']}/{each['metadata']['name']}": str(each["status"].get("conditions", [None])[0])
        for each in found
        if "deletionTimestamp" in each["metadata"] and FINALIZER in each["metadata"].get("finalizers", ())
    }


@pytest.fixture
def tenant(environment: Environment, namespace: str) -> Tenant:
    """Somebody who applies identities. There is an operator only where a test asks for one."""
    return Tenant(environment, environment.plane.api, namespace)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows what the operator logged last beside the failure of a test."""
    report = yield
    for value in getattr(item, "funcargs", {}).values() if report.failed else ():
        operator = getattr(value, "operator", value)
        if isinstance(operator, OperatorProcess):
            report.sections.append(("end of the operator's log", operator.process.tail(40)))
    return report
