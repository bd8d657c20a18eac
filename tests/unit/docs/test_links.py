"""What the documentation names exists: files, modules, make targets, links between pages, routes of the sandbox."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from docs.pages import PAGES
from docs.repository import exists, files, tracked
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
    "--take-ownership",
    "--set",
    "--server-side",
}

_CODE = re.compile(r"`([^`\n]+)`")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"(?:[A-Za-z0-9_.-]+/)+[A-Za-z0-9_.-]*|[a-z_]+\.(?:py|md|toml)")
_TOP_LEVEL = frozenset(path.relative_to(ROOT).parts[0] for path in tracked())
_LAYERS = frozenset(path.relative_to(PACKAGE).parts[0] for path in files(PACKAGE))


def found_in(page: Path, names: Iterable[str]) -> list[str]:
    """The names with the page that they stand in, as a list of offenders shows them."""
    return [f"{page.relative_to(ROOT)}: {name}" for name in sorted(set(names))]


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


def broken_links(page: Path) -> Iterator[str]:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        if not exists(linked) or (anchor and anchor not in anchors(linked)):
            yield target


def make_targets(page: Path) -> set[str]:
    named = re.compile(r"(?:`|^\$ |^)make (?:[A-Z_]+=\S+ )*([a-z][a-z-]*)", re.MULTILINE)
    return set(named.findall(page.read_text(encoding="utf-8")))


def options_named(page: Path) -> set[str]:
    return {text for code in _CODE.findall(prose(page)) for text in re.findall(r"(?:^| )(--[a-z][a-z0-9-]*)", code)}


def test_every_path_that_is_named_exists() -> None:
    assert [
        named
        for page in PAGES
        for named in found_in(
            page, (path for path in paths_named(page) if not exists(ROOT / path) and not exists(PACKAGE / path))
        )
    ] == []


def test_every_link_leads_somewhere() -> None:
    assert [named for page in PAGES for named in found_in(page, broken_links(page))] == []


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert [named for page in PAGES for named in found_in(page, make_targets(page) - targets)] == []


def test_every_option_that_is_named_exists() -> None:
    known = OPTIONS | OPTIONS_OF_OTHERS
    assert [named for page in PAGES for named in found_in(page, options_named(page) - known)] == []


def test_every_module_is_named_in_the_architecture_or_its_package_is() -> None:
    modules = [path.relative_to(PACKAGE) for path in files(PACKAGE, ".py") if path.name != "__init__.py"]
    names = {f"{module.parts[0]}/" if len(module.parts) > 1 else str(module) for module in modules}
    assert names
    assert [name for name in sorted(names) if f"`{name}`" not in ARCHITECTURE] == []


def test_every_behaviour_in_the_architecture_says_where_it_is_and_what_tests_it() -> None:
    behaviours = ARCHITECTURE.partition("\n## Behaviours\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| .*\|$", behaviours, re.MULTILINE)
    assert rows
    assert [row for row in rows if re.search(r"\| *\|", row)] == []


def test_every_example_is_linked_from_a_page() -> None:
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    examples = [path.name for path in files(ROOT / "examples")]
    assert [name for name in examples if not any(f"../examples/{name})" in text for text in texts)] == []


def test_every_route_of_the_sandbox_is_documented_and_no_other() -> None:
    text = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    documented = set(re.findall(rf"^\| `([A-Z]+) {PREFIX}(\S+)` \|", text, re.MULTILINE))
    assert documented == set(ROUTES)
