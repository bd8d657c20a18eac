"""The sources of the programs: the machine, the cache, a download if one answers, a build from source."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from devcluster.cache import cache_root
from devcluster.gobuild import BuildError, GoProgram, build, built
from devcluster.gofiles import GoFiles, fetched
from devcluster.toolchain import ToolchainError

CONTROL_PLANE = GoProgram(
    name="controlplane",
    package=".",
    pinned="k8s.io/kubernetes",
    version_symbol="k8s.io/component-base/version.gitVersion",
    links=("etcd", "kube-apiserver", "kube-controller-manager", "kubectl"),
)
EXTERNAL_DNS = GoProgram(
    name="externaldns",
    package="sigs.k8s.io/external-dns",
    pinned="sigs.k8s.io/external-dns",
    version_symbol="sigs.k8s.io/external-dns/pkg/apis/externaldns.Version",
    files=("config/crd/standard/dnsendpoints.externaldns.k8s.io.yaml",),
)
HELM = GoProgram(
    name="helm",
    package="helm.sh/helm/v3/cmd/helm",
    pinned="helm.sh/helm/v3",
    version_symbol="helm.sh/helm/v3/internal/version.version",
)
KUSTOMIZE_CONTROLLER = GoProgram(
    name="kustomize-controller",
    package="github.com/fluxcd/kustomize-controller",
    pinned="github.com/fluxcd/kustomize-controller",
    files=("config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml",),
    folder="gitops",
)
GITOPS = GoProgram(name="gitops", package=".", pinned="github.com/argoproj/argo-cd/v3")
PROMTOOL = GoProgram(
    name="promtool",
    package="github.com/prometheus/prometheus/cmd/promtool",
    pinned="github.com/prometheus/prometheus",
    version_symbol="github.com/prometheus/common/version.Version",
    tags=("remove_all_sd",),  # without the SDKs of all clouds, which rules need not and which take most of the time
)
KUBECONFORM = GoProgram(
    name="kubeconform",
    package="github.com/yannh/kubeconform/cmd/kubeconform",
    pinned="github.com/yannh/kubeconform",
)
POLICY_REPORT = GoFiles(
    name="policyreport",
    pinned="github.com/kyverno/kyverno",
    files=("config/crds/policyreport/wgpolicyk8s.io_clusterpolicyreports.yaml",),
)
SETUP_ENVTEST = GoProgram(
    name="setup-envtest",
    package="sigs.k8s.io/controller-runtime/tools/setup-envtest",
    pinned="sigs.k8s.io/controller-runtime/tools/setup-envtest",
)

_INDEX_TIMEOUT = 10.0
_DOWNLOAD_TIMEOUT = 300.0


class Part(StrEnum):
    """A program of the control plane, by the name that it has everywhere."""

    ETCD = "etcd"
    APISERVER = "kube-apiserver"
    CONTROLLER_MANAGER = "kube-controller-manager"
    KUBECTL = "kubectl"


# The contents of setup-envtest's archives.
ENVTEST_PARTS = frozenset({Part.ETCD, Part.APISERVER, Part.KUBECTL})
ALL_PARTS = frozenset(Part)


def control_plane(parts: Iterable[Part] = ALL_PARTS) -> dict[Part, Path]:
    """Return the path of each part asked for.

    Each part is taken from the first of these that has it: the folder named by `KUBEBUILDER_ASSETS`, the cached
    build, what `setup-envtest` downloads (only if that is all that is missing), a build from source.
    """
    found: dict[Part, Path] = {}
    wanted = frozenset(parts)
    for source in (_assets, _cached_build, _envtest, _fresh_build):
        missing = wanted - found.keys()
        folder = source(missing) if missing else None
        if folder is not None:
            found |= {part: folder / part for part in missing if (folder / part).exists()}
    return found


def external_dns() -> Path:
    """Return the real ExternalDNS; its DNSEndpoint manifest is beside it."""
    return build(EXTERNAL_DNS) / EXTERNAL_DNS.name


def helm() -> Path:
    """Return Helm, of the version pinned in its module."""
    return build(HELM) / HELM.name


def kustomize_controller() -> Path:
    """Return Flux's kustomize-controller; the manifest of its Kustomization kind is beside it."""
    return build(KUSTOMIZE_CONTROLLER) / KUSTOMIZE_CONTROLLER.name


def gitops() -> Path:
    """Return a program that evaluates an object as kstatus and Argo CD do, with their own code."""
    return build(GITOPS) / GITOPS.name


def promtool() -> Path:
    """Return Prometheus's tool for rules: it checks them, and tests when they fire."""
    return build(PROMTOOL) / PROMTOOL.name


def kubeconform() -> Path:
    """Return Kubeconform, which checks manifests against JSON schemas without a cluster."""
    return build(KUBECONFORM) / KUBECONFORM.name


def policy_report_crd() -> Path:
    """Return the manifest of the Policy Working Group's ClusterPolicyReport kind, as Kyverno installs it."""
    return fetched(POLICY_REPORT) / Path(POLICY_REPORT.files[0]).name


def _assets(_: frozenset[Part]) -> Path | None:
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    return Path(folder).resolve() if folder else None


def _cached_build(_: frozenset[Part]) -> Path | None:
    return built(CONTROL_PLANE)


def _fresh_build(_: frozenset[Part]) -> Path | None:
    return build(CONTROL_PLANE)


def _envtest(missing: frozenset[Part]) -> Path | None:
    """Return the folder that setup-envtest downloaded, now or before. A network that refuses it is no error."""
    if not missing <= ENVTEST_PARTS:
        return None
    version = CONTROL_PLANE.version.removeprefix("v").rpartition(".")[0] + ".x"
    try:
        tool = Path(shutil.which("setup-envtest") or build(SETUP_ENVTEST) / SETUP_ENVTEST.name)
    except (BuildError, ToolchainError):
        return None
    return _from_envtest(tool, version, cache_root() / "envtest")


def _from_envtest(tool: Path, version: str, store: Path) -> Path | None:
    use = [str(tool), "use", version, "--bin-dir", str(store), "--print", "path"]
    path = _output([*use, "--installed-only"], _INDEX_TIMEOUT)
    # The index is requested first: it is small, so a network that refuses or swallows it costs seconds.
    if not path and _output([str(tool), "list", version, "--bin-dir", str(store)], _INDEX_TIMEOUT):
        path = _output(use, _DOWNLOAD_TIMEOUT)
    return Path(path) if path else None


def _output(command: list[str], timeout: float) -> str:
    """Return what the command prints; nothing if it fails or takes longer than `timeout` seconds."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
