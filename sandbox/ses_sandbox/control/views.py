"""The sandbox's state as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from ses_sandbox.calls import Call
from ses_sandbox.clock import Clock
from ses_sandbox.faults import ActiveFault, FaultKind
from ses_sandbox.route53.history import ZoneEvent
from ses_sandbox.ses.state.models import AccountSettings, Identity, RegionState
from ses_sandbox.ses.state.outbox import Message
from ses_sandbox.ses.state.verification import Progress
from ses_sandbox.ses.views import full_view

FAULT_FIELDS = {
    FaultKind.ERROR: ("status", "code", "message"),
    FaultKind.LATENCY: ("seconds",),
    FaultKind.LOST_RESPONSE: ("lost",),
    FaultKind.DNS: ("rcode", "suffix"),
}


def clock_view(clock: Clock) -> dict[str, Any]:
    """Return the simulated time and its speed."""
    return {"now": clock.now(), "speed": clock.speed}


def call_view(call: Call) -> dict[str, Any]:
    """Return one call."""
    view = asdict(call)
    view["accessKey"] = view.pop("access_key")
    return {**view, "seconds": round(call.seconds, 6)}


def fault_view(active: ActiveFault) -> dict[str, Any]:
    """Return a fault with the fields that its kind has, and how often it fired."""
    fault = active.fault
    matchers = {name: getattr(fault, name) for name in ("service", "operation", "region", "identity")}
    specific = {name: getattr(fault, name) for name in FAULT_FIELDS.get(fault.kind, ())}
    return {
        "id": active.id,
        "kind": fault.kind,
        **{name: value for name, value in matchers.items() if value is not None},
        **specific,
        "probability": fault.probability,
        "left": active.left,
        "fired": active.fired,
    }


def zone_event_view(event: ZoneEvent) -> dict[str, Any]:
    """Return a change of a hosted zone; ``values`` null if a record set was deleted."""
    return {
        "number": event.number,
        "zone": event.zone_id,
        "zoneName": event.zone_name.rstrip("."),
        "at": event.at,
        "delegated": not event.edits,
        "accessKey": event.access_key,
        "sets": [
            {"name": key.name.rstrip("."), "type": key.type, "values": None if found is None else list(found.values)}
            for key, found in event.edits.items()
        ],
    }


def region_view(state: RegionState, only: str | None) -> dict[str, Any]:
    """Return SES of an account in a region. ``only``: the one identity that is wanted."""
    return {
        "account": state.account,
        "region": state.region,
        "settings": settings_view(state.settings, state.signing_hosted_zone),
        "configurationSets": sorted(state.configuration_sets),
        "identities": {
            name: _identity_view(state, identity)
            for name, identity in sorted(state.identities.items())
            if only is None or name == only
        },
    }


def settings_view(settings: AccountSettings, signing_hosted_zone: str) -> dict[str, Any]:
    """Return the settings of POST /_sandbox/account."""
    return {
        "optedIn": settings.opted_in,
        "productionAccess": settings.production_access,
        "sendingEnabled": settings.sending_enabled,
        "enforcementStatus": settings.enforcement,
        "max24HourSend": settings.max_24_hour_send,
        "maxSendRate": settings.max_send_rate,
        "maxIdentities": settings.max_identities,
        "signingHostedZone": signing_hosted_zone,
    }


def _identity_view(state: RegionState, identity: Identity) -> dict[str, Any]:
    """Return what GetEmailIdentity answers, and the timers behind it."""
    timers: dict[str, Any] = {
        "createdAt": identity.created_at,
        "nextCheckAt": identity.next_check_at,
        "verification": _timer(identity.verification),
    }
    if identity.dkim is not None:
        timers["dkim"] = _timer(identity.dkim.progress)
    if identity.mail_from is not None:
        timers["mailFrom"] = _timer(identity.mail_from.progress)
    return {**full_view(state, identity), "timers": timers}


def _timer(progress: Progress) -> dict[str, Any]:
    return {"status": progress.status, "since": progress.since, "failsAt": progress.deadline}


def message_view(message: Message) -> dict[str, Any]:
    """Return one mail."""
    return asdict(message)


def messages_view(messages: Sequence[Message]) -> dict[str, Any]:
    """Return all mail, oldest first."""
    return {"messages": [message_view(message) for message in messages]}


def encode(value: Any) -> Any:
    """Encode a time in ISO 8601, for json.dumps."""
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"no JSON form for {type(value).__name__}")
