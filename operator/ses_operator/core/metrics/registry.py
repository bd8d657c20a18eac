"""Every metric that the operator exposes, each described once.

The exposition, docs/metrics.md, the alerts and the dashboard are made from these, or checked against them.

Names follow the conventions of Prometheus (base units, ``_total``) and, for queues, reconciles and the Lease, those
that client-go and controller-runtime gave them, so that dashboards for other operators read them too.
"""

from __future__ import annotations

from ses_operator.core.metrics.mail_figures import WINDOW_DAYS
from ses_operator.core.metrics.metric import Metric, MetricKind, MetricSource

LABELS = {
    "account": "the name of the SesAccount",
    "region": "the AWS region; empty for a global service, unsupported where SES is not",
    "kind": "the kind of the objects",
    "status": "SUCCESS, PENDING, FAILED, TEMPORARY_FAILURE or NOT_STARTED, as SES last reported; ABSENT if there is no identity",
    "age": "for how long: <1h, 1h-24h, 24h-72h or >72h, when SES has given up",
    "ready": "the status of the condition Ready: True, False or Unknown",
    "reason": "why, in one of the words of [reasons.md](reasons.md); Unexpected for an error that has none",
    "actor": "who has to act, by the reason: none, operator, dns, platform or author",
    "namespace": "the namespace, of the SesIdentity or the one that is watched",
    "identity": "the name of the SesIdentity",
    "enforcement": "what SES enforces: HEALTHY, PROBATION or SHUTDOWN",
    "event": "the outcome of mail, in the words of SES: SEND, DELIVERY, PERMANENT_BOUNCE, TRANSIENT_BOUNCE, COMPLAINT, "
    "DELIVERY_COMPLAINT (delivered where complaints are reported); of an account SEND, BOUNCE, COMPLAINT, REJECT (a virus)",
    "service": "the AWS API: sesv2, ses, route53 or sts",
    "operation": "the operation of that API",
    "action": "the operation whose rate is limited",
    "result": "how it ended",
    "finding": "what was found, in one of the words of [audit.md](audit.md)",
    "state": "Watched; Starting, until all objects were seen; Terminating, if the Namespace is being deleted; NotWatched, if the "
    "apiserver refuses the watch; Absent, if there is no such Namespace",
    "severity": "how severe it is: high, medium or low",
    "outcome": "the answer: Found, NoName, NoData, OtherType, ServerFailure, Bogus, Timeout or Refused",
    "name": "the queue, sesidentity, sesaccount, sesverificationtemplate or notification; of the election, the Lease",
    "controller": "the controller, called as its queue",
    "part": "the part of the object: metadata, with finalizers and annotations, or status",
}
"""The meaning of each label. One meaning for one label, whichever metric has it."""

_MINUTE, _HOUR = 60.0, 3600.0
_RECONCILE = (0.005, 0.02, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0)
_VERIFICATION = (
    _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE,
    _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, 24 * _HOUR, 48 * _HOUR, 72 * _HOUR,
)  # fmt: skip

# The current state, from the statuses of the objects.

