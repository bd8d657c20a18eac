"""The Grafana dashboard of the chart, drawn by matplotlib: its own panels and queries, answered by a Prometheus.

It is a drawing and no screenshot: places and queries are those of Grafana, the look is only like it.
"""

from __future__ import annotations

import io
import json
import math
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.dates as mdates
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image

from docs.dashboard import COLUMNS
from pictures.prometheus import Prometheus, Series

BACKGROUND, PANEL, TEXT, FAINT, GRID = "#111217", "#181b1f", "#d8d9da", "#8e8e99", "#2c2f36"
COLOURS = ("#73bf69", "#f2cc0c", "#5794f2", "#ff780a", "#b877d9", "#8ab8ff", "#f2495c", "#96d98d", "#fade2a", "#ca95e5")
WIDTH_INCHES, ROW_INCHES = 15.0, 0.29
STEPS = 150
COLOURS_KEPT = 96
"""In the file, which is a third as large for it."""
MAX_LINES = 6
"""In the legend: Grafana's scrolls."""
SHOWN = ("Identities", "AWS accounts", "Calls")
"""The rows that are drawn, below the key figures: in a run of minutes the others have little to show."""


@dataclass(frozen=True, slots=True)
class Window:
    """The time that the graphs show, in seconds since the epoch."""

    start: float
    end: float

    @property
    def step(self) -> float:
        """Seconds between two points."""
        return (self.end - self.start) / STEPS


@dataclass(frozen=True, slots=True)
class Box:
    """The place of a panel, in shares of the picture; ``line``: the height of a line of Grafana's grid."""

    left: float
    bottom: float
    width: float
    height: float
    line: float


def draw(dashboard: Mapping[str, Any], prometheus: Prometheus, window: Window, path: Path) -> None:
    """Draw the panels as the dashboard places them."""
    mpl.rcParams.update({"font.size": 7.5, "text.color": TEXT, "font.family": "DejaVu Sans"})
    panels = list(_shown(dashboard["panels"]))
    rows = max(top + panel["gridPos"]["h"] for top, panel in panels) + 1.5
    figure = plt.figure(figsize=(WIDTH_INCHES, rows * ROW_INCHES), facecolor=BACKGROUND)
    figure.text(0.008, 1 - 0.8 / rows, dashboard["title"], fontsize=12, weight="bold", va="center")
    for top, panel in panels:
        place = panel["gridPos"]
        box = Box(
            place["x"] / COLUMNS, 1 - (top + 1.5 + place["h"]) / rows, place["w"] / COLUMNS, place["h"] / rows, 1 / rows
        )
        if panel["type"] == "row":
            middle = box.bottom + box.height / 2
            figure.text(box.left + 0.008, middle, f"⌄ {panel['title']}", fontsize=9.5, weight="bold", va="center")
            continue
        axes = _frame(figure, panel["title"], box)
        target, unit = panel["targets"][0], panel["fieldConfig"]["defaults"].get("unit", "short")
        if panel["type"] == "stat":
            _stat(axes, prometheus.instant(target["expr"]), unit)
            continue
        found = prometheus.range(target["expr"], window.start, window.end, window.step)
        lines = [series for series in found if any(math.isfinite(value) for _, value in series.points)]
        _graph(axes, lines, target.get("legendFormat", ""), unit, window)
        if lines:
            _legend_below(figure, axes, box)
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=100, facecolor=BACKGROUND)
    plt.close(figure)
    Image.open(drawn).convert("RGB").quantize(COLOURS_KEPT).save(path, optimize=True)


