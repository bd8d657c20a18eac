"""`python -m release`: makes all parts of a release. Run by `make dist`."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import yaml

from devcluster import binaries
from docs import schemas
from release.changelog import CHANGELOG, changes_of
from ses_operator.api.schema.crd import render_all

ROOT = Path(__file__).parents[2]
CHECKSUMS = "SHA256SUMS"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-o", "--output", default="dist", show_default=True, type=click.Path(path_type=Path), help="Folder, emptied first."
)
def main(output: Path) -> None:
    """Make the wheel, the chart, the CRDs in one file, JSON schemas of the kinds, the SBOM, and checksums of all.

    \b
    Install the kinds:     kubectl apply --server-side -f dist/ses-operator-crds.yaml
    Install the operator:  helm install ses-operator dist/ses-operator-*.tgz --set installationID=… --set image.repository=…
    Check all files:       cd dist && sha256sum --check SHA256SUMS
    """
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    _wheel(output)
    _chart(output)
    (output / "ses-operator-crds.yaml").write_text("---\n".join(render_all().values()), encoding="utf-8")
    schemas.write(output / "schemas")
    _bill_of_materials(output)
    (output / CHECKSUMS).write_text("".join(_checksums(output)), encoding="utf-8")
    for path in _files(output):
        click.echo(path)


def _wheel(output: Path) -> None:
    """Build the wheel; the same bytes for the same commit: hatchling takes its times from SOURCE_DATE_EPOCH."""
    epoch = _run("git", "log", "-1", "--format=%ct").strip()
    _run(
        sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(output.resolve()), SOURCE_DATE_EPOCH=epoch
    )


def _chart(output: Path) -> None:
    """Package the chart, with the changes of its version, as Artifact Hub shows them."""
    with tempfile.TemporaryDirectory() as folder:
        chart = Path(shutil.copytree(ROOT / "charts" / "ses-operator", Path(folder, "ses-operator")))
        about = yaml.safe_load((chart / "Chart.yaml").read_text(encoding="utf-8"))
        changes = changes_of(about["version"], CHANGELOG.read_text(encoding="utf-8"))
        shown = [{"kind": change.kind.lower(), "description": change.description} for change in changes]
        about["annotations"]["artifacthub.io/changes"] = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True)
        (chart / "Chart.yaml").write_text(yaml.safe_dump(about, sort_keys=False, allow_unicode=True), encoding="utf-8")
        _run(str(binaries.helm()), "package", str(chart), "--destination", str(output.resolve()))


def _bill_of_materials(output: Path) -> None:
    """Write the SBOM, as CycloneDX, of all that the image's lock holds."""
    program = Path(sys.executable).with_name("cyclonedx-py")
    target = output.resolve() / "ses-operator.cdx.json"
    _run(
        str(program), "requirements", "--pyproject", "pyproject.toml", "--output-reproducible",
        "--output-file", str(target), "requirements/runtime.txt",
    )  # fmt: skip


def _checksums(output: Path) -> Iterator[str]:
    for path in _files(output):
        yield f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(output)}\n"


def _files(output: Path) -> list[Path]:
    return sorted(path for path in output.rglob("*") if path.is_file())


def _run(*command: str, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise click.ClickException(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
