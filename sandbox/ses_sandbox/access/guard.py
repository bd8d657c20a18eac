"""The gate of --access-control: identifies the caller, and checks that the policies allow the call.

Sources: Service Authorization Reference for Amazon SES, SNS and Route 53; "Common errors" of their API references. IAM and
all other services stay open to any key, because that is how users, roles and policies are set up. STS needs the
caller where it reports who that is, or gives it a role.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from typing import Protocol as Interface

from moto.iam.models import Role

from ses_sandbox.access.caller import Caller
from ses_sandbox.access.directory import Directory, ExpiredSessionError, Principal, UnknownKeyError
from ses_sandbox.access.policy import AccessRequest, Decision, decide
from ses_sandbox.access.resources import Target
from ses_sandbox.access.web_identity import WEB_IDENTITY, not_trusted, read_token
from ses_sandbox.errors import AwsError
from ses_sandbox.request import Protocol

GUARDED = frozenset({"ses", "route53", "sns"})
DENIED_BECAUSE = {
    Decision.IMPLICIT_DENY: "because no identity-based policy allows the {action} action",
    Decision.EXPLICIT_DENY: "with an explicit deny in an identity-based policy",
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of a request. ``web_identity_token``: in place of keys, with AssumeRoleWithWebIdentity."""

    access_key: str
    session_token: str | None
    named_account: str | None
    web_identity_token: str = ""


Permits = Callable[[str, str, Mapping[str, Sequence[str]]], bool]
"""Returns True if a caller may carry out an action on a resource ARN, with these condition keys."""


@dataclass(frozen=True, slots=True)
class Admission:
    """The caller that was admitted, and what else it may do."""

    caller: Caller
    permits: Permits


def unrecognized_key(protocol: Protocol) -> AwsError:
    """Return the error for a key that is unknown, or unknown in a region that its account has not enabled."""
    code = "UnrecognizedClientException" if protocol is Protocol.REST_JSON else "InvalidClientTokenId"
    return AwsError(403, code, "The security token included in the request is invalid.")


def everything(_action: str, _resource: str, _context: Mapping[str, Sequence[str]]) -> bool:
    """Allow everything: the permissions of a caller without access control."""
    return True


class Gate(Interface):
    """Decides which callers are admitted."""

    def admit(self, credentials: Credentials, target: Target) -> Admission:
        """Return the caller. Raises AwsError if it is not admitted."""
        ...


class OpenGate:
    """Accepts any key."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def admit(self, credentials: Credentials, target: Target) -> Admission:  # noqa: ARG002  of the protocol of gates
        """Admit every caller."""
        return Admission(self._directory.caller(credentials.access_key, credentials.named_account), everything)


class IamGate:
    """Admits callers that IAM knows and allows. Signatures are not checked; keys, session tokens and web identities are."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def admit(self, credentials: Credentials, target: Target) -> Admission:
        """Return the caller. Raises AwsError for an unknown key, an expired session or a missing permission."""
        if target.service == "sts" and target.operation == "AssumeRole":
            return self._admit_to_role(credentials, target)
        if target.service == "sts" and target.operation == WEB_IDENTITY:
            return self._admit_by_token(credentials, target)
        if target.service == "sts" and target.operation == "GetCallerIdentity":
            return Admission(self._known(credentials, target.protocol).caller, everything)
        if target.service not in GUARDED:
            return OpenGate(self._directory).admit(credentials, target)
        principal = self._known(credentials, target.protocol)
        for resource in target.resources:
            _require(principal, target.action, resource, target.context)
        return Admission(
            principal.caller, lambda action, resource, context: _allows(principal, action, resource, context)
        )

    def _known(self, credentials: Credentials, protocol: Protocol) -> Principal:
        try:
            return self._directory.principal(credentials.access_key, credentials.session_token)
        except UnknownKeyError:
            raise unrecognized_key(protocol) from None
        except ExpiredSessionError:
            code = "ExpiredTokenException" if protocol is Protocol.REST_JSON else "ExpiredToken"
            raise AwsError(403, code, "The security token included in the request is expired") from None

    def _admit_by_token(self, credentials: Credentials, target: Target) -> Admission:
        """Check AssumeRoleWithWebIdentity against the provider of the role's account, and the role's trust policy."""
        role = self._directory.role(target.resources[0])
        if role is None:
            raise not_trusted()
        token = read_token(credentials.web_identity_token, datetime.now(UTC))
        provider = self._directory.provider(role.account_id, token)
        asked = AccessRequest(f"sts:{WEB_IDENTITY}", "", provider, token.context)
        if decide([json.loads(role.assume_role_policy_document)], asked) is not Decision.ALLOW:
            raise not_trusted()
        return Admission(Caller(role.account_id, "", provider), everything)

    def _admit_to_role(self, credentials: Credentials, target: Target) -> Admission:
        """Check AssumeRole on both sides: the role's trust policy and, from another account, the caller's own policies."""
        principal = self._known(credentials, target.protocol)
        arn = target.resources[0]
        role = self._directory.role(arn)
        if role is None or not _trusts(role, principal.caller, target.context):
            raise _denied(principal.caller, "sts:AssumeRole", arn, "")
        crosses = f"::{principal.caller.account}:" not in arn
        if crosses and not _allows(principal, "sts:AssumeRole", arn, target.context):
            raise _denied(principal.caller, "sts:AssumeRole", arn, "")
        return Admission(principal.caller, everything)


def _trusts(role: Role, caller: Caller, context: Mapping[str, Sequence[str]]) -> bool:
    document: dict[str, Any] = json.loads(role.assume_role_policy_document)
    return decide([document], AccessRequest("sts:AssumeRole", "", caller.arn, context)) is Decision.ALLOW


def _decision(principal: Principal, action: str, resource: str, context: Mapping[str, Sequence[str]]) -> Decision:
    caller = principal.caller
    known = {**context, "aws:PrincipalArn": (caller.arn,), "aws:PrincipalAccount": (caller.account,)}
    asked = AccessRequest(action, resource, caller.arn, known)
    decision = decide(principal.documents, asked)
    if decision is Decision.ALLOW and principal.session_documents is not None:
        return decide(principal.session_documents, asked)
    return decision


def _allows(principal: Principal, action: str, resource: str, context: Mapping[str, Sequence[str]]) -> bool:
    return _decision(principal, action, resource, context) is Decision.ALLOW


def _require(principal: Principal, action: str, resource: str, context: Mapping[str, Sequence[str]]) -> None:
    decision = _decision(principal, action, resource, context)
    if decision is not Decision.ALLOW:
        raise _denied(principal.caller, action, resource, " " + DENIED_BECAUSE[decision].format(action=action))


def _denied(caller: Caller, action: str, resource: str, why: str) -> AwsError:
    code = "AccessDeniedException" if action.startswith("ses:") else "AccessDenied"
    message = f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource}{why}"
    return AwsError(403, code, message)