def _shown(panels: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the panels to draw, and in which line of the picture each begins."""
    is_shown, left_out = True, 0
    for panel in panels:
        if panel["type"] == "row":
            is_shown = panel["title"] in SHOWN
            following = [each["gridPos"]["y"] for each in panels if each["type"] == "row"] + [_end(panels)]
            height = following[following.index(panel["gridPos"]["y"]) + 1] - panel["gridPos"]["y"]
            left_out += 0 if is_shown else height
        if is_shown:
            yield panel["gridPos"]["y"] - left_out, panel


def _end(panels: list[dict[str, Any]]) -> int:
    ends: list[int] = [panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels]
    return max(ends)


def _frame(figure: Figure, title: str, box: Box) -> Axes:
    gap_x, gap_y = 0.0025, 0.12 * box.line
    figure.patches.append(
        plt.Rectangle(
            (box.left + gap_x, box.bottom + gap_y), box.width - 2 * gap_x, box.height - 2 * gap_y,
            facecolor=PANEL, edgecolor=GRID, linewidth=0.6, transform=figure.transFigure, zorder=-1,
        )
    )  # fmt: skip
    lines = textwrap.fill(title, round(190 * box.width))
    figure.text(box.left + 0.008, box.bottom + box.height - 0.45 * box.line, lines, fontsize=8.5, va="top")
    place = (box.left + 0.034, box.bottom + 2.1 * box.line, box.width - 0.046, box.height - 3.6 * box.line)
    return figure.add_axes(place, facecolor=PANEL)


def _stat(axes: Axes, found: list[Series], unit: str) -> None:
    axes.set_axis_off()
    text = in_unit(found[0].points[-1][1], unit) if found else "No data"
    colour = COLOURS[0] if found else FAINT
    axes.text(0.42, 0.1, text, ha="center", va="center", fontsize=22 if found else 11, color=colour, weight="bold")


def _graph(axes: Axes, drawn: list[Series], legend: str, unit: str, window: Window) -> None:
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(colors=FAINT, labelsize=6.5, length=0)
    axes.set_xlim(*(datetime.fromtimestamp(moment, UTC) for moment in (window.start, window.end)))
    axes.xaxis.set_major_locator(mdates.MinuteLocator(interval=max(1, round((window.end - window.start) / 300))))
    axes.xaxis.set_major_formatter(mdates.DateFormatter("%H:%M"))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: in_unit(value, unit)))
    axes.grid(color=GRID, linewidth=0.5)
    if not drawn:
        axes.text(0.5, 0.5, "No data", transform=axes.transAxes, ha="center", va="center", color=FAINT, fontsize=9)
    for number, series in enumerate(drawn):
        moments, values = _with_gaps(series, window)
        name = _legend(legend, series.labels) if number < MAX_LINES else "_"
        axes.plot(moments, values, color=COLOURS[number % len(COLOURS)], linewidth=1.1, label=name)
    top = max((value for series in drawn for _, value in series.points if math.isfinite(value)), default=1)
    axes.set_ylim(0, 1.15 * top or 1)


def _legend_below(figure: Figure, axes: Axes, box: Box) -> None:
    axes.legend(
        loc="upper left", bbox_to_anchor=(box.left + 0.006, box.bottom + 1.3 * box.line), bbox_transform=figure.transFigure,
        ncols=3, fontsize=6, frameon=False, labelcolor=TEXT, handlelength=1.1, columnspacing=0.9, borderaxespad=0,
        labelspacing=0.25,
    )  # fmt: skip


def _with_gaps(series: Series, window: Window) -> tuple[list[datetime], list[float]]:
    """Return the points with gaps, so that no line is drawn over a time for which nothing was found."""
    moments: list[datetime] = []
    values: list[float] = []
    for index, (moment, value) in enumerate(series.points):
        if index and moment - series.points[index - 1][0] > 1.5 * window.step:
            moments.append(datetime.fromtimestamp(moment, UTC))
            values.append(math.nan)
        moments.append(datetime.fromtimestamp(moment, UTC))
        values.append(value)
    return moments, values


def _legend(form: str, labels: Mapping[str, str]) -> str:
    text = re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), form).strip()
    return text if len(text) <= 34 else f"{text[:33]}…"


def in_unit(value: float, unit: str) -> str:
    """Format a value as Grafana writes it."""
    if not math.isfinite(value):
        return "–"
    match unit:
        case "percentunit":
            return f"{100 * value:.3g}%"
        case "s":
            return (
                f"{value / 60:.3g} min" if value >= 60 else f"{value:.3g} s" if value >= 1 else f"{1000 * value:.3g} ms"
            )
        case "ops":
            return f"{value:.3g} /s"
        case "bool_yes_no":
            return "Yes" if value >= 1 else "No" if value == 0 else ""
    return f"{value:.4g}"


def load(path: Path) -> dict[str, Any]:
    """Return the dashboard as the chart has it."""
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded
