"""`python -m docs.metrics`: writes docs/metrics.md from the metrics that the code describes. Run by `make docs`."""

from __future__ import annotations

from collections.abc import Iterator

from docs.queries import KEY_FIGURES, Figure
from docs.writing import ROOT, write
from ses_operator.core.metrics.mail_figures import QUERIES_PER_CALL, WINDOW_DAYS, MailEvent
from ses_operator.core.metrics.metric import Metric
from ses_operator.core.metrics.registry import LABELS, SECTIONS

PAGE = ROOT / "docs" / "metrics.md"

_HEAD = """\
<!-- Written by `make docs` from operator/ses_operator/core/metrics/registry.py and tools/docs/queries.py. Change it there. -->
# Metrics

The operator serves Prometheus metrics at `/metrics`, on port 8080 (`settings.metricsPort` of the chart).

| To | Set in the chart |
| --- | --- |
| create a Service for them | `metrics.service.enabled: true` |
| let Prometheus scrape them, with a ServiceMonitor | `metrics.serviceMonitor.enabled: true` |
| get alerts, with a PrometheusRule ([runbooks.md](runbooks.md)) | `metrics.prometheusRule.enabled: true` |
| get a Grafana dashboard, as a ConfigMap that Grafana's sidecar loads | `metrics.dashboard.enabled: true` |
| see each identity by name | `settings.metricsDetail: identities` |
| see its delivery figures | `settings.mailFiguresInterval: 21600`: [below](#delivery-figures) |

ServiceMonitor and PrometheusRule are kinds of the Prometheus operator, which must be installed. Without it, load
`charts/ses-operator/files/alerts.yaml` and `charts/ses-operator/files/dashboard.json` as they are.

![The panels of the dashboard: identities, accounts, calls, the operator](images/dashboard.png)

The picture shows three rows of the dashboard with the metrics of twelve minutes: teams apply forty identities, two lack DNS, one
names a region that does not exist, SES throttles, and a region does not answer for a while. A Prometheus answers the dashboard's
own queries, and matplotlib draws them (`make pictures`): in Grafana it looks slightly different.

Gauges over identities and accounts come from what the watches hold anyway: a scrape asks neither AWS nor the apiserver. Only
the active replica exposes them, so that sums are right whatever the number of replicas. They take about 1.3 KB of memory for an
identity in 4 regions. With 10,000 such identities a scrape takes milliseconds and 3 KB; with `metricsDetail: identities` it takes
about a second and 6 MB.
"""

_HOURS = 6
_CALLS = 1000 * len(MailEvent) // QUERIES_PER_CALL // _HOURS
_OF_MAIL = f"""\
The operator reads these figures only if `settings.mailFiguresInterval` sets an interval, in seconds; {_HOURS * 3600} is a good
start, because SES counts by day. They are sums over the last {WINDOW_DAYS} days and today so far.

SES's Virtual Deliverability Manager counts by identity, and must be on in the region: SES charges for it by the
message, and `aws sesv2 put-account-vdm-attributes` switches it on. It does not count mail with several recipients or to the
mailbox simulator. If it is off, `ses_operator_account_counts_by_identity` is 0, and there are only figures of the account, which
SES keeps in any case. Their bounces include soft bounces once SES has given up. Their complaints relate to all messages,
including those delivered where no complaints are reported.

The operator does not read CloudWatch. Without further set-up, CloudWatch has the same figures of the account. By identity it has
figures only if each identity has a configuration set whose event destination is CloudWatch with the dimension
`ses:from-domain`; each is a custom metric that CloudWatch charges for, and exporters for CloudWatch read them. Messages that SES
*rejects* (because of a virus) are counted for the account only; sends that it refuses with `MessageRejected` are not counted
anywhere.

A reading costs one `GetAccount` and one `GetSendStatistics` for each account and region, and {len(MailEvent)} queries for each
identity in each region, {QUERIES_PER_CALL} of them in a `BatchGetMetricData`: 1,000 identities every {_HOURS} hours are
{_CALLS} calls an hour in a region. They wait behind everything else, at no more than 70 percent of `requestsPerSecond`:
about 2,400 calls an hour in a region by default. The rights are those of `ses-operator iam-policy --with mail-figures`.
"""
_INTRODUCTIONS = {"Delivery figures": (_OF_MAIL,)}


def page() -> str:
    """Return the whole page."""
    return "\n".join((_HEAD, *_key_figures(), *_tables(), *_labels()))


def _key_figures() -> Iterator[str]:
    yield "## Key figures\n"
    yield "What to monitor for SES identities, and how to query it.\n"
    for figure in KEY_FIGURES:
        yield from _key_figure(figure)


def _key_figure(figure: Figure) -> Iterator[str]:
    yield f"### {figure.title}\n"
    yield f"```promql\n{figure.query}\n```\n"
    yield f"{figure.note}\n"


def _tables() -> Iterator[str]:
    for title, metrics in SECTIONS.items():
        yield f"## {title}\n"
        yield from _INTRODUCTIONS.get(title, ())
        yield "| Metric | Type | Labels | Meaning | Exposed by |"
        yield "| --- | --- | --- | --- | --- |"
        yield from map(_row, metrics)
        yield ""


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.meaning}. | {metric.source} |"


def _labels() -> Iterator[str]:
    yield "## Labels\n"
    yield "| Label | Meaning |"
    yield "| --- | --- |"
    for name, meaning in LABELS.items():
        yield f"| `{name}` | {meaning[0].upper()}{meaning[1:]}. |"
    yield ""


if __name__ == "__main__":
    write(PAGE, page())
