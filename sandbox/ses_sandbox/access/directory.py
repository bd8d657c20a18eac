"""The owner of an access key, and the policies that apply to it: read from moto's IAM and STS."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.iam.models import Group, IAMBackend, Role, User, get_account_id_from, iam_backends
from moto.sts.models import AssumedRole, sts_backends
from moto.utilities.utils import PARTITION_NAMES

from ses_sandbox.access.caller import Caller
from ses_sandbox.access.policy import Document
from ses_sandbox.access.web_identity import WebIdentityToken, require_audience, unknown_issuer


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller that IAM knows, and its permissions.

    ``documents``: identity-based policies. ``session_documents``: of AssumeRole's Policy, which must allow as well;
    None without.
    """

    caller: Caller
    documents: Sequence[Document]
    session_documents: Sequence[Document] | None = None


class UnknownKeyError(LookupError):
    """The access key, or the session token that came with it, is not known."""


class ExpiredSessionError(LookupError):
    """The role session has expired."""


class Directory:
    """moto's users and role sessions, of all accounts."""

    def __init__(self) -> None:
        self._expired_before: datetime | None = None

    def account(self, access_key: str, named_account: str | None) -> str:
        """Return the account that a key acts in; that of unknown keys is the default.

        ``named_account``: the x-moto-account-id header, by which moto lets a client choose.
        """
        return named_account or get_account_id_from(access_key) or DEFAULT_ACCOUNT_ID

    def caller(self, access_key: str, named_account: str | None) -> Caller:
        """Return the caller, if any key is accepted."""
        account = self.account(access_key, named_account)
        return Caller(account, access_key, f"arn:aws:iam::{account}:root")

    def principal(self, access_key: str, session_token: str | None) -> Principal:
        """Return the owner of a key. Raises UnknownKeyError or ExpiredSessionError."""
        for account, partition, backend in _backends():
            if (user := backend.get_user_from_access_key_id(access_key)) is not None:
                return Principal(Caller(account, access_key, user.arn), tuple(_user_documents(backend, user)))
            if access_key in backend.access_keys:
                session = sts_backends[account][partition].get_assumed_role_from_access_key(access_key)
                if session is not None:
                    return self._session(backend, session, session_token)
        raise UnknownKeyError(access_key)

    def role(self, arn: str) -> Role | None:
        """Return a role by ARN, of any account."""
        return next((role for _, _, backend in _backends() for role in backend.get_roles() if role.arn == arn), None)

    def provider(self, account: str, token: WebIdentityToken) -> str:
        """Return the ARN of the account's OIDC provider for the token's issuer. Raises AwsError."""
        for known, _, backend in _backends():
            for arn, provider in backend.open_id_providers.items() if known == account else ():
                if arn.endswith(f":oidc-provider/{token.issuer}"):
                    require_audience(token, provider.client_id_list)
                    return str(arn)
        raise unknown_issuer(token)

    def expire_sessions(self) -> None:
        """End all existing role sessions."""
        self._expired_before = datetime.now(UTC)

    def _session(self, backend: IAMBackend, session: AssumedRole, token: str | None) -> Principal:
        if token != session.session_token:
            raise UnknownKeyError(session.access_key_id)
        created = _aware(session.access_key.create_date)
        cut_off = self._expired_before
        if datetime.now(UTC) >= _aware(session.expiration) or (cut_off is not None and created <= cut_off):
            raise ExpiredSessionError(session.arn)
        role = next((role for role in backend.get_roles() if role.arn == session.role_arn), None)
        documents = tuple(_documents(role)) if role is not None else ()
        limits = (json.loads(session.policy),) if session.policy else None
        return Principal(Caller(session.account_id, session.access_key_id, session.arn), documents, limits)


def _backends() -> Iterator[tuple[str, str, IAMBackend]]:
    for account, partitions in list(iam_backends.items()):
        for partition in PARTITION_NAMES:
            yield account, partition, partitions[partition]


def _user_documents(backend: IAMBackend, user: User) -> Iterator[Document]:
    yield from _documents(user)
    for group in backend.get_groups_for_user(user.name):
        yield from _documents(group)


def _documents(owner: User | Role | Group) -> Iterator[Document]:
    inline: Iterable[str] = owner.policies.values()
    for text in inline:
        yield json.loads(text)
    for policy in owner.managed_policies.values():
        version = next(version for version in policy.versions if version.version_id == policy.default_version_id)
        yield json.loads(version.document)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
