"""The folder that keeps what was built or downloaded once, shared by every clone on the machine."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_root() -> Path:
    """Return `$XDG_CACHE_HOME/ses-operator`, by default `~/.cache/ses-operator` (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "ses-operator"


def cached_folder(name: str, produce: Callable[[Path], None]) -> Path:
    """Return the folder `name` of the cache, made by `produce` if it does not exist yet.

    `produce` fills an empty folder, which takes its final name only when it is complete: neither an interrupted run
    nor a second process (it waits for the first) ever sees half of it.
    """
    folder = cache_root() / name
    if folder.is_dir():
        return folder
    with _locked(folder.with_name(f".{name}.lock")):
        if not folder.is_dir():
            _produce(folder, produce)
    return folder


def _produce(folder: Path, produce: Callable[[Path], None]) -> None:
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        produce(unfinished)
        unfinished.chmod(0o755)
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
