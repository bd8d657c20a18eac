"""What `make dist` makes is whole: it can be checked, applied and installed."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml

from devcluster import binaries
from devcluster.environment import ROOT
from devcluster.kubectl import Kubectl
from release.changelog import KINDS as CHANGE_KINDS
from ses_operator.api.schema.kinds import KINDS


def release(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "release", "--output", folder], cwd=ROOT / "tools", check=True)
    return folder


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return release(tmp_path_factory.mktemp("release") / "dist")


def wheel(folder: Path) -> Path:
    (found,) = folder.glob("*.whl")
    return found


def test_every_file_has_its_checksum(dist: Path) -> None:
    lines = (dist / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    files = {str(path.relative_to(dist)): path for path in dist.rglob("*") if path.is_file()}
    del files["SHA256SUMS"]
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == sums


def test_the_wheel_is_the_same_each_time_and_holds_the_operator_alone(dist: Path, tmp_path: Path) -> None:
    assert wheel(release(tmp_path / "again")).read_bytes() == wheel(dist).read_bytes()
    names = ZipFile(wheel(dist)).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"ses_operator"}
    assert "ses_operator/py.typed" in names


def test_the_kinds_are_applied_from_one_file(dist: Path, kubectl: Kubectl) -> None:
    said = kubectl("apply", "--server-side", "--dry-run=server", f"--filename={dist / 'ses-operator-crds.yaml'}")
    assert said.count("customresourcedefinition") == len(KINDS)


def test_the_chart_is_a_package_of_this_version(dist: Path) -> None:
    (package,) = dist.glob("*.tgz")
    shown = subprocess.run([binaries.helm(), "show", "chart", package], check=True, capture_output=True, text=True)
    chart = yaml.safe_load(shown.stdout)
    assert chart["name"] == "ses-operator"
    changes = yaml.safe_load(chart["annotations"]["artifacthub.io/changes"])
    assert {change["kind"] for change in changes} <= {kind.lower() for kind in CHANGE_KINDS}
    assert all(change["description"] for change in changes)


def test_the_bill_of_materials_names_all_that_is_locked_for_the_image(dist: Path) -> None:
    bill = json.loads((dist / "ses-operator.cdx.json").read_text(encoding="utf-8"))
    locked = {
        line.partition("==")[0]
        for line in (ROOT / "requirements" / "runtime.txt").read_text().splitlines()
        if "==" in line
    }
    assert {component["name"] for component in bill["components"]} == locked
