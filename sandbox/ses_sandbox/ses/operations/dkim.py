"""SESv2: DKIM of existing identities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ses_sandbox.ses.context import Context, Operation
from ses_sandbox.ses.state.dkim import change_signing, restart_if_failed
from ses_sandbox.ses.state.verification import Status

Params = Mapping[str, Any]


def put_dkim_attributes(ctx: Context, params: Params) -> dict[str, Any]:
    """Switch DKIM signing on or off."""
    identity = ctx.domain_identity(ctx.identity_to_change(params["EmailIdentity"]))
    if identity.dkim is not None:
        identity.dkim.signing_enabled = params.get("SigningEnabled", False)
    return {}


def put_dkim_signing_attributes(ctx: Context, params: Params) -> dict[str, Any]:
    """Change key length or signing method; the origin alone restarts a set-up that failed."""
    identity = ctx.domain_identity(ctx.identity(params["EmailIdentity"]))
    dkim = change_signing(ctx, identity, params["SigningAttributesOrigin"], params.get("SigningAttributes", {}))
    identity.dkim = dkim
    restart_if_failed(identity, ctx.now)
    if dkim.progress.status is Status.PENDING:
        ctx.store.watch(identity)
    answer: dict[str, Any] = {"DkimStatus": dkim.progress.status, "DkimTokens": list(dkim.tokens)}
    if dkim.hosted_zone is not None:
        answer["SigningHostedZone"] = dkim.hosted_zone
    return answer


OPERATIONS: Mapping[str, Operation] = {
    "PutEmailIdentityDkimAttributes": put_dkim_attributes,
    "PutEmailIdentityDkimSigningAttributes": put_dkim_signing_attributes,
}
