"""What Argo CD would show as out of sync, by its own engine, of objects that were applied."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import yaml

from devcluster.kubectl import Kubectl
from devcluster.waiting import eventually
from gitops.program import ask

_MANAGER = "argocd-controller"


def out_of_sync(kubectl: Kubectl, manifests: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """By name and way of comparing: what stands, and what would stand after a sync. Empty where all is in sync.

    Both ways that Argo CD has: its own three-way diff, and the one that asks the apiserver what an apply would change.
    """
    cases: dict[str, dict[str, Any]] = {}
    for wanted in manifests:
        name = f"{wanted['kind']} {wanted['metadata']['name']}"
        found = eventually(partial(_at_rest, kubectl, wanted), timeout=90, of=f"{name} not to change meanwhile")
        assert found is not None
        live, predicted = found
        cases[f"{name}, three-way"] = {"wanted": wanted, "live": live}
        cases[f"{name}, server-side"] = {"wanted": wanted, "live": live, "predicted": predicted}
    answers = ask("diff", cases.values())
    return {name: answer for name, answer in zip(cases, answers, strict=True) if answer["modified"]}


def _at_rest(kubectl: Kubectl, wanted: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The object as it stands, and what an apply would make of just that; None if somebody wrote in between."""
    meta = wanted["metadata"]
    live = kubectl.get(wanted["kind"], meta["name"], f"--namespace={meta.get('namespace', 'default')}")
    predicted = _predicted(kubectl, wanted)
    same = predicted["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]
    return (live, predicted) if same else None


def _predicted(kubectl: Kubectl, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What the apiserver says that Argo CD's apply would make of the object."""
    apply = ("apply", "--server-side", "--force-conflicts", f"--field-manager={_MANAGER}", "--dry-run=server")
    found: dict[str, Any] = json.loads(
        kubectl(*apply, "--output=json", "--filename=-", stdin=yaml.safe_dump(dict(wanted)))
    )
    return found
