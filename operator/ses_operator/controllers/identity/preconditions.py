"""The preconditions of a reconcile: the chain of what may end it before SES or DNS are read for it.

Account, AWS account, the rules of the account, whether there is anything to do at all, and the rule of the zone: the
first that applies ends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ses_operator.api.base.conditions import ConditionType, find
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.aws.calls.budget import Priority
from ses_operator.controllers.identity.dkim_keys import DkimKeys
from ses_operator.controllers.identity.dns import DnsSide, Target
from ses_operator.controllers.identity.regions import FRESH, Regions
from ses_operator.controllers.identity.resync import Resync
from ses_operator.controllers.identity.run import Run
from ses_operator.controllers.shared.accounts import Accounts, OpenAccount
from ses_operator.controllers.shared.admissions import Admissions
from ses_operator.controllers.shared.identity_objects import inventory_of_object, key_of, witness_of
from ses_operator.core.admission.acceptance import (
    Admission,
    admit,
    admit_to_zone,
    same_account,
)
from ses_operator.core.admission.tenancy import AdmissionRequest, name_rights
from ses_operator.core.features.keys.dkim_keys import key_bits
from ses_operator.core.features.references import DependencyCase
from ses_operator.core.model.dkim_source import MissingKey, OwnKey
from ses_operator.core.model.keys import Installation
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.schedule import TOPIC_READ
from ses_operator.core.state.desired import AwsScope, Desired, desired_identity
from ses_operator.core.status.report import is_ready
from ses_operator.core.status.transient_errors import is_passing


@dataclass(frozen=True, slots=True)
class AccountNotReady:
    """The account has not been opened yet, and its controller wakes the identity; or it is another installation's."""


@dataclass(frozen=True, slots=True)
class AwsUnavailable:
    """AWS does not answer for the moment, and the identity is known to be ready."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """It is not reconciled. ``admission`` None: the account cannot say what it warns of."""

    problem: Problem
    admission: Admission | None = None


@dataclass(frozen=True, slots=True)
class UpToDate:
    """There is nothing to read and nothing to do. ``cases``: what it depends on, which others may have changed."""

    admission: Admission
    desired: Desired
    cases: Mapping[str, DependencyCase]


Checked = Run | AccountNotReady | AwsUnavailable | Rejected | UpToDate


@dataclass(frozen=True, slots=True)
class Preconditions:
    """Checks an identity before its reconcile."""

    installation: Installation
    accounts: Accounts
    admissions: Admissions
    regions: Regions
    dns: DnsSide
    resync: Resync
    dkim_keys: DkimKeys

    async def check(self, identity: SesIdentity, priority: Priority) -> Checked:
        """Return how to go on. No call to AWS but for what lists and zones have not shown yet."""
        account = self.accounts.get(identity.spec.account_ref.name)
        if account is None:
            return AccountNotReady()
        if isinstance(account, Problem):
            return AwsUnavailable() if is_passing(account) and is_ready(identity.status) else Rejected(account)
        if self.accounts.is_deleting(account.name) and not identity.metadata.has_finalizer:
            return Rejected(_closing(account.name))
        moved = same_account(inventory_of_object(identity), account.name, account.aws.account_id)
        if moved is not None:
            return Rejected(moved)
        request = self.admissions.request(identity, account)
        admission = self._admission(request, account)
        if admission.problem is not None:
            return Rejected(admission.problem, admission)
        return await self._admitted(identity, account, request, priority)

    async def _admitted(
        self, identity: SesIdentity, account: OpenAccount, request: AdmissionRequest, priority: Priority
    ) -> Checked:
        """Check the key and the zone of an identity whose spec meets the rules of its account."""
        key = await self.dkim_keys.read(identity)
        if isinstance(key, OwnKey):
            request = replace(request, key_bits=key_bits(key.public_key))
        admission = self._admission(request, account)
        if admission.problem is not None:
            return Rejected(admission.problem, admission)
        desired = self._desired(identity, account, key)
        self.watch(identity, account, desired)
        await self.regions.listed(account.aws, desired.regions)
        around = await self.regions.around(account, desired, self._topics_age(identity))
        account_id = account.aws.account_id
        if self._may_stay(identity, request) and self.resync.is_up_to_date(identity, desired, account_id):
            may_send = self.resync.may_send(desired, account_id)
            cases = {region: DependencyCase(desired, region, each, may_send[region]) for region, each in around.items()}
            return UpToDate(admission, desired, cases)
        target = await self._target(identity, account, desired)
        inventory = inventory_of_object(identity)
        run = Run(identity, account, admission, desired, target, priority, inventory, around=around)
        zone_id = run.zone.hosted_zone_id if run.zone is not None else None
        for zone in target.zones if isinstance(target, Target) else ():
            if (barred := admit_to_zone(request, zone.hosted_zone_id)) is not None:
                return Rejected(barred, admission)
        return replace(run, desired=replace(desired, rights=name_rights(request, zone_id)))

    def _admission(self, request: AdmissionRequest, account: OpenAccount) -> Admission:
        """Return the account's verdict, with what its state at AWS means for the identity."""
        admission = admit(request)
        return replace(admission, warnings=(*admission.warnings, *account.warnings(request.identity.regions)))

    def watch(self, identity: SesIdentity, account: OpenAccount, desired: Desired) -> None:
        """Watch this identity in the lists; in a region that is not verified by status, often."""
        verified = {region.region for region in identity.status.regions if region.verification_status == "SUCCESS"}
        regions = {region: region not in verified for region in desired.regions}
        self.regions.watch(desired, account.aws, regions)

    def _desired(self, identity: SesIdentity, account: OpenAccount, key: OwnKey | MissingKey | None) -> Desired:
        scope = AwsScope(account.aws.account_id, account.aws.partition)
        return desired_identity(self.installation, key_of(identity), identity.spec, account.spec, scope, key)

    def _topics_age(self, identity: SesIdentity) -> float | None:
        """Return how old what is known of SNS topics may be: current in the resync, and while one is said to be missing."""
        if self.resync.is_due(identity):
            return FRESH
        resolved = find(identity.status.conditions, ConditionType.REFERENCES_RESOLVED)
        return TOPIC_READ / 2 if resolved is not None and not resolved.is_true else None

    def _may_stay(self, identity: SesIdentity, request: AdmissionRequest) -> bool:
        """Return True if its records may still be in the zone that they are known to be in."""
        zone = identity.status.dns.zone if identity.status.dns else None
        return zone is None or admit_to_zone(request, zone.hosted_zone_id or "") is None

    async def _target(self, identity: SesIdentity, account: OpenAccount, desired: Desired) -> Target | Problem:
        """Return where the records go. A requested reconcile does not get an answer from before the zone was made."""
        places, witness = inventory_of_object(identity).places, witness_of(identity)
        target = await self.dns.target(account, desired, witness, places)
        if isinstance(target, Problem) and self.resync.is_due(identity):
            return await self.dns.target_anew(account, desired, witness, places)
        return target


def _closing(account: str) -> Problem:
    """Return why a SesAccount takes no new identity: its deletion would never end."""
    return Problem(
        Reason.ACCOUNT_DELETING,
        f"SesAccount {account} is being deleted, and takes no new identities. Name another one in spec.accountRef, or create it "
        "again when it is gone",
    )
