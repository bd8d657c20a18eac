"""The keys that ledgers are signed with: in a Secret of the operator's own namespace, made when the first is needed.

Tenants cannot read there. The Secret of this installation has the key that signs under ``current``, and during a
rotation the one before under ``previous``. Secrets of other installations with the same label are accepted, not signed
with: whoever may write there has decided that what those installations wrote is this one's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from ses_operator.api.base.meta import LEDGER_KEY_LABEL, MANAGED_BY, MANAGED_BY_LABEL, WATCH_LABEL
from ses_operator.api.base.reasons import Reason
from ses_operator.core.dns.keyring import MIN_KEY_BYTES, Keyring, LedgerKey, new_key
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Blocked, Stale
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.resources import SECRETS, JsonObject
from ses_operator.runtime.kube.secrets import encoded, value_of
from ses_operator.runtime.names import OPERATOR

LOGGER = logging.getLogger(__name__)

CURRENT, PREVIOUS = "current", "previous"
FRESH_SECONDS = 300.0
"""For how long the keys are taken to be as they were, if no watch has shown a change."""

RETRY_SECONDS = 60.0


def ledger_secret(namespace: str, installation_id: str) -> ObjectKey:
    """Return the key of the Secret of an installation, in the operator's namespace."""
    return ObjectKey(namespace, f"{OPERATOR}-ledger-{installation_id}")


class LedgerKeys:
    """Reads the keys, and makes the first. ``clock`` in seconds; nothing but a copy of the Secrets is remembered."""

    def __init__(self, client: KubeClient, secret: ObjectKey, clock: Callable[[], float]) -> None:
        self._client = client
        self._secret = secret
        self._clock = clock
        self._read: tuple[float, Keyring] | None = None
        self._reading = asyncio.Lock()

    def forget(self) -> None:
        """Read the Secrets again before the keys are used the next time: one may have changed."""
        self._read = None

    async def keyring(self) -> Keyring:
        """Return the keys. Raises Blocked if the Secret is there and has no usable key: it is never overwritten."""
        async with self._reading:
            if self._read is None or self._clock() - self._read[0] > FRESH_SECONDS:
                self._read = (self._clock(), await self._keyring())
            return self._read[1]

    async def _keyring(self) -> Keyring:
        found = await self._list()
        own = found.pop(self._secret.name, None)
        if own is None:
            own = await self._make()
        current, previous = self._key(own, CURRENT), (own.get("data") or {}).get(PREVIOUS)
        accepted = [self._key(own, PREVIOUS)] if previous else []
        made_at = datetime.fromisoformat(own["metadata"]["creationTimestamp"])
        return Keyring(current, (*accepted, *_of_others(found.values())), made_at)

    async def _list(self) -> dict[str, JsonObject]:
        listed = await self._client.get(
            SECRETS.collection(self._secret.namespace), {"labelSelector": f"{LEDGER_KEY_LABEL}=true"}
        )
        return {item["metadata"]["name"]: item for item in listed["items"]}

    async def _make(self) -> JsonObject:
        """Make the Secret with a new key; if another replica was faster, or a person took its label off, it is read."""
        metadata = {
            "name": self._secret.name,
            "namespace": self._secret.namespace,
            "labels": {MANAGED_BY_LABEL: MANAGED_BY, LEDGER_KEY_LABEL: "true", WATCH_LABEL: "true"},
        }
        body: JsonObject = {
            "apiVersion": SECRETS.api_version,
            "kind": SECRETS.kind,
            "metadata": metadata,
            "data": {CURRENT: encoded(new_key())},
        }
        try:
            return await self._client.create(SECRETS.collection(self._secret.namespace), body)
        except Stale:
            return await self._client.get(SECRETS.object(self._secret))

    def _key(self, secret: JsonObject, name: str) -> LedgerKey:
        value = value_of(secret, name)
        if value is None or len(value) < MIN_KEY_BYTES:
            raise Blocked(
                Reason.LEDGER_KEY_INVALID,
                f"Secret {self._secret} has no key of at least {MIN_KEY_BYTES} bytes under {name}, and without it no "
                "record is written to Route 53 or deleted there. Restore the Secret from a backup. If the key is lost, delete "
                "the Secret: the operator makes a new one, and status lists records that it can no longer tell to be its own",
                RETRY_SECONDS,
            )
        return LedgerKey(value)


def _of_others(secrets: Iterable[JsonObject]) -> Iterable[LedgerKey]:
    """Yield the keys of other installations. One that is damaged proves nothing, and holds up nothing of this one."""
    for secret in secrets:
        for name in (CURRENT, PREVIOUS):
            value = value_of(secret, name)
            if value is not None and len(value) >= MIN_KEY_BYTES:
                yield LedgerKey(value)
            elif name == CURRENT:
                LOGGER.warning("Secret %s has no usable key under %s", secret["metadata"]["name"], name)
