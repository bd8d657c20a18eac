"""Writes what was generated to its place."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]


def write(path: Path, text: str) -> None:
    """Write the text, unless the file has it already."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        print(f"written: {path.relative_to(ROOT)}")
