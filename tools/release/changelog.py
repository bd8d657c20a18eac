"""CHANGELOG.md as data: Artifact Hub shows with the chart what people read there.

Source: Keep a Changelog 1.1.0; Artifact Hub, "Helm annotations reference", artifacthub.io/changes.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"
UNRELEASED = "Unreleased"
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
"""The sections that Keep a Changelog has. Artifact Hub's kinds are the same words."""

_RELEASE = re.compile(r"^## \[?([^\]\s]+)\]?(?: - (\d{4}-\d{2}-\d{2}))?$")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a release. ``kind`` is one of KINDS."""

    kind: str
    description: str


@dataclass(frozen=True, slots=True)
class Release:
    """One release; without a date it is not out yet."""

    version: str
    date: dt.date | None
    changes: tuple[Change, ...]


class ChangelogError(ValueError):
    """The file is not in the format of Keep a Changelog; the message names the line."""


def releases(text: str) -> tuple[Release, ...]:
    """Return all releases, in the order of the file. Raises ChangelogError."""
    blocks = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
    return tuple(_release(*block.partition("\n")[::2]) for block in blocks)


def changes_of(version: str, text: str) -> tuple[Change, ...]:
    """Return the changes of a version; the unreleased ones while that has no release of its own yet."""
    found = {release.version: release.changes for release in releases(text)}
    return found.get(version, found.get(UNRELEASED, ()))


def _release(heading: str, body: str) -> Release:
    match = _RELEASE.match(heading)
    if match is None:
        raise ChangelogError(f"{heading!r}: write `## [1.2.3] - 2030-01-02`, or `## [{UNRELEASED}]`")
    version, date = match.groups()
    if (date is None) is not (version == UNRELEASED):
        raise ChangelogError(f"{heading!r}: a release has a date, and what is unreleased has none")
    return Release(version, dt.date.fromisoformat(date) if date else None, tuple(_changes(body)))


def _changes(body: str) -> Iterator[Change]:
    for block in re.split(r"^(?=### )", body, flags=re.MULTILINE)[1:]:
        kind, _, lines = block.removeprefix("### ").partition("\n")
        if kind not in KINDS:
            raise ChangelogError(f"{kind!r}: sections are called {', '.join(KINDS)}")
        for entry in re.split(r"^- ", lines, flags=re.MULTILINE)[1:]:
            yield Change(kind, _LINK.sub(r"\1", " ".join(entry.split())))
