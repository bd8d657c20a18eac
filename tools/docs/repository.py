"""The files of the repository: those that git tracks, not whatever a build left in the folder."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

from docs.writing import ROOT


@cache
def tracked() -> frozenset[Path]:
    """Return every file that git tracks, and new ones that it does not ignore. Raises CalledProcessError without git."""
    command = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    listed = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    return frozenset(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


@cache
def folders() -> frozenset[Path]:
    """Return every folder that has one of these files, at whatever depth."""
    return frozenset(folder for path in tracked() for folder in path.parents if folder.is_relative_to(ROOT))


def files(folder: Path, suffix: str = "") -> list[Path]:
    """Return the files below a folder, at whatever depth, whose names end so, in order."""
    return sorted(path for path in tracked() if path.is_relative_to(folder) and path.name.endswith(suffix))


def exists(path: Path) -> bool:
    """Return whether this is a file or folder of the repository. The path is absolute and may go through `..`."""
    return path.resolve() in tracked() | folders()
