"""The chart, installed by the real Helm; the operator runs with what the release gives it, and with nothing more.

It has a control plane of its own, for it installs the kinds, and its operator looks after the whole cluster.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import yaml

from cluster.helm import CHART, Helm, Values, container_of, environment_of
from cluster.tenant import Tenant
from devcluster import binaries
from devcluster.apiclient import ApiClient
from devcluster.controlplane import ControlPlane
from devcluster.environment import OPERATOR_NAMESPACE, Environment
from devcluster.externaldns import dnsendpoint_crd
from devcluster.kubectl import Kubectl, KubectlError
from devcluster.ports import free_port
from devcluster.process import Process
from devcluster.sandbox_process import Sandbox
from devcluster.subjects import ServiceAccount
from devcluster.waiting import eventually
from ses_operator.api.conditions import ConditionType
from ses_operator.kube.lease_object import lease_key

RELEASE = "ses-operator"
ID = {"installationID": "chart"}
KINDS = ("crd/sesidentities.ses-operator.io", "crd/sesaccounts.ses-operator.io")
LABEL = f"app.kubernetes.io/instance={RELEASE}"
PROGRAM = Path(sys.executable).with_name("ses-operator")


@pytest.fixture(scope="module")
def control_plane() -> Iterator[ControlPlane]:
    """A cluster in which nothing is installed."""
    with ControlPlane(binaries.control_plane(binaries.ENVTEST_PARTS)) as plane:
        yield plane


@dataclass(frozen=True, slots=True)
class Release:
    """The release that a test installs; uninstalled at its end."""

    helm: Helm
    kubectl: Kubectl

    def install(self, values: Values, chart: Path = CHART) -> str:
        """Installs or upgrades; what Helm says."""
        where = (f"--namespace={OPERATOR_NAMESPACE}", "--create-namespace", "--wait=false")
        return self.helm("upgrade", "--install", RELEASE, chart, *where, values=values)

    def uninstall(self) -> None:
        self.helm("uninstall", RELEASE, f"--namespace={OPERATOR_NAMESPACE}", "--ignore-not-found")

    @property
    def deployment(self) -> dict[str, Any]:
        """The Deployment, as it stands in the cluster."""
        return self.kubectl.get("deployment", RELEASE, f"--namespace={OPERATOR_NAMESPACE}")

    @property
    def pod(self) -> dict[str, Any]:
        """The spec of its pods."""
        spec: dict[str, Any] = self.deployment["spec"]["template"]["spec"]
        return spec


@pytest.fixture
def release(control_plane: ControlPlane) -> Iterator[Release]:
    release = Release(Helm(binaries.helm(), control_plane.kubeconfig), control_plane.kubectl)
    yield release
    release.uninstall()


@pytest.fixture
def environment(control_plane: ControlPlane, sandbox: Sandbox) -> Environment:
    return Environment(control_plane, sandbox)


@contextmanager
def running_as_its_pod(release: Release, plane: ControlPlane, folder: Path) -> Iterator[Process]:
    """The operator as the kubelet would start it: arguments, environment and ServiceAccount are those of the pod."""
    pod = release.pod
    container = container_of(pod)
    account = ServiceAccount(OPERATOR_NAMESPACE, pod["serviceAccountName"])
    environment = {
        **environment_of(container),
        "KUBECONFIG": str(plane.kubeconfig_for(account)),
        "SES_OPERATOR_NAMESPACE": OPERATOR_NAMESPACE,
        "SES_OPERATOR_BIND_ADDRESS": "127.0.0.1",
    }
    operator = Process("ses-operator", [PROGRAM, *container["args"]], folder / "ses-operator.log", env=environment)
    operator.start()
    try:
        operator.await_ready(lambda: probe_succeeds(container, "readinessProbe"), timeout=60)
        assert probe_succeeds(container, "livenessProbe")
        yield operator
    finally:
        operator.stop(grace=30)


def probe_succeeds(container: dict[str, Any], probe: str) -> bool:
    request = container[probe]["httpGet"]
    (port,) = (port["containerPort"] for port in container["ports"] if port["name"] == request["port"])
    try:
        with urlopen(f"http://127.0.0.1:{port}{request['path']}", timeout=2):
            return True
    except (URLError, OSError):
        return False


def refused_requests(kubectl: Kubectl) -> float:
    """How many requests the apiserver's authorizer has not allowed, of whatever kind and whoever asked."""
    lines = kubectl("get", "--raw", "/metrics").splitlines()
    attempts = [line for line in lines if line.startswith("authorization_attempts_total{")]
    assert any('result="allowed"' in line for line in attempts)
    return sum(float(line.rsplit(" ", 1)[1]) for line in attempts if 'result="allowed"' not in line)


def is_served(kubectl: Kubectl, kind: str) -> bool:
    """Whether objects of a new kind can be listed, which is some time after it is Established."""
    try:
        kubectl("get", kind, "--all-namespaces")
    except KubectlError:
        return False
    return True


