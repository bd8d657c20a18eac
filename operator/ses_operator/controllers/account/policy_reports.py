"""The ClusterPolicyReports of one account: found by their label, and written one by one."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from ses_operator.controllers.shared.resources import POLICY_REPORTS
from ses_operator.controllers.shared.writes import MAX_TEXT
from ses_operator.core.audit.report import DIGEST, REGION_LABEL, Chunk
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.outer_text import clean_json
from ses_operator.core.model.problems import Gone
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.watch.listing import METADATA_ONLY


class PolicyReports:
    """The reports of one account while an audit writes them again. Made for one audit.

    Every method raises nothing but ``OperatorError``.
    """

    def __init__(self, client: KubeClient, selector: str) -> None:
        self._client = client
        self._selector = selector
        self._standing: dict[str, tuple[str, str]] = {}

    async def open(self) -> None:
        """Learn which reports exist, without their content. Raises ``Gone`` if the kind is not served."""
        path, selected = POLICY_REPORTS.collection(), {"labelSelector": self._selector}
        found = await self._client.get(path, selected, accept=METADATA_ONLY)
        for item in found.get("items") or ():
            meta = item["metadata"]
            region = meta.get("labels", {}).get(REGION_LABEL, "")
            self._standing[meta["name"]] = (region, meta.get("annotations", {}).get(DIGEST, ""))

    async def put(self, chunk: Chunk) -> None:
        """Write the report, if it differs. Raises ``Stale`` if a report of this name belongs to another client."""
        known = self._standing.get(chunk.name)
        if known is not None and known[1] == chunk.digest:
            return
        path, body = POLICY_REPORTS.object(ObjectKey("", chunk.name)), clean_json(dict(chunk.body), MAX_TEXT)
        if known is None:
            await self._client.apply_new(path, body)
        else:
            await self._client.apply(path, body)

    async def keep_only(self, kept: Mapping[str, frozenset[str] | None]) -> None:
        """Delete all but these: names by region, None for all of a region."""
        for name, (region, _) in tuple(self._standing.items()):
            names = kept.get(region, frozenset())
            if names is not None and name not in names:
                await self._delete(name)

    async def _delete(self, name: str) -> None:
        with contextlib.suppress(Gone):
            await self._client.delete(POLICY_REPORTS.object(ObjectKey("", name)))
        del self._standing[name]
