"""Manifests checked before they reach a cluster: kubeconform, with the schemas that are made from the API."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from devcluster import binaries
from devcluster.yamls import documents
from docs.pages import EXAMPLES
from docs.schemas import LOCATION, write
from ses_operator.api.base.meta import API_VERSION

IDENTITY: dict[str, Any] = {
    "apiVersion": API_VERSION,
    "kind": "SesIdentity",
    "metadata": {"name": "mail"},
    "spec": {"domain": "mail.example.com", "regions": ["eu-west-1"]},
}


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("schemas")
    write(folder)
    return folder


def kubeconform(schemas: Path, *manifests: object) -> subprocess.CompletedProcess[str]:
    """What kubeconform says of these manifests."""
    command = [str(binaries.kubeconform()), "-strict", "-summary", f"-schema-location={schemas}/{LOCATION}"]
    return subprocess.run(command, input=yaml.safe_dump_all(manifests), capture_output=True, text=True, check=False)


def test_every_example_conforms(schemas: Path) -> None:
    manifests = [each for example in EXAMPLES for each in documents(example.read_text(encoding="utf-8"))]
    ours = [manifest for manifest in manifests if manifest["apiVersion"] == API_VERSION]
    found = kubeconform(schemas, *ours)
    assert f"Valid: {len(ours)}, Invalid: 0, Errors: 0, Skipped: 0" in found.stdout, found.stdout


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mailform": {"subdomain": "bounce"}}, "additional properties 'mailform' not allowed"),
        ({"deletionPolicy": "Keep"}, "value must be one of"),
        ({"dns": {"ttl": "300"}}, "got string, want integer"),
    ],
)
def test_a_mistake_is_found_without_a_cluster(schemas: Path, change: dict[str, Any], message: str) -> None:
    mistaken = {**IDENTITY, "spec": {**IDENTITY["spec"], **change}}
    found = kubeconform(schemas, mistaken)
    assert found.returncode == 1
    assert message in found.stdout


def test_a_kind_of_ours_without_a_schema_is_found(schemas: Path) -> None:
    found = kubeconform(schemas, {**IDENTITY, "kind": "SesIdentitie"})
    assert found.returncode == 1
    assert "could not find schema for SesIdentitie" in found.stdout
