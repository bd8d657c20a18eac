"""The queries on the metrics, in PromQL: key figures of docs/metrics.md, panels of the dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """Units, as Grafana names them."""

    COUNT = "short"
    SECONDS = "s"
    SHARE = "percentunit"
    PER_SECOND = "ops"
    STATE = "bool_yes_no"


@dataclass(frozen=True, slots=True)
class Figure:
    """A key figure: its name, its query, and how to read it."""

    title: str
    query: str
    unit: Unit
    note: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph. ``legend``: the name of a line, from its labels."""

    title: str
    query: str
    legend: str
    unit: Unit = Unit.COUNT


@dataclass(frozen=True, slots=True)
class Row:
    """Panels that belong together."""

    title: str
    panels: tuple[Panel, ...]


BY_IDENTITY = "namespace, identity, account, region"
BY_ACCOUNT = "account, region"


def _share(of: str, event: str, whole: str, by: str = BY_IDENTITY) -> str:
    """Return the share of messages that ended so, of all that could; nothing if there were none."""
    part, all_ = (f'sum by ({by}) (ses_operator_{of}_messages{{event="{each}"}})' for each in (event, whole))
    return f"{part} / ({all_} > 0)"


KEY_FIGURES = (
    Figure(
        "Unverified identities across all regions",
        "sum(ses_operator_unverified_identities)",
        Unit.COUNT,
        "Each identity counts once for each region of its spec. By region: `sum by (region) (…)`; those that have been "
        'unverified for more than an hour: `{age!="<1h"}`. Including those that the operator did not create, if accounts are '
        '[audited](audit.md): `sum(ses_operator_audit_identities{status!="SUCCESS"})`.',
    ),
    Figure(
        "Average time to verify newly created identities",
        "sum(increase(ses_operator_time_to_verify_seconds_sum[30d]))"
        " / sum(increase(ses_operator_time_to_verify_seconds_count[30d]))",
        Unit.SECONDS,
        "Of the verifications of the last 30 days. The slowest twentieth: `histogram_quantile(0.95, sum by (le) "
        "(increase(ses_operator_time_to_verify_seconds_bucket[30d])))`.",
    ),
    Figure(
        "Sends that SES rejects because the identity is not verified",
        "sum(ses_operator_unverified_identities) / sum(ses_operator_identities)",
        Unit.SHARE,
        'The share of identities and regions from which every send is rejected. SES answers `MessageRejected` ("Email address '
        'is not verified") to the sender, and counts it nowhere: only the senders know the share of *sends*. This figure is the '
        "cause, and alerts before anyone sends.",
    ),
    Figure(
        "Bounce rate of each sending identity, the worst",
        f"max({_share('identity', 'PERMANENT_BOUNCE', 'SEND')})",
        Unit.SHARE,
        "Hard bounces of all messages of the last 7 days. AWS reviews an account at 5 percent and may pause its sending at 10. "
        "For each identity, omit `max`. Needs `settings.mailFiguresInterval`: [delivery figures](#delivery-figures).",
    ),
    Figure(
        "Complaint rate of each sending identity, the worst",
        f"max({_share('identity', 'COMPLAINT', 'DELIVERY_COMPLAINT')})",
        Unit.SHARE,
        "Complaints of all messages that were delivered where SES receives complaints. AWS reviews an account at 0.1 percent "
        "and may pause its sending at 0.5. Needs the same.",
    ),
)

