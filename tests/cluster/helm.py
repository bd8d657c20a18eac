"""Helm, as a person at a terminal would call it, and the chart of the operator."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from devcluster.yamls import document, documents

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "ses-operator"
KINDS = Path("files") / "crds"
"""Where a chart has the CustomResourceDefinitions."""
KUBE_VERSION = "1.35.4"
"""What the chart is rendered for where no cluster is asked."""

Values = Mapping[str, Any]


class HelmError(RuntimeError):
    """Helm refused; the message is what it wrote to stderr."""


@dataclass(frozen=True, slots=True)
class Helm:
    """The real Helm, and a cluster if there is one. Values are given as a file would be."""

    program: Path
    kubeconfig: Path | None = None

    def __call__(self, *arguments: str | Path, values: Values | None = None) -> str:
        """What ``helm ARGUMENTS`` prints. Raises HelmError."""
        command = [str(self.program), *map(str, arguments)]
        if self.kubeconfig is not None:
            command.append(f"--kubeconfig={self.kubeconfig}")
        if values is not None:
            command.append("--values=-")
        done = subprocess.run(
            command, input=json.dumps(values or {}), capture_output=True, text=True, check=False, timeout=60
        )
        if done.returncode:
            raise HelmError(done.stderr.strip())
        return done.stdout

    def render(self, values: Values, *, release: str = "ses-operator", namespace: str = "ses") -> Manifests:
        """What the chart makes of these values."""
        text = self(
            "template", release, CHART, f"--namespace={namespace}", f"--kube-version={KUBE_VERSION}", values=values
        )
        return Manifests.of(text)


@dataclass(frozen=True, slots=True)
class Manifests:
    """The objects of a release."""

    objects: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, text: str) -> Manifests:
        return cls(tuple(found for found in documents(text) if found))

    def kind(self, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind."""
        return [found for found in self.objects if found["kind"] == kind]

    def one(self, kind: str, name: str | None = None) -> dict[str, Any]:
        """The object of this kind, and name; there must be exactly one."""
        (found,) = (found for found in self.kind(kind) if name in (None, found["metadata"]["name"]))
        return found

    @property
    def pod(self) -> dict[str, Any]:
        """The spec of the pods."""
        spec: dict[str, Any] = self.one("Deployment")["spec"]["template"]["spec"]
        return spec

    @property
    def container(self) -> dict[str, Any]:
        """The operator's container."""
        return container_of(self.pod)

    @property
    def environment(self) -> dict[str, str]:
        """What the container finds in its environment."""
        return environment_of(self.container)

    def rights(self, kind: str, namespace: str | None = None, name: str | None = None) -> set[str]:
        """What all roles of a kind, in a namespace or of a name, allow, as ``verb resource.group[/names]``."""
        roles = [
            found
            for found in self.kind(kind)
            if found["metadata"].get("namespace") == namespace and name in (None, found["metadata"]["name"])
        ]
        return {
            f"{verb} {resource}{'.' + group if group else ''}" + (f" {','.join(names)}" if names else "")
            for role in roles
            for rule in role["rules"]
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            for names in [rule.get("resourceNames", [])]
            for verb in rule["verbs"]
        }


def earlier_chart(folder: Path) -> Path:
    """The chart as an earlier version might have been: without the newest kind, and without a member of status."""
    chart = folder / "ses-operator"
    shutil.copytree(CHART, chart)
    about = chart / "Chart.yaml"
    about.write_text(re.sub(r"(?m)^(version|appVersion): .*$", r"\1: 0.0.1", about.read_text(encoding="utf-8")))
    (chart / KINDS / "ses-operator.io_sesverificationtemplates.yaml").unlink()
    identities = chart / KINDS / "ses-operator.io_sesidentities.yaml"
    definition = document(identities.read_text(encoding="utf-8"))
    for version in definition["spec"]["versions"]:
        del version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]["handover"]
    identities.write_text(yaml.safe_dump(definition, sort_keys=False), encoding="utf-8")
    return chart


def container_of(pod: Mapping[str, Any]) -> dict[str, Any]:
    (container,) = pod["containers"]
    found: dict[str, Any] = container
    return found


def environment_of(container: Mapping[str, Any]) -> dict[str, str]:
    # The apiserver leaves empty values out.
    return {entry["name"]: entry.get("value", "") for entry in container["env"]}
