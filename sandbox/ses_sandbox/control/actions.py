"""The actions of the control API, one for each route. GET /_sandbox shows the docstrings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from dns.exception import DNSException

from ses_sandbox.calls import CallFilter
from ses_sandbox.control.body import BadFieldError, Body
from ses_sandbox.control.sandbox import Parts
from ses_sandbox.control.views import (
    call_view,
    clock_view,
    fault_view,
    messages_view,
    region_view,
    settings_view,
    zone_event_view,
)
from ses_sandbox.faults import DnsFailure, Fault, FaultKind, LostResponse
from ses_sandbox.regions import ses_regions
from ses_sandbox.ses.state.models import RegionState, identity_key
from ses_sandbox.ses.state.verification import Status, after_link_expiry, verified

DEFAULT_ACCOUNT = "123456789012"
DEFAULT_CALLS = 1000
MAX_HTTP_STATUS = 599


class Enforcement(StrEnum):
    """EnforcementStatus of GetAccount."""

    HEALTHY = "HEALTHY"
    PROBATION = "PROBATION"
    SHUTDOWN = "SHUTDOWN"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: the last part of its path if the route has one, its query string and its body."""

    argument: str
    query: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply. ``content``: sent as JSON, or as plain text if it is a string."""

    content: Any
    status: HTTPStatus = HTTPStatus.OK


Action = Callable[[Parts, Asked], Reply]


def list_calls(parts: Parts, asked: Asked) -> Reply:
    """Return the log of calls, and counts per operation, region and result.

    ?since=N&service=&operation=&region=&identity=&result=&limit=1000
    """
    known = {"since", "service", "operation", "region", "identity", "result", "limit"}
    if unknown := sorted(asked.query.keys() - known):
        raise BadFieldError(unknown[0], f"there is no such filter; known are {', '.join(sorted(known))}")
    numbers = {name: _whole(name, asked.query[name]) for name in ("since", "limit") if name in asked.query}
    texts = {name: value for name, value in asked.query.items() if name not in numbers}
    calls = parts.calls.calls(
        CallFilter(since=numbers.get("since"), **texts), limit=numbers.get("limit", DEFAULT_CALLS)
    )
    return Reply(
        {"calls": [call_view(call) for call in calls], "counts": [asdict(count) for count in parts.calls.counts()]}
    )


def reset_calls(parts: Parts, _: Asked) -> Reply:
    """Forget the calls and their counts."""
    parts.calls.reset()
    return Reply({})


def list_faults(parts: Parts, _: Asked) -> Reply:
    """Return the faults that are switched on."""
    return Reply({"faults": [fault_view(active) for active in parts.faults.active()]})


def add_fault(parts: Parts, asked: Asked) -> Reply:
    """Switch a fault on.

    {"kind": throttle|error|latency|lost-response|region-down|dns, "service", "operation", "region", "identity", "times",
    "probability"; for error: "status", "code", "message"; for latency: "seconds"; for lost-response: "lost": close|error;
    for dns: "rcode": SERVFAIL|NXDOMAIN|timeout, "suffix"}
    """
    body = Body.parse(asked.body, *Fault.__dataclass_fields__)
    kind = body.choice("kind", FaultKind)
    if kind is None:
        raise BadFieldError("kind", f"is required: one of {', '.join(FaultKind)}")
    given: dict[str, Any] = {name: body.text(name) for name in _TEXT_FIELDS}
    given |= {
        "times": body.integer("times", 1),
        "probability": body.number("probability", 0, 1),
        "status": body.integer("status", HTTPStatus.BAD_REQUEST),
        "seconds": body.number("seconds", 0),
        "lost": body.choice("lost", LostResponse),
        "rcode": body.choice("rcode", DnsFailure),
    }
    if (given["status"] or 0) > MAX_HTTP_STATUS:
        raise BadFieldError("status", f"must be at most {MAX_HTTP_STATUS}")
    fault = Fault(kind=kind, **{name: value for name, value in given.items() if value is not None})
    return Reply(fault_view(parts.faults.add(fault)), HTTPStatus.CREATED)


_TEXT_FIELDS = ("service", "operation", "region", "identity", "code", "message", "suffix")


def clear_faults(parts: Parts, _: Asked) -> Reply:
    """Switch all faults off."""
    parts.faults.clear()
    return Reply({})


def remove_fault(parts: Parts, asked: Asked) -> Reply:
    """Switch one fault off, by its id."""
    if not parts.faults.remove(_whole("id", asked.argument)):
        return Reply({"error": f"there is no fault {asked.argument}"}, HTTPStatus.NOT_FOUND)
    return Reply({})


def show_clock(parts: Parts, _: Asked) -> Reply:
    """Return the simulated time and its speed."""
    return Reply(clock_view(parts.clock))


def move_clock(parts: Parts, asked: Asked) -> Reply:
    """Let time pass: {"advanceHours": 73}, {"advanceSeconds": 60} and {"speed": 100} (simulated seconds per real second).

    Answers when SES has made the lookups that are due at the new time.
    """
    body = Body.parse(asked.body, "advanceHours", "advanceSeconds", "speed")
    hours, seconds, speed = body.number("advanceHours", 0), body.number("advanceSeconds", 0), body.number("speed", 0)
    if hours is None and seconds is None and speed is None:
        raise BadFieldError("", "give advanceHours, advanceSeconds or speed")
    if speed == 0:
        raise BadFieldError("speed", "must be more than 0")
    if speed is not None:
        parts.clock.set_speed(speed)
    if hours or seconds:
        parts.clock.advance(timedelta(hours=hours or 0, seconds=seconds or 0))
        parts.await_rest()
    return Reply(clock_view(parts.clock))


def show_state(parts: Parts, asked: Asked) -> Reply:
    """Return the identities and settings of SES, with timers, per account and region.

    ?account=&region=&identity=
    """
    account, region, identity = (asked.query.get(name) for name in ("account", "region", "identity"))
    only = None if identity is None else identity_key(identity)
    with parts.store.lock:
        views = [
            region_view(state, only)
            for state in parts.store.regions()
            if account in (None, state.account) and region in (None, state.region) and _is_used(state, only)
        ]
    return Reply({"regions": views})


def _is_used(state: RegionState, only: str | None) -> bool:
    return only in state.identities if only is not None else bool(state.identities or state.configuration_sets)


def check_now(parts: Parts, _: Asked) -> Reply:
    """Look the records of all identities up at once, without waiting for their time. Answers when that is done."""
    parts.check_now()
    parts.await_rest()
    return Reply({})


def show_outbox(parts: Parts, _: Asked) -> Reply:
    """Return mail that SES would have sent, verification mails with their links included."""
    return Reply(messages_view(parts.store.outbox.messages()))


def clear_outbox(parts: Parts, _: Asked) -> Reply:
    """Forget the mail; links in it no longer work."""
    parts.store.outbox.clear()
    return Reply({})


def set_account(parts: Parts, asked: Asked) -> Reply:
    """Set what AWS decides about an account.

    {"account", "region" (if omitted, all), "optedIn" (false: the region is not enabled), "productionAccess",
    "sendingEnabled", "enforcementStatus", "max24HourSend" (-1: unlimited), "maxSendRate", "maxIdentities",
    "signingHostedZone"}
    """
    body = Body.parse(asked.body, "account", "region", *_ACCOUNT_KNOBS)
    region = body.text("region")
    if region is not None and region not in ses_regions():
        raise BadFieldError("region", f"there is no SES in {region}")
    account = body.text("account") or DEFAULT_ACCOUNT
    changes = _settings_changes(body)
    zone = body.text("signingHostedZone")
    with parts.store.lock:
        for name in sorted(ses_regions()) if region is None else [region]:
            state = parts.store.region(account, name)
            for knob, value in changes.items():
                setattr(state.settings, knob, value)
            state.signing_hosted_zone = zone or state.signing_hosted_zone
        return Reply(settings_view(state.settings, state.signing_hosted_zone))


_ACCOUNT_KNOBS = (
    "optedIn",
    "productionAccess",
    "sendingEnabled",
    "enforcementStatus",
    "max24HourSend",
    "maxSendRate",
    "maxIdentities",
    "signingHostedZone",
)


def _settings_changes(body: Body) -> dict[str, Any]:
    """Return the changes by attribute of AccountSettings."""
    given = {
        "opted_in": body.flag("optedIn"),
        "production_access": body.flag("productionAccess"),
        "sending_enabled": body.flag("sendingEnabled"),
        "enforcement": body.choice("enforcementStatus", Enforcement),
        "max_24_hour_send": body.number("max24HourSend", -1),
        "max_send_rate": body.number("maxSendRate", 0),
        "max_identities": body.integer("maxIdentities", 0),
    }
    return {name: value for name, value in given.items() if value is not None}


def set_throttle(parts: Parts, asked: Asked) -> Reply:
    """Set the SES requests per real second, action, account and region: {"rate": 20}; 0 switches throttling off."""
    rate = Body.parse(asked.body, "rate").number("rate", 0)
    if rate is None:
        raise BadFieldError("rate", "is required")
    parts.throttle.rate = rate
    return Reply({"rate": rate})


def expire_sessions(parts: Parts, _: Asked) -> Reply:
    """End all role sessions: with --access-control they then get ExpiredToken."""
    parts.directory.expire_sessions()
    return Reply({})


def put_zone(parts: Parts, asked: Asked) -> Reply:
    """Serve a zone from the zone file in the body (BIND's format), in place of Route 53's of that name."""
    try:
        parts.dns.set_zone(asked.argument, asked.body.decode())
    except (DNSException, UnicodeDecodeError) as error:
        raise BadFieldError("", f"the body is not a zone file: {error}") from None
    return Reply({})


def delete_zone(parts: Parts, asked: Asked) -> Reply:
    """Stop serving the zone that was set."""
    if not parts.dns.delete_zone(asked.argument):
        return Reply({"error": f"no zone {asked.argument} was set"}, HTTPStatus.NOT_FOUND)
    return Reply({})


def list_zone_events(parts: Parts, asked: Asked) -> Reply:
    """Return the changes of the hosted zones, batch by batch, and of their delegations.

    ?since=N
    """
    since = _whole("since", asked.query.get("since", "0"))
    return Reply({"changes": [zone_event_view(event) for event in parts.zones.events(since)]})


def delegate(parts: Parts, asked: Asked) -> Reply:
    """Let the parent delegate a name to this hosted zone, if several have that name.

    {"hostedZoneId"}
    """
    zone_id = Body.parse(asked.body, "hostedZoneId").text("hostedZoneId") or ""
    if not parts.zones.delegate(zone_id):
        raise BadFieldError("hostedZoneId", f"there is no public hosted zone {zone_id!r}")
    return Reply({})


def reset(parts: Parts, _: Asked) -> Reply:
    """Forget everything: identities, mail, calls, faults, and what moto holds; seeded zones come back. Time goes on."""
    with parts.store.lock:
        parts.store.reset()
    parts.faults.clear()
    parts.reset_moto()
    parts.calls.reset()
    return Reply({})


def follow_link(parts: Parts, asked: Asked) -> Reply:
    """Verify the address, within 24 hours: what the link in a verification mail does."""
    link = parts.store.outbox.link(asked.query.get("token", ""))
    with parts.store.lock:
        identity = None if link is None else parts.store.region(link.account, link.region).find(link.address)
        if identity is None:
            return Reply("This link is not valid.\n", HTTPStatus.NOT_FOUND)
        now = parts.clock.now()
        identity.verification = after_link_expiry(identity.verification, now)
        if identity.verification.status is Status.FAILED:
            return Reply("This link has expired: it works for 24 hours.\n", HTTPStatus.GONE)
        identity.verification = verified(identity.verification, now)
        return Reply(f"Congratulations! {identity.name} is verified in {identity.region}.\n")


def _whole(name: str, text: str) -> int:
    if not text.isdigit():
        raise BadFieldError(name, f"must be a whole number, not {text!r}")
    return int(text)