IDENTITIES = Metric(
    "ses_operator_identities",
    MetricKind.GAUGE,
    "Identities of all specs, each counted once for each of its regions, by their status at SES",
    ("account", "region", "status"),
    source=MetricSource.LEADER,
)
UNVERIFIED = Metric(
    "ses_operator_unverified_identities",
    MetricKind.GAUGE,
    "Identities of all specs that are not verified, by how long they have not been",
    ("account", "region", "age"),
    source=MetricSource.LEADER,
)
OBJECTS = Metric(
    "ses_operator_sesidentities",
    MetricKind.GAUGE,
    "SesIdentity objects, by their condition Ready, its reason, and who has to act",
    ("account", "ready", "reason", "actor"),
    source=MetricSource.LEADER,
)
DELETING = Metric(
    "ses_operator_sesidentities_deleting",
    MetricKind.GAUGE,
    "SesIdentity objects that are being deleted",
    ("account",),
    source=MetricSource.LEADER,
)
UNREADABLE = Metric(
    "ses_operator_unreadable_objects",
    MetricKind.GAUGE,
    "Objects that the operator cannot read, or only in part; the log and an Event name each",
    ("kind",),
)
TIME_TO_VERIFY = Metric(
    "ses_operator_time_to_verify_seconds",
    MetricKind.HISTOGRAM,
    "From the moment an identity was first seen unverified in a region until SES reported it verified there; one that "
    "lost its verification counts again when it is verified again",
    ("account", "region"),
    _VERIFICATION,
    source=MetricSource.LEADER,
)
IDENTITY_READY = Metric(
    "ses_operator_identity_ready",
    MetricKind.GAUGE,
    "1 if the SesIdentity is Ready, else 0",
    ("namespace", "identity", "account", "reason"),
    source=MetricSource.EACH_IDENTITY,
)
IDENTITY_VERIFIED = Metric(
    "ses_operator_identity_verified",
    MetricKind.GAUGE,
    "1 if the SesIdentity is verified in the region, else 0",
    ("namespace", "identity", "account", "region", "status"),
    source=MetricSource.EACH_IDENTITY,
)

# The AWS accounts.

ACCOUNT_READY = Metric(
    "ses_operator_account_ready",
    MetricKind.GAUGE,
    "1 if the SesAccount is Ready, else 0",
    ("account", "reason"),
    source=MetricSource.LEADER,
)
REGION_REACHABLE = Metric(
    "ses_operator_account_region_reachable",
    MetricKind.GAUGE,
    "1 if SES answered for the account in the region when it was last asked, else 0",
    ("account", "region"),
    source=MetricSource.LEADER,
)
PRODUCTION_ACCESS = Metric(
    "ses_operator_account_production_access",
    MetricKind.GAUGE,
    "1 if the account may send to any address in the region, 0 while it is in AWS's SES sandbox",
    ("account", "region"),
    source=MetricSource.LEADER,
)
SENDING_ENABLED = Metric(
    "ses_operator_account_sending_enabled",
    MetricKind.GAUGE,
    "1 if the account may send in the region, 0 if sending is paused",
    ("account", "region"),
    source=MetricSource.LEADER,
)
ENFORCEMENT = Metric(
    "ses_operator_account_enforcement",
    MetricKind.GAUGE,
    "1 for the enforcement status of the account in the region",
    ("account", "region", "enforcement"),
    source=MetricSource.LEADER,
)
SEND_QUOTA = Metric(
    "ses_operator_send_quota_messages_per_day",
    MetricKind.GAUGE,
    "Messages that the account may send in the region in 24 hours; no series if there is no limit",
    ("account", "region"),
    source=MetricSource.LEADER,
)
SEND_RATE = Metric(
    "ses_operator_send_quota_messages_per_second",
    MetricKind.GAUGE,
    "Messages that the account may send in the region per second",
    ("account", "region"),
    source=MetricSource.LEADER,
)
SENT = Metric(
    "ses_operator_sent_last_24_hours_messages",
    MetricKind.GAUGE,
    "Messages that the account sent in the region in the 24 hours before it was last asked, which is once in an idle poll",
    ("account", "region"),
    source=MetricSource.LEADER,
)

# The fate of mail, if that is enabled.

IDENTITY_MAIL = Metric(
    "ses_operator_identity_messages",
    MetricKind.GAUGE,
    f"Messages from the identity in the last {WINDOW_DAYS} days and today, by outcome, as the Virtual "
    "Deliverability Manager counts them; no series for an identity that has not sent",
    ("namespace", "identity", "account", "region", "event"),
    source=MetricSource.MAIL,
)
ACCOUNT_MAIL = Metric(
    "ses_operator_account_messages",
    MetricKind.GAUGE,
    f"Messages of the account in the region in the last {WINDOW_DAYS} days and today, by outcome",
    ("account", "region", "event"),
    source=MetricSource.MAIL,
)
MAIL_COUNTED = Metric(
    "ses_operator_account_counts_by_identity",
    MetricKind.GAUGE,
    "1 if the Virtual Deliverability Manager counts the account's mail in the region by identity, else 0",
    ("account", "region"),
    source=MetricSource.MAIL,
)

