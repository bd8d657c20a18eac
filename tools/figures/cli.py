"""Prints the table, and below it what each figure counts."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import getdoc
from subprocess import CalledProcessError

from figures import structure, tree
from figures.structure import Value
from figures.tree import Subject

Figure = Callable[[Subject], Value]
Column = Mapping[str, Value]

FIGURES: dict[str, Figure] = {
    "setting more: files edited by hand": structure.setting_more,
    'files in operator/ that match "forwarding"': structure.forwarding,
    "stations from event to status patch: path": structure.stations_path,
    "stations from event to status patch: touched": structure.stations_touched,
    "largest number of modules in one folder of operator/": structure.largest_of_operator,
    "largest number of modules in one folder of sandbox/": structure.largest_of_sandbox,
    "modules of controllers/ that no test imports": structure.controllers_not_imported,
    "modules of controllers/ not reached from tests/controllers/": structure.controllers_not_reached,
    "public class names defined twice or more in operator/": structure.classes_defined_twice,
    "comparisons of prose": structure.prose,
    "lines with somebody, nobody, anew": structure.words,
    "lines of a module in operator/: median / p90 / max": structure.module_sizes,
    "lines of source": structure.source_lines,
    "lines of tests": structure.test_lines,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures of the working tree, of a base commit too if given."""
    options = _parser().parse_args(arguments)
    try:
        subjects = list(_subjects(options.base, options.setting))
    except CalledProcessError as error:  # git has said why
        raise SystemExit(error.returncode) from None
    columns = {subject.name: measured(subject) for subject in subjects}
    print("\n".join((*table(columns), "", *(details(columns) if options.verbose else definitions()))))


def measured(subject: Subject) -> Column:
    """Return all figures of a tree."""
    return {name: figure(subject) for name, figure in FIGURES.items()}


def table(columns: Mapping[str, Column]) -> Iterator[str]:
    """Yield the lines of the table, in Markdown."""
    rows = [("Figure", *columns)]
    rows += [(name, *(column[name].text for column in columns.values())) for name in FIGURES]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, tuple("-" * width for width in widths))
    for row in rows:
        yield f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"


def details(columns: Mapping[str, Column]) -> Iterator[str]:
    """Yield what was counted."""
    for heading, column in columns.items():
        for name, value in column.items():
            yield f"{heading}: {name}"
            yield from (f"    {detail}" for detail in value.details)


def definitions() -> Iterator[str]:
    """Yield what each figure counts."""
    for name, figure in FIGURES.items():
        yield f"{name}\n    {' '.join((getdoc(figure) or '').split())}"


def _subjects(base: str | None, setting: str | None) -> Iterator[Subject]:
    if base:
        yield Subject(base, tree.commit(base))
    yield Subject("working tree", tree.working_tree(), tree.change(setting) if setting else None, tree.stations())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m figures",
        description=main.__doc__,
        epilog="What each figure counts:\n\n" + "\n".join(definitions()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--base", metavar="REV", help="a commit to compare the working tree with")
    parser.add_argument("--setting", metavar="A..B", help="the git range that adds a setting")
    parser.add_argument("--verbose", action="store_true", help="print what was counted instead of the definitions")
    return parser
