"""A hook of MkDocs: the README is the site's first page, and the examples that pages link to are part of it.

In the repository links lead from docs/ to files beside it; on the site everything is below one root.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
EXAMPLES = "examples/index.md"
BESIDE = ("charts/ses-operator/README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "SECURITY.md")

_TO_DOCS = re.compile(r"(?<=\]\()((?:\.\./)*)docs/")
_OUT_OF_DOCS = re.compile(rf"\]\(\.\./((?:\.\./)*(?:examples/|{'|'.join(map(re.escape, BESIDE))}))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the linked files beside docs/."""
    for name, path in {"index.md": ROOT / "README.md", **{name: ROOT / name for name in BESIDE}}.items():
        content = _TO_DOCS.sub(r"\1", path.read_text(encoding="utf-8"))
        files.append(File.generated(config, name, content=content))
    for example in sorted((ROOT / "examples").iterdir()):
        files.append(File.generated(config, f"examples/{example.name}", content=example.read_text(encoding="utf-8")))
    files.append(File.generated(config, EXAMPLES, content="\n".join(_examples())))
    return files


def _examples() -> Iterator[str]:
    """Yield all examples on one page."""
    yield "# Examples\n"
    for example in sorted((ROOT / "examples").iterdir()):
        text, language = example.read_text(encoding="utf-8"), example.suffix.removeprefix(".")
        yield f"## {example.stem}\n\n```{language}\n{text}```\n"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return the page with its links to files beside docs/ as they are on the site."""
    return _OUT_OF_DOCS.sub(r"](\1", markdown).replace("](examples/)", f"]({EXAMPLES})")
