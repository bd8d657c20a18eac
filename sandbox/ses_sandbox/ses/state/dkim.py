"""DKIM of a domain identity: its set-up and changes. No HTTP, no DNS."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ses_sandbox.errors import bad_request
from ses_sandbox.regions import identity_arn
from ses_sandbox.ses.context import Context
from ses_sandbox.ses.state.keylength import KeyLength, KeyLengthRefused, SigningKey
from ses_sandbox.ses.state.models import DEED_PREFIX, EASY, EXTERNAL, BringYourOwnKey, Dkim, Identity
from ses_sandbox.ses.state.tokens import dkim_tokens
from ses_sandbox.ses.state.verification import Status, started

DEFAULT_LENGTH = KeyLength.RSA_2048_BIT
MIN_OWN_KEY_BITS = 1024
MAX_OWN_KEY_BITS = 2048


def new_dkim(ctx: Context, domain: str, attributes: Mapping[str, Any] | None) -> Dkim:
    """Return DKIM as DkimSigningAttributes of CreateEmailIdentity asks for it; Easy DKIM without them.

    Raises BadRequestException for attributes that cannot be combined.
    """
    attributes = attributes or {}
    origin = attributes.get("DomainSigningAttributesOrigin")
    if origin is not None:
        return _replica(ctx, domain, origin, attributes)
    if _is_own_key(attributes):
        return own_key_dkim(attributes, ctx.now)
    return easy_dkim(ctx, domain, KeyLength(attributes.get("NextSigningKeyLength", DEFAULT_LENGTH)))


def easy_dkim(ctx: Context, domain: str, length: KeyLength) -> Dkim:
    """Return Easy DKIM from its start."""
    return Dkim(
        origin=EASY,
        progress=started(ctx.now),
        signing_enabled=True,
        tokens=dkim_tokens(ctx.state.account, ctx.state.region, domain),
        key=SigningKey.generate(length, ctx.now),
        hosted_zone=ctx.state.signing_hosted_zone,
    )


def own_key_dkim(attributes: Mapping[str, Any], now: datetime) -> Dkim:
    """Return BYODKIM from its start. Raises BadRequestException without both halves, or for a key that SES cannot use."""
    selector, private_key = attributes.get("DomainSigningSelector"), attributes.get("DomainSigningPrivateKey")
    if not selector or not private_key:
        raise bad_request("DomainSigningSelector and DomainSigningPrivateKey must be given together.")
    if "NextSigningKeyLength" in attributes:
        raise bad_request("NextSigningKeyLength cannot be combined with DomainSigningPrivateKey.")
    own_key = BringYourOwnKey(selector, public_key_of(private_key))
    return Dkim(origin=EXTERNAL, progress=started(now), signing_enabled=True, tokens=(selector,), own_key=own_key)


def public_key_of(private_key: str) -> str:
    """Return the base64 public key for ``p=``.

    Raises BadRequestException unless it is an RSA key of 1024 to 2048 bits in base64.
    """
    from cryptography.hazmat.primitives import serialization  # slow to import, and only BYODKIM needs it
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    try:
        key = serialization.load_der_private_key(base64.b64decode(private_key, validate=True), password=None)
    except (ValueError, TypeError, binascii.Error):
        raise bad_request("The DKIM private key is not a valid RSA key in base64, without PEM header.") from None
    if not isinstance(key, RSAPrivateKey) or not MIN_OWN_KEY_BITS <= key.key_size <= MAX_OWN_KEY_BITS:
        raise bad_request("The DKIM private key must be an RSA key of 1024 to 2048 bits.")
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(public).decode()


def change_signing(ctx: Context, identity: Identity, origin: str, attributes: Mapping[str, Any]) -> Dkim:
    """Return DKIM after PutEmailIdentityDkimSigningAttributes. Raises BadRequestException.

    The API reference lists the changes that it makes; none of them begins at a replica or makes one.
    """
    if identity.dkim is not None and identity.dkim.parent_region is not None:
        raise bad_request(
            f"Identity {identity.name} is a replica: its DKIM signing attributes are those of its parent in "
            f"{identity.dkim.parent_region}."
        )
    if origin == EXTERNAL:
        changed = own_key_dkim(attributes, ctx.now)
        if identity.dkim is not None:
            changed.signing_enabled = identity.dkim.signing_enabled
        return changed
    if origin != EASY:
        raise bad_request("A replica's DomainSigningAttributesOrigin can be given at creation only.")
    if _is_own_key(attributes):
        raise bad_request("DomainSigningSelector and DomainSigningPrivateKey need the origin EXTERNAL.")
    wanted = attributes.get("NextSigningKeyLength")
    if identity.dkim is None or identity.dkim.origin != EASY:
        return easy_dkim(ctx, identity.name, KeyLength(wanted or DEFAULT_LENGTH))
    return _change_easy(identity.dkim, None if wanted is None else KeyLength(wanted), ctx.now)


def restart_if_failed(identity: Identity, now: datetime) -> None:
    """Set to PENDING what failed, DKIM and the verification of the domain: how a set-up is restarted."""
    if identity.dkim is not None and identity.dkim.progress.status is Status.FAILED:
        identity.dkim.progress = started(now)
    if identity.verification.status in (Status.FAILED, Status.NOT_STARTED):
        identity.verification = started(now)


def _change_easy(dkim: Dkim, wanted: KeyLength | None, now: datetime) -> Dkim:
    if wanted is None:
        return dkim
    key = dkim.key or SigningKey.generate(DEFAULT_LENGTH, now)
    try:
        dkim.key = key.change(wanted, now)
    except KeyLengthRefused as refused:
        raise bad_request(str(refused)) from None
    dkim.progress = started(now)
    return dkim


def _replica(ctx: Context, domain: str, origin: str, attributes: Mapping[str, Any]) -> Dkim:
    """Return DEED: the tokens are the parent's, and come with the first check.

    Whether the caller may have them is checked now, because it is the caller's permission; VerificationInfo reports
    any obstacle, because the parent is in another region.
    """
    if not origin.startswith(DEED_PREFIX):
        raise bad_request("DomainSigningAttributesOrigin must be AWS_SES_<PARENT_REGION>.")
    if len(attributes) > 1:
        raise bad_request("DomainSigningAttributesOrigin cannot be combined with other DKIM signing attributes.")
    dkim = Dkim(origin=origin, progress=started(ctx.now), signing_enabled=True, tokens=())
    parent_region = dkim.parent_region or ""
    dkim.replication_allowed = ctx.permits(
        "ses:ReplicateEmailIdentityDKIMSigningKey",
        identity_arn(ctx.state.account, parent_region, domain),
        {"ses:ReplicaRegion": (ctx.state.region,)},
    )
    return dkim


def _is_own_key(attributes: Mapping[str, Any]) -> bool:
    return "DomainSigningSelector" in attributes or "DomainSigningPrivateKey" in attributes
