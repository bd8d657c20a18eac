"""Everything that the operator needs to run, none of it shared: a control plane, the kinds, AWS, an account."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from devcluster import binaries
from devcluster.apiclient import ACCOUNTS
from devcluster.controlplane import ControlPlane
from devcluster.operator_process import OperatorOptions, OperatorProcess
from devcluster.process import Launch, execute
from devcluster.sandbox_process import Sandbox, SandboxOptions
from devcluster.subjects import ServiceAccount

ROOT = Path(__file__).parents[2]
OPERATOR_NAMESPACE = "ses-operator"
ACCESS_KEY = "AKIADEVCLUSTER"

_RIGHTS = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ses-operator-devcluster}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:serviceaccounts:ses-operator"}]
"""


class Environment:
    """A control plane and a sandbox, made ready for the operator. Operators are started as they are needed, by `launch`.

    `installation_id`: the installation that alone manages the SesAccounts made here; by default any may.
    """

    def __init__(
        self, plane: ControlPlane, sandbox: Sandbox, launch: Launch = execute, installation_id: str | None = None
    ) -> None:
        self.plane = plane
        self._installation_id = installation_id
        self.sandbox = sandbox
        self.kubectl = plane.kubectl
        self._launch = launch
        self._numbers = itertools.count(1)

    def install(self) -> None:
        """Install the kinds, and the operator's namespace and permissions. May be repeated."""
        self.kubectl("apply", "--server-side", f"--filename={ROOT / 'crds'}")
        self.install_rights()
        self.kubectl.await_kinds()

    def install_rights(self) -> None:
        """Make the operator's namespace, and grant its permissions."""
        self.kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OPERATOR_NAMESPACE}}, _RIGHTS)

    def add_account(self, name: str = "default", *, aws_url: str | None = None, **dns: Any) -> None:
        """Make a SesAccount whose AWS is the sandbox (or the proxy before it, at `aws_url`) and its Secret.

        `dns`: further members of spec.dns.
        """
        secret = f"{name}-credentials"
        api = self.plane.api
        api.apply(f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/secrets/{secret}", self.secret(secret))
        api.apply(f"{ACCOUNTS}/{name}", self.account(name, secret, aws_url or self.sandbox.aws_url, dns))

    def secret(self, name: str, access_key: str = ACCESS_KEY) -> dict[str, Any]:
        """Return the manifest of a Secret with static keys, labelled so that the operator sees it change."""
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "namespace": OPERATOR_NAMESPACE,
                "labels": {"ses-operator.io/watch": "true"},
            },
            "stringData": {"aws_access_key_id": access_key, "aws_secret_access_key": "any"},
        }

    def account(self, name: str, secret: str, aws_url: str, dns: dict[str, Any]) -> dict[str, Any]:
        """Return the manifest of a SesAccount for the sandbox."""
        return {
            "apiVersion": "ses-operator.io/v1alpha1",
            "kind": "SesAccount",
            "metadata": {"name": name},
            "spec": {
                **({"installationID": self._installation_id} if self._installation_id else {}),
                "credentials": {"secretRef": {"name": secret}},
                "endpoints": dict.fromkeys(("sesv2", "ses", "route53", "sts"), aws_url),
                "requestsPerSecond": self.sandbox.options.rate or 1000,
                "dns": {"nameservers": [self.sandbox.dns_address], **dns},
            },
        }

    def forget_lease(self, installation_id: str) -> None:
        """Delete the Lease that a killed operator still holds, so that the next need not wait until it expires."""
        leases = f"/apis/coordination.k8s.io/v1/namespaces/{OPERATOR_NAMESPACE}/leases"
        self.plane.api.delete(f"{leases}/ses-operator-{installation_id}")

    def revive(self, operator: OperatorProcess) -> None:
        """Start an operator that was killed, and wait until it works. The Lease that it still holds is deleted before."""
        self.forget_lease(operator.options.installation_id)
        operator.start()
        operator.await_ready()

    def operator(
        self, options: OperatorOptions | None = None, *, name: str | None = None, kubernetes_url: str | None = None
    ) -> OperatorProcess:
        """Return an operator that has not been started, under a service account of its own: `name` identifies it in logs.

        `kubernetes_url`: the proxy before the apiserver, if there is one.
        """
        options = options or OperatorOptions()
        name = name or f"operator-{next(self._numbers)}"
        account = ServiceAccount(OPERATOR_NAMESPACE, name)
        manifest = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": name, "namespace": account.namespace},
        }
        accounts = f"/api/v1/namespaces/{account.namespace}/serviceaccounts"
        self.plane.api.apply(f"{accounts}/{name}", manifest)
        kubeconfig = self.plane.kubeconfig_for(account, url=kubernetes_url)
        return OperatorProcess(options, kubeconfig, self.plane.folder / f"{name}.log", name=name, launch=self._launch)


@contextmanager
def running(options: SandboxOptions) -> Iterator[Environment]:
    """Yield an environment with the kinds, the operator's permissions and the SesAccount `default`; all ends with the block."""
    with tempfile.TemporaryDirectory(prefix="ses-operator-") as folder, ExitStack() as stack:
        sandbox = Sandbox(options, Path(folder, "ses-sandbox.log"))
        sandbox.start()  # it needs some seconds, in which the control plane starts
        stack.callback(sandbox.stop)
        plane = stack.enter_context(ControlPlane(binaries.control_plane(), folder=Path(folder, "control-plane")))
        sandbox.await_ready()
        environment = Environment(plane, sandbox)
        environment.install()
        environment.add_account()
        yield environment
