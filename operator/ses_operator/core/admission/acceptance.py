"""Whether an identity may be worked on at all: two chains of small rules, of which the first that is broken speaks.

``admit`` needs nothing but what stands in Kubernetes, and is asked before anything is read. ``judge`` needs to know what SES
says. None of them tells the one who asks anything about another's object but that the domain is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ses_operator.api.account.guardrails import GuardrailAction
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.status import WarningStatus
from ses_operator.core.admission.guardrails import violations
from ses_operator.core.admission.tenancy import (
    AdmissionRequest,
    UnknownLabelsError,
    domain_granted,
    namespace_allowed,
    zone_allowed,
)
from ses_operator.core.features.ownership import Claimant, contested_regions, is_ours
from ses_operator.core.model.problems import Problem
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Present, RegionView, Unread

MAX_TAGS = 50
"""Tags of an SES identity (API reference, Tag: "up to 50 tags")."""


@dataclass(frozen=True, slots=True)
class OwnershipRequest:
    """What is asked for, by whom, and who else asks for the same. ``invited``: as in ``claims.is_ours``."""

    desired: Desired
    claimant: Claimant
    others: tuple[Claimant, ...]
    views: Mapping[str, RegionView]
    invited: frozenset[str] = frozenset()


AdmissionRule = Callable[[OwnershipRequest], Problem | None]

PETITION_RULES: tuple[Callable[[AdmissionRequest], Problem | None], ...] = (namespace_allowed, domain_granted)


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether the account lets the identity in: the problem if it does not, and what it is warned of in any case."""

    problem: Problem | None = None
    warnings: tuple[WarningStatus, ...] = ()


def admit(request: AdmissionRequest) -> Admission:
    """By the rules of the account: who may use it for what, then the guardrails, of which all that are not met are told."""
    found = violations(request.identity, request.account, request.key_bits)
    warnings = tuple(
        WarningStatus(reason=violation.reason, message=violation.message)
        for violation in found
        if violation.action is GuardrailAction.WARN
    )
    problem = first_violation(request)
    enforced = [violation for violation in found if violation.action is GuardrailAction.ENFORCE]
    if problem is None and enforced:
        problem = Problem(enforced[0].reason, " | ".join(violation.message for violation in enforced))
    return Admission(problem, warnings)


def admit_to_zone(request: AdmissionRequest, hosted_zone_id: str) -> Problem | None:
    """Why the identity may not have its records in this hosted zone; None where it may."""
    try:
        return zone_allowed(request, hosted_zone_id)
    except UnknownLabelsError:
        return _unknown_labels(request)


def first_violation(request: AdmissionRequest) -> Problem | None:
    """Which rule of who may use the account for what is broken; guardrails are another matter."""
    try:
        return next((problem for rule in PETITION_RULES if (problem := rule(request)) is not None), None)
    except UnknownLabelsError:
        return _unknown_labels(request)


def _unknown_labels(request: AdmissionRequest) -> Problem:
    """Who cannot be told from others is not let in."""
    return Problem(
        Reason.NAMESPACE_LABELS_UNKNOWN,
        f"the SesAccount {request.account_name} asks for labels of the namespace {request.namespace.name}, which the "
        "operator cannot read; let it list and watch the namespace (rbac.namespaceLabels of the chart), or name namespaces in "
        "the SesAccount by matchNames",
    )


def tags_fit(application: OwnershipRequest) -> Problem | None:
    """The tags of the spec, of the account and ours are as many as SES allows."""
    count = len(application.desired.tags)
    if count <= MAX_TAGS:
        return None
    return Problem(
        Reason.TOO_MANY_TAGS,
        f"spec.tags and the account's defaultTags make {count} tags with the operator's own; SES allows {MAX_TAGS}. "
        f"Remove {count - MAX_TAGS} from spec.tags",
    )


def not_claimed(application: OwnershipRequest) -> Problem | None:
    """Nobody with a better claim asks for the identity in one of the regions; what already is ours is not contested.

    Nor is what cannot be read, and may be ours: nothing is written there until it can.
    """
    contested = contested_regions(application.claimant, application.others)
    lost = sorted(region for region in contested if not _may_be_ours(application, region))
    if not lost:
        return None
    return Problem(
        Reason.ALREADY_CLAIMED,
        f"{application.desired.identity} is taken in {', '.join(lost)}: another object holds it in this AWS account. "
        "Take these regions out of spec.regions, or have the other object deleted",
    )


RULES: tuple[AdmissionRule, ...] = (tags_fit, not_claimed)


def judge(application: OwnershipRequest) -> Problem | None:
    """The first rule that is broken, or None: accepted."""
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
    """The SesAccount still leads to the AWS account in which the identity stands.

    In another one it would be made anew, and what stands in the first would be nobody's.
    """
    if inventory.account in ("", account_id):
        return None
    return Problem(
        Reason.ACCOUNT_CHANGED,
        f"the identity stands in the AWS account {inventory.account}, and the credentials of the SesAccount {account_name} are "
        f"for {account_id}; give the SesAccount credentials for {inventory.account} again; or leave the identity there: delete "
        "this object with spec.deletionPolicy set to Retain, and make a new one",
    )
