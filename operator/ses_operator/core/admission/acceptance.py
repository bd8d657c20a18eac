"""The acceptance of an identity: two chains of small rules, of which the first violation is reported.

``admit`` needs only what is in Kubernetes, and is called before anything is read. ``judge`` needs to know what SES
says. None of them reveals anything about another's object but that the domain is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ses_operator.api.account.guardrails import GuardrailAction
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.status import WarningStatus
from ses_operator.core.admission.guardrails import violations
from ses_operator.core.admission.tenancy import (
    AdmissionRequest,
    UnknownLabelsError,
    names_granted,
    namespace_allowed,
    zone_allowed,
)
from ses_operator.core.features.marks import first_marks
from ses_operator.core.features.ownership import Claimant, better_claims, contested_regions, is_ours
from ses_operator.core.model.problems import Problem
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Present, RegionView, Unread

MAX_TAGS = 50
"""Tags of an SES identity (API reference, Tag: "up to 50 tags")."""


@dataclass(frozen=True, slots=True)
class OwnershipRequest:
    """A request for an identity: the desired state, the claimant, and all others that request the same.

    ``invited``: as in ``claims.is_ours``.
    """

    desired: Desired
    claimant: Claimant
    others: tuple[Claimant, ...]
    views: Mapping[str, RegionView]
    invited: frozenset[str] = frozenset()


AdmissionRule = Callable[[OwnershipRequest], Problem | None]

PETITION_RULES: tuple[Callable[[AdmissionRequest], Problem | None], ...] = (namespace_allowed, names_granted)


@dataclass(frozen=True, slots=True)
class Admission:
    """The account's verdict: the problem if it does not admit the identity, and its warnings in any case."""

    problem: Problem | None = None
    warnings: tuple[WarningStatus, ...] = ()


def admit(request: AdmissionRequest) -> Admission:
    """Apply the rules of the account: tenancy, then the guardrails, of which all that are not met are reported."""
    found = violations(request.identity, request.account, request.key_bits)
    warnings = tuple(
        WarningStatus(reason=violation.reason, message=violation.message(request.account_name))
        for violation in found
        if violation.action is GuardrailAction.WARN
    )
    problem = first_violation(request)
    enforced = [violation for violation in found if violation.action is GuardrailAction.ENFORCE]
    if problem is None and enforced:
        problem = Problem(
            enforced[0].reason, " | ".join(violation.message(request.account_name) for violation in enforced)
        )
    return Admission(problem, warnings)


def admit_to_zone(request: AdmissionRequest, hosted_zone_id: str) -> Problem | None:
    """Return why the identity may not have its records in this hosted zone; None if it may."""
    try:
        return zone_allowed(request, hosted_zone_id)
    except UnknownLabelsError:
        return _unknown_labels(request)


def first_violation(request: AdmissionRequest) -> Problem | None:
    """Return the violation of the first tenancy rule that is broken; guardrails are not among them."""
    try:
        return next((problem for rule in PETITION_RULES if (problem := rule(request)) is not None), None)
    except UnknownLabelsError:
        return _unknown_labels(request)


def _unknown_labels(request: AdmissionRequest) -> Problem:
    """Return the problem of a namespace whose labels are not known: it cannot be told apart from others, and is not admitted."""
    return Problem(
        Reason.NAMESPACE_LABELS_UNKNOWN,
        f"SesAccount {request.account_name} selects namespaces by label, and the operator cannot read the labels of namespace "
        f"{request.namespace.name}. Allow it to list and watch namespaces (rbac.namespaceLabels of the chart), or name them by "
        "matchNames in the SesAccount",
    )


def tags_fit(application: OwnershipRequest) -> Problem | None:
    """Require that the tags of the spec, of the account and of the operator are no more than SES allows."""
    desired = application.desired
    count = len(desired.tags) + max((len(first_marks(desired, region)) for region in desired.regions), default=0)
    if count <= MAX_TAGS:
        return None
    return Problem(
        Reason.TOO_MANY_TAGS,
        f"spec.tags, the SesAccount's defaultTags and the operator's own are {count} tags together; SES allows {MAX_TAGS}. "
        f"Remove {count - MAX_TAGS} from spec.tags",
    )


def not_claimed(application: OwnershipRequest) -> Problem | None:
    """Require that no better claim exists to the identity in one of the regions; what the object owns already is not contested.

    Nor is what cannot be read, and may be the object's: nothing is written there until it can be read.
    """
    contested = contested_regions(application.claimant, application.others)
    lost = sorted(region for region in contested if not _may_be_ours(application, region))
    if not lost:
        return None
    return Problem(
        Reason.ALREADY_CLAIMED,
        f"{application.desired.identity} in {', '.join(lost)} already belongs to {_holders(application, lost)}. "
        "Remove these regions from spec.regions, or have the other object deleted",
    )


def _holders(application: OwnershipRequest, regions: Iterable[str]) -> str:
    """Return who has the better claim: by name in the namespace of the one who asks, and no more than that elsewhere."""
    claimant = application.claimant
    better = [other for other in better_claims(claimant, application.others) if not other.regions.isdisjoint(regions)]
    near = sorted(str(other.key) for other in better if other.key.namespace == claimant.key.namespace)
    far = ["a SesIdentity of another namespace"] if len(near) < len(better) else []
    return " and ".join([*(f"SesIdentity {name}" for name in near), *far])


RULES: tuple[AdmissionRule, ...] = (tags_fit, not_claimed)


def judge(application: OwnershipRequest) -> Problem | None:
    """Return the first violation, or None: accepted."""
    for rule in RULES:
        if (problem := rule(application)) is not None:
            return problem
    return None


def _may_be_ours(application: OwnershipRequest, region: str) -> bool:
    match application.views.get(region):
        case Present(facts):
            return is_ours(region, facts, application.desired.owner, application.invited)
        case Unread():
            return True
        case _:
            return False


def same_account(inventory: Inventory, account_name: str, account_id: str) -> Problem | None:
    """Require that the SesAccount still leads to the AWS account that the identity is in.

    In another one it would be created again, and the identity in the first would have no owner.
    """
    if inventory.account in ("", account_id):
        return None
    return Problem(
        Reason.ACCOUNT_CHANGED,
        f"The identity is in AWS account {inventory.account}, but the credentials of SesAccount {account_name} are for AWS "
        "account "
        f"{account_id}. Give the SesAccount credentials for {inventory.account} again. Or leave the identity there: "
        "set spec.deletionPolicy to Retain, delete this object, and create a new one",
    )
