"""A custom verification email template: the desired one, the one in each region, the steps between, and its status. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.base.meta import OWNER_TAG, RECONCILE_REQUESTED_AT
from ses_operator.api.base.reasons import Reason
from ses_operator.api.template import (
    SesVerificationTemplate,
    SesVerificationTemplateSpec,
    SesVerificationTemplateStatus,
    TemplateRegionStatus,
)
from ses_operator.core.model.digest import configuration_digest
from ses_operator.core.model.keys import Owner
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.template_name import template_name
from ses_operator.core.status.report import refused
from ses_operator.core.status.verdicts import Verdict, conditions, no, not_ready, yes


@dataclass(frozen=True, slots=True)
class TemplateText:
    """The contents of a template at SES."""

    from_address: str
    subject: str
    content: str
    success_url: str
    failure_url: str

    @classmethod
    def of(cls, spec: SesVerificationTemplateSpec) -> TemplateText:
        """Return the contents that the spec asks for."""
        return cls(
            spec.from_email_address, spec.subject, spec.content, spec.success_redirect_url, spec.failure_redirect_url
        )


@dataclass(frozen=True, slots=True)
class StandingTemplate:
    """A template as SES has it; ``owner`` is the value of its owner tag, None without one."""

    text: TemplateText
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class NoTemplate:
    """The region has no template of the name."""


TemplateView = StandingTemplate | NoTemplate | Problem
"""The observation of one region; a problem is why it could not be read, or why the last write failed."""


@dataclass(frozen=True, slots=True)
class CreateTemplate:
    """CreateCustomVerificationEmailTemplate."""

    region: str
    name: str
    text: TemplateText
    tags: Mapping[str, str]

    def __str__(self) -> str:
        return f"create the verification template {self.name} in {self.region}"


@dataclass(frozen=True, slots=True)
class UpdateTemplate:
    """UpdateCustomVerificationEmailTemplate."""

    region: str
    name: str
    text: TemplateText

    def __str__(self) -> str:
        return f"change the verification template {self.name} in {self.region}"


@dataclass(frozen=True, slots=True)
class DeleteTemplate:
    """DeleteCustomVerificationEmailTemplate."""

    region: str
    name: str

    def __str__(self) -> str:
        return f"delete the verification template {self.name} in {self.region}"


TemplateStep = CreateTemplate | UpdateTemplate | DeleteTemplate


@dataclass(frozen=True, slots=True)
class DesiredTemplate:
    """The desired template, the same in every region."""

    owner: Owner
    regions: tuple[str, ...]
    text: TemplateText
    tags: Mapping[str, str]

    @property
    def name(self) -> str:
        """Its name at SES."""
        return template_name(self.owner)

    def digest(self) -> str:
        """Return a short digest of all this: equal digests ask for the same."""
        return configuration_digest(asdict(self))


def desired_template(owner: Owner, spec: SesVerificationTemplateSpec, tags: Mapping[str, str]) -> DesiredTemplate:
    """Return the desired template. ``tags``: the default tags of the account."""
    return DesiredTemplate(owner, tuple(sorted(spec.regions)), TemplateText.of(spec), {**tags, OWNER_TAG: str(owner)})


def plan_template(desired: DesiredTemplate, views: Mapping[str, TemplateView]) -> tuple[TemplateStep, ...]:
    """Return the step of each region that can be taken now; a region outside the spec loses the object's template."""
    steps = (_step(desired, region, view) for region, view in sorted(views.items()))
    return tuple(step for step in steps if step is not None)


def _step(desired: DesiredTemplate, region: str, view: TemplateView) -> TemplateStep | None:
    wanted = region in desired.regions
    match view:
        case NoTemplate() if wanted:
            return CreateTemplate(region, desired.name, desired.text, desired.tags)
        case StandingTemplate(text, owner) if owner in (None, str(desired.owner)):
            if not wanted:
                return DeleteTemplate(region, desired.name)
            return UpdateTemplate(region, desired.name, desired.text) if text != desired.text else None
        case _:
            return None


