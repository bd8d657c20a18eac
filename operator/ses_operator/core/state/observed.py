"""What stands: an identity in each of its regions, and its records, as last read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import IdentityFacts
from ses_operator.core.state.publication import DnsObservation


@dataclass(frozen=True, slots=True)
class Present:
    """The identity exists in the region."""

    facts: IdentityFacts


@dataclass(frozen=True, slots=True)
class Absent:
    """SES says that there is no such identity in the region."""


@dataclass(frozen=True, slots=True)
class Unread:
    """The region could not be read: why."""

    problem: Problem


RegionView = Present | Absent | Unread


@dataclass(frozen=True, slots=True)
class Remembered:
    """What status remembers of a region: timers, and enough to keep its records published while it cannot be read.

    ``key_fingerprint``: of the customer's DKIM key that was given to SES last. Losing all this costs at most one harmless
    repetition.
    """

    tokens: tuple[str, ...] = ()
    signing_hosted_zone: str = ""
    pending_since: datetime | None = None
    verified_at: datetime | None = None
    restarted_at: datetime | None = None
    key_fingerprint: str | None = None
    emailed_at: datetime | None = None
    emails: int = 0


@dataclass(frozen=True, slots=True)
class Observed:
    """The world, as far as it was read.

    ``regions`` has a view for each region of the spec and of the inventory. ``remembered``: what it was when it was read before.
    ``dns`` is None until it was observed. ``invited``: regions in which an identity without an owner tag is ours, by the
    inventory. ``is_requested``: a person has asked for this look.
    """

    regions: Mapping[str, RegionView] = field(default_factory=dict)
    remembered: Mapping[str, Remembered] = field(default_factory=dict)
    dns: DnsObservation | None = None
    dns_failure: Problem | None = None
    invited: frozenset[str] = frozenset()
    is_requested: bool = False

    def is_nowhere(self, region: str) -> bool:
        """Whether nothing of ours can be in a region: there is no SES, and none has ever told us anything there.

        A region that is only too new to be known, and cannot be reached for the moment, has told its DKIM tokens before.
        """
        view, known = self.regions.get(region), self.remembered.get(region)
        unknown = isinstance(view, Unread) and view.problem.reason is Reason.REGION_NOT_SUPPORTED
        return unknown and not (known and known.tokens)
