"""The figures. The docstring of each is its definition, and printed below the table."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import PurePosixPath

from figures.generated import edited_by_hand
from figures.imports import Import, Modules, imports, module_name
from figures.prose import prose_findings
from figures.tree import Subject, Tree

CONTROLLERS = "operator/ses_operator/controllers"
_WORDS = re.compile(r"\b(somebody|nobody|anew)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Value:
    """One cell. ``details``: what was counted, for `--verbose`."""

    text: str
    details: tuple[str, ...] = ()


NONE = Value("-")


def counted(found: Iterable[str]) -> Value:
    """Return a cell with the number of these, and them as its details."""
    details = tuple(found)
    return Value(str(len(details)), details)


def setting_more(subject: Subject) -> Value:
    """Files that differ in the range SETTING and are not generated, nor differ in a generated part alone.

    A moved file counts once.
    """
    return counted(edited_by_hand(subject.change)) if subject.change else NONE


def forwarding(subject: Subject) -> Value:
    """.py files below operator/ whose text contains "forwarding", in upper or lower case."""
    return counted(path for path, text in subject.tree.python("operator").items() if "forwarding" in text.lower())


def stations_path(subject: Subject) -> Value:
    """Modules on the call stack when the key is enqueued or the status patch is written.

    Outside core/ and api/, in the one reconcile recorded in build/stations.json.
    """
    return _stations(subject.stations.path) if subject.stations else NONE


def stations_touched(subject: Subject) -> Value:
    """Modules outside core/ and api/ with any call during the one reconcile recorded in build/stations.json."""
    return _stations(subject.stations.touched) if subject.stations else NONE


def _stations(modules: Iterable[str]) -> Value:
    pure = ("ses_operator.core.", "ses_operator.api.")
    return counted(sorted({module for module in modules if not module.startswith(pure)}))


def largest_of_operator(subject: Subject) -> Value:
    """Modules (.py files but __init__.py) directly in the fullest folder below operator/, and that folder."""
    return _largest(subject.tree, "operator")


def largest_of_sandbox(subject: Subject) -> Value:
    """Modules (.py files but __init__.py) directly in the fullest folder below sandbox/, and that folder."""
    return _largest(subject.tree, "sandbox")


def _largest(tree: Tree, top: str) -> Value:
    sizes = Counter(str(PurePosixPath(path).parent) for path in tree.modules(top))
    ordered = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    details = tuple(f"{number} {folder}" for folder, number in ordered)
    return Value(f"{ordered[0][1]} ({PurePosixPath(ordered[0][0]).name}/)", details) if ordered else NONE


def controllers_not_imported(subject: Subject) -> Value:
    """Modules below controllers/ that no file below tests/ imports directly, in any form.

    A name that a package re-exports counts as its module.
    """
    named = Modules.of(subject.tree).named(_imports(subject.tree.python("tests")))
    return _without(subject.tree, named)


def controllers_not_reached(subject: Subject) -> Value:
    """Modules below controllers/ that are not loaded by the files below tests/controllers/.

    Neither by what they import, nor by what that imports within the operator in turn.
    """
    tests = subject.tree.python("tests/controllers")
    return _without(subject.tree, Modules.of(subject.tree).reached(_imports(tests))) if tests else NONE


def _imports(texts: Mapping[str, str]) -> list[Import]:
    return [each for text in texts.values() for each in imports(text)]


def _without(tree: Tree, tested: set[str]) -> Value:
    names = map(module_name, tree.modules(CONTROLLERS))
    return counted(name.removeprefix("ses_operator.controllers.") for name in names if name not in tested)


def classes_defined_twice(subject: Subject) -> Value:
    """Distinct names of classes that two or more files below operator/ define.

    At the top level, without a leading underscore.
    """
    places: dict[str, set[str]] = defaultdict(set)
    for path, text in subject.tree.python("operator").items():
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].add(module_name(path).removeprefix("ses_operator."))
    return counted(f"{name}: {', '.join(sorted(found))}" for name, found in sorted(places.items()) if len(found) > 1)


def prose(subject: Subject) -> Value:
    """Places below operator/ but aws/ where a sentence for people is compared or cut up.

    The rule is in figures.prose.prose_comparisons.
    """
    return counted(f"{path}:{finding.line}: {finding.text}" for path, finding in prose_findings(subject.tree))


def words(subject: Subject) -> Value:
    """Lines of text files in operator/, docs/, charts/ and of README.md with one of these three as a whole word.

    In upper or lower case.
    """
    places = ("operator/", "docs/", "charts/")
    texts = ((p, text) for p, text in sorted(subject.tree.files.items()) if p.startswith(places) or p == "README.md")
    return counted(
        f"{path}:{number}: {line.strip()}"
        for path, text in texts
        for number, line in enumerate(text.split("\n"), start=1)
        if _WORDS.search(line)
    )


def module_sizes(subject: Subject) -> Value:
    """Lines of the modules (.py files but __init__.py) below operator/: the median, what 90 in 100 do not exceed, the most."""
    sizes = sorted((lines(text), path) for path, text in subject.tree.modules("operator").items())
    if not sizes:
        return NONE
    median, most = (sizes[ceil(len(sizes) * share) - 1][0] for share in (0.5, 0.9))
    return Value(f"{median} / {most} / {sizes[-1][0]}", tuple(f"{size} {path}" for size, path in sizes[:-11:-1]))


def source_lines(subject: Subject) -> Value:
    """Lines of all .py files below operator/ and sandbox/, empty ones and comments too."""
    return _lines(subject.tree, "operator", "sandbox")


def test_lines(subject: Subject) -> Value:
    """Lines of all .py files below tests/, empty ones and comments too."""
    return _lines(subject.tree, "tests")


def _lines(tree: Tree, *folders: str) -> Value:
    sizes = {folder: sum(map(lines, tree.python(folder).values())) for folder in folders}
    return Value(str(sum(sizes.values())), tuple(f"{size} {folder}/" for folder, size in sizes.items()))


def lines(text: str) -> int:
    """Return the number of lines, as `wc -l` counts them."""
    return text.count("\n")
