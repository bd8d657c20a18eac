"""``python -m chaos.planted``: plants a defect into a copy of the operator, and sees which seed finds it. One defect at a time.

Each is a replacement of source text, which fails loudly once the code has moved.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

import ses_operator
from chaos.defects import DEFECTS, Defect

PACKAGE = Path(ses_operator.__file__).parent


class MovedError(Exception):
    """The code that a defect replaces is not there any more, or more than once."""


@dataclass(frozen=True)
class Hunt:
    """How one defect was looked for. ``seed`` None: not found. ``shown``: the first violation."""

    defect: Defect
    seed: int | None
    shown: str


def plant(defect: Defect, folder: Path) -> None:
    """Copy the operator into a folder, with one defect. Raises MovedError."""
    copy = folder / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for change in defect.changes:
        path = copy / change.file
        text = path.read_text() if path.exists() else ""
        if text.count(change.old) != 1:
            raise MovedError(f"{defect.name}: {change.file} has this {text.count(change.old)} times: {change.old}")
        path.write_text(text.replace(change.old, change.new))


def hunt(defect: Defect, seeds: tuple[int, ...], arguments: list[str]) -> Hunt:
    """Run seeds until one finds the defect."""
    with tempfile.TemporaryDirectory(prefix="chaos-planted-") as folder:
        plant(defect, Path(folder))
        path = os.pathsep.join([folder, os.environ.get("PYTHONPATH", "")])
        for seed in seeds:
            command = [sys.executable, "-m", "chaos", f"--seed={seed}", "--quietly", "--first", *arguments]
            ran = subprocess.run(
                command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
            )
            if ran.returncode:
                lines = [line.strip() for line in ran.stdout.splitlines() if line.startswith("  [")]
                return Hunt(defect, seed, lines[0] if lines else ran.stderr.strip().splitlines()[-1])
    return Hunt(defect, None, "")


def report(hunts: list[Hunt]) -> Iterator[str]:
    """Return the table."""
    for found in hunts:
        yield f"{found.defect.name}: {'not found' if found.seed is None else f'found by seed {found.seed}: {found.shown}'}"


@click.command()
@click.option(
    "--seed", "seeds", multiple=True, type=int, default=(1, 2, 3), show_default=True, help="Tried in this order."
)
@click.option("--actions", default=40, show_default=True, help="Actions of each schedule.")
@click.option("--patience", default=120.0, show_default=True, help="Seconds to wait for what must come.")
@click.option("--skip", multiple=True, help="A kind of action to leave out. Repeatable.")
@click.option("--only", multiple=True, help="Names of defects. Default: all.")
def main(seeds: tuple[int, ...], actions: int, patience: float, skip: tuple[str, ...], only: tuple[str, ...]) -> None:
    """Plant each defect, and end with status 1 if one is not found by any seed."""
    hunts = []
    arguments = [f"--actions={actions}", f"--patience={patience}", *(f"--skip={kind}" for kind in skip)]
    for defect in DEFECTS:
        if not only or defect.name in only:
            hunts.append(hunt(defect, seeds, arguments))
            click.echo("\n".join(report(hunts[-1:])))
    sys.exit(any(found.seed is None for found in hunts))


if __name__ == "__main__":
    main()
