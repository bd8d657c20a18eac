"""What the documentation names exists: files, modules, make targets, links between pages, routes of the sandbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.pages import PAGES
from docs.writing import ROOT
from ses_operator.cli.handover import handover
from ses_operator.cli.iam_policy import iam_policy
from ses_operator.cli.migrate_storage import migrate_storage
from ses_operator.settings import options
from ses_sandbox.control.app import PREFIX, ROUTES
from ses_sandbox.main import serve

PACKAGE = ROOT / "operator" / "ses_operator"
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")

OPTIONS = {option.flag for option in options()} | {
    flag
    for command in (serve, handover, iam_policy, migrate_storage)
    for option in command.params
    for flag in option.opts
}
# Of ExternalDNS, Helm, Kubernetes, mypy, and every command.
OPTIONS_OF_OTHERS = {
    "--policy",
    "--label-filter",
    "--strict",
    "--recursive",
    "--all-namespaces",
    "--help",
    "--wait",
    "--dry-run",
    "--txt-owner-id",
    "--managed-record-types",
    "--reset-then-reuse-values",
}

_CODE = re.compile(r"`([^`\n]+)`")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"(?:[A-Za-z0-9_.-]+/)+[A-Za-z0-9_.-]*|[a-z_]+\.(?:py|md|toml)")
_TOP_LEVEL = frozenset(path.name for path in ROOT.iterdir())
_LAYERS = frozenset(path.name for path in PACKAGE.iterdir() if path.is_dir())


def pages() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def paths_named(page: Path) -> Iterator[str]:
    """Whatever stands in backquotes and is a path of this repository, or of the operator's package."""
    for text in _CODE.findall(prose(page)):
        known = text.split("/")[0] in _TOP_LEVEL | _LAYERS or text.endswith(".py")
        if known and _PATH.fullmatch(text):
            yield text


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pages()
def test_every_path_that_is_named_exists(page: Path) -> None:
    missing = [path for path in paths_named(page) if not (ROOT / path).exists() and not (PACKAGE / path).exists()]
    assert missing == []


@pages()
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        if not linked.exists() or (anchor and anchor not in anchors(linked)):
            broken.append(target)
    assert broken == []


@pages()
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^\$ |^)make (?:[A-Z_]+=\S+ )*([a-z][a-z-]*)", text, re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= targets


@pages()
def test_every_option_that_is_named_exists(page: Path) -> None:
    named = {text for code in _CODE.findall(prose(page)) for text in re.findall(r"(?:^| )(--[a-z][a-z0-9-]*)", code)}
    assert named <= OPTIONS | OPTIONS_OF_OTHERS


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_is_named_in_the_architecture_or_its_package_is(path: Path) -> None:
    module = path.relative_to(PACKAGE)
    if module.name == "__init__.py":
        return
    package = f"`{module.parts[0]}/`" if len(module.parts) > 1 else f"`{module}`"
    assert package in ARCHITECTURE


def test_every_behaviour_in_the_architecture_says_where_it_is_and_what_tests_it() -> None:
    behaviours = ARCHITECTURE.partition("\n## Behaviours\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| .*\|$", behaviours, re.MULTILINE)
    assert rows
    assert [row for row in rows if re.search(r"\| *\|", row)] == []


@pytest.mark.parametrize("example", sorted((ROOT / "examples").iterdir()), ids=lambda example: example.name)
def test_every_example_is_linked_from_a_page(example: Path) -> None:
    pages = [page for page in PAGES if f"../examples/{example.name})" in page.read_text(encoding="utf-8")]
    assert pages


def test_every_route_of_the_sandbox_is_documented_and_no_other() -> None:
    text = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    documented = set(re.findall(rf"^\| `([A-Z]+) {PREFIX}(\S+)` \|", text, re.MULTILINE))
    assert documented == set(ROUTES)
