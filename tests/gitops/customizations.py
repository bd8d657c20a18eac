"""`python -m gitops.customizations`: writes what repeats the Lua scripts and the operator's statuses. Run by `make gitops`.

The scripts lie as in Argo CD's own repository: `resource_customizations/<group>/<kind>/health.lua`, with tests and test data
that Argo CD's test suite can run, and `actions/` beside them. The ConfigMap has the same for those who run Argo CD today.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from gitops.moments import MOMENTS, Kstatus, Moment
from ses_operator.api.base.meta import GROUP, RECONCILE_REQUESTED_AT

FOLDER = Path(__file__).parents[2] / "gitops" / "argocd"
CUSTOMIZATIONS = FOLDER / "resource_customizations" / GROUP
CONFIG_MAP = FOLDER / "argocd-cm.yaml"
KINDS = tuple(sorted(folder.name for folder in CUSTOMIZATIONS.iterdir()))

_HEAD = """\
# Written by `make gitops` from resource_customizations. What Argo CD needs to know of the kinds of ses-operator, as a patch:
#   kubectl patch configmap argocd-cm -n argocd --patch-file argocd-cm.yaml
"""
_REQUESTED_AT = "2026-01-01T00:00:00Z"


class _Dumper(yaml.SafeDumper):
    """Scripts as they are written, line by line; indented lists."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def customizations() -> dict[str, dict[str, str]]:
    """By "group/Kind", what Argo CD reads from its ConfigMap of each of our kinds."""
    return {
        f"{GROUP}/{kind}": {
            "health.lua": (CUSTOMIZATIONS / kind / "health.lua").read_text(encoding="utf-8"),
            "actions": _dump(_actions(kind)),
        }
        for kind in KINDS
    }


def action_names(kind: str) -> list[str]:
    """The actions of a kind."""
    return sorted(path.parent.name for path in (CUSTOMIZATIONS / kind / "actions").glob("*/action.lua"))


def files() -> dict[Path, str]:
    """Every file that is written, and what is in it."""
    found = {CONFIG_MAP: _HEAD + _dump(config_map())}
    for kind in KINDS:
        found |= _health_tests(kind) | _action_tests(kind)
    return found


def config_map() -> dict[str, Any]:
    """The part of Argo CD's ConfigMap that is about our kinds (Argo CD's manual, "Resource Health", "Resource Actions")."""
    data = {}
    for key, customization in customizations().items():
        name = key.replace("/", "_")
        data[f"resource.customizations.health.{name}"] = customization["health.lua"]
        data[f"resource.customizations.actions.{name}"] = customization["actions"]
    return {"data": data}


def _actions(kind: str) -> dict[str, Any]:
    folder = CUSTOMIZATIONS / kind / "actions"
    return {
        "discovery.lua": (folder / "discovery.lua").read_text(encoding="utf-8"),
        "definitions": [
            {"name": name, "action.lua": (folder / name / "action.lua").read_text(encoding="utf-8")}
            for name in action_names(kind)
        ],
    }


def _health_tests(kind: str) -> dict[Path, str]:
    """Argo CD looks at objects that are being deleted by itself, before it asks a script."""
    moments = [m for m in MOMENTS if m.kind == kind and m.kstatus is not Kstatus.TERMINATING]
    folder = CUSTOMIZATIONS / kind
    tests = [
        {
            "healthStatus": {"status": str(moment.health), "message": said(moment)},
            "inputPath": f"testdata/{moment.name}.yaml",
        }
        for moment in moments
    ]
    return {folder / "health_test.yaml": _dump({"tests": tests})} | {
        folder / "testdata" / f"{moment.name}.yaml": _dump(moment.object) for moment in moments
    }


def said(moment: Moment) -> str:
    """The message that stands beside the health: that of Ready, if it is about the spec that stands."""
    current = moment.object["status"]["observedGeneration"] == moment.object["metadata"]["generation"]
    return (moment.message or "") if current else "The operator has not looked at it yet."


def _action_tests(kind: str) -> dict[Path, str]:
    ready = dict(next(m.object for m in MOMENTS if m.kind == kind and m.name == "ready"))
    inputs = {"ready": ready}
    outputs = {"reconcile": (ready, _asked(ready))}
    available = {"ready": {"reconcile"}}
    if "suspend" in action_names(kind):
        suspended, resumed = _with_suspend(ready, True), _with_suspend(ready, False)
        inputs |= {"suspended": suspended}
        available = {"ready": {"reconcile", "suspend"}, "suspended": {"reconcile", "resume"}}
        outputs |= {"suspend": (ready, suspended), "resume": (suspended, resumed)}
    folder = CUSTOMIZATIONS / kind / "actions"
    names = {id(each): name for name, each in inputs.items()}
    results = {f"{name}_expected": after for name, (_, after) in outputs.items()}
    tests = {
        "discoveryTests": [
            {
                "inputPath": f"testdata/{name}.yaml",
                "result": [{"name": each, "disabled": each not in available[name]} for each in action_names(kind)],
            }
            for name in inputs
        ],
        "actionTests": [
            {
                "action": name,
                "inputPath": f"testdata/{names[id(before)]}.yaml",
                "expectedOutputPath": f"testdata/{name}_expected.yaml",
            }
            for name, (before, _) in outputs.items()
        ],
    }
    return {folder / "action_test.yaml": _dump(tests)} | {
        folder / "testdata" / f"{name}.yaml": _dump(each) for name, each in {**inputs, **results}.items()
    }


def _asked(found: Mapping[str, Any]) -> dict[str, Any]:
    annotations = {RECONCILE_REQUESTED_AT: _REQUESTED_AT}
    return {**found, "metadata": {**found["metadata"], "annotations": annotations}}


def _with_suspend(found: Mapping[str, Any], suspend: bool) -> dict[str, Any]:
    return {**found, "spec": {**found["spec"], "suspend": suspend}}


def _dump(value: object) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True)


def _without_test_data(folders: Iterable[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Write all of it; test data that is no more goes."""
    _without_test_data(CUSTOMIZATIONS.glob("**/testdata"))
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
