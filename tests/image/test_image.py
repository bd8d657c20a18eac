"""The Dockerfile, built without a daemon on a base that is made here, and the operator started from it.

`make image-test` runs this; `make test` does not, for it needs root and Debian's buildah and debootstrap.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from devcluster import binaries
from devcluster.controlplane import ControlPlane
from devcluster.environment import OPERATOR_NAMESPACE, ROOT
from devcluster.ports import free_port
from devcluster.process import Process
from devcluster.subjects import ServiceAccount
from devcluster.waiting import eventually
from image.buildah import Buildah

IMAGE = "localhost/ses-operator"
BASE = "localhost/python-base"
USER = "65532"


@dataclass(frozen=True)
class Image:
    """The built image, and a container of it."""

    buildah: Buildah
    container: str

    def run(self, *command: str) -> str:
        """What a command in the container prints, stderr included."""
        done = subprocess.run(
            self.buildah.command(self.container, *command), capture_output=True, text=True, check=False, timeout=60
        )
        return done.stdout + done.stderr

    @property
    def configuration(self) -> dict[str, Any]:
        """What the image says of itself (OCI image configuration)."""
        inspected = json.loads(self.buildah("inspect", "--type=image", IMAGE))
        found: dict[str, Any] = inspected["OCIv1"]["config"]
        return found


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    buildah = Buildah(tmp_path_factory.mktemp("buildah"))
    buildah.base(BASE)
    buildah.build(ROOT, IMAGE, {"BASE": BASE, "REVISION": "0123abc"})
    with buildah.container(IMAGE) as container:
        yield Image(buildah, container)


def test_the_image_says_what_it_is_and_starts_the_operator_as_nobody(image: Image) -> None:
    configuration = image.configuration
    assert configuration["User"] == f"{USER}:{USER}"
    assert configuration["Entrypoint"] == ["ses-operator"]
    assert configuration["Cmd"] == ["run"]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in configuration["Labels"].items()}
    assert {"title": "ses-operator", "licenses": "Apache-2.0", "revision": "0123abc"}.items() <= labels.items()
    assert image.run("id", "-u").strip() == USER


def test_it_has_what_is_locked_and_nothing_else(image: Image) -> None:
    listed = (
        "import importlib.metadata as m; print(*sorted(f'{d.name}=={d.version}' for d in m.distributions()), sep='\\n')"
    )
    installed = {_normal(line) for line in image.run("/opt/ses-operator/bin/python", "-c", listed).splitlines()}
    text = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8")
    locked = {_normal(found) for found in re.findall(r"^([A-Za-z0-9_.-]+==[^\s;]+)", text, re.MULTILINE)}
    assert {line for line in installed if not line.startswith("ses-operator==")} <= locked
    assert any(line.startswith("ses-operator==") for line in installed)
    assert "No module named 'ses_sandbox'" in image.run("/opt/ses-operator/bin/python", "-c", "import ses_sandbox")
    assert image.run("sh", "-c", "ls -d /uv /src /dist 2>/dev/null; command -v uv gcc cc make; true").strip() == ""


def test_the_operator_starts_from_it_and_can_write_nothing_but_tmp(image: Image, tmp_path: Path) -> None:
    writable = image.run("sh", "-c", "for d in / /opt /opt/ses-operator /etc /usr; do [ ! -w $d ] || echo $d; done")
    assert writable.strip() == ""
    with ControlPlane(binaries.control_plane(binaries.ENVTEST_PARTS)) as plane:
        plane.kubectl("apply", "--server-side", f"--filename={ROOT / 'crds'}")
        plane.kubectl("create", "namespace", OPERATOR_NAMESPACE)
        plane.kubectl("create", "serviceaccount", "ses-operator", f"--namespace={OPERATOR_NAMESPACE}")
        subject = f"--serviceaccount={OPERATOR_NAMESPACE}:ses-operator"
        plane.kubectl("create", "clusterrolebinding", "operator", "--clusterrole=cluster-admin", subject)
        kubeconfig = plane.kubeconfig_for(ServiceAccount(OPERATOR_NAMESPACE, "ses-operator"))
        probe = free_port()
        flags = {
            "installation-id": "image",
            "namespace": OPERATOR_NAMESPACE,
            "kubeconfig": "/kubeconfig",
            "bind-address": "127.0.0.1",
            "probe-port": probe,
            "metrics-port": free_port(),
        }
        kubeconfig.chmod(0o644)
        command = image.buildah.command(
            image.container,
            "ses-operator",
            "run",
            *(f"--{name}={value}" for name, value in flags.items()),
            options=(f"--volume={kubeconfig}:/kubeconfig:ro",),
        )
        process = Process("image", command, tmp_path / "image.log")
        process.start()
        process.await_ready(lambda: _is_ready(probe), timeout=90)
        eventually(lambda: "lease acquired" in process.tail(), timeout=30, of="the Lease")
        process.stop()  # buildah hands no signal on: how the operator ends in order is seen elsewhere


def _is_ready(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
            return True
    except (URLError, OSError):
        return False


def _normal(requirement: str) -> str:
    """Names as PEP 503 compares them."""
    name, version = requirement.split("==")
    return f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"
