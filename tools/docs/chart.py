"""`python -m docs.chart`: writes the table of values in the chart's README from values.yaml. Run by `make docs`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "charts" / "ses-operator"
PAGE = CHART / "README.md"
MARK = "<!-- Written by `make docs` from values.yaml. Change what stands there. -->\n"
_COMMENT = "# -- "


@dataclass(frozen=True, slots=True)
class Value:
    """One value of the chart: its path, its default, and what its comment says."""

    path: str
    default: Any
    description: str


def values() -> tuple[Value, ...]:
    """Return the values that have a comment of their own, in the order of the file."""
    text = (CHART / "values.yaml").read_text(encoding="utf-8")
    return tuple(_values(yaml.compose(text), yaml.safe_load(text), text.splitlines(), ""))


def page() -> str:
    """Return the README: what people wrote, then the table."""
    written, mark, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    return written + mark + "\n" + "\n".join(_table()) + "\n"


def _values(node: yaml.Node | None, loaded: dict[str, Any], lines: list[str], prefix: str) -> Iterator[Value]:
    for key, inner in node.value if isinstance(node, yaml.MappingNode) else ():
        path, default = f"{prefix}{key.value}", loaded[key.value]
        description = _comment_above(lines, key.start_mark.line)
        if description is not None:
            yield Value(path, default, description)
        elif isinstance(default, dict):
            yield from _values(inner, default, lines, f"{path}.")


def _comment_above(lines: list[str], line: int) -> str | None:
    """Return the comment that ends above this line and begins with `# -- `; None if there is no such."""
    said: list[str] = []
    for above in reversed(lines[:line]):
        text = above.strip()
        if text.startswith(_COMMENT):
            return " ".join([text.removeprefix(_COMMENT), *reversed(said)])
        if not text.startswith("# "):
            return None
        said.append(text.removeprefix("# "))
    return None


def _table() -> Iterator[str]:
    yield "| Value | Default | What it is |"
    yield "| --- | --- | --- |"
    for value in values():
        yield f"| `{value.path}` | `{json.dumps(value.default)}` | {value.description.replace('|', '&#124;')} |"


def main() -> None:
    """Write the table."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
