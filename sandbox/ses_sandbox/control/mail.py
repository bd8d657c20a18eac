"""Counts of mail that is not sent: a client reports the fate of mail, for the figures that SES gives of it."""

from __future__ import annotations

from datetime import timedelta

from ses_sandbox.control.actions import DEFAULT_ACCOUNT, Asked, Reply
from ses_sandbox.control.body import BadFieldError, Body
from ses_sandbox.control.sandbox import Parts
from ses_sandbox.regions import ses_regions
from ses_sandbox.ses.state.mail_counts import MailEvent, Origin, QueryError

EVENTS = {
    "sends": MailEvent.SEND,
    "deliveries": MailEvent.DELIVERY,
    "permanentBounces": MailEvent.PERMANENT_BOUNCE,
    "transientBounces": MailEvent.TRANSIENT_BOUNCE,
    "complaints": MailEvent.COMPLAINT,
    "complaintEligibleDeliveries": MailEvent.DELIVERY_COMPLAINT,
    "rejects": MailEvent.REJECT,
}


def count_mail(parts: Parts, asked: Asked) -> Reply:
    """Let SES count mail of an identity, whether the Virtual Deliverability Manager is on or not.

    {"account", "region", "identity", "configurationSet", "hoursAgo", "sends", "deliveries", "permanentBounces",
    "transientBounces", "complaints", "complaintEligibleDeliveries", "rejects"}; "queryError" (INTERNAL_FAILURE or
    ACCESS_DENIED): BatchGetMetricData answers queries about the identity with this error from now on.
    """
    body = Body.parse(
        asked.body, "account", "region", "identity", "configurationSet", "hoursAgo", "queryError", *EVENTS
    )
    region, identity = body.text("region"), body.text("identity")
    if region not in ses_regions():
        raise BadFieldError("region", f"there is no SES in {region}")
    if not identity:
        raise BadFieldError("identity", "is required")
    events = {event: count for name, event in EVENTS.items() if (count := body.integer(name, 0))}
    at = parts.clock.now() - timedelta(hours=body.number("hoursAgo", 0) or 0)
    failure = body.choice("queryError", QueryError)
    with parts.store.lock:
        counts = parts.store.region(body.text("account") or DEFAULT_ACCOUNT, region).mail
        counts.track(at, Origin(identity, body.text("configurationSet")), events)
        counts.tally(at, events)
        if failure is not None:
            counts.failing[identity] = failure
    return Reply({name: events.get(event, 0) for name, event in EVENTS.items()})
