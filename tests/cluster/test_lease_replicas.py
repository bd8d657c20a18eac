"""Replicas as processes: one leads, another takes over, and never do two write."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.kube import identity
from cluster.replica import ReplicaProcess
from devcluster.controlplane import ControlPlane
from devcluster.kubectl import Kubectl
from devcluster.proxy import Cut, TcpProxy
from devcluster.subjects import ServiceAccount
from devcluster.waiting import eventually

pytestmark = pytest.mark.usefixtures("crds")

DURATION, DEADLINE, RETRY = 6.0, 4.0, 0.5
STARTUP = 90.0
# Where nobody is to lose the Lease: a busy machine may keep a replica from renewing it for seconds.
LONGER_THAN_ANYBODY_WAITS = {"lease_duration": 10 * STARTUP, "lease_renew_deadline": 5 * STARTUP}
EXIT_STOPPED, EXIT_LEASE_LOST = 0, 2

Start = Callable[..., ReplicaProcess]


@pytest.fixture
def start(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[Start]:
    """Starts a replica of an installation of this test's own; all are stopped in the end."""
    started: list[ReplicaProcess] = []

    def start_replica(name: str, kubeconfig: Path | None = None, **settings: object) -> ReplicaProcess:
        timing = {"lease_duration": DURATION, "lease_renew_deadline": DEADLINE, "lease_retry_period": RETRY}
        values = {"namespace": namespace, "watch_namespaces": namespace, **timing, **settings}
        replica = ReplicaProcess.start(name, tmp_path, kubeconfig or control_plane.kubeconfig, **values)
        started.append(replica)
        return replica

    yield start_replica
    for replica in started:
        replica.process.kill()


@pytest.fixture
def proxy(control_plane: ControlPlane) -> Iterator[TcpProxy]:
    with TcpProxy(control_plane.port) as proxy:
        yield proxy


def leads(replica: ReplicaProcess) -> float:
    """Wait until the replica leads; since when."""
    since: float = eventually(lambda: replica.told("leading"), timeout=STARTUP, of=f"{replica.name} to lead")[0]
    return since


def writes(replica: ReplicaProcess) -> float:
    """Wait until the replica has been allowed to write; when it first was."""
    first: float = eventually(lambda: replica.told("wrote"), timeout=STARTUP, of=f"{replica.name} to write")[0]
    return first


def stands_by(replica: ReplicaProcess) -> None:
    eventually(lambda: "caches synced" in replica.told("msg"), timeout=STARTUP, of=f"{replica.name} to stand by")


def reconciles(replica: ReplicaProcess, what: str) -> None:
    """Wait until it has been at this object; objects of other tests may come before."""
    eventually(lambda: what in replica.told("reconciled"), timeout=STARTUP, of=f"a reconcile of {what}")


def ended(replica: ReplicaProcess) -> int | None:
    eventually(lambda: not replica.process.running, timeout=STARTUP, of=f"{replica.name} to end")
    return replica.process.stop()


def holder(kubectl: Kubectl, namespace: str) -> str:
    lease = kubectl.get("lease", "ses-operator-test", "-n", namespace)
    return str(lease["spec"].get("holderIdentity", ""))


def test_one_of_two_leads_and_the_other_is_ready_and_does_nothing(
    start: Start, kubectl: Kubectl, namespace: str
) -> None:
    first = start("first", **LONGER_THAN_ANYBODY_WAITS)
    leads(first)
    second = start("second", **LONGER_THAN_ANYBODY_WAITS)
    stands_by(second)
    kubectl.apply(identity(namespace))
    reconciles(first, f"SesIdentity {namespace}/mail")
    assert second.fetch("probes", "/readyz") == second.fetch("probes", "/healthz") == "ok"
    assert second.told("reconciled") == second.told("wrote") == []
    assert 'workqueue_depth{name="sesidentity"} 1.0' in second.fetch("metrics", "/metrics")


def test_a_leader_that_is_killed_is_replaced_when_its_lease_has_expired(start: Start) -> None:
    first = start("first")
    writes(first)
    second = start("second")
    stands_by(second)
    first.process.kill()
    assert writes(second) > first.told("wrote")[-1]


def test_a_leader_that_is_told_to_stop_ends_its_work_and_hands_over_at_once(
    start: Start, kubectl: Kubectl, namespace: str
) -> None:
    first = start("first", **LONGER_THAN_ANYBODY_WAITS)
    leads(first)
    second = start("second", **LONGER_THAN_ANYBODY_WAITS)
    stands_by(second)
    kubectl.apply(identity(namespace, "slow"))
    reconciles(first, f"SesIdentity {namespace}/slow")
    assert first.process.stop() == EXIT_STOPPED
    assert f"SesIdentity {namespace}/slow" in first.told("ended")
    assert writes(second) > first.told("wrote")[-1]


