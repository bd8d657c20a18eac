"""Shows figures to people, and writes them for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench.figures import Figure


def show(title: str, found: Iterable[Figure]) -> None:
    """Print the table, on standard output."""
    table = Table("figure", "measured", "target", "", title=title)
    for figure in found:
        mark = {True: "met", False: "MISSED", None: ""}[figure.met]
        table.add_row(figure.name, figure.value, figure.target, mark)
    Console(width=120).print(table)


def write(path: Path, size: Mapping[str, object], found: Iterable[Figure]) -> None:
    """Write the same as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    report = {"size": size, "figures": [asdict(figure) for figure in found]}
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    click.echo(f"written to {path}", err=True)
