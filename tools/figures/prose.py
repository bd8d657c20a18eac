"""Finds where sentences for people are compared or cut up.

Whatever is compared needs a stable key: a release that rewords the sentence must not change what the operator does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from figures.tree import Tree

PROSE = frozenset({"message", "sentence", "setting", "done", "words"})
"""Attributes that hold a sentence. `done`: of a repair, which is `str(step)`; `setting`: the same, before it had a key."""

OTHERS_PROSE = ("operator/ses_operator/aws/",)
"""Folders where messages are AWS's own, and some AWS errors have no code."""

_READING = frozenset(
    {
        *("startswith", "endswith", "removeprefix", "removesuffix", "replace", "find", "rfind", "index", "count"),
        *("partition", "rpartition", "split", "rsplit", "splitlines"),
        *("match", "fullmatch", "search", "findall", "finditer", "sub", "subn"),
    }
)
_CHANGING = frozenset({"lower", "upper", "casefold", "strip", "lstrip", "rstrip"})


@dataclass(frozen=True, slots=True)
class Finding:
    """A line on which prose is compared, from 1, and the expression."""

    line: int
    text: str


def prose_comparisons(source: str) -> list[Finding]:
    """Return where a module compares or cuts up prose, in the order of its lines.

    Prose is an attribute named in PROSE or a call of it, `str(…)` of a step (a name or attribute `step` or `…_step`), and either
    in lower case or stripped. It must not be

    - a side of `==`, `!=`, `in` or `not in`, unless the other side is `""`: whether there is a message may be asked;
    - what a method of str that compares or cuts is called on (`startswith`, `removeprefix`, `split`, `replace`, …), or an
      argument of it or of a function or method of `re`.

    Not found, because it may well be meant: values that are compared as a whole, tuples of members among them, and sentences as
    the keys under which equal ones are grouped. Variables are not followed.
    """
    expressions = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.expr))
    found = (node for node in expressions if _compares(node) or _reads(node))
    return sorted((Finding(node.lineno, ast.unparse(node)) for node in found), key=lambda finding: finding.line)


def prose_findings(tree: Tree) -> Iterator[tuple[str, Finding]]:
    """Yield path and finding for all modules of the operator but those that read messages of others."""
    for path, source in tree.python("operator").items():
        if not path.startswith(OTHERS_PROSE):
            yield from ((path, finding) for finding in prose_comparisons(source))


def _compares(node: ast.expr) -> bool:
    if not isinstance(node, ast.Compare):
        return False
    sides = (node.left, *node.comparators)
    return any(
        isinstance(operator, ast.Eq | ast.NotEq | ast.In | ast.NotIn)
        and (_is_prose(left) or _is_prose(right))
        and not (_is_empty(left) or _is_empty(right))
        for left, operator, right in zip(sides, node.ops, sides[1:], strict=False)
    )


def _reads(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in _READING:
        return False
    return any(map(_is_prose, (node.func.value, *node.args)))


def _is_prose(node: ast.expr) -> bool:
    match node:
        case ast.Attribute(attr=name) | ast.Call(func=ast.Attribute(attr=name)) if name in PROSE:
            return True
        case ast.Call(func=ast.Attribute(value=inner, attr=name)) if name in _CHANGING:
            return _is_prose(inner)
        case ast.Call(func=ast.Name(id="str"), args=[ast.Name(id=name) | ast.Attribute(attr=name)]):
            return name == "step" or name.endswith("_step")
        case _:
            return False


def _is_empty(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in ("", None)
