"""Every manifest in the documentation and the examples is one that the apiserver accepts, as it stands there.

A block of YAML that is a part of an object is laid over a small one; the chart is rendered with what is a part of its values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.helm import Helm
from devcluster import binaries
from devcluster.controlplane import ControlPlane
from devcluster.kubectl import Kubectl, KubectlError
from devcluster.kustomize_controller import kinds
from docs.pages import EXAMPLES, PAGES, Block, blocks
from ses_operator.api.base.meta import API_VERSION

SMALL: Mapping[str, Mapping[str, Any]] = {
    "SesIdentity": {"domain": "mail.example.com", "regions": ["eu-west-1", "us-east-1"]},
    "SesAccount": {},
}
BLOCKS = [
    *(block for page in PAGES for block in blocks(page, "yaml", "yml")),
    *(Block(example, 1, "yaml", example.read_text(encoding="utf-8")) for example in EXAMPLES),
]


VALUES = [block for block in BLOCKS if block.part_of == "values.yaml"]


def objects(block: Block) -> Iterator[dict[str, Any]]:
    """The objects of a block, in a namespace that there is."""
    kind = block.part_of
    if kind == "values.yaml":
        return
    for document in block.documents:
        written = document if kind is None else completed(document, kind)
        metadata = written["metadata"]
        yield {**written, "metadata": {**metadata, "namespace": "default"} if "namespace" in metadata else metadata}


def completed(part: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """An object of the kind with these members."""
    spec = {**SMALL[kind], **part.get("spec", {})}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": "part"}, **part, "spec": spec}


REQUIRED = {"installationID": "any", "image": {"repository": "registry.example.com/ses-operator"}}


@pytest.fixture(scope="module")
def kinds_of_flux(control_plane: ControlPlane, crds: None) -> None:  # noqa: ARG001 - ours are installed
    """A page has a Kustomization."""
    control_plane.kubectl.apply(*kinds())
    control_plane.kubectl.await_kinds("crd/kustomizations.kustomize.toolkit.fluxcd.io")


def refused(kubectl: Kubectl, *files: Path) -> str:
    """What the apiserver says against the objects in these files, if anything. An object of that name may stand there, of
    another test: nothing comes of the conflict."""
    names = [f"--filename={file}" for file in files]
    try:
        kubectl("apply", "--server-side", "--dry-run=server", "--force-conflicts", "--validate=strict", *names)
    except KubectlError as error:
        return str(error)
    return ""


@pytest.mark.usefixtures("kinds_of_flux")
def test_the_apiserver_accepts_every_manifest(kubectl: Kubectl, tmp_path: Path) -> None:
    files: dict[Path, Block] = {}
    for number, block in enumerate(BLOCKS):
        if found := list(objects(block)):
            file = tmp_path / f"{number}.yaml"
            file.write_text(yaml.safe_dump_all(found), encoding="utf-8")
            files[file] = block
    if refused(kubectl, *files):  # all at once takes a second; one by one says where it stands
        assert {block.where: said for file, block in files.items() if (said := refused(kubectl, file))} == {}


@pytest.mark.parametrize("block", VALUES, ids=lambda block: block.where)
def test_the_chart_takes_the_values(block: Block) -> None:
    (values,) = block.documents
    assert Helm(binaries.helm()).render({**REQUIRED, **values}).kind("Deployment")


def test_manifests_and_values_are_found_in_the_documentation_and_the_examples() -> None:
    pages = {block.page.name for block in BLOCKS if list(objects(block))}
    assert {"README.md", "concepts.md", "quickstart.yaml"} <= pages
    assert VALUES


@pytest.mark.usefixtures("kinds_of_flux")
@pytest.mark.parametrize(
    "text",
    [
        "# SesIdentity\nspec: {regoins: [eu-west-1]}",
        "# SesIdentity\nspec: {dns: {provider: Bind}}",
        "# SesAccount, in spec:\nspec: {requestsPerSecond: many}",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: default}\ndate: {}",
    ],
)
def test_what_the_apiserver_does_not_accept_is_found(text: str, kubectl: Kubectl, tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(yaml.safe_dump_all(objects(Block(file, 1, "yaml", text))), encoding="utf-8")
    assert refused(kubectl, file)
