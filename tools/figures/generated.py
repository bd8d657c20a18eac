"""The generated files, by `make crds docs gitops lock pictures`: the changes of a new setting there are no work."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase

from figures.tree import Change

GENERATED = (
    "crds/*",
    "charts/ses-operator/files/crds/*",
    "charts/ses-operator/files/admission.yaml",
    "charts/ses-operator/files/dashboard.json",
    "docs/metrics.md",
    "docs/reasons.md",
    "docs/reference*.md",
    "docs/images/*",
    "gitops/argocd/argocd-cm.yaml",
    "gitops/argocd/*/health_test.yaml",
    "gitops/argocd/*/action_test.yaml",
    "gitops/argocd/*/testdata/*",
    "requirements/*.txt",
)
"""Files that are written as a whole. `*` matches slashes too."""

_ROW = re.compile(r"^\| `ses:[^`]+` \| [^|]+ \|\n", re.MULTILINE)
_CELL = re.compile(r"^(\| `[^`]+` \|(?: [^|]+ \|)?) [^|]+ \|$", re.MULTILINE)
_POLICY = re.compile(r"^```json\n.*?^```\n", re.MULTILINE | re.DOTALL)
_FINDINGS = re.compile(r"(?<=findings\.py -->\n).*?(?=<!-- end of findings -->)", re.DOTALL)
_VALUES = re.compile(r"(?<=<!-- Written by `make docs` from values\.yaml).*", re.DOTALL)

PARTS: Mapping[str, Callable[[str], str]] = {
    "charts/ses-operator/README.md": lambda text: _VALUES.sub("", text),
    "docs/audit.md": lambda text: _FINDINGS.sub("", text),
    "docs/permissions.md": lambda text: _CELL.sub(r"\1", _ROW.sub("", _POLICY.sub("", text, count=1))),
}
"""Files with a generated part → the text without it, as the modules of tools/docs find that part."""


def is_generated(path: str) -> bool:
    """Return whether a file is written as a whole."""
    return any(fnmatchcase(path, glob) for glob in GENERATED)


def edited_by_hand(change: Change) -> tuple[str, ...]:
    """Return the files of a change that are not generated, nor differ in a generated part alone."""
    return tuple(
        path for path in change.paths if not is_generated(path) and not _differs_in_its_part_alone(change, path)
    )


def _differs_in_its_part_alone(change: Change, path: str) -> bool:
    before, after = change.before.files.get(path), change.after.files.get(path)
    without = PARTS.get(path)
    return without is not None and before is not None and after is not None and without(before) == without(after)
