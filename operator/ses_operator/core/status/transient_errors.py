"""Decides what of the remembered state still holds, and what need not be reported while AWS does not answer for a while. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ses_operator.api.base.actors import Actor
from ses_operator.api.identity.status import RegionStatus, SesIdentityStatus
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import IdentityFacts, VerificationStatus
from ses_operator.core.state.observed import Present, RegionView, Unread
from ses_operator.core.status.report import ReportInput
from ses_operator.core.status.waits import mail_from_waits, verification_waits

_LOST = {VerificationStatus.TEMPORARY_FAILURE, VerificationStatus.FAILED}


def is_passing(problem: Problem) -> bool:
    """Return True if it is expected to pass by itself."""
    return problem.reason.actor is Actor.OPERATOR


def is_transient_only(case: ReportInput) -> bool:
    """Return True if nothing is known to be wrong, and some regions cannot be read for the moment."""
    views = [case.observed.regions.get(region) for region in case.desired.regions]
    silent = [view for view in views if isinstance(view, Unread)]
    heard = [view.facts for view in views if isinstance(view, Present)]
    return (
        bool(silent)
        and len(silent) + len(heard) == len(views)
        and all(is_passing(view.problem) for view in silent)
        and not any(verification_waits(facts) or mail_from_waits(facts) for facts in heard)
        and not case.plan.ses_steps
    )


def verification_regressed(views: Mapping[str, RegionView], status: SesIdentityStatus) -> bool:
    """Return True if SES has stopped finding records since status was written.

    The zone is then not believed to be as remembered either.
    """
    known = {region.region: region for region in status.regions}
    return any(
        isinstance(view, Present) and _is_lost(view.facts) and not _is_known(view.facts, known.get(region))
        for region, view in views.items()
    )


def _is_lost(facts: IdentityFacts) -> bool:
    mail_from = facts.mail_from.status if facts.mail_from else None
    return bool(_LOST & {*facts.verifications, mail_from})


def _is_known(facts: IdentityFacts, known: RegionStatus | None) -> bool:
    if known is None:
        return False
    told = (known.verification_status, known.dkim and known.dkim.status, known.mail_from and known.mail_from.status)
    return told == (facts.verification_status, facts.dkim.status, facts.mail_from and facts.mail_from.status)
