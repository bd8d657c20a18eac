"""Objects and clients for the tests of the kube package."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from cluster.tenant import PATIENCE
from devcluster.kubectl import Kubectl, KubectlError
from devcluster.waiting import eventually
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.controllers.shared.resources import IDENTITIES
from ses_operator.core.model.keys import ObjectKey
from ses_operator.runtime.kube.client import KubeClient, WriteGate, load_configuration, open_gate
from ses_operator.runtime.kube.resources import JsonObject


@asynccontextmanager
async def client_of(kubeconfig: Path, gate: WriteGate = open_gate) -> AsyncIterator[KubeClient]:
    async with KubeClient(await load_configuration(str(kubeconfig)), gate=gate) as client:
        yield client


def identity(namespace: str, name: str = "mail", **metadata: object) -> JsonObject:
    return {
        "apiVersion": IDENTITIES.api_version,
        "kind": IDENTITIES.kind,
        "metadata": {"namespace": namespace, "name": name, **metadata},
        "spec": {"domain": f"{name}.example.com", "regions": ["eu-west-1"], "accountRef": {"name": "default"}},
    }


async def created(client: KubeClient, namespace: str, name: str = "mail", **metadata: object) -> SesIdentity:
    obj = await client.create(IDENTITIES.collection(namespace), identity(namespace, name, **metadata))
    return SesIdentity.model_validate(obj)


async def read(client: KubeClient, namespace: str, name: str = "mail") -> SesIdentity:
    return SesIdentity.model_validate(await client.get(IDENTITIES.object(ObjectKey(namespace, name))))


def remove_dnsendpoint_kind(kubectl: Kubectl) -> None:
    """ExternalDNS's kind goes with all its objects; those that are held back by a finalizer would keep it."""
    kind = "crd/dnsendpoints.externaldns.k8s.io"
    if not kubectl("get", kind, "--ignore-not-found", "-o", "name"):
        return
    kubectl("delete", kind, "--wait=false")
    eventually(lambda: _is_removed(kubectl, kind), timeout=PATIENCE, of="ExternalDNS's kind to go")


def _is_removed(kubectl: Kubectl, kind: str) -> bool:
    patch = '--patch={"metadata": {"finalizers": null}}'
    with suppress(KubectlError):  # when it goes meanwhile, or an object of it
        for item in kubectl.get("dnsendpoints", "--all-namespaces")["items"]:
            meta = item["metadata"]
            kubectl("patch", f"dnsendpoint/{meta['name']}", "-n", meta["namespace"], "--type=merge", patch)
    return not kubectl("get", kind, "--ignore-not-found", "-o", "name")
