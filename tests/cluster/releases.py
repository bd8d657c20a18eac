"""A release of the chart, installed by the real Helm, and the operator as its pod would run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from cluster.helm import CHART, Helm, Values, container_of, environment_of
from devcluster.controlplane import ControlPlane
from devcluster.environment import OPERATOR_NAMESPACE
from devcluster.forked import fork_operator
from devcluster.kubectl import Kubectl
from devcluster.process import Process
from devcluster.subjects import ServiceAccount

RELEASE = "ses-operator"
PROGRAM = Path(sys.executable).with_name("ses-operator")


@dataclass(frozen=True, slots=True)
class Release:
    """A release that a test installs, and uninstalls at its end."""

    helm: Helm
    kubectl: Kubectl
    name: str = RELEASE
    namespace: str = OPERATOR_NAMESPACE

    def install(self, values: Values, chart: Path = CHART, *flags: str) -> str:
        """Installs or upgrades; what Helm says."""
        where = (f"--namespace={self.namespace}", "--create-namespace", "--wait=false")
        return self.helm("upgrade", "--install", self.name, chart, *where, *flags, values=values)

    def rollback(self) -> None:
        """To the revision before."""
        self.helm("rollback", self.name, f"--namespace={self.namespace}")

    def uninstall(self) -> None:
        self.helm("uninstall", self.name, f"--namespace={self.namespace}", "--ignore-not-found")

    @property
    def _fullname(self) -> str:
        """What the chart calls its objects."""
        return self.name if RELEASE in self.name else f"{self.name}-{RELEASE}"

    @property
    def deployment(self) -> dict[str, Any]:
        """The Deployment, as it stands in the cluster."""
        return self.kubectl.get("deployment", self._fullname, f"--namespace={self.namespace}")

    @property
    def pod(self) -> dict[str, Any]:
        """The spec of its pods."""
        spec: dict[str, Any] = self.deployment["spec"]["template"]["spec"]
        return spec


@contextmanager
def running_as_its_pod(release: Release, plane: ControlPlane, folder: Path) -> Iterator[Process]:
    """The operator as the kubelet would start it: arguments, environment and ServiceAccount are those of the pod."""
    pod = release.pod
    container = container_of(pod)
    account = ServiceAccount(release.namespace, pod["serviceAccountName"])
    environment = {
        **environment_of(container),
        "KUBECONFIG": str(plane.kubeconfig_for(account)),
        "SES_OPERATOR_NAMESPACE": release.namespace,
        "SES_OPERATOR_BIND_ADDRESS": "127.0.0.1",
    }
    command: list[str | Path] = [PROGRAM, *container["args"]]
    log = folder / f"{release.name}.log"
    operator = Process(release.name, command, log, env=environment, launch=fork_operator)
    operator.start()
    try:
        operator.await_ready(lambda: probe_succeeds(container, "readinessProbe"), timeout=120)
        assert probe_succeeds(container, "livenessProbe")
        yield operator
    finally:
        operator.stop()


def probe_succeeds(container: dict[str, Any], probe: str) -> bool:
    request = container[probe]["httpGet"]
    (port,) = (port["containerPort"] for port in container["ports"] if port["name"] == request["port"])
    try:
        with urlopen(f"http://127.0.0.1:{port}{request['path']}", timeout=2):
            return True
    except (URLError, OSError):
        return False
