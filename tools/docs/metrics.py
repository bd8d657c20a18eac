"""`python -m docs.metrics`: writes docs/metrics.md from the metrics that the code describes. Run by `make docs`."""

from __future__ import annotations

from collections.abc import Iterator

from docs.queries import KEY_FIGURES, Figure
from docs.writing import ROOT, write
from ses_operator.core.metrics import LABELS, SECTIONS, Metric

PAGE = ROOT / "docs" / "metrics.md"

_HEAD = """\
<!-- Written by `make docs` from operator/ses_operator/core/metrics.py and tools/docs/queries.py. Change it there. -->
# Metrics

The operator serves Prometheus metrics at `/metrics`, on port 8080 (`settings.metricsPort` of the chart).

| To | Set in the chart |
| --- | --- |
| have a Service for them | `metrics.service.enabled: true` |
| have Prometheus scrape them, by a ServiceMonitor | `metrics.serviceMonitor.enabled: true` |
| be alerted, by a PrometheusRule ([runbooks.md](runbooks.md)) | `metrics.prometheusRule.enabled: true` |
| have a Grafana dashboard, as a ConfigMap that Grafana's sidecar takes up | `metrics.dashboard.enabled: true` |
| see each identity by its name | `settings.metricsDetail: identities` |

ServiceMonitor and PrometheusRule are kinds of the Prometheus operator, which has to be installed. Without it, load
`charts/ses-operator/files/alerts.yaml` and `charts/ses-operator/files/dashboard.json` as they are.

Gauges over identities and accounts are made of what the watches hold anyway: a scrape asks neither AWS nor the apiserver. Only
the active replica tells them, so that sums are right whatever the number of replicas. They take about 1.3 KB of memory for an
identity in 4 regions. With 10,000 such identities a scrape takes milliseconds and 3 KB; with `metricsDetail: identities` it takes
about a second and 6 MB.
"""


def page() -> str:
    """The whole page."""
    return "\n".join((_HEAD, *_key_figures(), *_tables(), *_labels()))


def _key_figures() -> Iterator[str]:
    yield "## Key figures\n"
    yield "What to watch over SES identities, and how to ask for it.\n"
    for figure in KEY_FIGURES:
        yield from _key_figure(figure)


def _key_figure(figure: Figure) -> Iterator[str]:
    yield f"### {figure.title}\n"
    yield f"```promql\n{figure.query}\n```\n"
    yield f"{figure.note}\n"


def _tables() -> Iterator[str]:
    for title, metrics in SECTIONS.items():
        yield f"## {title}\n"
        yield "| Metric | Type | Labels | What it tells | Told by |"
        yield "| --- | --- | --- | --- | --- |"
        yield from map(_row, metrics)
        yield ""


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.meaning}. | {metric.source} |"


def _labels() -> Iterator[str]:
    yield "## Labels\n"
    yield "| Label | What it tells |"
    yield "| --- | --- |"
    for name, meaning in LABELS.items():
        yield f"| `{name}` | {meaning[0].upper()}{meaning[1:]}. |"
    yield ""


if __name__ == "__main__":
    write(PAGE, page())
