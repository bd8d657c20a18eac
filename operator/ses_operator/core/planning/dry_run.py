"""A dry run: what would be done at SES, to the end, if everything went well, without a call.

Plans are made and applied to the observed state. Some steps wait for records to be served, or for SES to verify. Here
both always happen, so that the steps that follow are seen too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from ses_operator.core.model.dkim_source import EasyDkim, NoDkim, OwnKey, ReplicaDkim
from ses_operator.core.model.ses import DkimFacts, IdentityFacts, SigningOrigin, VerificationStatus
from ses_operator.core.planning.expected import expected_memory, expected_state, unverified_address
from ses_operator.core.planning.plan import Plan, plan_identity, wanted_records
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Observed, Present, RegionView, Remembered
from ses_operator.core.state.publication import DnsObservation, PublishedRecord, RecordState
from ses_operator.core.state.steps import CreateIdentity, SesStep, SetDkimSource

MAX_ROUNDS = 8
"""Rounds of plan and fold: as many as one run of the operator makes. Three are the rule."""

UNTOLD_ZONE = "<signing hosted zone>"
"""Placeholder for the zone that SES returns when the identity is created."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """The result of a dry run.

    ``steps`` in the order of the regions, each with the view of its region before it. ``outcome`` is the expected
    state at SES, without DNS; ``left`` is what could not be planned away.
    """

    steps: tuple[tuple[SesStep, RegionView], ...]
    outcome: Observed
    left: Plan


def dry_run(desired: Desired, observed: Observed, inventory: Inventory, now: datetime) -> DryRun:
    """Return all SES steps from the observed to the desired state. Pauses and refusals end at some time: none is known here."""
    done: list[tuple[SesStep, RegionView]] = []
    plan = plan_identity(desired, observed, inventory, now)
    for _ in range(MAX_ROUNDS):
        if not plan.ses_steps:
            observed = _with_all_served(desired, _with_all_verified(observed))
            plan = plan_identity(desired, observed, inventory, now)
            if not plan.ses_steps:
                break
        for steps in plan.ses_steps.values():
            for step in steps:
                view = observed.regions[step.region]
                done.append((step, view))
                folded = expected_state(step, view, _told_by_ses(step))
                known = expected_memory(step, observed.remembered.get(step.region, Remembered()), now)
                observed = replace(
                    observed,
                    regions={**observed.regions, step.region: folded},
                    remembered={**observed.remembered, step.region: known},
                )
        plan = plan_identity(desired, observed, inventory, now)
    done.sort(key=lambda item: item[0].region)
    return DryRun(tuple(done), replace(observed, dns=None, dns_failure=None), plan)


def _with_all_served(desired: Desired, observed: Observed) -> Observed:
    records = (PublishedRecord(record, RecordState.PUBLISHED) for record in wanted_records(desired, observed))
    return replace(observed, dns=DnsObservation(tuple(records), in_sync=True), dns_failure=None)


def _with_all_verified(observed: Observed) -> Observed:
    views = {
        region: replace(view, facts=_verified(view.facts)) if isinstance(view, Present) else view
        for region, view in observed.regions.items()
    }
    return replace(observed, regions=views)


def _verified(facts: IdentityFacts) -> IdentityFacts:
    success, mail_from = VerificationStatus.SUCCESS, facts.mail_from
    return replace(
        facts,
        verification_status=success,
        sending_enabled=True,
        dkim=replace(facts.dkim, status=success),
        mail_from=replace(mail_from, status=success) if mail_from else None,
    )


def _told_by_ses(step: SesStep) -> DkimFacts | None:
    """Return what SES would answer of DKIM: words in the place of what cannot be known before."""
    if not isinstance(step, CreateIdentity | SetDkimSource):
        return None
    untold = DkimFacts(VerificationStatus.PENDING, signing_enabled=True, tokens=(), signing_hosted_zone="")
    match step.dkim:
        case EasyDkim(key_length):
            return replace(
                untold,
                tokens=tuple(f"<token {number} of {step.region}>" for number in (1, 2, 3)),
                signing_hosted_zone=UNTOLD_ZONE,
                key_length=key_length,
                next_key_length=key_length,
            )
        case NoDkim():
            return unverified_address().dkim
        case ReplicaDkim(parent_region):
            return replace(untold, origin=SigningOrigin.REPLICA, parent_region=parent_region)
        case OwnKey(selector):
            return replace(untold, origin=SigningOrigin.EXTERNAL, tokens=(selector,))
