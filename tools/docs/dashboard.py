"""`python -m docs.dashboard`: writes the Grafana dashboard of the chart from the queries. Run by `make docs`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from docs.queries import KEY_FIGURES, ROWS, Figure, Panel
from docs.writing import ROOT, write

FILE = ROOT / "charts" / "ses-operator" / "files" / "dashboard.json"

COLUMNS = 24
PANEL_WIDTH, PANEL_HEIGHT = 8, 8
FIGURE_HEIGHT = 5
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def dashboard() -> dict[str, Any]:
    """Return the dashboard, in Grafana's schema 39 (Grafana 10 and later)."""
    panels = list(_panels())
    for number, panel in enumerate(panels, start=1):
        panel["id"] = number
    return {
        "uid": "ses-operator",
        "title": "SES identities",
        "tags": ["ses-operator"],
        "schemaVersion": 39,
        "timezone": "browser",
        "time": {"from": "now-24h", "to": "now"},
        "refresh": "1m",
        "templating": {
            "list": [{"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}]
        },
        "panels": panels,
    }


def text() -> str:
    """Return the text of the file."""
    return json.dumps(dashboard(), indent=2) + "\n"


def _panels() -> Iterator[dict[str, Any]]:
    width, top = COLUMNS // len(KEY_FIGURES), 0
    for column, figure in enumerate(KEY_FIGURES):
        yield _stat(figure, {"x": column * width, "y": top, "w": width, "h": FIGURE_HEIGHT})
    top += FIGURE_HEIGHT
    for row in ROWS:
        yield {
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1},
        }
        top += 1
        for index, panel in enumerate(row.panels):
            line, column = divmod(index, COLUMNS // PANEL_WIDTH)
            place = {
                "x": column * PANEL_WIDTH,
                "y": top + line * PANEL_HEIGHT,
                "w": PANEL_WIDTH,
                "h": PANEL_HEIGHT,
            }
            yield _graph(panel, place)
        top += -(-len(row.panels) // (COLUMNS // PANEL_WIDTH)) * PANEL_HEIGHT


def _stat(figure: Figure, place: dict[str, int]) -> dict[str, Any]:
    return {
        "type": "stat",
        "title": figure.title,
        "description": figure.note,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": figure.unit}, "overrides": []},
        "targets": [{"refId": "A", "expr": figure.query, "instant": True, "datasource": SOURCE}],
    }


def _graph(panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    return {
        "type": "timeseries",
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [{"refId": "A", "expr": panel.query, "legendFormat": panel.legend, "datasource": SOURCE}],
    }


if __name__ == "__main__":
    write(FILE, text())