@pytest.mark.parametrize("everywhere", [True, False], ids=["all namespaces", "listed namespaces"])
def test_the_service_account_of_the_release_has_the_rights_for_an_identity_s_whole_life(
    release: Release,
    environment: Environment,
    control_plane: ControlPlane,
    namespace: str,
    everywhere: bool,
    tmp_path: Path,
) -> None:
    kubectl = release.kubectl
    kubectl.apply(dnsendpoint_crd())
    eventually(lambda: is_served(kubectl, "dnsendpoints"), timeout=30, of="ExternalDNS's kind")
    settings = {
        "metricsPort": free_port(),
        "probePort": free_port(),
        "pendingPoll": 0.5,
        "idlePoll": 1,
        "logLevel": "debug",
    }
    release.install({**ID, "watchNamespaces": [] if everywhere else [namespace], "settings": settings})
    kubectl("wait", "--for=condition=Established", "--timeout=90s", *KINDS)
    environment.add_account()
    refused = refused_requests(kubectl)
    tenant = Tenant(environment, ApiClient(control_plane.kubeconfig), namespace)
    with running_as_its_pod(release, control_plane, tmp_path) as operator:
        tenant.create("eu-west-1", "us-east-1", mailFrom={"subdomain": "bounce"})
        tenant.create("eu-west-1", name="external", domain=f"external.{tenant.domain}", dns={"provider": "DNSEndpoint"})
        tenant.ready()
        endpoint = ("dnsendpoint/external", f"--namespace={namespace}")
        eventually(lambda: kubectl("get", *endpoint, "--ignore-not-found"), timeout=20, of="the DNSEndpoint")
        assert tenant.condition(ConditionType.ACCEPTED, "external")
        assert "Ready" in kubectl("get", "events", f"--namespace={namespace}")
        tenant.delete()
        tenant.delete("external")
        tenant.gone()
        tenant.gone("external")
        assert not kubectl("get", *endpoint, "--ignore-not-found")
        assert kubectl("delete", "sesaccount", "default", "--timeout=90s")
        assert operator.stop(grace=30) == 0
    assert refused_requests(kubectl) == refused
    assert "RBAC" not in operator.log.read_text()
    lease = lease_key(OPERATOR_NAMESPACE, ID["installationID"])
    held_by = kubectl.get("lease", lease.name, f"--namespace={lease.namespace}")["spec"].get("holderIdentity")
    assert not held_by


def test_the_kinds_and_what_is_of_them_outlast_an_upgrade_and_the_release(
    release: Release, namespace: str, control_plane: ControlPlane, environment: Environment, tmp_path: Path
) -> None:
    kubectl = release.kubectl
    columns = release_with_fewer_columns(tmp_path)
    said = release.install(ID, tmp_path / "ses-operator")
    assert 'installation "chart"' in said
    kubectl("wait", "--for=condition=Established", "--timeout=90s", *KINDS)
    tenant = Tenant(environment, ApiClient(control_plane.kubeconfig), namespace)
    tenant.create("eu-west-1")
    before = tenant.identity()
    assert before is not None
    assert printer_columns(kubectl) < columns

    release.install({**ID, "replicas": 2, "settings": {"logFormat": "json"}})
    assert release.deployment["spec"]["replicas"] == 2
    assert environment_of(container_of(release.pod))["SES_OPERATOR_LOG_FORMAT"] == "json"
    assert printer_columns(kubectl) == columns

    release.uninstall()
    assert not kubectl("get", "deployment,clusterrole", f"--namespace={OPERATOR_NAMESPACE}", "-o", "name", "-l", LABEL)
    after = tenant.identity()
    assert after is not None
    assert (after.metadata.uid, after.metadata.generation) == (before.metadata.uid, before.metadata.generation)

    release.install(ID)
    assert release.deployment["spec"]["replicas"] == 1


def release_with_fewer_columns(folder: Path) -> set[str]:
    """Makes a chart of an earlier version, whose SesIdentity shows less; what it shows in this one."""
    chart = folder / "ses-operator"
    shutil.copytree(CHART, chart)
    about = yaml.safe_load((chart / "Chart.yaml").read_text())
    (chart / "Chart.yaml").write_text(yaml.safe_dump({**about, "version": "0.0.9"}))
    path = chart / "files" / "crds" / "ses-operator.io_sesidentities.yaml"
    crd = yaml.safe_load(path.read_text())
    (version,) = crd["spec"]["versions"]
    names = {column["name"] for column in version["additionalPrinterColumns"]}
    version["additionalPrinterColumns"] = version["additionalPrinterColumns"][:1]
    path.write_text(yaml.safe_dump(crd, sort_keys=False))
    return names


def printer_columns(kubectl: Kubectl) -> set[str]:
    """The columns of SesIdentity in the cluster."""
    (version,) = kubectl.get(KINDS[0])["spec"]["versions"]
    return {column["name"] for column in version["additionalPrinterColumns"]}


def test_the_pods_are_admitted_where_pod_security_is_restricted(release: Release, namespace: str) -> None:
    kubectl = release.kubectl
    kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    release.install({**ID, "metrics": {"service": {"enabled": True}}})
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "operator", "namespace": namespace}}
    dry_run = ("create", "--dry-run=server", "--filename=-")
    assert "pod/operator created" in kubectl(*dry_run, stdin=yaml.safe_dump({**pod, "spec": release.pod}))
    careless = {"containers": [{"name": "operator", "image": "ses-operator"}]}
    with pytest.raises(KubectlError, match='violates PodSecurity "restricted'):
        kubectl(*dry_run, stdin=yaml.safe_dump({**pod, "spec": careless}))