# Audits: everything in the account's SES, whoever made it.

AUDITED = Metric(
    "ses_operator_audit_identities",
    MetricKind.GAUGE,
    "Identities that SES had at the last audit, whoever created them, by their status at SES",
    ("account", "region", "status"),
    source=MetricSource.LEADER,
)
AUDIT_FINDINGS = Metric(
    "ses_operator_audit_findings",
    MetricKind.GAUGE,
    "Findings of the last audit",
    ("account", "region", "finding", "severity"),
    source=MetricSource.LEADER,
)
AUDIT_COMPLETED = Metric(
    "ses_operator_audit_completed_timestamp_seconds",
    MetricKind.GAUGE,
    "When the last audit of the account ended, in Unix time",
    ("account",),
    source=MetricSource.LEADER,
)
AUDIT_NEXT = Metric(
    "ses_operator_audit_next_timestamp_seconds",
    MetricKind.GAUGE,
    "When the next audit is due, in Unix time; no series while one runs",
    ("account",),
    source=MetricSource.LEADER,
)
AUDIT_SECONDS = Metric(
    "ses_operator_audit_duration_seconds",
    MetricKind.GAUGE,
    "How long the last audit of the account took",
    ("account",),
    source=MetricSource.LEADER,
)
AUDIT_FAILED = Metric(
    "ses_operator_audit_region_failed",
    MetricKind.GAUGE,
    "1 for each region that the last audit could not read completely",
    ("account", "region", "reason"),
    source=MetricSource.LEADER,
)
NOTIFICATIONS_FAILING = Metric(
    "ses_operator_account_notifications_failing",
    MetricKind.GAUGE,
    "1 while the last email about identities of the account could not be sent",
    ("account", "reason"),
    source=MetricSource.LEADER,
)
NOTIFICATIONS = Metric(
    "ses_operator_notifications_total",
    MetricKind.COUNTER,
    "Emails about identities: sent, digest for those about many, or failed, which are tried again",
    ("account", "result"),
)

# Calls to AWS and to name servers.

AWS_REQUESTS = Metric(
    "ses_operator_aws_requests_total",
    MetricKind.COUNTER,
    "Requests sent to AWS, by how they ended: ok, gone, throttled, retry, blocked or abandoned",
    ("service", "operation", "region", "result"),
)
AWS_ERRORS = Metric(
    "ses_operator_aws_errors_total",
    MetricKind.COUNTER,
    'Requests that AWS did not carry out, or that had no answer, by reason; "does not exist" is not an error',
    ("service", "operation", "region", "reason"),
)
AWS_SECONDS = Metric(
    "ses_operator_aws_request_seconds",
    MetricKind.HISTOGRAM,
    "How long AWS took to answer, including the wait for a free thread",
    ("service",),
    (0.05, 0.2, 1.0, 5.0, 15.0),
)
BUDGET_WAIT = Metric(
    "ses_operator_budget_wait_seconds",
    MetricKind.HISTOGRAM,
    "How long requests waited for their turn under AWS's request limit",
    ("action",),
    (0.01, 0.1, 1.0, 10.0, 60.0, 600.0),
)
DNS_QUERIES = Metric(
    "ses_operator_dns_queries_total",
    MetricKind.COUNTER,
    "Queries to name servers, by answer",
    ("outcome",),
)

# The queues, the reconciles, the Lease.

