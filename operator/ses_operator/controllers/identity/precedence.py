"""The precedence of an identity among all that ask for the same: who holds it, and who only stands in the way.

An older object goes first, unless it has been suspended or refused for an hour and is known to own nothing. That is
read in this run, at SES and in DNS: no annotation and no condition, which its namespace may influence, is believed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.controllers.identity.claimants import Claimants
from ses_operator.controllers.identity.dns import DnsSide, Target
from ses_operator.controllers.identity.regions import Regions
from ses_operator.controllers.identity.run import Run
from ses_operator.controllers.shared.accounts import Accounts, OpenAccount
from ses_operator.controllers.shared.identity_objects import inventory_of_object, key_of, witness_of
from ses_operator.core.admission.acceptance import OwnershipRequest, judge
from ses_operator.core.features.ownership import Claimant, better_claims, has_waited, may_own
from ses_operator.core.model.keys import Installation
from ses_operator.core.model.problems import OperatorError, Problem
from ses_operator.core.state.desired import desired_identity
from ses_operator.core.state.inventory import ROUTE53_PLACE


@dataclass(frozen=True, slots=True)
class Precedence:
    """Judges who holds what an identity asks for. Reads AWS only for those that seem to hold nothing."""

    installation: Installation
    accounts: Accounts
    claimants: Claimants
    regions: Regions
    dns: DnsSide
    now: Callable[[], datetime]

    async def refusal(self, run: Run) -> Problem | None:
        """Return why an identity that has been observed is not worked on: who else claims it, whose it is at SES."""
        others = self.claimants.others(run.identity)
        problem = self._judge(run, others)
        if problem is None or problem.reason is not Reason.ALREADY_CLAIMED:
            return problem
        own = self.claimants.of(run.identity, run.account.aws.account_id)
        idle = [other for other in better_claims(own, others) if has_waited(other, self.now())]
        gone = [other for other in idle if not await self._may_own(run, other)]
        return self._judge(run, tuple(other for other in others if other not in gone)) if gone else problem

    def _judge(self, run: Run, others: tuple[Claimant, ...]) -> Problem | None:
        own = self.claimants.of(run.identity, run.account.aws.account_id)
        return judge(OwnershipRequest(run.desired, own, others, run.observed.regions, run.observed.invited))

    async def _may_own(self, run: Run, other: Claimant) -> bool:
        """Return True if the other object owns anything at SES or in DNS, or that cannot be read."""
        identity = self.claimants.object(other.key)
        account = self.accounts.get(identity.spec.account_ref.name) if identity is not None else None
        if identity is None or not isinstance(account, OpenAccount):
            return True
        inventory, owner = inventory_of_object(identity), self.installation.owner(other.key)
        views = await self.regions.read_certainly(
            account.aws, other.identity, other.regions | inventory.regions, run.priority
        )
        return may_own(views, owner, inventory.invited) or await self._may_have_records(identity, account)

    async def _may_have_records(self, identity: SesIdentity, account: OpenAccount) -> bool:
        """Return True if a ledger in Route 53 proves that it owns records, where they go now or went before."""
        desired = desired_identity(self.installation, key_of(identity), identity.spec, account.spec, scope=None)
        witness, places = witness_of(identity), inventory_of_object(identity).places
        targets: list[Target | Problem | None] = []
        if desired.provider is DnsProvider.ROUTE53:
            targets.append(await self.dns.target(account, desired, witness, places))
        try:
            targets += [
                await self.dns.target_at(account, desired, witness, place)
                for place in sorted(places)
                if place.startswith(ROUTE53_PLACE)
            ]
            return any([await _holds(target) for target in targets])
        except OperatorError:
            return True


async def _holds(target: Target | Problem | None) -> bool:
    """Return True if the owner has records there. A place that is not there has none; one that is not known may have."""
    if isinstance(target, Problem):
        return target.reason is not Reason.HOSTED_ZONE_NOT_FOUND
    return target is not None and bool(await target.publisher.holdings(target.publication))
