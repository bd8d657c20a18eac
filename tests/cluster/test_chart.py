"""The chart, installed by the real Helm; the operator runs with what the release gives it, and with nothing more.

It has a control plane of its own, for it installs the kinds, and its operator looks after the whole cluster.
"""

from __future__ import annotations

import re
import shutil
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

from cluster.helm import CHART, Helm, HelmError, earlier_chart
from cluster.releases import RELEASE, Release, running_as_its_pod
from cluster.tenant import PATIENCE, Tenant
from devcluster import binaries
from devcluster.apiclient import ACCOUNTS
from devcluster.controlplane import ControlPlane
from devcluster.environment import OPERATOR_NAMESPACE, Environment
from devcluster.externaldns import dnsendpoint_crd
from devcluster.kubectl import Kubectl, KubectlError
from devcluster.ports import free_port
from devcluster.sandbox_process import Sandbox
from devcluster.waiting import eventually
from ses_operator.api.base.conditions import ConditionType
from ses_operator.core.features.keys.dkim_keys import read_key
from ses_operator.core.model.dkim_source import OwnKey
from ses_operator.runtime.lease.lease_object import lease_key

ID: dict[str, Any] = {"installationID": "chart", "image": {"repository": "registry.example.com/ses-operator"}}
KINDS = (
    "crd/sesidentities.ses-operator.io",
    "crd/sesaccounts.ses-operator.io",
    "crd/sesverificationtemplates.ses-operator.io",
)
LABEL = f"app.kubernetes.io/instance={RELEASE}"
KINDS_OF_EARLIER = KINDS[:2]
ALL_OF_A_RELEASE = (
    "deployment,serviceaccount,service,role,rolebinding,clusterrole,clusterrolebinding,poddisruptionbudget"
)
STRICT = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts", "--filename=-")
SPREAD = {
    "weight": 1,
    "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"team": "mail"}}},
}
MADE_KEY = {"selector": "s1", "privateKeySecretRef": {"name": "made"}, "generate": True}


@pytest.fixture(scope="module")
def control_plane() -> Iterator[ControlPlane]:
    """A cluster in which nothing is installed."""
    with ControlPlane(binaries.control_plane(binaries.ENVTEST_PARTS)) as plane:
        yield plane


@pytest.fixture
def release(control_plane: ControlPlane) -> Iterator[Release]:
    release = Release(Helm(binaries.helm(), control_plane.kubeconfig), control_plane.kubectl)
    yield release
    release.uninstall()


@pytest.fixture
def environment(control_plane: ControlPlane, sandbox: Sandbox) -> Environment:
    return Environment(control_plane, sandbox)


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


def be_audited(tenant: Tenant, kubectl: Kubectl) -> None:
    """The account is audited, which is told by an Event and a report; then it is not any more, and the report goes."""

    def reports() -> str:
        return kubectl("get", "clusterpolicyreports", "-o", "name")

    account = tenant.api.patch(f"{ACCOUNTS}/default", {"spec": {"audit": {"regions": ["eu-west-1"]}}})
    eventually(reports, timeout=PATIENCE, of="the report of an audit")
    about = f"involvedObject.uid={account['metadata']['uid']},reason=AuditFindings"
    selected = ("get", "events", "--namespace=default", f"--field-selector={about}", "-o", "name")
    eventually(lambda: kubectl(*selected), timeout=PATIENCE, of="an Event about the account")
    tenant.api.patch(f"{ACCOUNTS}/default", {"spec": {"audit": None}})
    eventually(lambda: not reports(), timeout=PATIENCE, of="the report to go")


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
    kubectl.apply(dnsendpoint_crd(), binaries.policy_report_crd())
    eventually(lambda: is_served(kubectl, "dnsendpoints"), timeout=PATIENCE, of="ExternalDNS's kind")
    eventually(lambda: is_served(kubectl, "clusterpolicyreports"), timeout=PATIENCE, of="the kind of reports")
    settings = {
        "metricsPort": free_port(),
        "probePort": free_port(),
        "pendingPoll": 0.5,
        "idlePoll": 1,
        "logLevel": "debug",
    }
    release.install({**ID, "watchNamespaces": [] if everywhere else [namespace], "settings": settings})
    kubectl.await_kinds(*KINDS)
    environment.add_account()
    refused = refused_requests(kubectl)
    tenant = Tenant(environment, control_plane.api, namespace)
    with running_as_its_pod(release, control_plane, tmp_path) as operator:
        tenant.create("eu-west-1", "us-east-1", mailFrom={"subdomain": "bounce"})
        tenant.create(
            "eu-west-1",
            name="external",
            domain=f"external.{tenant.domain}",
            dns={"provider": "DNSEndpoint"},
            dkim={"mode": "BYODKIM", "byodkim": MADE_KEY},
        )
        tenant.ready()
        endpoint = ("dnsendpoint/external", f"--namespace={namespace}")
        eventually(lambda: kubectl("get", *endpoint, "--ignore-not-found"), timeout=PATIENCE, of="the DNSEndpoint")
        assert tenant.condition(ConditionType.ACCEPTED, "external")
        assert "Ready" in kubectl("get", "events", f"--namespace={namespace}")
        made = kubectl.get("secret", "made", f"--namespace={namespace}")
        be_audited(tenant, kubectl)
        tenant.delete()
        tenant.delete("external")
        tenant.gone()
        tenant.gone("external")
        assert not kubectl("get", *endpoint, "--ignore-not-found")
        assert kubectl("delete", "sesaccount", "default", "--timeout=90s")
        assert operator.stop() == 0
    assert refused_requests(kubectl) == refused
    assert "RBAC" not in operator.log.read_text()
    key = b64decode(made["data"]["tls.key"])
    parsed = read_key("s1", key)
    assert isinstance(parsed, OwnKey)
    for part in (key.decode().splitlines()[-4], parsed.private_key.reveal()[-200:-140]):
        assert part not in operator.log.read_text(), "the key is not logged, not even at debug"
    lease = lease_key(OPERATOR_NAMESPACE, ID["installationID"])
    held_by = kubectl.get("lease", lease.name, f"--namespace={lease.namespace}")["spec"].get("holderIdentity")
    assert not held_by


