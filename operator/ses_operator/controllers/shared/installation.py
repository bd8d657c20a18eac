"""Keeps the installation record: a ConfigMap of the operator's own namespace, which it creates and alone writes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ses_operator.api.base.reasons import Reason
from ses_operator.core.account.installation import InstallationRecord, Refusal, begun, decode
from ses_operator.core.account.meant import AccountEvidence, account_mismatch
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Blocked
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.own_object import OwnObject
from ses_operator.runtime.kube.resources import CONFIG_MAPS, JsonObject
from ses_operator.runtime.preparation import StartRefusedError
from ses_operator.settings import Settings


class InstallationKeeper:
    """The installation record. The active replica writes it; what is remembered here saves a read before each write.

    Each change is computed from what is read for it, so that a record that was lost or changed meanwhile is noticed.
    """

    def __init__(self, client: KubeClient, settings: Settings) -> None:
        key = ObjectKey(settings.operator_namespace, settings.installation_record)
        self._object = OwnObject(client, CONFIG_MAPS, key)
        self._id = settings.installation_id
        self._confirmed = settings.confirm_installation_id
        self._record = InstallationRecord(settings.installation_id)
        self._lock = asyncio.Lock()

    async def check(self) -> None:
        """Raise StartRefusedError if the installation began under another id. Writes nothing: a standby asks too."""
        judged = self._judged(await self._object.read())
        if isinstance(judged, Refusal):
            raise StartRefusedError(judged.message)

    async def begin(self) -> None:
        """Write what the installation begins with, before anything else is written. Raises as ``check``."""
        await self.check()
        await self._update(lambda record: record)

    def account(self, name: str) -> str | None:
        """Return the id of the AWS account that this SesAccount has been used with; None before the first write."""
        return self._record.accounts.get(name)

    async def pin(self, name: str, account_id: str) -> None:
        """Record the AWS account of a SesAccount, before the first write there. Raises Blocked if it is another."""
        if self._record.accounts.get(name) == account_id:
            return

        def pinned(record: InstallationRecord) -> InstallationRecord:
            seen = AccountEvidence(name, account_id, recorded=record.accounts.get(name))
            if (mismatch := account_mismatch(seen)) is not None:
                raise Blocked.of(mismatch)
            return record.with_account(name, account_id)

        await self._update(pinned)

    async def move(self, name: str, account_id: str) -> None:
        """Record that a SesAccount is for another AWS account from now on, as its spec says."""
        await self._update(lambda record: record.with_account(name, account_id))

    async def forget(self, name: str) -> None:
        """Drop a SesAccount that is gone: another of its name may be for any AWS account."""
        if name in self._record.accounts:
            await self._update(lambda record: record.without_account(name))

    async def _update(self, change: Callable[[InstallationRecord], InstallationRecord]) -> None:
        """Write the changed record, then remember it: what was not written is not relied on."""
        after = self._record

        def changed(found: JsonObject | None) -> JsonObject | None:
            nonlocal after
            judged = self._judged(found)
            if isinstance(judged, Refusal):
                raise Blocked(Reason.INSTALLATION_CHANGED, judged.message)
            after = change(judged)
            data = after.encode()
            return None if found is not None and found.get("data") == data else {"data": data}

        async with self._lock:
            await self._object.update(changed)
            self._record = after

    def _judged(self, found: JsonObject | None) -> InstallationRecord | Refusal:
        name = str(self._object.key)
        record = None if found is None else decode(name, found.get("data") or {})
        return record if isinstance(record, Refusal) else begun(name, record, self._id, self._confirmed)
