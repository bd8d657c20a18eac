"""The contents of botocore's data files, loaded once for all sessions (a loader of its own costs each session 10 MB).

Partitions, regions and names of services come from here, and from nowhere else: a new one comes with a new botocore.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.loaders import Loader, create_loader
from botocore.regions import EndpointResolver

from ses_operator.core.model.regions.aws_regions import AwsRegions, Partition

SES_ENDPOINT_PREFIX = "email"


@cache
def shared_loader() -> Loader:
    """Return the one loader, with its cache of service models."""
    return create_loader()


@cache
def aws_regions() -> AwsRegions:
    """Return the partitions and their regions, as far as this botocore knows them. The newest regions may be missing.

    Source: botocore's ``partitions`` (names, patterns, home regions) and ``endpoints`` (the regions of each service).
    """
    data: Any = shared_loader().load_data("endpoints")
    resolver = EndpointResolver(data)
    described: Any = shared_loader().load_data("partitions")
    return AwsRegions(
        tuple(
            Partition(
                id=partition["id"],
                dns_suffix=partition["outputs"]["dnsSuffix"],
                home_region=partition["outputs"]["implicitGlobalRegion"],
                region_pattern=partition["regionRegex"],
                ses_regions=frozenset(resolver.get_available_endpoints(SES_ENDPOINT_PREFIX, partition["id"])),
            )
            for partition in described["partitions"]
        )
    )
