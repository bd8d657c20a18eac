"""The rules of accounts as the apiserver itself applies them: the same cases as for the operator, on the real apiserver."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from cluster.crds import ApiServer
from cluster.tenant import PATIENCE
from devcluster.apiclient import ACCOUNTS
from devcluster.controlplane import ControlPlane
from devcluster.kubectl import KubectlError
from devcluster.waiting import eventually
from ses_operator.api.base.meta import API_VERSION
from ses_operator.api.base.reasons import Reason
from ses_operator.api.schema.admission import manifests
from ses_operator.api.schema.kinds import IDENTITY
from unit.admission_cases import CASES, Case

pytestmark = pytest.mark.usefixtures("crds")

PROBE = "probe"
ONLY_HERE = {"matchLabels": {"admission": "guarded"}}


def account(name: str, spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "labels": {PROBE: "yes"}}
    return {"apiVersion": API_VERSION, "kind": "SesAccount", "metadata": metadata, "spec": spec}


def identity(namespace: str, account_name: str, spec: Any, name: str = "mail") -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    whole = {**(spec or Case("", {}).identity_spec), "accountRef": {"name": account_name}}
    return {"apiVersion": API_VERSION, "kind": "SesIdentity", "metadata": metadata, "spec": whole}


SPECS = sorted({json.dumps(case.account, sort_keys=True) for case in CASES})
"""Cases of the same rules share an account."""


def _name(case: Case) -> str:
    return f"case-{SPECS.index(json.dumps(case.account, sort_keys=True))}"


GROUPS = [
    (namespace, dict(labels), list(cases))
    for (namespace, labels), cases in itertools.groupby(
        sorted(CASES, key=lambda case: (case.namespace, sorted(case.labels.items()))),
        key=lambda case: (case.namespace, tuple(sorted(case.labels.items()))),
    )
]
"""Cases of one namespace with the same labels: it can have only one set of labels at a time."""


@pytest.fixture(scope="module")
def apiserver(control_plane: ControlPlane, crds: None) -> Iterator[ApiServer]:  # noqa: ARG001 - the kinds are installed
    """With the policies, and the accounts of all cases, in force in a few namespaces."""
    kubectl, server = control_plane.kubectl, ApiServer(control_plane)
    policies = list(manifests())
    for manifest in policies:
        if manifest["kind"].endswith("Binding"):
            manifest["spec"]["matchResources"] = {"namespaceSelector": ONLY_HERE}
    namespaces = sorted({case.namespace for case in CASES})
    kubectl.apply(*(_namespace(name) for name in namespaces))
    accounts = [account(f"case-{number}", json.loads(spec)) for number, spec in enumerate(SPECS)]
    probes = [account(f"{PROBE}-{n}", _only_for(str(n))) for n in range(len(GROUPS) + 1)]
    kubectl.apply(*accounts, *policies, *probes)
    last = identity(namespaces[0], probes[-1]["metadata"]["name"], {})
    eventually(lambda: server.refusals_of_new(IDENTITY, last), timeout=PATIENCE, of="the policies to be in force")
    yield server
    server.close()
    names = sorted({manifest["metadata"]["name"] for manifest in policies})
    kubectl("delete", "validatingadmissionpolicybindings,validatingadmissionpolicies", *names)
    control_plane.api.delete(f"{ACCOUNTS}?labelSelector={PROBE}")
    kubectl("delete", "namespaces", "--timeout=90s", *namespaces)  # so that the module can begin anew


def _namespace(name: str, **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "labels": {**ONLY_HERE["matchLabels"], **labels}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _only_for(probe: str) -> dict[str, Any]:
    return {"tenancy": {"namespaces": {"matchLabels": {PROBE: probe}}}}


@pytest.fixture(scope="module", params=range(len(GROUPS)))
def group(request: pytest.FixtureRequest, apiserver: ApiServer, control_plane: ControlPlane) -> list[Case]:
    """The cases of a namespace, which has their labels now, and the apiserver knows it."""
    number: int = request.param
    namespace, labels, cases = GROUPS[number]
    control_plane.kubectl.apply(_namespace(namespace, **labels, **{PROBE: str(number)}))
    probe = identity(namespace, f"{PROBE}-{number}", {})
    eventually(lambda: not apiserver.refusals_of_new(IDENTITY, probe), timeout=PATIENCE, of="the labels to be known")
    return cases


def test_the_apiserver_decides_as_the_operator_does(group: list[Case], apiserver: ApiServer) -> None:
    decided = {}
    for case in group:
        asked = identity(case.namespace, _name(case), case.identity_spec)
        refusals = [cause.message for cause in apiserver.refusals_of_new(IDENTITY, asked)]
        decided[case.title] = (_reasons(refusals), _reasons(apiserver.warnings_of_new(IDENTITY, asked)))
    assert decided == {case.title: ({case.refused} if case.refused else set(), set(case.warned)) for case in group}


def _reasons(messages: list[str]) -> set[Reason]:
    """The reasons that the messages begin with, after what Kubernetes says itself."""
    return {reason for reason in Reason for message in messages if f" {reason}: SesAccount" in f" {message}"}


def test_kubectl_says_what_to_change_and_what_stands_already_can_be_changed_elsewhere(
    apiserver: ApiServer, control_plane: ControlPlane
) -> None:
    kubectl, namespace = control_plane.kubectl, "team-a"
    elsewhere = {"domain": "mail.example.com", "regions": ["us-east-1"]}
    manifest = identity(namespace, "strict", elsewhere, "older")
    kubectl.apply(manifest)  # before there is the account
    kubectl.apply(account("strict", {"guardrails": {"allowedRegions": {"regions": ["eu-west-1"]}}}))
    newer = identity(namespace, "strict", elsewhere, "newer")
    eventually(lambda: apiserver.refusals_of_new(IDENTITY, newer), timeout=PATIENCE, of="the account to be known")

    with pytest.raises(KubectlError) as refused:
        kubectl("apply", "--filename=-", stdin=yaml.safe_dump(newer))
    assert "RegionNotAllowed: SesAccount strict does not allow all of the regions" in str(refused.value)
    assert "spec.regions" in str(refused.value)

    change = apiserver.refusals_of_change
    assert change(IDENTITY, manifest, {"metadata": {"labels": {"team": "a"}}}) == []
    assert change(IDENTITY, manifest, {"spec": {"suspend": True, "deletionPolicy": "Retain"}}) == []
    assert change(IDENTITY, manifest, {"spec": {"regions": ["us-east-1", "us-west-2"]}}) != []
    assert change(IDENTITY, manifest, {"spec": {"regions": ["eu-west-1"]}}) == []
    kubectl("delete", "sesidentity", "older", "-n", namespace)
    kubectl("delete", "sesaccount", "strict")
