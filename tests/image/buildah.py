"""Images without a daemon: buildah as a person at a terminal would call it, with a store of its own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devcluster.cache import cached_folder

_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_DEBIAN = "bookworm"
"""Debian 12 has Python 3.11, which requirements/ is locked for."""


class BuildahError(RuntimeError):
    """A command failed; the message ends with what it said."""


@dataclass(frozen=True, slots=True)
class Buildah:
    """Calls buildah with a store below `folder`. Needs root, as debootstrap does."""

    folder: Path

    def __call__(self, *arguments: str | Path, timeout: float = 900) -> str:
        """What `buildah ARGUMENTS` prints. Raises BuildahError."""
        return run("buildah", *self._store, *map(str, arguments), timeout=timeout)

    def base(self, name: str) -> None:
        """Makes an image of Debian with Python, and with the certificates that this machine trusts."""
        container = self("from", "scratch").strip()
        self("add", container, python_root(), "/")
        if _CERTIFICATES.exists():
            self("add", container, _CERTIFICATES, str(_CERTIFICATES))
            self("config", f"--env=SSL_CERT_FILE={_CERTIFICATES}", container)
        self("commit", "--rm", container, name)

    def build(self, context: Path, name: str, arguments: Mapping[str, str]) -> None:
        """Builds the Dockerfile of a folder."""
        given = [f"--build-arg={key}={value}" for key, value in arguments.items()]
        self("bud", "--isolation=chroot", "--network=host", "--layers=false", *given, f"--tag={name}", context)

    @contextmanager
    def container(self, image: str) -> Iterator[str]:
        """A container of an image, to run commands in."""
        name = self("from", "--pull=never", image).strip()
        try:
            yield name
        finally:
            self("rm", name)

    def command(self, container: str, *command: str, options: tuple[str, ...] = ()) -> list[str]:
        """The command line that runs something in a container, under the image's own user."""
        isolated = ("--isolation=chroot", "--network=host")
        return ["buildah", *self._store, "run", *isolated, *options, container, "--", *command]

    @property
    def _store(self) -> tuple[str, ...]:
        return f"--root={self.folder / 'storage'}", f"--runroot={self.folder / 'run'}", "--storage-driver=vfs"


def run(program: str, *arguments: str, timeout: float) -> str:
    """What a program prints. Raises BuildahError."""
    found = shutil.which(program)
    if found is None:
        raise BuildahError(f"{program} is missing: install Debian's packages buildah and debootstrap")
    done = subprocess.run([found, *arguments], capture_output=True, text=True, check=False, timeout=timeout)
    if done.returncode:
        raise BuildahError(f"{program} {' '.join(arguments)} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


def python_root() -> Path:
    """The root file system of Debian with Python, packed; made once."""
    return cached_folder(f"python-{_DEBIAN}", _bootstrap) / "root.tar"


def _bootstrap(folder: Path) -> None:
    root = folder / "root"
    packages = "--include=python3,python3-venv,ca-certificates"
    run("debootstrap", "--variant=minbase", packages, _DEBIAN, str(root), timeout=600)
    run("tar", "--create", f"--file={folder / 'root.tar'}", "--exclude=./dev/*", "--exclude=./var/cache/apt/archives/*.deb",
        f"--directory={root}", ".", timeout=120)  # fmt: skip
    shutil.rmtree(root)
