"""One reconcile of an identity, from what is wanted to what is left to do: the value that its stations hand on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ses_operator.api.identity.kind import SesIdentity
from ses_operator.aws.calls.budget import Priority
from ses_operator.controllers.identity.dns import Target
from ses_operator.controllers.shared.accounts import OpenAccount
from ses_operator.controllers.shared.identity_objects import inventory_of_object
from ses_operator.core.admission.acceptance import Admission
from ses_operator.core.dns.migration import FormerPlace
from ses_operator.core.model.problems import Problem
from ses_operator.core.planning.contention import LastApplied
from ses_operator.core.planning.plan import Plan
from ses_operator.core.state.attempt import Attempt
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Observed
from ses_operator.core.state.publication import DnsZone
from ses_operator.core.state.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class Run:
    """One reconcile.

    ``identity``: the object as it was written last, ``inventory``: that of its annotation. ``account``: its AWS
    account, and ``admission`` the account's verdict. ``desired``: the desired state. ``target``: the place of its
    records. ``priority``: its urgency. ``observed``: the observed state. ``attempt``: what this run did, and may not
    do. ``plan``: what is left to do.
    ``former``: places where records were published before, and that still need work. ``around``: what is known of each region
    beside the identity.
    """

    identity: SesIdentity
    account: OpenAccount
    admission: Admission
    desired: Desired
    target: Target | Problem
    priority: Priority
    inventory: Inventory = field(default_factory=Inventory)
    observed: Observed = field(default_factory=Observed)
    attempt: Attempt = field(default_factory=Attempt)
    plan: Plan = field(default_factory=Plan)
    former: tuple[FormerPlace, ...] = ()
    around: Mapping[str, Surroundings] = field(default_factory=dict)

    def written(self, identity: SesIdentity) -> Run:
        """Return the run with the object as it is after a write."""
        return replace(self, identity=identity, inventory=inventory_of_object(identity))

    @property
    def is_suspended(self) -> bool:
        """True if nothing may be written but status."""
        return self.identity.spec.suspend

    @property
    def places(self) -> frozenset[str]:
        """The place of its records, as the inventory names it."""
        return self.target.places if isinstance(self.target, Target) else frozenset()

    @property
    def last_applied(self) -> LastApplied:
        """The part of the configuration that was in place before."""
        return LastApplied.of(self.identity.status, self.desired.digest())

    @property
    def zone(self) -> DnsZone | None:
        """The hosted zone of its records, if they are in Route 53."""
        return self.target.publication.zone if isinstance(self.target, Target) else None
