"""botocore clients of one account: made when first used, in a thread, once for each service, region and role."""

from __future__ import annotations

import logging
import os
import threading
from typing import Any

from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, Credentials, DeferredRefreshableCredentials
from botocore.exceptions import InvalidConfigError, NoCredentialsError
from botocore.session import Session

from ses_operator.aws.calls import ClientSource
from ses_operator.aws.catalog import shared_loader
from ses_operator.aws.config import AccountConfig, Role, session_name

CONNECT_SECONDS = 3
READ_SECONDS = 15

# The region for services that have none, and for STS: what the pod says, else the partition's first.
HOME_REGIONS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}

# botocore logs a stack trace for each failed refresh of credentials; the error itself reaches status.
logging.getLogger("botocore.credentials").setLevel(logging.CRITICAL)


class _Given:
    """The credential provider of a session that has its credentials already."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def load_credentials(self) -> Credentials:
        return self._credentials


class Clients:
    """The botocore sessions of one account and their clients.

    Everything here blocks and belongs into a thread. Retries are switched off: they are the queue's and the budget's.
    """

    def __init__(self, config: AccountConfig, threads: int) -> None:
        self._config = config
        self._lock = threading.RLock()  # a botocore session is not safe to make two clients at a time
        self._clients: dict[tuple[str, str, Role | None], Any] = {}
        self._sessions: dict[Role | None, Session] = {}
        self._base = _session(_static(config))
        self._client_config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=threads,
            tcp_keepalive=True,
            user_agent_extra="ses-operator",
        )

    def source(self, service: str, region: str = "", role: Role | None = None) -> ClientSource:
        """What finds or makes the client of a service; ``role`` is assumed with the account's own credentials."""
        return lambda: self._client(service, region, role)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            clients = list(self._clients.values())
            self._clients.clear()
        for client in clients:
            client.close()

    def _client(self, service: str, region: str, role: Role | None) -> Any:
        key = (service, region, role)
        client = self._clients.get(key)
        if client is None:
            with self._lock:
                client = self._clients.get(key)
                if client is None:
                    client = self._clients[key] = self._make(self._session_for(role), service, region)
        return client

    def _make(self, session: Session, service: str, region: str, **keys: Any) -> Any:
        if session.get_credentials() is None:  # a client made now would never find any
            raise NoCredentialsError
        create: Any = session.create_client
        try:
            return create(
                service,
                region_name=region or self._home_region(),
                endpoint_url=self._config.endpoints.url(service),
                config=self._client_config,
                **keys,
            )
        except ValueError as error:
            raise InvalidConfigError(error_msg=str(error)) from error

    def _session_for(self, role: Role | None) -> Session:
        """The session that works as ``role``, or as the account itself."""
        session = self._sessions.get(role)
        if session is None:
            source = self._session_for(None) if role else self._base
            to_assume = role or self._config.role
            session = self._assumed(source, to_assume) if to_assume else source
            self._sessions[role] = session
        return session

    def _assumed(self, source: Session, role: Role) -> Session:
        credentials = source.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        arguments = {"RoleSessionName": session_name(role.session_name)}
        if role.external_id:
            arguments["ExternalId"] = role.external_id
        fetcher = AssumeRoleCredentialFetcher(self._sts, credentials, role.role_arn, extra_args=arguments, cache={})
        return _session(DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role"))

    def _sts(self, service: str, **keys: Any) -> Any:
        with self._lock:
            return self._make(self._base, service, "", **keys)

    def _home_region(self) -> str:
        named = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        return named or HOME_REGIONS.get(self._config.role.partition if self._config.role else "aws", "us-east-1")


def _static(config: AccountConfig) -> Credentials | None:
    keys = config.credentials
    return Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token) if keys else None


def _session(credentials: Credentials | None) -> Session:
    """A session that shares the loader; None for the default chain."""
    session = Session()
    session.register_component("data_loader", shared_loader())
    if credentials is not None:
        session.register_component("credential_provider", _Given(credentials))
    return session
