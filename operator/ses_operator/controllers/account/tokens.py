"""Tokens of ServiceAccounts in the operator's namespace. Source: Kubernetes API reference, TokenRequest."""

from __future__ import annotations

import asyncio

from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Blocked, Gone, Retry
from ses_operator.runtime.kube.client import REQUEST_TIMEOUT, KubeClient
from ses_operator.runtime.kube.resources import SERVICE_ACCOUNTS, JsonObject

LIFETIME_SECONDS = 600
"""The shortest that the apiserver accepts: each token is used once, at once."""


class ServiceAccountTokens:
    """Requests tokens from threads: those that sign requests to AWS need them, and they do not run on the loop."""

    def __init__(self, client: KubeClient, namespace: str, loop: asyncio.AbstractEventLoop) -> None:
        self._client = client
        self._namespace = namespace
        self._loop = loop

    def token(self, name: str, audience: str) -> str:
        """Return a new token of the ServiceAccount for this audience. Not to be called on the loop. Raises Blocked or Retry."""
        asked = asyncio.run_coroutine_threadsafe(self._request(name, audience), self._loop)
        try:
            return asked.result(REQUEST_TIMEOUT)
        except TimeoutError:
            asked.cancel()
            raise Retry(Reason.PROGRESSING, "The Kubernetes API server does not answer; retrying") from None

    async def _request(self, name: str, audience: str) -> str:
        spec = {"audiences": [audience], "expirationSeconds": LIFETIME_SECONDS}
        body: JsonObject = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        path = f"{SERVICE_ACCOUNTS.object(ObjectKey(self._namespace, name))}/token"
        try:
            answer = await self._client.create(path, body)
        except Gone as error:
            raise Blocked(
                Reason.SERVICE_ACCOUNT_NOT_FOUND,
                f"ServiceAccount {name} does not exist in the operator's namespace {self._namespace}. Create it there, or "
                "change spec.credentials.webIdentity.serviceAccountRef",
            ) from error
        return str(answer["status"]["token"])
