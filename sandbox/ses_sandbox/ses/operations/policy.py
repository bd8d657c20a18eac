"""SESv2: sending-authorization policies of identities.

Sources: CreateEmailIdentityPolicy in the API reference; Developer Guide, "Sending authorization policies".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ses_sandbox.access.policy import as_list
from ses_sandbox.errors import AwsError, already_exists, bad_request, limit_exceeded, not_found
from ses_sandbox.ses.context import Context, Operation
from ses_sandbox.ses.state.models import Identity
from ses_sandbox.ses.state.names import check_resource_name

Params = Mapping[str, Any]
MAX_POLICIES = 20
MAX_POLICY_BYTES = 4096
VERSIONS = ("2008-10-17", "2012-10-17")


def create_policy(ctx: Context, params: Params) -> dict[str, Any]:
    """Add a policy."""
    identity, name = ctx.identity(params["EmailIdentity"]), params["PolicyName"]
    check_resource_name(name, "Policy names")
    check_policy(identity, params["Policy"])
    if name in identity.policies:
        raise already_exists(f"Policy {name} already exists.")
    if len(identity.policies) >= MAX_POLICIES:
        raise limit_exceeded(f"An identity can have at most {MAX_POLICIES} policies.")
    identity.policies[name] = params["Policy"]
    return {}


def update_policy(ctx: Context, params: Params) -> dict[str, Any]:
    """Replace an existing policy."""
    identity, name = ctx.identity(params["EmailIdentity"]), params["PolicyName"]
    _require(identity, name)
    check_policy(identity, params["Policy"])
    identity.policies[name] = params["Policy"]
    return {}


def delete_policy(ctx: Context, params: Params) -> dict[str, Any]:
    """Remove an existing policy."""
    identity, name = ctx.identity(params["EmailIdentity"]), params["PolicyName"]
    _require(identity, name)
    del identity.policies[name]
    return {}


def get_policies(ctx: Context, params: Params) -> dict[str, Any]:
    """Return all policies by name."""
    return {"Policies": dict(ctx.identity(params["EmailIdentity"]).policies)}


def _require(identity: Identity, name: str) -> None:
    if name not in identity.policies:
        raise not_found(f"Policy {name} does not exist for identity {identity.name}.")


def check_policy(identity: Identity, text: str) -> None:
    """Raise BadRequestException unless SES accepts the policy for this identity."""
    if len(text.encode()) > MAX_POLICY_BYTES:
        raise bad_request(f"The policy is larger than {MAX_POLICY_BYTES} bytes.")
    try:
        document = json.loads(text)
    except ValueError:
        raise _malformed("it is not valid JSON") from None
    if not isinstance(document, dict) or document.get("Version", VERSIONS[0]) not in VERSIONS:
        raise _malformed(f"Version must be one of {', '.join(VERSIONS)}")
    statements = as_list(document.get("Statement"))
    if not statements:
        raise _malformed("it has no Statement")
    for statement in statements:
        _check_statement(identity, statement)


def _check_statement(identity: Identity, statement: Any) -> None:
    if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
        raise _malformed("each statement needs an Effect of Allow or Deny")
    if not (statement.get("Principal") or statement.get("NotPrincipal")):
        raise _malformed("each statement needs a Principal")
    actions = as_list(statement.get("Action") or statement.get("NotAction"))
    if not actions or not all(isinstance(a, str) and a.lower().startswith(("ses:", "*")) for a in actions):
        raise _malformed("each statement needs Actions of ses")
    resources = as_list(statement.get("Resource"))
    if not resources or any(resource != identity.arn for resource in resources):
        raise _malformed(f"the Resource of each statement must be {identity.arn}")


def _malformed(why: str) -> AwsError:
    return bad_request(f"The policy is malformed: {why}.")


OPERATIONS: Mapping[str, Operation] = {
    "CreateEmailIdentityPolicy": create_policy,
    "UpdateEmailIdentityPolicy": update_policy,
    "DeleteEmailIdentityPolicy": delete_policy,
    "GetEmailIdentityPolicies": get_policies,
}
