"""Sending authorization: checks if the policies of an identity let a caller of another account send as it.

Sources: Developer Guide, "Using sending authorization", "Sending emails for the identity owner" and "Sending policy
examples"; SendEmail in the API reference of both versions. A delegate that may not send gets the
AccessDeniedException of "Common errors", in the words of the Developer Guide's "Amazon SES API errors".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ses_sandbox.access.policy import AccessRequest, Decision, decide
from ses_sandbox.errors import AwsError, bad_request
from ses_sandbox.ses.context import Context
from ses_sandbox.ses.state.models import Identity


@dataclass(frozen=True, slots=True)
class Use:
    """The intended use of an identity. ``feedback``: the Return-Path, which is the sender unless another is given."""

    action: str
    sender: str
    display_name: str
    recipients: Sequence[str]
    feedback: str


def delegated(ctx: Context, arn: str, use: Use) -> Identity:
    """Return the identity that an ARN names and the caller may use: one of its own, or one whose policies allow it.

    Raises BadRequestException for an ARN of another region or of nothing, AccessDeniedException if no policy allows
    it.
    """
    identity = _identity(ctx, arn)
    if f":{ctx.state.account}:" not in identity.arn and not _is_allowed(ctx, identity, use):
        message = f"User: {ctx.caller.arn} is not authorized to perform: {use.action} on resource: {identity.arn}"
        raise AwsError(403, "AccessDeniedException", message)
    return identity


def _identity(ctx: Context, arn: str) -> Identity:
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[2] != "ses" or not parts[5].startswith("identity/"):
        raise bad_request(f"Invalid ARN: {arn}.")
    if parts[3] != ctx.state.region:
        raise bad_request(f"The identity {arn} is not in this region, {ctx.state.region}.")
    found = ctx.store.region(parts[4], ctx.state.region).find(parts[5].removeprefix("identity/"))
    if found is None:
        raise bad_request(f"The identity {arn} does not exist.")
    return found


def _is_allowed(ctx: Context, identity: Identity, use: Use) -> bool:
    documents = [json.loads(policy) for policy in identity.policies.values()]
    asked = AccessRequest(use.action, identity.arn, ctx.caller.arn, _keys(ctx, use))
    return decide(documents, asked) is Decision.ALLOW


def _keys(ctx: Context, use: Use) -> Mapping[str, Sequence[str]]:
    """Return the condition keys of SES, and those of all of AWS that sending policies are written with."""
    keys: dict[str, Sequence[str]] = {
        "ses:FromAddress": (use.sender,),
        "ses:Recipients": tuple(use.recipients),
        "ses:FeedbackAddress": (use.feedback,),
        "aws:CurrentTime": (ctx.now.isoformat(),),
        "aws:PrincipalAccount": (ctx.caller.account,),
        "aws:PrincipalArn": (ctx.caller.arn,),
        "aws:SourceIp": (ctx.source_ip,),
    }
    return keys | ({"ses:FromDisplayName": (use.display_name,)} if use.display_name else {})
