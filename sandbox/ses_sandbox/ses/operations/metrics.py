"""The fate of mail: SESv2 BatchGetMetricData, SESv1 GetSendStatistics.

Sources: API reference v2, BatchGetMetricData, BatchGetMetricDataQuery, MetricDataError; API reference (2010-12-01),
GetSendStatistics; Developer Guide, "Virtual Deliverability Manager". The error of a manager that is switched off is
not documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ses_sandbox.errors import bad_request
from ses_sandbox.ses.context import Context, Operation
from ses_sandbox.ses.state.mail_counts import MailEvent, Origins

Params = Mapping[str, Any]


def batch_get_metric_data(ctx: Context, params: Params) -> dict[str, Any]:
    """Sum by day (UTC) for up to ten queries, each with a result or an error of its own."""
    if not ctx.state.settings.vdm_enabled:
        raise bad_request("Virtual Deliverability Manager is not enabled for this account.")
    results: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for query in params["Queries"]:
        start, end = (datetime.fromtimestamp(query[name], UTC) for name in ("StartDate", "EndDate"))
        if end < start:
            raise bad_request("EndDate must not be before StartDate.")
        dimensions = query.get("Dimensions", {})
        failure = ctx.state.mail.failing.get(dimensions.get("EMAIL_IDENTITY", ""))
        if failure is not None:
            errors.append({"Id": query["Id"], "Code": failure, "Message": "The query could not be processed."})
            continue
        days = ctx.state.mail.by_day(query["Metric"], Origins.of(dimensions), start, end)
        results.append(
            {"Id": query["Id"], "Timestamps": [day for day, _ in days], "Values": [count for _, count in days]}
        )
    return {"Results": results, "Errors": errors}


def get_send_statistics(ctx: Context, _: Params) -> dict[str, Any]:
    """Return the account's last two weeks in the region, by quarter-hours."""
    return {
        "SendDataPoints": [
            {
                "Timestamp": begun,
                "DeliveryAttempts": counts.get(MailEvent.SEND, 0),
                "Bounces": counts.get(MailEvent.PERMANENT_BOUNCE, 0),
                "Complaints": counts.get(MailEvent.COMPLAINT, 0),
                "Rejects": counts.get(MailEvent.REJECT, 0),
            }
            for begun, counts in ctx.state.mail.statistics(ctx.now)
        ]
    }


V2_OPERATIONS: Mapping[str, Operation] = {"BatchGetMetricData": batch_get_metric_data}
V1_OPERATIONS: Mapping[str, Operation] = {"GetSendStatistics": get_send_statistics}
