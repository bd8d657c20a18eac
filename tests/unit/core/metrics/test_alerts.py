"""Alerts, dashboard and documentation ask for metrics that exist, in PromQL that Prometheus understands."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from devcluster import binaries
from docs.dashboard import FILE as DASHBOARD
from docs.dashboard import text as dashboard_text
from docs.metrics import PAGE, page
from docs.queries import KEY_FIGURES, ROWS
from ses_operator.core.metrics.registry import METRICS

ROOT = Path(__file__).parents[4]
ALERTS = ROOT / "charts" / "ses-operator" / "files" / "alerts.yaml"
RUNBOOKS = ROOT / "docs" / "runbooks.md"
CASES = tuple(Path(__file__).with_name(name) for name in ("alerts.test.yaml", "alerts_of_days.test.yaml"))

LABELS_OF = {series: metric.queryable_labels for metric in METRICS for series in metric.series}
SEVERITIES = {"info", "warning", "critical"}
SELECTOR = re.compile(r"([a-z][a-z0-9_:]+)(?:\{([^}]*)\})?(?:\[\w+\])?")


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def queries() -> dict[str, str]:
    """Every query that people are given, by what it stands in."""
    found = {f"alert {rule['alert']}": rule["expr"] for rule in rules()}
    found |= {f"figure {figure.title}": figure.query for figure in KEY_FIGURES}
    return found | {f"panel {row.title}: {panel.title}": panel.query for row in ROWS for panel in row.panels}


def promtool(*arguments: str | Path) -> str:
    """What promtool says; it must find nothing wrong."""
    command = [str(binaries.promtool()), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def selectors(query: str) -> Iterator[tuple[str, set[str]]]:
    """The series that a query selects, and the labels that it matches."""
    for name, matchers in SELECTOR.findall(query):
        if name in LABELS_OF or name.startswith(("ses_operator_", "workqueue_", "controller_runtime_", "leader_")):
            yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))


def unknown(query: str) -> Iterator[str]:
    """The series that a query selects and there are not, and the labels that its series do not have."""
    selected = list(selectors(query))
    if not selected:
        yield "no series of the operator"
    grouped = {label for names in re.findall(r"by \(([^)]*)\)", query) for label in names.split(", ")}
    for name, matched in selected:
        if name not in LABELS_OF:
            yield name
        yield from (f"{name}: {label}" for label in sorted((matched | grouped) - LABELS_OF.get(name, set())))


def test_every_query_selects_and_groups_by_what_there_is() -> None:
    assert {title: found for title, query in queries().items() if (found := list(unknown(query)))} == {}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sum(up)", ["no series of the operator"]),
        ("sum(ses_operator_invented)", ["ses_operator_invented"]),
        (
            'sum by (colour) (ses_operator_identities{size="1"})',
            [f"ses_operator_identities: {x}" for x in ("colour", "size")],
        ),
    ],
)
def test_what_there_is_not_in_a_query_is_found(query: str, found: list[str]) -> None:
    assert list(unknown(query)) == found


def test_a_legend_names_labels_that_the_query_leaves() -> None:
    labels = {
        panel.title: (
            set(re.findall(r"\{\{(\w+)\}\}", panel.legend)),
            set(re.findall(r"by \(([^)]*)\)", panel.query)[0].split(", ")),
        )
        for row in ROWS
        for panel in row.panels
    }
    assert {title: named - left for title, (named, left) in labels.items() if named - left} == {}


def test_promtool_understands_every_query(tmp_path: Path) -> None:
    recorded = [{"record": f"query_{number}", "expr": query} for number, query in enumerate(queries().values())]
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": recorded}]}))
    assert f"{len(recorded)} rules found" in promtool("check", "rules", "--lint=none", file)
    promtool("check", "rules", "--lint=all", "--lint-fatal", ALERTS)


def test_each_alert_fires_when_it_should_and_not_before() -> None:
    assert promtool("test", "rules", *CASES).count("SUCCESS") == len(CASES)


def faults(rule: dict[str, Any]) -> Iterator[str]:
    """What an alert lacks."""
    name = rule["alert"]
    if rule["labels"]["severity"] not in SEVERITIES:
        yield f"severity {rule['labels']['severity']}"
    if rule["annotations"]["runbook"] != f"docs/runbooks.md#{name.lower()}":
        yield f"runbook {rule['annotations']['runbook']}"
    if f"\n### {name}\n" not in RUNBOOKS.read_text(encoding="utf-8"):
        yield "no heading in docs/runbooks.md"
    if not any(name in cases.read_text(encoding="utf-8") for cases in CASES) and not name.startswith("SesVerification"):
        yield "no case for promtool"


def test_every_alert_is_tried_and_leads_to_a_runbook() -> None:
    assert rules()
    assert {rule["alert"]: found for rule in rules() if (found := list(faults(rule)))} == {}


def test_each_runbook_is_of_an_alert() -> None:
    titles = re.findall(r"^### (\S+)$", RUNBOOKS.read_text(encoding="utf-8"), re.MULTILINE)
    assert titles == [rule["alert"] for rule in rules()]


def test_what_is_generated_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"
    assert DASHBOARD.read_text(encoding="utf-8") == dashboard_text(), "run `make docs`"


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(dashboard_text())["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert all(0 <= x < 24 for x, _ in cells)
        taken |= cells