QUEUE_DEPTH = Metric("workqueue_depth", MetricKind.GAUGE, "Keys that wait for a worker", ("name",))
WRITES_REFUSED = Metric(
    "ses_operator_object_writes_refused_total",
    MetricKind.COUNTER,
    "Writes to objects of the operator's kinds that the apiserver refused: an admission policy, no room, a missing right",
    ("controller", "part"),
)
QUEUE_OLDEST = Metric("workqueue_oldest_age_seconds", MetricKind.GAUGE, "How long the first key has waited", ("name",))
QUEUE_DELAYED = Metric("workqueue_delayed", MetricKind.GAUGE, "Keys that are due later", ("name",))
QUEUE_ADDS = Metric("workqueue_adds_total", MetricKind.COUNTER, "Keys added, without repetitions", ("name",))
QUEUE_RETRIES = Metric("workqueue_retries_total", MetricKind.COUNTER, "Keys added again after a failure", ("name",))
QUEUE_WAIT = Metric(
    "workqueue_queue_duration_seconds",
    MetricKind.HISTOGRAM,
    "How long a key waited for a worker",
    ("name",),
    _RECONCILE,
)
RECONCILE_SECONDS = Metric(
    "workqueue_work_duration_seconds", MetricKind.HISTOGRAM, "How long a reconcile took", ("name",), _RECONCILE
)
ACTIVE_WORKERS = Metric(
    "controller_runtime_active_workers", MetricKind.GAUGE, "Reconciles that are running", ("controller",)
)
RECONCILES = Metric(
    "controller_runtime_reconcile_total",
    MetricKind.COUNTER,
    "Reconciles that ended: success, requeue_after, requeue or error",
    ("controller", "result"),
)
RECONCILE_ERRORS = Metric(
    "ses_operator_reconcile_errors_total",
    MetricKind.COUNTER,
    "Reconciles that failed and are repeated, by reason; a problem of an identity is in its status instead",
    ("controller", "reason"),
)
NAMESPACE_STATE = Metric(
    "ses_operator_watched_namespace_state",
    MetricKind.GAUGE,
    "1 for the state of the watches of each namespace of --watch-namespaces, 0 for its other states; the namespace is empty for "
    "the whole cluster, and for SesAccounts",
    ("namespace", "state"),
)
LEADER = Metric(
    "leader_election_master_status",
    MetricKind.GAUGE,
    "1 if this replica holds the Lease and acts, 0 if it stands by",
    ("name",),
)

SECTIONS = {
    "Identities": (
        IDENTITIES, UNVERIFIED, TIME_TO_VERIFY, OBJECTS, DELETING, UNREADABLE, IDENTITY_READY,
        IDENTITY_VERIFIED,
    ),
    "AWS accounts": (
        ACCOUNT_READY, REGION_REACHABLE, PRODUCTION_ACCESS, SENDING_ENABLED, ENFORCEMENT, SEND_QUOTA, SEND_RATE, SENT,
        NOTIFICATIONS, NOTIFICATIONS_FAILING,
    ),
    "Delivery figures": (IDENTITY_MAIL, ACCOUNT_MAIL, MAIL_COUNTED),
    "Audits": (AUDITED, AUDIT_FINDINGS, AUDIT_COMPLETED, AUDIT_NEXT, AUDIT_SECONDS, AUDIT_FAILED),
    "Calls": (AWS_REQUESTS, AWS_ERRORS, AWS_SECONDS, BUDGET_WAIT, DNS_QUERIES),
    "Queues, reconciles, election": (
        RECONCILES, RECONCILE_SECONDS, RECONCILE_ERRORS, ACTIVE_WORKERS, QUEUE_DEPTH, QUEUE_OLDEST, QUEUE_DELAYED,
        QUEUE_ADDS, QUEUE_RETRIES, QUEUE_WAIT, WRITES_REFUSED, LEADER, NAMESPACE_STATE,
    ),
}  # fmt: skip
"""All metrics, in the order in which they are documented. The use of resources (``process_*``, ``python_*``) is beside them."""

METRICS = tuple(metric for section in SECTIONS.values() for metric in section)
