"""A new operator in a cluster whose kinds nobody upgraded: it does nothing, says what to do, and goes on once it is done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.conftest import QUICK
from cluster.helm import KINDS, earlier_chart
from cluster.tenant import PATIENCE, Tenant
from devcluster import binaries
from devcluster.apiclient import ApiClient
from devcluster.controlplane import ControlPlane
from devcluster.environment import OPERATOR_NAMESPACE, Environment
from devcluster.forked import fork_operator
from devcluster.operator_process import OperatorOptions, OperatorProcess
from devcluster.sandbox_process import Sandbox
from devcluster.waiting import eventually

TEMPLATES = Path(__file__).parents[2] / "crds" / "ses-operator.io_sesverificationtemplates.yaml"


@pytest.fixture
def control_plane(tmp_path: Path) -> Iterator[ControlPlane]:
    """A cluster with the kinds of an earlier chart."""
    with ControlPlane(binaries.control_plane(binaries.ENVTEST_PARTS)) as plane:
        plane.kubectl("apply", "--server-side", f"--filename={earlier_chart(tmp_path) / KINDS}")
        plane.kubectl.await_kinds()
        yield plane


def says(operator: OperatorProcess, words: str) -> None:
    eventually(lambda: words in operator.log, timeout=PATIENCE, of=f"the operator to log {words}")


def test_the_operator_waits_for_kinds_as_new_as_itself_and_then_goes_on_by_itself(
    control_plane: ControlPlane, sandbox: Sandbox, namespace: str
) -> None:
    environment = Environment(control_plane, sandbox, launch=fork_operator)
    environment.install_rights()
    environment.add_account()
    tenant = Tenant(environment, ApiClient(control_plane.kubeconfig), namespace)
    tenant.create("eu-west-1")
    operator = environment.operator(OperatorOptions("outdated", flags=QUICK), name="newer")
    mark = control_plane.audit.mark()
    try:
        operator.start()
        says(
            operator,
            "waiting: the CustomResourceDefinitions of SesVerificationTemplate are not installed; install them",
        )
        control_plane.kubectl("apply", "--server-side", f"--filename={TEMPLATES}")
        says(operator, "older than this operator, and status would lose what it has to remember: SesIdentity has no")
        writers = {write.user for write in control_plane.audit.writes(since=mark)}
        assert f"system:serviceaccount:{OPERATOR_NAMESPACE}:newer" not in writers, "not even a Lease is taken"
        assert tenant.at_ses() == {}

        environment.install()
        operator.await_ready()
        tenant.ready()
        tenant.delete()
        tenant.gone()
    finally:
        operator.terminate()
