"""Adds identities directly, many at once, as in an account that was in use for years: without DNS, mail or calls."""

from __future__ import annotations

from datetime import datetime, timedelta

from ses_sandbox.control.actions import DEFAULT_ACCOUNT, Asked, Reply
from ses_sandbox.control.body import BadFieldError, Body
from ses_sandbox.control.sandbox import Parts
from ses_sandbox.regions import ses_regions
from ses_sandbox.ses.state.keylength import KeyLength, SigningKey
from ses_sandbox.ses.state.models import EASY, Dkim, Identity, IdentityType, RegionState
from ses_sandbox.ses.state.names import is_domain
from ses_sandbox.ses.state.tokens import dkim_tokens
from ses_sandbox.ses.state.verification import Progress, Status


def add_identities(parts: Parts, asked: Asked) -> Reply:
    """Add domains with Easy DKIM: 0.SUFFIX, 1.SUFFIX and so on. Their records are not looked up.

    {"account", "region", "suffix", "count" (default 1), "status" (default SUCCESS), "hoursAgo" (since when it is so)}
    """
    body = Body.parse(asked.body, "account", "region", "suffix", "count", "status", "hoursAgo")
    region, suffix = body.text("region"), body.text("suffix") or ""
    if region not in ses_regions():
        raise BadFieldError("region", f"there is no SES in {region}")
    if not is_domain(suffix):
        raise BadFieldError("suffix", "must be a domain")
    count = body.integer("count", 1) or 1
    progress = Progress(
        body.choice("status", Status) or Status.SUCCESS,
        parts.clock.now() - timedelta(hours=body.number("hoursAgo", 0) or 0),
    )
    with parts.store.lock:
        state = parts.store.region(body.text("account") or DEFAULT_ACCOUNT, region)
        if len(state.identities) + count > state.settings.max_identities:
            raise BadFieldError("count", f"there is room for {state.settings.max_identities} identities in all")
        for number in range(count):
            state.add(_identity(state, f"{number}.{suffix}", progress, progress.since))
    return Reply({"added": count})


def set_sending(parts: Parts, asked: Asked) -> Reply:
    """Stop the mail of one identity, as AWS does, or let it go again: {"account", "region", "identity", "enabled"}."""
    body = Body.parse(asked.body, "account", "region", "identity", "enabled")
    name, enabled = body.text("identity") or "", body.flag("enabled")
    with parts.store.lock:
        found = parts.store.region(body.text("account") or DEFAULT_ACCOUNT, body.text("region") or "").find(name)
        if found is None:
            raise BadFieldError("identity", f"there is no {name!r} in this region")
        if enabled is None:
            raise BadFieldError("enabled", "is required")
        found.sending_enabled = enabled
    return Reply({"identity": name, "sendingEnabled": enabled})


def _identity(state: RegionState, name: str, progress: Progress, at: datetime) -> Identity:
    dkim = Dkim(
        origin=EASY,
        progress=progress,
        signing_enabled=True,
        tokens=dkim_tokens(state.account, state.region, name),
        key=SigningKey.generate(KeyLength.RSA_2048_BIT, at),
        hosted_zone=state.signing_hosted_zone,
    )
    return Identity(name, IdentityType.DOMAIN, state.account, state.region, at, progress, dkim=dkim)
