"""Health and actions of our kinds, run by Argo CD's own Lua runtime as it reads them from its ConfigMap."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from gitops.customizations import CUSTOMIZATIONS, KINDS, action_names, customizations, said
from gitops.moments import MOMENTS, Moment, for_every_reason
from gitops.program import ask
from ses_operator.api.base.meta import RECONCILE_REQUESTED_AT


def health(moments: tuple[Moment, ...]) -> list[dict[str, str]]:
    """What Argo CD shows beside each object."""
    found = customizations()
    return ask("health", [{"object": moment.object, "customizations": found} for moment in moments])


def test_argo_cd_shows_every_moment_as_it_is_meant() -> None:
    answers = health(MOMENTS)
    assert {f"{m.kind} {m.name}": answer["status"] for m, answer in zip(MOMENTS, answers, strict=True)} == {
        f"{m.kind} {m.name}": str(m.health) for m in MOMENTS
    }


def test_a_reason_is_degraded_only_if_nobody_should_wait_for_it() -> None:
    moments = for_every_reason()
    answers = health(moments)
    assert {m.name: (answer["status"], answer["message"]) for m, answer in zip(moments, answers, strict=True)} == {
        m.name: (str(m.health), m.message) for m in moments
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_health_tests_that_argo_cd_would_run_pass(kind: str) -> None:
    tests = _read(CUSTOMIZATIONS / kind / "health_test.yaml")["tests"]
    found = customizations()
    objects = [_read(CUSTOMIZATIONS / kind / test["inputPath"]) for test in tests]
    answers = ask("health", [{"object": each, "customizations": found} for each in objects])
    assert answers == [test["healthStatus"] for test in tests]
    assert len(tests) > 4


@pytest.mark.parametrize("kind", KINDS)
def test_the_action_tests_that_argo_cd_would_run_pass(kind: str) -> None:
    folder, found = CUSTOMIZATIONS / kind / "actions", customizations()
    tests = _read(folder / "action_test.yaml")
    for test in tests["discoveryTests"]:
        (answer,) = ask("actions", [{"object": _read(folder / test["inputPath"]), "customizations": found}])
        offered = {action["name"]: action.get("disabled", False) for action in answer}
        assert offered == {action["name"]: action["disabled"] for action in test["result"]}
    assert {test["action"] for test in tests["actionTests"]} == set(action_names(kind))
    for test in tests["actionTests"]:
        asked = {"object": _read(folder / test["inputPath"]), "customizations": found, "action": test["action"]}
        ((result,),) = ask("act", [asked])
        assert _settled(result) == _settled(_read(folder / test["expectedOutputPath"]))


def test_a_request_for_a_reconcile_is_a_new_value_of_the_annotation() -> None:
    for moment in (moment for moment in MOMENTS if moment.name == "ready"):
        asked = {"object": moment.object, "customizations": customizations(), "action": "reconcile"}
        ((result,),) = ask("act", [asked])
        value = result["metadata"]["annotations"][RECONCILE_REQUESTED_AT]
        assert value.startswith("20")
        assert value.endswith("Z")


def test_a_message_stands_only_beside_a_status_about_the_spec_that_stands() -> None:
    answers = health(MOMENTS)
    shown = {
        f"{m.kind} {m.name}": answer["message"]
        for m, answer in zip(MOMENTS, answers, strict=True)
        if not m.object["metadata"].get("deletionTimestamp")
    }
    assert shown == {
        f"{m.kind} {m.name}": said(m) for m in MOMENTS if not m.object["metadata"].get("deletionTimestamp")
    }


def _read(path: Any) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _settled(found: dict[str, Any]) -> dict[str, Any]:
    """The object without the moment at which somebody asked."""
    annotations = dict.fromkeys(found["metadata"].get("annotations", ()), "")
    return {**found, "metadata": {**found["metadata"], "annotations": annotations}}
