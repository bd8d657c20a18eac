"""The contents of botocore's data files, loaded once for all sessions (a loader of its own costs each session 10 MB)."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.loaders import Loader, create_loader
from botocore.regions import EndpointResolver

SES_ENDPOINT_PREFIX = "email"


@cache
def shared_loader() -> Loader:
    """Return the one loader, with its cache of service models."""
    return create_loader()


@cache
def ses_regions() -> frozenset[str]:
    """Return the regions that have SES, of every partition, as far as this botocore knows. New regions may be missing."""
    return frozenset(region for partition in _resolver().get_available_partitions() for region in regions_of(partition))


@cache
def regions_of(partition: str) -> tuple[str, ...]:
    """Return those of one partition (``aws``, ``aws-cn``, …), sorted."""
    return tuple(sorted(_resolver().get_available_endpoints(SES_ENDPOINT_PREFIX, partition)))


@cache
def _resolver() -> Any:
    data: Any = shared_loader().load_data("endpoints")
    return EndpointResolver(data)