def template_after(step: TemplateStep) -> TemplateView:
    """Return the expected state after a step that succeeded."""
    match step:
        case DeleteTemplate():
            return NoTemplate()
        case CreateTemplate():
            return StandingTemplate(step.text, step.tags.get(OWNER_TAG))
        case UpdateTemplate():
            return StandingTemplate(step.text)


def template_problem(desired: DesiredTemplate, region: str, view: TemplateView | None) -> Problem | None:
    """Return why a region does not have the desired template; None if it has."""
    match view:
        case Problem():
            return view
        case StandingTemplate(owner=owner) if owner not in (None, str(desired.owner)):
            return Problem(
                Reason.OWNED_BY_ANOTHER,
                f"Template {desired.name} belongs to another owner and is left as it is. Delete it in SES, or "
                "remove the region from spec.regions",
                region=region,
            )
        case StandingTemplate(text=text) if text == desired.text:
            return None
        case _:
            return Problem(Reason.PROGRESSING, "The template is about to be written", region=region)


def template_status(
    template: SesVerificationTemplate, desired: DesiredTemplate, views: Mapping[str, TemplateView], now: datetime
) -> SesVerificationTemplateStatus:
    """Return the status of an accepted template."""
    problems = {region: template_problem(desired, region, views.get(region)) for region in desired.regions}
    leaving = [view for region, view in sorted(views.items()) if region not in problems and isinstance(view, Problem)]
    open_ = [problem for problem in problems.values() if problem is not None]
    count = f"{len(problems) - len(open_)}/{len(problems)}"
    verdicts: dict[ConditionType, Verdict] = {
        ConditionType.ACCEPTED: yes(f"SesAccount {template.spec.account_ref.name} allows this sender in these regions")
    }
    blocking = sorted(open_ + leaving, key=lambda problem: not problem.reason.stalls)
    if blocking:
        message = " | ".join(dict.fromkeys(map(str, blocking)))
        problem = Problem(blocking[0].reason, message)
        verdicts |= {ConditionType.PROVISIONED: no(problem)} | not_ready(problem)
    else:
        words = f"The template exists in {count} regions"
        verdicts |= {ConditionType.PROVISIONED: yes(words), ConditionType.READY: yes(words)}
    return _said(template, verdicts, now).model_copy(
        update={
            "template_name": desired.name,
            "regions": tuple(_region(region, problem) for region, problem in problems.items()),
            "provisioned_regions": count,
            "applied_configuration": desired.digest(),
        }
    )


def refused_template(
    template: SesVerificationTemplate, problem: Problem, now: datetime
) -> SesVerificationTemplateStatus:
    """Return the status while the template is not accepted."""
    return _said(template, refused(problem), now)


def held_template(template: SesVerificationTemplate, problem: Problem, now: datetime) -> SesVerificationTemplateStatus:
    """Return the status while the deletion waits."""
    return _said(template, not_ready(problem), now)


def in_use(users: tuple[str, ...]) -> Problem | None:
    """Return why a template cannot be deleted; ``users`` are the names of the identities whose emails use it."""
    if not users:
        return None
    return Problem(
        Reason.TEMPLATE_IN_USE,
        f"Deletion is waiting for SesIdentities of this namespace that use the template: {', '.join(sorted(users))}. Delete "
        "them, or "
        "remove their spec.verificationTemplateRef",
    )


def _said(
    template: SesVerificationTemplate, verdicts: Mapping[ConditionType, Verdict], now: datetime
) -> SesVerificationTemplateStatus:
    meta, before = template.metadata, template.status
    return before.model_copy(
        update={
            "observed_generation": meta.generation,
            "conditions": conditions(verdicts, before.conditions, meta.generation, now),
            "provisioned_regions": before.provisioned_regions or f"0/{len(template.spec.regions)}",
            "last_handled_reconcile_at": meta.annotations.get(RECONCILE_REQUESTED_AT),
        }
    )


def _region(region: str, problem: Problem | None) -> TemplateRegionStatus:
    return TemplateRegionStatus(
        region=region,
        provisioned=problem is None,
        reason=problem.reason if problem else None,
        message=problem.message if problem else None,
    )
