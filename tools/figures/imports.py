"""Which modules of the operator a set of files imports, by syntax."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from figures.tree import Tree

PACKAGE = "ses_operator"


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name. ``name``: what is taken from the module, None for `import module`; ``known_as``: its name here."""

    module: str
    name: str | None = None
    known_as: str | None = None


@dataclass(frozen=True, slots=True)
class Modules:
    """The modules of the operator, packages among them: dotted name → what it imports."""

    imports: Mapping[str, tuple[Import, ...]]
    packages: frozenset[str]

    @classmethod
    def of(cls, tree: Tree) -> Modules:
        """Return the modules of a tree."""
        texts = tree.python(f"operator/{PACKAGE}")
        packages = frozenset(module_name(path) for path in texts if path.endswith("/__init__.py"))
        names = ((module_name(path), text) for path, text in texts.items())
        return cls({name: imports(text, _package(name, name in packages)) for name, text in names}, packages)

    def named(self, taken: Iterable[Import]) -> set[str]:
        """Return the modules that are imported directly; for a name that a package re-exports, the module that it is from."""
        return {module for each in taken for module in self._origins(each, frozenset())}

    def reached(self, taken: Iterable[Import]) -> set[str]:
        """Return all modules that are loaded: the imported ones, their packages, and what these import in turn."""
        reached: set[str] = set()
        waiting = list(taken)
        while waiting:
            each = waiting.pop()
            for module in _with_packages(f"{each.module}.{each.name}" if each.name else each.module):
                if module in self.imports and module not in reached:
                    reached.add(module)
                    waiting.extend(self.imports[module])
        return reached

    def _origins(self, taken: Import, seen: frozenset[Import]) -> Iterator[str]:
        inner = f"{taken.module}.{taken.name}"
        if taken.module not in self.imports or taken in seen:
            return
        if inner in self.imports:
            yield inner
            return
        passed_on = [
            each
            for each in self.imports[taken.module]
            if taken.module in self.packages and taken.name is not None and taken.name in (each.known_as, "*")
        ]
        if not passed_on or taken.name == "*":
            yield taken.module
        for each in passed_on:
            yield from self._origins(each, seen | {taken})


def module_name(path: str) -> str:
    """Return the dotted name of a file below operator/, sandbox/ or the like."""
    return path.removesuffix(".py").removesuffix("/__init__").split("/", 1)[1].replace("/", ".")


def imports(source: str, package: str = "") -> tuple[Import, ...]:
    """Return what a file imports, anywhere in it. ``package``: that of the file, for relative imports."""
    return tuple(found for node in ast.walk(ast.parse(source)) for found in _imports(node, package))


def _imports(node: ast.AST, package: str) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from (Import(alias.name, None, alias.asname) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        parts = package.split(".")
        above = parts[: len(parts) - node.level + 1] if node.level else []
        module = ".".join((*above, *((node.module,) if node.module else ())))
        yield from (Import(module, alias.name, alias.asname or alias.name) for alias in node.names)


def _package(name: str, is_package: bool) -> str:
    return name if is_package else name.rpartition(".")[0]


def _with_packages(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[:length]) for length in range(1, len(parts) + 1))
