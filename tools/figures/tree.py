"""Reads trees from git. The only module here that runs git or opens files."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
STATIONS = ROOT / "build" / "stations.json"


@dataclass(frozen=True, slots=True)
class Tree:
    """The text files of the repository at one time. ``files``: path from the root, with slashes → text."""

    files: Mapping[str, str]

    def python(self, *folders: str) -> dict[str, str]:
        """Return the .py files below these folders, in the order of their paths."""
        places = tuple(f"{folder}/" for folder in folders)
        return {
            path: self.files[path] for path in sorted(self.files) if path.startswith(places) and path.endswith(".py")
        }

    def modules(self, *folders: str) -> dict[str, str]:
        """Return the .py files below these folders but __init__.py."""
        return {path: text for path, text in self.python(*folders).items() if not path.endswith("/__init__.py")}


@dataclass(frozen=True, slots=True)
class Change:
    """A git range. ``paths``: every file that differs; a file that was moved counts once, at its new place."""

    name: str
    before: Tree
    after: Tree
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stations:
    """The modules that a recorded reconcile passes through, by their dotted names."""

    path: tuple[str, ...]
    touched: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """The subject of one column of the table."""

    name: str
    tree: Tree
    change: Change | None = None
    stations: Stations | None = None


def commit(revision: str) -> Tree:
    """Return the tree of a commit. Raises CalledProcessError if there is no such commit."""
    with tarfile.open(fileobj=io.BytesIO(_git("archive", "--format=tar", revision))) as archive:
        return _tree(
            (member.name, file.read())
            for member in archive
            if member.isfile() and (file := archive.extractfile(member)) is not None
        )


def working_tree() -> Tree:
    """Return the files that git tracks, as they are now, and new ones that it does not ignore."""
    names = _names(_git("ls-files", "-z", "--cached", "--others", "--exclude-standard"))
    return _tree((name, (ROOT / name).read_bytes()) for name in names if (ROOT / name).is_file())


def change(revisions: str) -> Change:
    """Return what differs between the commits of a range, written `A..B`."""
    first, _, last = revisions.partition("..")
    paths = _names(_git("diff", "--find-renames", "--name-only", "-z", first, last or "HEAD"))
    return Change(revisions, commit(first), commit(last or "HEAD"), tuple(paths))


def stations() -> Stations | None:
    """Return the recording of a reconcile that a test left in build/stations.json; None if there is none."""
    if not STATIONS.exists():
        return None
    found = json.loads(STATIONS.read_text(encoding="utf-8"))
    return Stations(tuple(found["path"]), tuple(found["touched"]))


def _tree(files: Iterable[tuple[str, bytes]]) -> Tree:
    return Tree({path: text for path, content in files if (text := _text(content)) is not None})


def _text(content: bytes) -> str | None:
    """Return the text of a file; None for a picture and the like."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _names(output: bytes) -> Iterator[str]:
    return (name for name in output.decode("utf-8").split("\0") if name)


def _git(*arguments: str) -> bytes:
    return subprocess.run(("git", *arguments), cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