ROWS = (
    Row(
        "Identities",
        (
            Panel(
                "Unverified, by how long",
                "sum by (age) (ses_operator_unverified_identities)",
                "{{age}}",
            ),
            Panel(
                "By region and status",
                "sum by (region, status) (ses_operator_identities)",
                "{{region}} {{status}}",
            ),
            Panel(
                "Not ready, by whose move it is",
                'sum by (actor, reason) (ses_operator_sesidentities{ready!="True"})',
                "{{actor}}: {{reason}}",
            ),
            Panel(
                "Time to verify, the slowest twentieth",
                "histogram_quantile(0.95, sum by (le, region) (increase(ses_operator_time_to_verify_seconds_bucket[1d])))",
                "{{region}}",
                Unit.SECONDS,
            ),
            Panel(
                "Being deleted",
                "sum by (account) (ses_operator_sesidentities_deleting)",
                "{{account}}",
            ),
        ),
    ),
    Row(
        "AWS accounts",
        (
            Panel("Ready", "min by (account) (ses_operator_account_ready)", "{{account}}", Unit.STATE),
            Panel(
                "Regions that answer",
                "min by (account, region) (ses_operator_account_region_reachable)",
                "{{account}} {{region}}",
                Unit.STATE,
            ),
            Panel(
                "Share of the day's quota that is sent",
                "max by (account, region) (ses_operator_sent_last_24_hours_messages)"
                " / max by (account, region) (ses_operator_send_quota_messages_per_day)",
                "{{account}} {{region}}",
                Unit.SHARE,
            ),
            Panel(
                "May send, and to anybody",
                "min by (account, region) (ses_operator_account_sending_enabled * ses_operator_account_production_access)",
                "{{account}} {{region}}",
                Unit.STATE,
            ),
        ),
    ),
    Row(
        "Delivery figures",
        (
            Panel(
                "Bounce rate by identity, the ten worst",
                f"topk(10, {_share('identity', 'PERMANENT_BOUNCE', 'SEND')})",
                "{{namespace}}/{{identity}} {{region}}",
                Unit.SHARE,
            ),
            Panel(
                "Complaint rate by identity, the ten worst",
                f"topk(10, {_share('identity', 'COMPLAINT', 'DELIVERY_COMPLAINT')})",
                "{{namespace}}/{{identity}} {{region}}",
                Unit.SHARE,
            ),
            Panel(
                "Bounced, of the account",
                _share("account", "BOUNCE", "SEND", BY_ACCOUNT),
                "{{account}} {{region}}",
                Unit.SHARE,
            ),
            Panel(
                "Complained of, of the account",
                _share("account", "COMPLAINT", "SEND", BY_ACCOUNT),
                "{{account}} {{region}}",
                Unit.SHARE,
            ),
            Panel(
                "Rejected by SES, of the account",
                _share("account", "REJECT", "SEND", BY_ACCOUNT),
                "{{account}} {{region}}",
                Unit.SHARE,
            ),
            Panel(
                "Messages by identity in 7 days, the ten most",
                'topk(10, sum by (namespace, identity, region) (ses_operator_identity_messages{event="SEND"}))',
                "{{namespace}}/{{identity}} {{region}}",
            ),
        ),
    ),
    Row(
        "Audits",
        (
            Panel(
                "Findings",
                "sum by (finding) (ses_operator_audit_findings)",
                "{{finding}}",
            ),
            Panel(
                "Identities that SES has, whoever made them",
                "sum by (account, status) (ses_operator_audit_identities)",
                "{{account}} {{status}}",
            ),
            Panel(
                "How long the last audit took",
                "max by (account) (ses_operator_audit_duration_seconds)",
                "{{account}}",
                Unit.SECONDS,
            ),
        ),
    ),
    Row(
        "Calls",
        (
            Panel(
                "To AWS, by operation",
                "sum by (operation) (rate(ses_operator_aws_requests_total[5m]))",
                "{{operation}}",
                Unit.PER_SECOND,
            ),
            Panel(
                "To AWS that failed, by reason",
                "sum by (operation, reason) (rate(ses_operator_aws_errors_total[5m]))",
                "{{operation}}: {{reason}}",
                Unit.PER_SECOND,
            ),
            Panel(
                "Throttled, as a share",
                'sum by (region) (rate(ses_operator_aws_requests_total{result="throttled"}[5m]))'
                " / sum by (region) (rate(ses_operator_aws_requests_total[5m]))",
                "{{region}}",
                Unit.SHARE,
            ),
            Panel(
                "Wait for the request limit, the slowest twentieth",
                "histogram_quantile(0.95, sum by (le, action) (rate(ses_operator_budget_wait_seconds_bucket[5m])))",
                "{{action}}",
                Unit.SECONDS,
            ),
            Panel(
                "AWS's time to answer, the slowest twentieth",
                "histogram_quantile(0.95, sum by (le, service) (rate(ses_operator_aws_request_seconds_bucket[5m])))",
                "{{service}}",
                Unit.SECONDS,
            ),
            Panel(
                "To name servers, by what came back",
                "sum by (outcome) (rate(ses_operator_dns_queries_total[5m]))",
                "{{outcome}}",
                Unit.PER_SECOND,
            ),
        ),
    ),
    Row(
        "Operator",
        (
            Panel(
                "Reconciles, by how they ended",
                'sum by (controller, result) (rate(controller_runtime_reconcile_total{controller=~"ses.+"}[5m]))',
                "{{controller}} {{result}}",
                Unit.PER_SECOND,
            ),
            Panel(
                "How long they took, the slowest twentieth",
                "histogram_quantile(0.95, sum by (le, name) "
                '(rate(workqueue_work_duration_seconds_bucket{name=~"sesidentity|sesaccount"}[5m])))',
                "{{name}}",
                Unit.SECONDS,
            ),
            Panel(
                "Repeated, by reason",
                "sum by (controller, reason) (rate(ses_operator_reconcile_errors_total[5m]))",
                "{{controller}}: {{reason}}",
                Unit.PER_SECOND,
            ),
            Panel(
                "Waiting for a worker",
                'sum by (name) (workqueue_depth{name=~"sesidentity|sesaccount"})',
                "{{name}}",
            ),
            Panel(
                "Age of the oldest that waits",
                'max by (name) (workqueue_oldest_age_seconds{name=~"sesidentity|sesaccount"})',
                "{{name}}",
                Unit.SECONDS,
            ),
            Panel(
                "Active replicas",
                'sum by (name) (leader_election_master_status{name=~"ses-operator-.+"})',
                "{{name}}",
            ),
        ),
    ),
)
