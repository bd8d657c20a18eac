"""Where the key pair comes from that SES signs the mail of an identity with: one value of a closed set.

What follows from it (what may be asked of SES, which records, what is in the way) is decided in ``dkim``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EasyDkim:
    """Easy DKIM: SES makes and rotates the keys. ``key_length`` in bits."""

    key_length: int


@dataclass(frozen=True, slots=True)
class ReplicaDkim:
    """Deterministic Easy DKIM in a region that replicates: SES copies the key of the identity in ``parent_region``."""

    parent_region: str


DkimSource = EasyDkim | ReplicaDkim
"""In one region."""


@dataclass(frozen=True, slots=True)
class DeterministicDkim:
    """Deterministic Easy DKIM as a whole: Easy DKIM in the parent's region, replicas in all others."""

    parent_region: str
    parent: EasyDkim

    def in_region(self, region: str) -> DkimSource:
        return self.parent if region == self.parent_region else ReplicaDkim(self.parent_region)
