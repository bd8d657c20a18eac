"""Takes files out of a Go module that is pinned in this folder, and keeps them: manifests that others publish with their code."""

import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from devcluster.cache import cached_folder
from devcluster.gobuild import BuildError, go_environment
from devcluster.progress import Progress
from devcluster.toolchain import TOOLS, go


@dataclass(frozen=True, slots=True)
class GoFiles:
    """Files of a Go module that nothing is built from. `pinned` is the module in go.mod, `files` are paths in it."""

    name: str
    pinned: str
    files: tuple[str, ...]

    @property
    def module(self) -> Path:
        """The folder of go.mod."""
        return TOOLS / self.name

    @property
    def folder_name(self) -> str:
        """Their folder in the cache: changes with the pinned version."""
        digest = hashlib.sha256(repr(self).encode())
        for source in (self.module / "go.mod", self.module / "go.sum"):
            digest.update(source.read_bytes())
        return f"{self.name}-{digest.hexdigest()[:16]}"


def fetched(wanted: GoFiles) -> Path:
    """Return the folder that holds the files by their names; downloaded if they were not."""
    return cached_folder(wanted.folder_name, lambda folder: _fetch(wanted, folder))


def _fetch(wanted: GoFiles, folder: Path) -> None:
    command = [str(go()), "mod", "download", "-json", wanted.pinned]
    with Progress(f"Downloading {wanted.pinned}, once"):
        done = subprocess.run(
            command, cwd=wanted.module, env=go_environment(), capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise BuildError(f"downloading {wanted.pinned} failed:\n{done.stdout}{done.stderr}")
    source = Path(json.loads(done.stdout)["Dir"])
    for file in wanted.files:
        (folder / Path(file).name).write_bytes((source / file).read_bytes())
