"""Lists of the apiserver, page by page: what all watches begin with, and are compared with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from ses_operator.runtime.backoff import Backoff
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.resources import JsonObject

METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
METADATA_ONLY_EVENTS = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
PAGE_SIZE = "100"
METADATA_PAGE_SIZE = "500"
"""Objects in a page. Whole ones may have 1.5 MB each."""
BACKOFF = Backoff(first=1.0, cap=10.0)
"""Between two attempts to list or to watch."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list. ``version``: the resource version of the whole list."""

    items: tuple[JsonObject, ...]
    version: str


async def pages(
    client: KubeClient, path: str, selector: Mapping[str, str] | None = None, *, accept: str = ""
) -> AsyncIterator[Page]:
    """Yield the pages of a list, at least one. ``selector``: by labels or fields, as query parameters."""
    params = {"limit": METADATA_PAGE_SIZE if accept == METADATA_ONLY else PAGE_SIZE, **(selector or {})}
    while True:
        page = await client.get(path, params, accept=accept)
        yield Page(tuple(page["items"] or ()), page["metadata"]["resourceVersion"])
        if not page["metadata"].get("continue"):
            return
        params["continue"] = page["metadata"]["continue"]
