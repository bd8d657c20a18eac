"""Makes .venv as requirements/dev.txt says, on a machine that has only Python 3.11 or newer.

Run by `make setup`. uv comes from the Python package index, by hash; a machine whose Python lacks ensurepip (Debian
without python3-venv) or pip is served as long as it has the other, or a uv of its own.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
UV_REQUIREMENT = ROOT / "requirements" / "uv.txt"
DEV_REQUIREMENTS = ROOT / "requirements" / "dev.txt"
_PRIVATE = ROOT / ".cache" / "uv"
_OLDEST = (3, 11)


def main() -> int:
    """Set .venv up; return the exit status."""
    if sys.version_info < _OLDEST:
        return _refuse(f"Python {'.'.join(map(str, _OLDEST))} or newer is needed, this is {sys.version.split()[0]}: "
                       "run make with PYTHON=<the command of a newer one>")  # fmt: skip
    uv = find_uv()
    if uv is None:
        return _refuse("Python has neither pip nor ensurepip, and there is no uv: "
                       "install one of them (on Debian and Ubuntu: apt-get install python3-venv)")  # fmt: skip
    try:
        set_up(uv)
    except subprocess.CalledProcessError as error:
        return _refuse(f"this failed: {' '.join(map(str, error.cmd))}")
    return 0


def set_up(uv: Path) -> None:
    """Create the environment if there is none that works, and install what the lock says."""
    python = VENV / "bin" / "python"
    if not _works(python):
        _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, VENV)
    install: list[str | Path] = [uv, "pip", "install", "--quiet", "--python", python]
    # Compiled now, by all cores, and not by each of the processes that start at the same time.
    _run(*install, "--compile-bytecode", "--require-hashes", "-r", DEV_REQUIREMENTS, "-r", UV_REQUIREMENT)
    _run(*install, "--no-deps", "--no-build-isolation", "-e", ROOT, "-e", ROOT / "sandbox")


def find_uv() -> Path | None:
    """Return the uv of an earlier run, else one installed by whatever can install it, else the machine's own."""
    for command in (VENV / "bin" / "uv", _PRIVATE / "bin" / "uv"):
        if _works(command):
            return command
    for install in (_install_by_venv, _install_by_pip):
        shutil.rmtree(_PRIVATE, ignore_errors=True)
        if _succeeds(install):
            return _PRIVATE / "bin" / "uv"
    own = shutil.which("uv")
    return Path(own) if own else None


def _install_by_venv() -> Iterator[list[str | Path]]:
    yield [sys.executable, "-m", "venv", _PRIVATE]
    yield [_PRIVATE / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", UV_REQUIREMENT]


def _install_by_pip() -> Iterator[list[str | Path]]:
    # --target: a Python that its distribution manages refuses to be installed into, and need not be.
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes"]
    yield [*pip, "--target", _PRIVATE, "-r", UV_REQUIREMENT]


def _succeeds(commands: Callable[[], Iterator[list[str | Path]]]) -> bool:
    return all(subprocess.run(command, capture_output=True, check=False).returncode == 0 for command in commands())


def _works(command: Path) -> bool:
    """Return True if it starts and, if it is a Python, is new enough."""
    version = ["-c", f"import sys; sys.exit(sys.version_info < {_OLDEST})"]
    arguments = version if command.name == "python" else ["--version"]
    return command.exists() and subprocess.run([command, *arguments], capture_output=True, check=False).returncode == 0


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True)


def _refuse(message: str) -> int:
    print(f"setup: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
