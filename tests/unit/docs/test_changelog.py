"""The changelog is in its format, and what it says goes with the chart."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from docs.pages import PAGES
from release.changelog import CHANGELOG, UNRELEASED, Change, ChangelogError, changes_of, releases

ROOT = Path(__file__).parents[3]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
TEXT = """# Changelog

## [Unreleased]

### Added

- Of two
  lines, with a [link](docs/upgrades.md).

## [1.2.0] - 2030-01-02

### Fixed

- One thing.
- Another.
"""


def test_it_is_read_release_by_release_and_line_by_line() -> None:
    unreleased, last = releases(TEXT)
    assert (unreleased.version, unreleased.date) == (UNRELEASED, None)
    assert unreleased.changes == (Change("Added", "Of two lines, with a link."),)
    assert (last.version, str(last.date)) == ("1.2.0", "2030-01-02")
    assert last.changes == (Change("Fixed", "One thing."), Change("Fixed", "Another."))


def test_a_version_that_is_not_out_yet_has_what_is_unreleased() -> None:
    assert [change.kind for change in changes_of("1.3.0", TEXT)] == ["Added"]
    assert [change.kind for change in changes_of("1.2.0", TEXT)] == ["Fixed", "Fixed"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("## 1.2.0 of spring\n", r"write `## \[1\.2\.3\] - 2030-01-02`"),
        ("## [1.2.0]\n", "a release has a date"),
        ("## [Unreleased] - 2030-01-02\n", "what is unreleased has none"),
        ("## [Unreleased]\n\n### News\n\n- One.\n", "sections are called Added, Changed"),
    ],
    ids=["no version", "no date", "a date too early", "a section of its own"],
)
def test_what_is_not_in_the_format_is_refused_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(ChangelogError, match=said):
        releases(text)


def test_the_changelog_is_in_its_format_newest_first_and_says_what_is_new_in_this_version() -> None:
    found = releases(CHANGELOG.read_text(encoding="utf-8"))
    out = [release for release in found if release.version != UNRELEASED]
    assert found[0].version == UNRELEASED
    numbers = [tuple(int(number) for number in release.version.split(".")) for release in out]
    assert numbers == sorted(numbers, reverse=True)
    assert changes_of(VERSION, CHANGELOG.read_text(encoding="utf-8"))
    assert not [number for number in numbers if number > tuple(int(part) for part in VERSION.split("."))]


def test_images_and_packages_that_the_documentation_names_are_of_this_version() -> None:
    named = {
        (page.name, version)
        for page in PAGES
        if page != CHANGELOG
        for version in re.findall(r"ses-operator[:-](\d+\.\d+\.\d+)", page.read_text(encoding="utf-8"))
    }
    assert {version for _, version in named} == {VERSION}, named


def test_the_sandbox_is_of_this_version() -> None:
    sandbox = tomllib.loads((ROOT / "sandbox" / "pyproject.toml").read_text(encoding="utf-8"))
    assert sandbox["project"]["version"] == VERSION
