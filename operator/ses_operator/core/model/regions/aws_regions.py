"""What is known of the partitions and regions of AWS, as a value. The adapter reads it from botocore (``aws/catalog.py``)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches

REGION_SHAPE = re.compile(r"[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}")
"""The form of the code of a region."""

SIMILAR = 0.85
"""How alike a name has to be, from 0 to 1, to be suggested (difflib)."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition of AWS: a set of regions with accounts, names and credentials of its own.

    ``id`` begins its ARNs, such as ``aws-eusc``. ``dns_suffix`` ends the names of its endpoints and services. ``home_region``
    answers for services that have no regions, and for STS. ``region_pattern`` matches the names of its regions, future ones
    included. ``ses_regions`` has those that SES is known to be in.
    """

    id: str
    dns_suffix: str
    home_region: str
    region_pattern: str
    ses_regions: frozenset[str]

    def names(self, region: str) -> bool:
        """Return True if the partition has the region, or could have one of that name."""
        return re.fullmatch(self.region_pattern, region) is not None


@dataclass(frozen=True, slots=True)
class AwsRegions:
    """The partitions, of which the first is where an account is that says nothing else; ``added``: regions that are new.

    Regions that are younger than the catalogue are added by hand (``with_added``); the partition of each follows from its name.
    """

    partitions: tuple[Partition, ...]
    added: frozenset[str] = frozenset()

    def with_added(self, regions: Iterable[str]) -> AwsRegions:
        """Return the same with further SES regions."""
        return replace(self, added=self.added | frozenset(regions))

    @property
    def ses_regions(self) -> frozenset[str]:
        """The regions that have SES, of every partition, enabled for an account or not."""
        return self.added.union(*(partition.ses_regions for partition in self.partitions))

    def has_ses(self, region: str) -> bool:
        """Return True if SES is known to be in the region."""
        return region in self.added or any(region in partition.ses_regions for partition in self.partitions)

    def in_partition(self, id_: str) -> tuple[str, ...]:
        """Return the regions that have SES in a partition, sorted; none if it is unknown."""
        return tuple(sorted(region for region in self.ses_regions if self.partition_of(region).id == id_))

    def partition(self, id_: str) -> Partition | None:
        """Return a partition by its id; None if it is unknown."""
        return next((partition for partition in self.partitions if partition.id == id_), None)

    def partition_of(self, region: str) -> Partition:
        """Return the partition of a region: where it is listed, else whose pattern matches, else the first (as botocore does)."""
        listed = (partition for partition in self.partitions if region in partition.ses_regions)
        named = (partition for partition in self.partitions if partition.names(region))
        return next(listed, None) or next(named, None) or self.partitions[0]

    def home_region(self, partition: str, preferred: str = "") -> str:
        """Return the region to use for services without regions, and for STS.

        ``preferred`` is used where it is a region of the partition. The first partition's for a partition that is unknown.
        """
        known = self.partition(partition) or self.partitions[0]
        return preferred if preferred and known.names(preferred) else known.home_region

    def unknown(self, region: str) -> str:
        """Return a sentence that says that a name is no SES region, and what to write instead."""
        near = sorted(get_close_matches(region, self.ses_regions, cutoff=SIMILAR))
        if not near:
            return (
                f"{region} is not an SES region. Remove it from spec.regions. If it is newer than this version of the operator, "
                "the platform team can allow it with additionalRegions"
            )
        *others, last = near
        meant = f"{', '.join(others)} or {last}" if others else last
        return f"{region} is not an SES region. Did you mean {meant}?"
