"""Builds one Go program from a module in this folder whose go.sum pins every line of source, and keeps it."""

import hashlib
import os
import re
import subprocess
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from devcluster.cache import cache_root, cached_folder
from devcluster.progress import Progress
from devcluster.toolchain import TOOLS, go


class BuildError(RuntimeError):
    """The Go toolchain refused; the message ends with what it said."""


@dataclass(frozen=True, slots=True)
class GoProgram:
    """A Go module in this folder and the program that comes out of it.

    `package` is what `go build` builds, `pinned` the module in go.mod whose version the program reports through the
    variable `version_symbol`. `links` are further names it is called by, `files` are kept beside it, as paths in
    the pinned module. `folder` is that of the Go module where several programs share one; by default that of the name.
    """

    name: str
    package: str
    pinned: str
    version_symbol: str = ""
    links: tuple[str, ...] = ()
    files: tuple[str, ...] = field(default=())
    tags: tuple[str, ...] = ()
    folder: str = field(default="", repr=False)  # its contents decide where the program is kept, and not its name

    @property
    def module(self) -> Path:
        """The folder of go.mod."""
        return TOOLS / (self.folder or self.name)

    @property
    def version(self) -> str:
        """The pinned version, as `v1.2.3`."""
        found = re.search(rf"^(?:require|\s)\s*{re.escape(self.pinned)} (v\S+)", self._go_mod, re.MULTILINE)
        if found is None:
            raise BuildError(f"{self.module.name}/go.mod does not require {self.pinned}")
        return found[1]

    @property
    def folder_name(self) -> str:
        """Its folder in the cache: changes with anything that it is built from."""
        digest = hashlib.sha256(repr(self).encode())
        for source in sorted((self.module / "go.mod", self.module / "go.sum", *self.module.glob("*.go"))):
            digest.update(source.read_bytes())
        return f"{self.name}-{digest.hexdigest()[:16]}"

    @property
    def _go_mod(self) -> str:
        return (self.module / "go.mod").read_text()


def built(program: GoProgram) -> Path | None:
    """Return the folder of the program if it was built before."""
    folder = cache_root() / program.folder_name
    return folder if folder.is_dir() else None


def build(program: GoProgram) -> Path:
    """Return the folder that holds the program, its links and its files; built if it was not."""
    return cached_folder(program.folder_name, lambda folder: _build(program, folder))


def _build(program: GoProgram, folder: Path) -> None:
    flags = ["-trimpath", "-buildvcs=false", "-ldflags", _linker_flags(program), f"-tags={','.join(program.tags)}"]
    with Progress(
        f"Building {program.name} {program.version} from source, once; this can take some minutes"
    ) as progress:
        _compile(
            [str(go()), "build", "-v", *flags, "-o", str(folder / program.name), program.package], program, progress
        )
    for link in program.links:
        (folder / link).symlink_to(program.name)
    for file in program.files:
        (folder / Path(file).name).write_bytes((_source(program) / file).read_bytes())


def _linker_flags(program: GoProgram) -> str:
    version = f" -X {program.version_symbol}={program.version}" if program.version_symbol else ""
    return f"-s -w{version}"


def _compile(command: list[str], program: GoProgram, progress: Progress) -> None:
    """Run `go build -v`, which names on stderr each module as it is downloaded and each package as it is compiled."""
    with subprocess.Popen(
        command, cwd=program.module, env=go_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        said: deque[str] = deque(maxlen=20)
        for count, line in enumerate(process.stderr or ()):
            said.append(line)
            progress.detail(f"{program.name}: {count} packages, now {line.strip()}")
    if process.returncode:
        raise BuildError(f"building {program.name} failed:\n{''.join(said)}")


def _source(program: GoProgram) -> Path:
    """Return the pinned module's source in Go's own cache."""
    listed = subprocess.run(
        [go(), "list", "-m", "-f", "{{.Dir}}", program.pinned],
        cwd=program.module, env=go_environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return Path(listed.stdout.strip())


def go_environment() -> dict[str, str]:
    """Return the environment of Go: no C compiler is needed, no other toolchain is looked for, and go.mod stays as it is."""
    return {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