def test_an_identity_lives_through_upgrade_rollback_and_uninstall(
    release: Release, namespace: str, control_plane: ControlPlane, environment: Environment, tmp_path: Path
) -> None:
    kubectl = release.kubectl
    release.install(ID, earlier_chart(tmp_path))
    kubectl.await_kinds(*KINDS_OF_EARLIER)
    environment.add_account()
    tenant = Tenant(environment, control_plane.api, namespace)
    tenant.create("eu-west-1")
    first, kinds = tenant.identity(), definitions(kubectl)
    assert first is not None

    settings = {"metricsPort": free_port(), "probePort": free_port(), "pendingPoll": 0.5}
    notes = release.install({**ID, "replicas": 2, "settings": settings})
    assert 'installation "chart"' in notes
    assert release.deployment["spec"]["replicas"] == 2
    upgraded = definitions(kubectl)
    assert upgraded != kinds
    kubectl.await_kinds(*KINDS)
    for manifest in manifests_of(notes):
        assert "(server dry run)" in kubectl(*STRICT, stdin=manifest)
    with running_as_its_pod(release, control_plane, tmp_path):
        ready = tenant.ready()
    mark = tenant.last_call()

    release.rollback()
    assert definitions(kubectl) == kinds
    assert release.deployment["spec"]["replicas"] == 1
    assert tenant.ready().status.conditions == ready.status.conditions
    release.install({**ID, "settings": settings})
    assert definitions(kubectl) == upgraded
    with running_as_its_pod(release, control_plane, tmp_path):
        after = tenant.reconciled()
        assert (after.metadata.uid, after.spec) == (first.metadata.uid, first.spec)
        assert after.status.conditions == ready.status.conditions

    release.uninstall()
    assert not kubectl("get", ALL_OF_A_RELEASE, "--all-namespaces", "-o", "name", "-l", LABEL)
    left = tenant.ready()
    assert (left.metadata.uid, left.metadata.resource_version) == (after.metadata.uid, after.metadata.resource_version)
    assert tenant.writes(since=mark) == []
    assert tenant.owners() == {"eu-west-1": f"chart/{namespace}/mail"}

    release.install({**ID, "settings": settings})
    with running_as_its_pod(release, control_plane, tmp_path):
        tenant.delete()
        tenant.gone()
        kubectl("delete", "sesaccount", "default", "--timeout=90s")
    assert tenant.at_ses() == {}


def manifests_of(notes: str) -> list[str]:
    """What the notes of a release tell people to apply."""
    found = re.findall(r"<<EOF\n(.*?)^ *EOF$", notes, re.MULTILINE | re.DOTALL)
    assert len(found) == 2
    return [dedent(text) for text in found]


def definitions(kubectl: Kubectl) -> dict[str, Any]:
    """What the kinds are that both versions have, in the cluster."""
    return {kind: kubectl.get(kind)["spec"] for kind in KINDS_OF_EARLIER}


