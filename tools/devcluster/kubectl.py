"""kubectl, as a person at a terminal would call it."""

import json
import subprocess
from pathlib import Path
from typing import Any, Self

import yaml

from devcluster.waiting import eventually


class KubectlError(RuntimeError):
    """kubectl exited with an error; the message is what it wrote to stderr."""


class Kubectl:
    """Calls kubectl with one kubeconfig."""

    def __init__(self, program: Path, kubeconfig: Path) -> None:
        self.program = program
        self._command = [str(program), f"--kubeconfig={kubeconfig}"]

    def with_kubeconfig(self, kubeconfig: Path) -> Self:
        """Return the same kubectl as another user, or by another way."""
        return type(self)(self.program, kubeconfig)

    def __call__(self, *arguments: str, stdin: str | None = None, timeout: float = 120.0) -> str:
        """Return what `kubectl ARGUMENTS` prints. Raises KubectlError with its stderr if it fails."""
        done = subprocess.run(
            [*self._command, *arguments], input=stdin, capture_output=True, text=True, check=False, timeout=timeout
        )
        if done.returncode:
            raise KubectlError(done.stderr.strip())
        return done.stdout

    def apply(self, *manifests: str | dict[str, Any] | Path) -> str:
        """Call `kubectl apply -f` with manifests given as YAML text, as objects or as paths of files and folders."""
        files = [f"--filename={manifest}" for manifest in manifests if isinstance(manifest, Path)]
        texts = [_text(manifest) for manifest in manifests if not isinstance(manifest, Path)]
        piped = ["--filename=-"] if texts else []
        return self("apply", *files, *piped, stdin="\n---\n".join(texts))

    def get(self, *arguments: str) -> dict[str, Any]:
        """Return the object, or the List, that `kubectl get ARGUMENTS` names."""
        found: dict[str, Any] = json.loads(self("get", "--output=json", *arguments))
        return found

    def await_kinds(self, *names: str) -> None:
        """Wait until these CustomResourceDefinitions, by default all, are served.

        `kubectl wait` gives up at once on one that is so new that it has no conditions.
        """

        def are_served() -> bool:
            found = self.get("crd", *(name.removeprefix("crd/") for name in names))
            return all(_is_established(each) for each in found.get("items", [found]))

        eventually(are_served, timeout=90, of="the kinds to be served")


def _is_established(definition: dict[str, Any]) -> bool:
    conditions = definition.get("status", {}).get("conditions") or ()
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


def _text(manifest: str | dict[str, Any]) -> str:
    return manifest if isinstance(manifest, str) else yaml.safe_dump(manifest)
