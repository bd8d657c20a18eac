"""The observed state: an identity in each of its regions, and its records, as last read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.records import RecordId
from ses_operator.core.model.ses import IdentityFacts
from ses_operator.core.state.publication import DnsObservation
from ses_operator.core.state.surroundings import UNKNOWN_SURROUNDINGS, Surroundings
from ses_operator.core.state.waits import Waits


@dataclass(frozen=True, slots=True)
class Present:
    """The identity exists in the region, as ``Read`` or as ``Recalled`` has it."""

    facts: IdentityFacts


@dataclass(frozen=True, slots=True)
class Read(Present):
    """Knowledge: GetEmailIdentity answered this in this run, or writes of this run to what was read led to it.

    What overwrites, deletes or adopts takes this (``SesRegion.change``). Only an answer of SES makes one: see
    ``tests/unit/core/planning/test_knowledge.py``.
    """


@dataclass(frozen=True, slots=True)
class Recalled(Present):
    """A belief: a run before this one has read it. Enough to find that nothing is to be done."""


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no such identity in the region: SES has answered that in this run, unless it is ``Unlisted``."""


@dataclass(frozen=True, slots=True)
class Unlisted(Absent):
    """A belief: a list of SES does not have the identity, and may be older than it.

    Enough to create it, because SES refuses to if it exists; not to have SES send an email, which does not.
    """


@dataclass(frozen=True, slots=True)
class Unread:
    """The region could not be read, and why."""

    problem: Problem


RegionView = Present | Absent | Unread

Known = Read | Absent
"""What a write may be based on."""


def recalled(view: RegionView) -> RegionView:
    """Return what is left of a view in a later run: a belief."""
    match view:
        case Present(facts):
            return Recalled(facts)
        case Absent():
            return Unlisted()
        case Unread():
            return view


def legible(view: RegionView, region: str) -> RegionView:
    """Return the view, or why it tells nothing: SES answered with values that this version does not know.

    Whatever such a value means, the rest may mean something else with it. So nothing is decided by the answer.
    """
    if not isinstance(view, Present) or not (unknown := view.facts.unknown_values):
        return view
    return Unread(
        Problem(
            Reason.UNKNOWN_ANSWER,
            f"SES in {region} answers with {' and '.join(map(str, unknown))}, which this version of the operator does not know. "
            "Nothing is changed there. Upgrade the operator, or set it back in SES if you have set it there",
            region=region,
        )
    )


@dataclass(frozen=True, slots=True)
class Remembered:
    """The memory of a region in status: timers, and enough to keep its records published while it cannot be read.

    ``key_fingerprint``: of the customer's DKIM key that was given to SES last. ``waits``: each with its own since when.
    ``mail_from``: the MAIL FROM domain that SES has verified once.
    Losing all this costs at most one harmless repetition.
    """

    tokens: tuple[str, ...] = ()
    signing_hosted_zone: str = ""
    pending_since: datetime | None = None
    verified_at: datetime | None = None
    restarted_at: datetime | None = None
    key_fingerprint: str | None = None
    emailed_at: datetime | None = None
    emails: int = 0
    mail_from: str | None = None
    waits: Waits = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observed:
    """The world, as far as it was read.

    ``regions`` has a view for each region of the spec and of the inventory. ``remembered``: what it was when it was
    read before. ``dns`` is None until it was observed. ``invited``: regions in which an identity without an owner tag
    is the object's, by the inventory. ``is_requested``: a person has requested this reconcile. ``held``: records that
    are the object's by the ledger of their zone, looked up where a region cannot be read. ``waits``: those of the
    records, by type and name, and of what keeps all of them from being published.
    """

    regions: Mapping[str, RegionView] = field(default_factory=dict)
    remembered: Mapping[str, Remembered] = field(default_factory=dict)
    dns: DnsObservation | None = None
    dns_failure: Problem | None = None
    invited: frozenset[str] = frozenset()
    is_requested: bool = False
    held: frozenset[RecordId] = frozenset()
    waits: Waits = field(default_factory=dict)
    surroundings: Mapping[str, Surroundings] = field(default_factory=dict)

    def around(self, region: str) -> Surroundings:
        """Return what is known of the account, and of what the spec refers to, in a region."""
        return self.surroundings.get(region, UNKNOWN_SURROUNDINGS)

    def is_nowhere(self, region: str) -> bool:
        """Return True if the object can have nothing in a region: it has no SES, and SES has never returned anything there.

        A region that is only too new to be known, and cannot be reached for the moment, has returned its DKIM tokens
        before.
        """
        view, known = self.regions.get(region), self.remembered.get(region)
        unknown = isinstance(view, Unread) and view.problem.reason is Reason.REGION_NOT_SUPPORTED
        return unknown and not (known and known.tokens)
