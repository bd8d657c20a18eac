"""The control plane that all other tests in this folder stand on does what a cluster does."""

import contextlib
import os
import shutil
import sys
from pathlib import Path

import pytest

from devcluster import binaries
from devcluster.controlplane import ControlPlane
from devcluster.kubectl import Kubectl, KubectlError
from devcluster.process import Process, ProcessError
from devcluster.proxy import Cut, TcpProxy
from devcluster.subjects import ServiceAccount, User
from devcluster.waiting import eventually


def test_a_deleted_namespace_goes_away(kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "configmap", "content", "-n", namespace)

    kubectl("delete", "namespace", namespace, "--timeout=90s")

    with pytest.raises(KubectlError, match="NotFound"):
        kubectl("get", "namespace", namespace)


def test_what_an_object_owns_is_collected_after_it(kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "configmap", "owner", "-n", namespace)
    uid = kubectl.get("configmap", "owner", "-n", namespace)["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    metadata = {"name": "owned", "namespace": namespace, "ownerReferences": [owner]}
    kubectl.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})

    kubectl("delete", "configmap", "owner", "-n", namespace)

    kubectl("wait", "--for=delete", "configmap/owned", "-n", namespace, "--timeout=90s")


def test_a_service_account_may_do_what_rbac_grants_and_nothing_else(
    control_plane: ControlPlane, kubectl: Kubectl, namespace: str
) -> None:
    kubectl("wait", "--for=create", "serviceaccount/default", "-n", namespace, "--timeout=90s")
    kubectl(
        "create", "rolebinding", "reads", "--clusterrole=view", f"--serviceaccount={namespace}:default", "-n", namespace
    )
    as_account = kubectl.with_kubeconfig(control_plane.kubeconfig_for(ServiceAccount(namespace, "default")))

    assert as_account.get("configmaps")["kind"] == "List"
    with pytest.raises(KubectlError, match=f"system:serviceaccount:{namespace}:default.*cannot create"):
        as_account("create", "configmap", "refused")


def test_a_user_is_known_by_name_and_groups(control_plane: ControlPlane, kubectl: Kubectl) -> None:
    as_alice = kubectl.with_kubeconfig(control_plane.kubeconfig_for(User("alice", ("team-a",))))

    who = as_alice("auth", "whoami", "--output=jsonpath={.status.userInfo.username} {.status.userInfo.groups}")

    assert who == 'alice ["team-a","system:authenticated"]'


def test_the_audit_log_tells_who_wrote_what(control_plane: ControlPlane, kubectl: Kubectl, namespace: str) -> None:
    mark = control_plane.audit.mark()

    kubectl("create", "configmap", "written", "-n", namespace)
    kubectl("get", "configmap", "written", "-n", namespace)

    mine = control_plane.audit.writes_in(namespace, since=mark)
    seen = [(write.user, write.verb, write.resource, write.name, write.code) for write in mine if write.user == "admin"]
    assert seen == [("admin", "create", "configmaps", "written", 201)]


@pytest.mark.parametrize("how", Cut)
def test_a_client_behind_a_proxy_loses_the_apiserver_alone_and_gets_it_back(
    control_plane: ControlPlane, kubectl: Kubectl, how: Cut
) -> None:
    with TcpProxy(control_plane.port) as proxy:
        behind = kubectl.with_kubeconfig(control_plane.kubeconfig_through(proxy.url))
        assert "default" in behind("get", "namespaces")

        proxy.cut(how)
        with pytest.raises(KubectlError):
            behind("get", "namespaces", "--request-timeout=1s")
        assert "default" in kubectl("get", "namespaces")

        proxy.restore()
        assert "default" in behind("get", "namespaces")


def test_nothing_runs_and_nothing_is_left_after_stop(control_plane: ControlPlane) -> None:
    with ControlPlane(binaries.control_plane(binaries.ENVTEST_PARTS)) as second:
        assert second.url != control_plane.url
        assert len(processes_mentioning(str(second.folder))) == 2

    assert processes_mentioning(str(second.folder)) == []
    assert not second.folder.exists()


def test_a_part_that_does_not_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "etcd").write_text("in the way of its data folder")

    with pytest.raises(ProcessError, match=r"(?s)etcd ended by itself.*not a directory"):
        ControlPlane(folder=tmp_path).start()

    assert processes_mentioning(str(tmp_path)) == []


def test_the_control_plane_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    run = Process(
        "run", [sys.executable, "-m", "devcluster", "run"], log, env={"PYTHONPATH": os.pathsep.join(sys.path)}
    )
    run.start()
    run.await_ready(lambda: "logs: " in run.tail(), timeout=120)
    folder = run.tail().rpartition("logs: ")[2]
    assert processes_mentioning(folder)

    run.kill()

    eventually(lambda: not processes_mentioning(folder), timeout=90, of="the end of all its processes")
    shutil.rmtree(folder)


def processes_mentioning(argument: str) -> list[int]:
    """The ids of the processes that run with `argument` as a part of their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended in the meantime
            if argument.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found
