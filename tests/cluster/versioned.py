"""The kinds in other versions than they are, as later releases will have them: made by the product's own generator."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from cluster.tenant import PATIENCE
from devcluster.apiclient import ApiClient, ApiError
from devcluster.controlplane import ControlPlane
from devcluster.process import Child, execute
from devcluster.waiting import eventually
from devcluster.yamls import document
from ses_operator.api.base.meta import GROUP
from ses_operator.api.schema.crd import definition_name, render_all
from ses_operator.api.schema.kinds import ACCOUNT, IDENTITY, KINDS, Kind
from ses_operator.api.schema.versions import Version

ALPHA, BETA = "v1alpha1", "v1beta1"
WARNING = f"{GROUP}/{ALPHA} is deprecated: write {GROUP}/{BETA}"

ALPHA_ALONE = (Version(ALPHA, stored=True),)
BETA_SERVED = (Version(BETA), Version(ALPHA, stored=True))
BETA_STORED = (Version(BETA, stored=True), Version(ALPHA, deprecation=WARNING))
BETA_ALONE = (Version(BETA, stored=True),)
"""The releases of docs/upgrades.md, in their order."""

_SPEAKS_BETA = f"""
import ses_operator.api.base.meta as meta
meta.VERSION, meta.API_VERSION = {BETA!r}, "{GROUP}/{BETA}"
from ses_operator.cli.main import main
main(prog_name="ses-operator")
"""


_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@cache
def _definitions(versions: tuple[Version, ...]) -> list[dict[str, Any]]:
    """The kinds in these versions; to make and parse them takes longer than to apply them."""
    return [document(text) for text in render_all(versions).values()]


def next_release(command: Sequence[str], env: Mapping[str, str], log: Path) -> Child:
    """Starts the operator of a release that speaks v1beta1: this one, with another constant."""
    return execute([sys.executable, "-c", _SPEAKS_BETA, *command[1:]], env, log)


@dataclass(frozen=True, slots=True)
class Kinds:
    """The kinds of a cluster, in whatever versions they are at the moment, and objects in one namespace.

    An object called `probe` of each kind must be there: it is written to see how.
    """

    plane: ControlPlane
    api: ApiClient
    namespace: str

    def become(self, versions: tuple[Version, ...]) -> None:
        """Applies the kinds in these versions, and waits until the apiserver serves and stores them so."""
        self.apply(versions)
        (current,) = (version.name for version in versions if version.stored)
        for kind in KINDS:
            for version in versions:
                writes = partial(self._writes_as, kind, version.name, current)
                eventually(writes, timeout=PATIENCE, of=f"{kind.kind} to be stored as {current}")
        for gone in {ALPHA, BETA} - {version.name for version in versions}:
            ended = partial(self._is_not_served, gone)
            eventually(ended, timeout=PATIENCE, of=f"{gone} to be served no longer")

    def apply(self, versions: tuple[Version, ...]) -> None:
        """Applies the kinds, as kubectl that has installed them would. Raises ApiError where the apiserver refuses."""
        for definition in _definitions(versions):
            self.api.apply(f"{_DEFINITIONS}/{definition['metadata']['name']}", definition, manager="kubectl")

    def path(self, kind: Kind, version: str, name: str = "") -> str:
        scope = "" if kind is ACCOUNT else f"namespaces/{self.namespace}/"
        return f"/apis/{GROUP}/{version}/{scope}{kind.plural}/{name}".rstrip("/")

    def get(self, version: str, name: str, kind: Kind = IDENTITY) -> dict[str, Any]:
        """The object, read in a version."""
        found = self.api.get(self.path(kind, version, name))
        assert found is not None
        return found

    def count(self, version: str, kind: Kind) -> int:
        """How many objects there are."""
        return len((self.api.get(self.path(kind, version)) or {})["items"])

    def lies_as(self, name: str, kind: Kind = IDENTITY) -> str:
        """The version in which the object lies in etcd."""
        stored = self.plane.stored(f"{kind.plural}.{GROUP}", "" if kind is ACCOUNT else self.namespace, name)
        return str(stored["apiVersion"]).removeprefix(f"{GROUP}/")

    def stored(self, kind: Kind = IDENTITY) -> list[str]:
        """The versions in which the apiserver says that objects may lie."""
        definition = self.api.get(f"{_DEFINITIONS}/{definition_name(kind)}")
        assert definition is not None
        found: list[str] = definition["status"]["storedVersions"]
        return found

    def _writes_as(self, kind: Kind, version: str, current: str) -> bool:
        """Whether an object that is written in a version now lies in the current one."""
        try:
            self.api.patch(self.path(kind, version, "probe"), {"metadata": {"annotations": {"probe": uuid4().hex}}})
        except ApiError as error:
            if error.code == 404:
                return False
            raise
        return self.lies_as("probe", kind) == current

    def _is_not_served(self, version: str) -> bool:
        return all(self.api.get(self.path(kind, version)) is None for kind in KINDS)