@pytest.mark.parametrize("cut", list(Cut))
def test_a_leader_that_is_cut_off_stops_writing_before_another_begins_and_ends(
    start: Start, control_plane: ControlPlane, proxy: TcpProxy, cut: Cut
) -> None:
    first = start("first", control_plane.kubeconfig_through(proxy.url))
    writes(first)
    second = start("second")
    stands_by(second)
    proxy.cut(cut)
    began = leads(second)
    assert ended(first) == EXIT_LEASE_LOST
    assert first.told("wrote")[-1] < began


def test_a_leader_that_is_frozen_writes_nothing_when_it_wakes(start: Start) -> None:
    first = start("first")
    leads(first)
    second = start("second")
    stands_by(second)
    os.kill(first.process.pid, signal.SIGSTOP)
    began = leads(second)
    before = len(first.told("wrote"))
    os.kill(first.process.pid, signal.SIGCONT)
    assert ended(first) == EXIT_LEASE_LOST
    late = [moment for moment in first.told("wrote")[before:] if moment > began]
    assert late == []


def test_a_replica_that_has_stopped_leaves_a_lease_that_nobody_holds(
    start: Start, kubectl: Kubectl, namespace: str
) -> None:
    replica = start("only", **LONGER_THAN_ANYBODY_WAITS)
    leads(replica)
    assert holder(kubectl, namespace).split("_")[0]
    assert replica.process.stop() == EXIT_STOPPED
    assert holder(kubectl, namespace) == ""


def test_a_quiet_leader_writes_nothing_but_its_lease(
    start: Start, control_plane: ControlPlane, kubectl: Kubectl, namespace: str
) -> None:
    kubectl.apply(identity(namespace))
    replica = start("only", **LONGER_THAN_ANYBODY_WAITS)
    leads(replica)
    reconciles(replica, f"SesIdentity {namespace}/mail")
    mark, ticks = control_plane.audit.mark(), len(replica.told("wrote"))
    eventually(lambda: len(replica.told("wrote")) > ticks + 300, timeout=STARTUP, of="a few seconds")
    writes = {write.resource for write in control_plane.audit.writes_in(namespace, since=mark)}
    assert writes == {"leases"}


def least_rights(namespace: str) -> tuple[dict[str, Any], ...]:
    """A service account with what a replica needs that watches its own namespace, and no more."""
    api, meta = "rbac.authorization.k8s.io", {"name": "operator", "namespace": namespace}
    own = [
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]},
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"]},
        {
            "apiGroups": ["ses-operator.io"],
            "resources": ["sesidentities", "sesverificationtemplates"],
            "verbs": ["list", "watch"],
        },
    ]
    everywhere = [{"apiGroups": ["ses-operator.io"], "resources": ["sesaccounts"], "verbs": ["list", "watch"]}]
    subjects = [{"kind": "ServiceAccount", **meta}]
    cluster = {"name": f"operator-{namespace}"}
    return (
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": meta, "rules": own},
        {"apiVersion": f"{api}/v1", "kind": "ClusterRole", "metadata": cluster, "rules": everywhere},
        {
            "apiVersion": f"{api}/v1",
            "kind": "RoleBinding",
            "metadata": meta,
            "subjects": subjects,
            "roleRef": {"apiGroup": api, "kind": "Role", "name": "operator"},
        },
        {
            "apiVersion": f"{api}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": cluster,
            "subjects": subjects,
            "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": cluster["name"]},
        },
    )


def test_a_replica_watches_and_leads_with_the_least_rights(
    start: Start, control_plane: ControlPlane, kubectl: Kubectl, namespace: str
) -> None:
    kubectl.apply(*least_rights(namespace), identity(namespace))
    replica = start(
        "only", control_plane.kubeconfig_for(ServiceAccount(namespace, "operator")), **LONGER_THAN_ANYBODY_WAITS
    )
    reconciles(replica, f"SesIdentity {namespace}/mail")
    assert [line for line in replica.lines() if line.get("level") in ("error", "critical")] == []


def test_settings_that_cannot_be_are_refused_in_words(start: Start) -> None:
    replica = start("only", installation_id="Not_A_Label")
    assert ended(replica) == 1
    assert "use up to 63 lower-case letters" in replica.process.tail(3)
