"""Health and actions of our kinds, run by Argo CD's own Lua runtime as it reads them from its ConfigMap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from devcluster.yamls import document
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


def test_the_health_tests_that_argo_cd_would_run_pass() -> None:
    tests = {kind: _read(CUSTOMIZATIONS / kind / "health_test.yaml")["tests"] for kind in KINDS}
    assert {kind: len(each) for kind, each in tests.items() if len(each) <= 4} == {}
    asked = [(CUSTOMIZATIONS / kind / test["inputPath"], test) for kind in KINDS for test in tests[kind]]
    found = customizations()
    answers = ask("health", [{"object": _read(path), "customizations": found} for path, _ in asked])
    assert {path: answer for (path, _), answer in zip(asked, answers, strict=True)} == {
        path: test["healthStatus"] for path, test in asked
    }


def action_tests(topic: str) -> list[tuple[Path, dict[str, Any]]]:
    """The tests of this topic, of every kind, each with the folder that its paths begin in."""
    folders = [CUSTOMIZATIONS / kind / "actions" for kind in KINDS]
    return [(folder, test) for folder in folders for test in _read(folder / "action_test.yaml")[topic]]


def test_the_actions_that_argo_cd_offers_are_those_of_its_tests() -> None:
    tests, found = action_tests("discoveryTests"), customizations()
    asked = [{"object": _read(folder / test["inputPath"]), "customizations": found} for folder, test in tests]
    offered = [{action["name"]: action.get("disabled", False) for action in answer} for answer in ask("actions", asked)]
    assert offered == [{action["name"]: action["disabled"] for action in test["result"]} for _, test in tests]


def test_every_action_makes_what_its_test_expects() -> None:
    tests, found = action_tests("actionTests"), customizations()
    assert {(folder.parent.name, test["action"]) for folder, test in tests} == {
        (kind, name) for kind in KINDS for name in action_names(kind)
    }
    asked = [
        {"object": _read(folder / test["inputPath"]), "customizations": found, "action": test["action"]}
        for folder, test in tests
    ]
    assert [[_settled(each) for each in results] for results in ask("act", asked)] == [
        [_settled(_read(folder / test["expectedOutputPath"]))] for folder, test in tests
    ]


def test_a_request_for_a_reconcile_is_a_new_value_of_the_annotation() -> None:
    found, ready = customizations(), [moment.object for moment in MOMENTS if moment.name == "ready"]
    results = ask("act", [{"object": each, "customizations": found, "action": "reconcile"} for each in ready])
    assert ready
    for (result,) in results:
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


def _read(path: Path) -> Any:
    return document(path.read_text(encoding="utf-8"))


def _settled(found: dict[str, Any]) -> dict[str, Any]:
    """The object without the moment at which somebody asked."""
    annotations = dict.fromkeys(found["metadata"].get("annotations", ()), "")
    return {**found, "metadata": {**found["metadata"], "annotations": annotations}}
