"""botocore clients of one account: made when first used, in a thread, once for each service, region and role."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    AssumeRoleWithWebIdentityCredentialFetcher,
    Credentials,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import InvalidConfigError, NoCredentialsError
from botocore.session import Session

from ses_operator.api.account.credentials import InstanceMetadata
from ses_operator.api.base.reasons import Reason
from ses_operator.aws.calls.calls import ClientSource
from ses_operator.aws.calls.config import AccountConfig, Role, WebIdentityAccess, session_name
from ses_operator.aws.catalog import aws_regions, shared_loader
from ses_operator.core.model.problems import Blocked

CONNECT_SECONDS = 3
READ_SECONDS = 15

IMDS = "iam-role"
OF_THE_MACHINE = frozenset({"container-role", IMDS})
"""botocore's names of the providers that request the credentials of the role of the container or instance."""

TokenSource: TypeAlias = Callable[[WebIdentityAccess], str]
"""Returns a token for a web identity. Called in a thread; raises ``OperatorError``."""

# botocore logs a stack trace for each failed refresh of credentials; the error itself reaches status.
logging.getLogger("botocore.credentials").setLevel(logging.CRITICAL)


def no_tokens(identity: WebIdentityAccess) -> str:
    """Refuse: the source of tokens for a process that cannot issue any."""
    raise Blocked(
        Reason.CREDENTIALS_MISSING,
        f"No tokens of ServiceAccount {identity.service_account} are available to this process",
    )


class _Given:
    """The credential provider of a session that has its credentials already."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def load_credentials(self) -> Credentials:
        return self._credentials


class Clients:
    """The botocore sessions of one account and their clients.

    Everything here blocks and belongs in a thread. Retries are switched off: the queue and the budget make them.
    """

    def __init__(self, config: AccountConfig, threads: int, tokens: TokenSource = no_tokens) -> None:
        self._config = config
        self._tokens = tokens
        self._lock = threading.RLock()  # a botocore session is not safe to make two clients at a time
        self._clients: dict[tuple[str, str, Role | None], Any] = {}
        self._used: dict[tuple[str, str, Role | None], float] = {}
        self._sessions: dict[Role | None, Session] = {}
        self._first: Session | None = None
        self._client_config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=threads,
            tcp_keepalive=True,
            user_agent_extra="ses-operator",
        )

    def source(self, service: str, region: str = "", role: Role | None = None) -> ClientSource:
        """Return what finds or makes the client of a service; ``role`` is assumed with the account's own credentials."""
        return lambda: self._client(service, region, role)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            clients = list(self._clients.values())
            self._clients.clear()
        for client in clients:
            client.close()

    def close_idle(self, seconds: float) -> None:
        """Close the clients that were not used for so long. Who asks for one again gets a new one."""
        since = time.monotonic() - seconds
        if not self._lock.acquire(blocking=False):  # a client is being made: the next time is early enough
            return
        try:
            idle = [self._clients.pop(key) for key in list(self._clients) if self._used.get(key, 0.0) < since]
            self._used = {key: used for key, used in self._used.items() if key in self._clients}
        finally:
            self._lock.release()
        for client in idle:
            client.close()

    @property
    def are_open(self) -> bool:
        """True if there are clients."""
        return bool(self._clients)

    @property
    def regions(self) -> frozenset[str]:
        """The regions for which there are clients."""
        return frozenset(region for _, region, _ in list(self._clients))

    def _client(self, service: str, region: str, role: Role | None) -> Any:
        key = (service, region, role)
        self._used[key] = time.monotonic()
        client = self._clients.get(key)
        if client is None:
            with self._lock:
                client = self._clients.get(key)
                if client is None:
                    client = self._clients[key] = self._make(self._session_for(role), service, region)
        return client

    @property
    def _base(self) -> Session:
        """The session from which roles are assumed. Made when it is first used, in a thread: it may read files."""
        if self._first is None:
            self._first = self._first_session()
        return self._first

    def _first_session(self) -> Session:
        """Make a session with the keys, the profile, the token or the default chain that the configuration names."""
        config = self._config
        if config.credentials is not None:
            keys = config.credentials
            return _session(_Given(Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)))
        if config.profile is None and config.web_identity is not None:
            return self._with_token(config.web_identity)
        session = _session(profile=config.profile)
        _arrange(session, config.instance_metadata)
        return session

    def _make(self, session: Session, service: str, region: str, *, config: Config | None = None, **keys: Any) -> Any:
        if session.get_credentials() is None:  # a client made now would never find any
            raise NoCredentialsError
        create: Any = session.create_client
        try:
            return create(
                service,
                region_name=region or self._home_region(),
                endpoint_url=self._config.endpoints.url(service),
                config=self._client_config.merge(config) if config else self._client_config,
                **keys,
            )
        except ValueError as error:
            raise InvalidConfigError(error_msg=str(error)) from error

    def _session_for(self, role: Role | None) -> Session:
        """Return the session that acts as ``role``, or as the account itself."""
        session = self._sessions.get(role)
        if session is None:
            session = self._assumed(self._session_for(None), role) if role else self._base
            for step in () if role else self._config.roles:
                session = self._assumed(session, step)
            self._sessions[role] = session
        return session

    def _with_token(self, identity: WebIdentityAccess) -> Session:
        """Make a session that requests a new token for each renewal of its credentials, some minutes before they expire."""
        fetcher = AssumeRoleWithWebIdentityCredentialFetcher(
            self._unsigned_sts,
            lambda: self._tokens(identity),
            identity.role.role_arn,
            extra_args={"RoleSessionName": session_name(identity.role.session_name)},
            cache={},
        )
        return _session(_Given(DeferredRefreshableCredentials(fetcher.fetch_credentials, "web-identity")))

    def _assumed(self, source: Session, role: Role) -> Session:
        credentials = source.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        arguments = {"RoleSessionName": session_name(role.session_name)}
        if role.external_id:
            arguments["ExternalId"] = role.external_id
        fetcher = AssumeRoleCredentialFetcher(self._sts, credentials, role.role_arn, extra_args=arguments, cache={})
        return _session(_Given(DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")))

    def _sts(self, service: str, **keys: Any) -> Any:
        with self._lock:
            return self._make(self._base, service, "", **keys)

    def _unsigned_sts(self, service: str, **keys: Any) -> Any:
        """Make a client of STS that signs nothing, for callers without credentials; the token is the proof."""
        anonymous = _session(_Given(Credentials("anonymous", "nothing")))
        return self._make(anonymous, service, "", config=Config(signature_version=UNSIGNED), **_without_config(keys))

    def _home_region(self) -> str:
        """Return the region for services that have none, and for STS: that of the pod's environment, or the partition's."""
        named = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
        known = aws_regions()
        partition = self._config.partition or (known.partition_of(named).id if named else "")
        return known.home_region(partition, named)


def _without_config(keys: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in keys.items() if name != "config"}


def _session(given: _Given | None = None, *, profile: str | None = None) -> Session:
    """Make a session that shares the loader; with nothing given, one of the default chain, which a profile begins."""
    session = Session(profile=profile)
    session.register_component("data_loader", shared_loader())
    if given is not None:
        session.register_component("credential_provider", given)
    return session


def _arrange(session: Session, metadata: InstanceMetadata) -> None:
    """Put the role of the machine at its place in the chain of credential providers."""
    resolver = session.get_component("credential_provider")
    if metadata is InstanceMetadata.DISABLED:
        resolver.remove(IMDS)
    elif metadata is InstanceMetadata.FIRST:
        resolver.providers.sort(key=lambda provider: provider.METHOD not in OF_THE_MACHINE)
