"""DKIM signing and the length of Easy DKIM's key: settings of an identity. Pure.

Sources: API reference, PutEmailIdentityDkimAttributes and PutEmailIdentityDkimSigningAttributes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from ses_operator.api.base.reasons import Reason
from ses_operator.core.features.keys.key_identity import own_selector
from ses_operator.core.model.dkim_source import EasyDkim
from ses_operator.core.model.iam_actions import Action, Feature, On
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import IdentityFacts, SigningOrigin, VerificationStatus, signing_key_length
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.observed import Observed
from ses_operator.core.state.setting import UNKNOWN, UNMANAGED, Call, NoValue, Setting

KEY_CHANGE_INTERVAL = timedelta(hours=24)
"""How often SES lets the DKIM key length grow (API reference, PutEmailIdentityDkimSigningAttributes)."""

SIGNING = Setting(
    key="signing",
    spec_field="spec.dkim.signingEnabled",
    wanted=lambda desired, _: (
        UNMANAGED if desired.is_address else desired.signing_enabled
    ),  # SES refuses it for an address
    found=lambda facts: facts.dkim.signing_enabled,
    expected=lambda facts, enabled: replace(facts, dkim=replace(facts.dkim, signing_enabled=enabled)),
    reset_to=True,
    call=lambda identity, enabled: Call(
        "PutEmailIdentityDkimAttributes", {"EmailIdentity": identity, "SigningEnabled": enabled}
    ),
    words=lambda enabled: f"switch DKIM signing {'on' if enabled else 'off'}",
    iam_action=Action(
        "ses:PutEmailIdentityDkimAttributes",
        Feature.IDENTITIES,
        On.IDENTITY,
        "`spec.dkim.signingEnabled: false`, and drift of it",
    ),
)


def _wanted_length(desired: Desired, region: str) -> int | NoValue:
    dkim = desired.dkim_in(region)
    return dkim.key_length if isinstance(dkim, EasyDkim) else UNMANAGED


def _length(facts: IdentityFacts) -> int | NoValue:
    """Return the length in bits that SES has, or goes over to; it says none of a key that is not its own."""
    length = facts.dkim.next_key_length or facts.dkim.key_length
    return UNKNOWN if length is None or own_selector(facts) is not None else length


def _too_soon(desired: Desired, region: str, facts: IdentityFacts, _: Observed, now: datetime) -> Problem | None:
    """Return how long SES still refuses a longer key."""
    wanted, found, changed = _wanted_length(desired, region), _length(facts), facts.dkim.last_key_generation
    if isinstance(wanted, NoValue) or isinstance(found, NoValue) or changed is None or wanted < found:
        return None
    left = KEY_CHANGE_INTERVAL - (now - changed)
    if left <= timedelta():
        return None
    message = (
        f"SES changes the DKIM key length only once in 24 hours; the change to {wanted} bits follows after that time"
    )
    return Problem(Reason.KEY_LENGTH_TOO_SOON, message, left.total_seconds(), region)


KEY_LENGTH = Setting(
    key="key-length",
    spec_field="spec.dkim.keySize",
    wanted=_wanted_length,
    found=_length,
    expected=lambda facts, bits: replace(
        facts, dkim=replace(facts.dkim, next_key_length=bits, status=VerificationStatus.PENDING)
    ),
    reset_to=2048,
    call=lambda identity, bits: Call(
        "PutEmailIdentityDkimSigningAttributes",
        {
            "EmailIdentity": identity,
            "SigningAttributesOrigin": SigningOrigin.EASY.value,
            "SigningAttributes": {"NextSigningKeyLength": signing_key_length(bits)},
        },
    ),
    words=lambda bits: f"change the DKIM key to {bits} bits",
    iam_action=Action(
        "ses:PutEmailIdentityDkimSigningAttributes",
        Feature.IDENTITIES,
        On.IDENTITY,
        "`spec.dkim.keySize`; another `spec.dkim.mode`, or key of yours; asking SES to look again after it gave up",
    ),
    wait=_too_soon,
    current=lambda found, _: f"{found} bits",
)
