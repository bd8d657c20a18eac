"""The fate of mail in one region of one account: counts by identity, and those of the account as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ses_operator.aws.calls.budget import Bucket, Priority
from ses_operator.aws.calls.calls import Calls, ClientSource
from ses_operator.aws.errors.translation import Request
from ses_operator.core.metrics.mail_figures import (
    AccountMail,
    Counted,
    DailyCounts,
    MailQuery,
    SendHistory,
    Window,
    calls_for,
    history_queries,
    send_history,
    total,
)

NAMESPACE = "VDM"


class MetricData:
    """Reads counts of mail. Every method raises nothing but ``OperatorError``, and waits for its turn with the lowest priority.

    Ask for counts by identity only where GetAccount says that the Virtual Deliverability Manager is on
    (``AccountFacts.vdm_enabled``): what SES answers elsewhere is not documented.
    """

    __slots__ = ("_account_id", "_calls", "_region", "_v1", "_v2")

    def __init__(self, account_id: str, region: str, v2: ClientSource, v1: ClientSource, calls: Calls) -> None:
        self._account_id = account_id
        self._region = region
        self._v2 = v2
        self._v1 = v1
        self._calls = calls

    async def counts(self, queries: Iterable[MailQuery], window: Window) -> Counted:
        """Call BatchGetMetricData, once for each ten queries; None for those that SES could not process."""
        counted: dict[MailQuery, DailyCounts | None] = {}
        for batch in calls_for(queries):
            asked = {str(number): query for number, query in enumerate(batch)}
            answer = await self._call(
                "sesv2", "BatchGetMetricData", Queries=[_query(id_, query, window) for id_, query in asked.items()]
            )
            told = {result["Id"]: _daily(result) for result in answer.get("Results") or ()}
            counted.update({query: told.get(id_) for id_, query in asked.items()})
        return counted

    async def send_history(self, identities: Iterable[str], window: Window) -> SendHistory:
        """Find the identities that have sent in the window: one query for each, and one more."""
        return send_history(window, await self.counts(history_queries(identities), window))

    async def account_mail(self, window: Window) -> AccountMail:
        """Call GetSendStatistics (v1) once: what there is of the last two weeks within the window."""
        answer = await self._call("ses", "GetSendStatistics")
        return total(((point["Timestamp"], _mail(point)) for point in answer.get("SendDataPoints") or ()), window)

    async def _call(self, service: str, operation: str, **parameters: Any) -> Mapping[str, Any]:
        client = self._v2 if service == "sesv2" else self._v1
        request = Request(service, operation, self._region)
        bucket = Bucket(self._account_id, self._region, operation)
        return await self._calls(client, request, bucket, Priority.SWEEP, **parameters)


def _query(id_: str, query: MailQuery, window: Window) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "Id": id_,
        "Namespace": NAMESPACE,
        "Metric": query.event.value,
        "StartDate": window.start,
        "EndDate": window.end,
    }
    if query.identity is not None:
        asked["Dimensions"] = {"EMAIL_IDENTITY": query.identity}
    return asked


def _daily(result: Mapping[str, Any]) -> DailyCounts:
    return dict(zip(result.get("Timestamps") or (), result.get("Values") or (), strict=True))


def _mail(point: Mapping[str, Any]) -> AccountMail:
    names = ("DeliveryAttempts", "Bounces", "Complaints", "Rejects")
    return AccountMail(*(int(point.get(name) or 0) for name in names))
