"""What the tools of GitOps say of objects, by their own code."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any

from devcluster import binaries


def ask(question: str, cases: Iterable[Mapping[str, Any]]) -> list[Any]:
    """The answer to each case: of kstatus, or of Argo CD about health, actions, what an action makes, a diff."""
    done = subprocess.run(
        [binaries.gitops(), question], input=json.dumps(list(cases)), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    return answers
