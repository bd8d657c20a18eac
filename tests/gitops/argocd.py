"""What Argo CD would show as out of sync, by its own engine, of objects that were applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from devcluster.apiclient import GROUP, ApiClient
from devcluster.waiting import eventually
from gitops.program import ask
from ses_operator.api.schema.kinds import KINDS

_MANAGER = "argocd-controller"


def out_of_sync(api: ApiClient, manifests: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """By name and way of comparing: what stands, and what would stand after a sync. Empty where all is in sync.

    Both ways that Argo CD has: its own three-way diff, and the one that asks the apiserver what an apply would change.
    """
    cases: dict[str, dict[str, Any]] = {}
    for wanted in manifests:
        name = f"{wanted['kind']} {wanted['metadata']['name']}"
        found = eventually(partial(_at_rest, api, wanted), timeout=90, of=f"{name} not to change meanwhile")
        assert found is not None
        live, predicted = found
        cases[f"{name}, three-way"] = {"wanted": wanted, "live": live}
        cases[f"{name}, server-side"] = {"wanted": wanted, "live": live, "predicted": predicted}
    answers = ask("diff", cases.values())
    return {name: answer for name, answer in zip(cases, answers, strict=True) if answer["modified"]}


def _at_rest(api: ApiClient, wanted: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The object as it stands, and what an apply would make of just that; None if somebody wrote in between."""
    path = path_of(wanted)
    live = api.get(path)
    assert live is not None, f"there is no {path}"
    predicted = api.predict(path, wanted, manager=_MANAGER)
    same = predicted["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]
    return (live, predicted) if same else None


def path_of(manifest: Mapping[str, Any]) -> str:
    """Where the object of one of our kinds is."""
    (kind,) = (kind for kind in KINDS if kind.kind == manifest["kind"])
    metadata = manifest["metadata"]
    within = f"namespaces/{metadata['namespace']}/" if "namespace" in metadata else ""
    return f"{GROUP}/{within}{kind.plural}/{metadata['name']}"