def test_a_release_cannot_bring_a_kind_and_an_object_of_it(control_plane: ControlPlane, tmp_path: Path) -> None:
    """Why there is no SesAccount in the chart. If Helm learns it, there can be one."""
    chart = tmp_path / "chart"
    shutil.copytree(CHART, chart)
    kinds = "".join(path.read_text(encoding="utf-8") for path in sorted((chart / "files" / "crds").iterdir()))
    other = kinds.replace("ses-operator.io", "other.example.com")
    (chart / "templates" / "crds.yaml").write_text(other.replace("{{", "{{ `{{` }}"), encoding="utf-8")
    account = {
        "apiVersion": "other.example.com/v1alpha1",
        "kind": "SesAccount",
        "metadata": {"name": "default"},
        "spec": {},
    }
    (chart / "templates" / "account.yaml").write_text(yaml.safe_dump(account), encoding="utf-8")
    helm = Helm(binaries.helm(), control_plane.kubeconfig)
    with pytest.raises(HelmError, match="no matches for kind"):
        helm("install", "other", chart, f"--namespace={OPERATOR_NAMESPACE}", "--create-namespace", values=ID)


@pytest.mark.parametrize("origin", ["kept", "applied by hand"])
def test_kinds_that_exist_are_taken_over_or_left_alone_as_the_documentation_says(
    release: Release, control_plane: ControlPlane, origin: str
) -> None:
    """Kept by a release of another name that was uninstalled, or applied: Helm refuses, and does not say what to do."""
    kubectl, page = control_plane.kubectl, (CHART / "README.md").read_text(encoding="utf-8")
    former = Release(release.helm, kubectl, "former", "former")
    kubectl("delete", "crd", "--selector=app.kubernetes.io/managed-by=Helm", "--ignore-not-found")
    if origin == "kept":
        former.install(ID)
        former.uninstall()
    else:
        for kind in sorted((CHART / "files" / "crds").iterdir()):
            kubectl("apply", "--server-side", f"--filename={kind}")
    with pytest.raises(HelmError, match="invalid ownership metadata"):
        release.install(ID)
    assert "invalid ownership metadata" in page
    assert "--take-ownership" in page
    notes = release.install({**ID, "crds": {"enabled": False}})
    assert "crds.enabled is false" in notes
    release.uninstall()
    assert "--take-ownership" in release.install(ID, CHART, "--take-ownership"), "the notes say it for the next time"
    owned = {kind: kubectl.get(kind)["metadata"]["annotations"]["meta.helm.sh/release-name"] for kind in KINDS}
    assert set(owned.values()) == {RELEASE}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"watchNamespaces": ["default", "kube-public"], "rbac": {"aggregateToUserRoles": False}},
        {"replicas": 3, "podDisruptionBudget": {"maxUnavailable": "34%"}, "crds": {"keep": False}},
        {"networkPolicy": {"enabled": True}, "metrics": {"service": {"enabled": True, "annotations": {"a": "b"}}}},
        {
            "networkPolicy": {"enabled": True, "metricsFrom": [{"podSelector": {}}], "egressPorts": [443]},
            "serviceAccount": {"name": "mailer", "annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/r"}},
            "imagePullSecrets": [{"name": "registry"}],
            "priorityClassName": "system-cluster-critical",
            "nodeSelector": {"kubernetes.io/os": "linux"},
            "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
            "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [SPREAD]}},
            "metrics": {"dashboard": {"enabled": True}},
            "admissionPolicy": {"enabled": True},
            "webIdentity": {"serviceAccounts": ["ses-production"]},
            "awsConfig": {"secretName": "aws"},
            "podLabels": {"team": "mail"},
            "podAnnotations": {"team": "mail"},
            "env": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
        },
    ],
    ids=["defaults", "listed namespaces", "three replicas", "closed network", "everything"],
)  # fmt: skip
def test_the_apiserver_knows_every_field_that_the_chart_writes(
    control_plane: ControlPlane, values: dict[str, Any]
) -> None:
    kubectl = control_plane.kubectl
    made = Helm(binaries.helm()).render({**ID, **values}, namespace="default", release="strict")
    said = kubectl(*STRICT, stdin=yaml.safe_dump_all(made.objects))
    assert said.count("(server dry run)") == len(made.objects)


def test_a_field_that_the_apiserver_does_not_know_is_found(control_plane: ControlPlane) -> None:
    budget = Helm(binaries.helm()).render({**ID, "replicas": 2}, namespace="default").one("PodDisruptionBudget")
    with pytest.raises(KubectlError, match="field not declared in schema"):
        control_plane.kubectl(*STRICT, stdin=yaml.safe_dump({**budget, "spec": {**budget["spec"], "maximum": 1}}))


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
