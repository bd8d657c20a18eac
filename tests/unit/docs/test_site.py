"""The documentation's site is made without a warning: every page is in its navigation, every link leads somewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_site_is_made_and_no_link_is_broken(tmp_path: Path) -> None:
    command: list[str | Path] = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    assert {"index.html", "reference", "troubleshooting"} <= {path.name for path in (tmp_path / "site").iterdir()}
