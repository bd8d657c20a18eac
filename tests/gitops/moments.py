"""Moments in the life of our objects, with the status that the operator reports in each, and what others make of it.

The statuses are not written here: the operator's own pure functions make them from what was observed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from ses_operator.api.account.kind import AccountRegionStatus, SesAccount, SesAccountStatus
from ses_operator.api.base.meta import API_VERSION, OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import STATUS_DEFAULT, SesIdentityStatus
from ses_operator.api.template import SesVerificationTemplate, SesVerificationTemplateStatus
from ses_operator.controllers.shared.accounts import Accounts
from ses_operator.core.account.report import account_status, region_status
from ses_operator.core.model.keys import Installation, ObjectKey, Owner
from ses_operator.core.model.name_rights import NameRights
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import AccountFacts, IdentityFacts, VerificationStatus
from ses_operator.core.planning.plan import plan_identity, wanted_records
from ses_operator.core.state.desired import desired_identity
from ses_operator.core.state.observed import Absent, Observed, Present, RegionView, Unread
from ses_operator.core.state.publication import DnsObservation, PublishedRecord, RecordState
from ses_operator.core.status.report import ReportInput
from ses_operator.core.status.status import identity_status, refused_status, waiting_status
from ses_operator.core.templates.content import content_fault
from ses_operator.core.templates.template import (
    NoTemplate,
    StandingTemplate,
    TemplateView,
    desired_template,
    held_template,
    in_use,
    refused_template,
    template_status,
)
from ses_operator.runtime.watch.cache import ObjectStore
from unit.world import NOW, covering, fresh_dkim, held_back

REGION = "eu-west-1"
ACCOUNT_ID = "123456789012"
SPEC: Mapping[str, Any] = {"domain": "mail.example.com", "regions": [REGION]}
OWNER = "production/team-a/mail"


class Kstatus(StrEnum):
    """What kstatus makes of an object: Flux and Helm wait for Current, and stop at Failed."""

    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    CURRENT = "Current"
    TERMINATING = "Terminating"


class Health(StrEnum):
    """What Argo CD shows beside an object, and waits for in a sync."""

    PROGRESSING = "Progressing"
    HEALTHY = "Healthy"
    DEGRADED = "Degraded"
    SUSPENDED = "Suspended"


@dataclass(frozen=True, slots=True)
class Moment:
    """An object at one moment, as the apiserver has it, and what is to be thought of it."""

    name: str
    object: Mapping[str, Any]
    kstatus: Kstatus
    health: Health

    @property
    def kind(self) -> str:
        return str(self.object["kind"])

    @property
    def message(self) -> str | None:
        """What Ready says."""
        conditions = self.object["status"].get("conditions", ())
        return next((found["message"] for found in conditions if found["type"] == "Ready"), None)


def identity(*, spec: Mapping[str, Any] | None = None, **metadata: object) -> SesIdentity:
    """A SesIdentity that nobody has looked at."""
    return SesIdentity.model_validate(
        {
            "metadata": {"name": "mail", "namespace": "team-a", "generation": 1, **metadata},
            "spec": {**SPEC, **(spec or {})},
            "status": STATUS_DEFAULT,
        }
    )


def _manifest(
    kind: str,
    found: SesIdentity | SesAccount | SesVerificationTemplate,
    status: SesIdentityStatus | SesAccountStatus | SesVerificationTemplateStatus,
) -> dict[str, Any]:
    """The object with the part of its status that those who wait for it read; the apiserver's own where nobody has looked."""
    written = found.model_dump(mode="json", exclude_unset=True, include={"metadata", "spec"})
    told = {name: value for name, value in status.to_json().items() if name in ("observedGeneration", "conditions")}
    said = told if status.conditions else STATUS_DEFAULT
    return {"apiVersion": API_VERSION, "kind": kind, **written, "status": said}


def _at(name: str, found: SesIdentity, status: SesIdentityStatus, kstatus: Kstatus, health: Health) -> Moment:
    return Moment(name, _manifest("SesIdentity", found, status), kstatus, health)


def present(status: VerificationStatus, owner: str | None = OWNER) -> Present:
    """The identity in SES as it was asked for, in this state."""
    dkim = replace(fresh_dkim(REGION, 2048), status=status)
    return Present(IdentityFacts(status, dkim, tags={OWNER_TAG: owner} if owner else {}))


def reported(
    found: SesIdentity, view: RegionView, records: RecordState | None = None, message: str = ""
) -> SesIdentityStatus:
    """The status of this identity where SES says this, and its records stand so."""
    account = SesAccount.model_validate({"metadata": {"name": "default"}, "spec": {}})
    key = ObjectKey(found.metadata.namespace, found.metadata.name)
    asked = desired_identity(Installation("production"), key, found.spec, account.spec, None)
    desired = replace(asked, rights=NameRights(asked.identity))
    observed = Observed(regions={REGION: view})
    if records is not None:
        states = tuple(PublishedRecord(record, records, message) for record in wanted_records(desired, observed))
        observed = replace(observed, dns=DnsObservation(states, in_sync=records is not RecordState.MISSING))
    plan = plan_identity(desired, observed, covering(desired), NOW)
    case = ReportInput.of(
        desired,
        observed,
        plan,
        account="default",
        account_id=ACCOUNT_ID,
        partition="aws",
        suspended=held_back(desired, observed) if found.spec.suspend else None,
    )
    return identity_status(found, case, None, NOW)


def identity_moments() -> tuple[Moment, ...]:
    """From creation to deletion, and what may come between."""
    fresh, manual = identity(), identity(spec={"dns": {"provider": "Manual"}})
    suspended = identity(spec={"suspend": True})
    pending, verified = present(VerificationStatus.PENDING), present(VerificationStatus.SUCCESS)
    denied = Problem(Reason.ACCESS_DENIED, "the credentials lack the right ses:GetEmailIdentity", region=REGION)
    unknown = Problem(Reason.REGION_NOT_SUPPORTED, "SES does not exist in this region", region=REGION)
    no_account = Accounts(ObjectStore(SesAccount.model_validate), "demo").get("default")
    assert isinstance(no_account, Problem)
    ready = reported(fresh, verified, RecordState.PUBLISHED)
    leaving = Problem(Reason.DELETION_BLOCKED, f"Deletion is waiting: {REGION}: a tenant refers to the identity")
    deleting = identity(deletionTimestamp="2026-01-02T00:00:00Z", finalizers=["ses-operator.io/finalizer"])
    in_progress, failed, current = Kstatus.IN_PROGRESS, Kstatus.FAILED, Kstatus.CURRENT
    progressing, degraded, healthy = Health.PROGRESSING, Health.DEGRADED, Health.HEALTHY
    return (
        _at("fresh", fresh, fresh.status, in_progress, progressing),
        _at("waiting_for_account", fresh, refused_status(fresh, no_account, NOW), in_progress, progressing),
        _at("waiting_for_rights", fresh, reported(fresh, Unread(denied)), in_progress, progressing),
        _at("creating", fresh, reported(fresh, Absent()), in_progress, progressing),
        _at("pending", fresh, reported(fresh, pending, RecordState.PUBLISHED), in_progress, progressing),
        _at("manual_records_pending", manual, reported(manual, pending, RecordState.PENDING), in_progress, progressing),
        _at(
            "record_in_the_way",
            fresh,
            reported(fresh, pending, RecordState.CONFLICT, "CNAME x: somebody else's"),
            in_progress,
            progressing,
        ),
        _at(
            "verification_failed",
            manual,
            reported(manual, present(VerificationStatus.FAILED), RecordState.MISSING, "CNAME x: no such name"),
            in_progress,
            degraded,
        ),
        _at(
            "verification_revoked",
            fresh,
            reported(fresh, present(VerificationStatus.TEMPORARY_FAILURE), RecordState.PUBLISHED),
            in_progress,
            degraded,
        ),
        _at("region_not_supported", fresh, reported(fresh, Unread(unknown)), failed, degraded),
        _at("not_adopted", fresh, reported(fresh, present(VerificationStatus.SUCCESS, owner=None)), failed, degraded),
        _at("ready", fresh, ready, current, healthy),
        _at(
            "ready_though_dns_differs",
            fresh,
            reported(fresh, verified, RecordState.DIFFERENT, "CNAME x: another value"),
            current,
            healthy,
        ),
        _at("changed_since", identity(generation=2), ready, in_progress, progressing),
        _at("suspended_with_work_to_do", suspended, reported(suspended, Absent()), failed, Health.SUSPENDED),
        _at(
            "suspended_with_nothing_to_do",
            suspended,
            reported(suspended, verified, RecordState.PUBLISHED),
            current,
            Health.SUSPENDED,
        ),
        _at("deleting", deleting, ready, Kstatus.TERMINATING, progressing),
        _at(
            "deletion_blocked",
            deleting,
            waiting_status(deleting, leaving, NOW),
            Kstatus.TERMINATING,
            progressing,
        ),
    )


def _account_at(
    name: str,
    kstatus: Kstatus,
    health: Health,
    problem: Problem | None = None,
    regions: tuple[AccountRegionStatus, ...] = (),
    **metadata: object,
) -> Moment:
    found = SesAccount.model_validate({"metadata": {"name": "default", "generation": 1, **metadata}, "spec": {}})
    status = account_status(
        found.model_copy(update={"metadata": found.metadata.model_copy(update={"generation": 1})}),
        account_id=None if problem else ACCOUNT_ID,
        regions=regions,
        identities=1,
        requested_at=None,
        audit=None,
        problem=problem,
        now=NOW,
    )
    return Moment(name, _manifest("SesAccount", found, status), kstatus, health)


def account_moments() -> tuple[Moment, ...]:
    """A SesAccount before it is looked at, while its credentials do not work, and when they do."""
    fresh = SesAccount.model_validate({"metadata": {"name": "default", "generation": 1}, "spec": {}})
    answers = region_status(REGION, AccountFacts(True, True, "HEALTHY", 50_000.0, 14.0))
    silent = region_status("us-east-1", Problem(Reason.REGION_UNREACHABLE, "SES does not answer", region="us-east-1"))
    missing = Problem(Reason.SECRET_NOT_FOUND, "the Secret ses-operator/ses-credentials does not exist; create it")
    rejected = Problem(
        Reason.CREDENTIALS_REJECTED, "AWS does not know the access key; check the Secret ses-credentials"
    )
    in_progress, progressing = Kstatus.IN_PROGRESS, Health.PROGRESSING
    return (
        Moment(
            "fresh",
            _manifest("SesAccount", fresh, SesAccountStatus.model_validate(STATUS_DEFAULT)),
            in_progress,
            progressing,
        ),
        _account_at("secret_missing", in_progress, progressing, missing),
        _account_at("credentials_rejected", in_progress, progressing, rejected),
        _account_at("ready", Kstatus.CURRENT, Health.HEALTHY, regions=(answers,)),
        _account_at("ready_though_a_region_is_silent", Kstatus.CURRENT, Health.HEALTHY, regions=(answers, silent)),
        _account_at("changed_since", in_progress, progressing, regions=(answers,), generation=2),
        _account_at("deleting", Kstatus.TERMINATING, progressing, deletionTimestamp="2026-01-02T00:00:00Z"),
    )


def _template(content: str = "<p>Welcome</p>", **metadata: object) -> SesVerificationTemplate:
    """A SesVerificationTemplate that nobody has looked at."""
    spec = {
        "fromEmailAddress": "hello@mail.example.com",
        "subject": "Please confirm",
        "content": content,
        "successRedirectURL": "https://www.example.com/verified",
        "failureRedirectURL": "https://www.example.com/expired",
        "regions": [REGION],
    }
    named = {"name": "welcome", "namespace": "team-a", "generation": 1, **metadata}
    return SesVerificationTemplate.model_validate({"metadata": named, "spec": spec, "status": STATUS_DEFAULT})


def template_moments() -> tuple[Moment, ...]:
    """A SesVerificationTemplate from creation to deletion, and what may come between."""
    fresh, wrong = _template(), _template(content="<script>x</script>")
    deleting = _template(deletionTimestamp="2026-01-02T00:00:00Z", finalizers=["ses-operator.io/finalizer"])
    fault, held = content_fault(wrong.spec.content), in_use(("customer",))
    assert fault is not None
    assert held is not None
    invalid = refused_template(wrong, Problem(Reason.TEMPLATE_INVALID, fault), NOW)
    desired = desired_template(Owner("production", ObjectKey("team-a", "welcome")), fresh.spec, {})
    unverified = Problem(Reason.FROM_ADDRESS_NOT_VERIFIED, "hello@mail.example.com is not verified", region=REGION)

    def said(view: TemplateView) -> SesVerificationTemplateStatus:
        return template_status(fresh, desired, {REGION: view}, NOW)

    def at(
        name: str,
        found: SesVerificationTemplate,
        status: SesVerificationTemplateStatus,
        kstatus: Kstatus,
        health: Health = Health.PROGRESSING,
    ) -> Moment:
        return Moment(name, _manifest("SesVerificationTemplate", found, status), kstatus, health)

    ready, in_progress = said(StandingTemplate(desired.text, str(desired.owner))), Kstatus.IN_PROGRESS
    theirs = said(StandingTemplate(desired.text, "production/team-b/welcome"))
    return (
        at("fresh", fresh, fresh.status, in_progress),
        at("creating", fresh, said(NoTemplate()), in_progress),
        at("sender_not_verified", fresh, said(unverified), in_progress),
        at("content_refused", wrong, invalid, Kstatus.FAILED, Health.DEGRADED),
        at("owned_by_another", fresh, theirs, in_progress),
        at("ready", fresh, ready, Kstatus.CURRENT, Health.HEALTHY),
        at("changed_since", _template(generation=2), ready, in_progress),
        at("deletion_waits_for_its_users", deleting, held_template(deleting, held, NOW), Kstatus.TERMINATING),
    )


def for_every_reason() -> tuple[Moment, ...]:
    """An identity that is not ready, for each reason that there is."""
    found = identity()
    gave_up = {Reason.VERIFICATION_FAILED, Reason.VERIFICATION_REVOKED}
    return tuple(
        _at(
            reason,
            found,
            waiting_status(found, Problem(reason, reason.meaning), NOW),
            Kstatus.FAILED if reason.stalls else Kstatus.IN_PROGRESS,
            Health.DEGRADED if reason.stalls or reason in gave_up else Health.PROGRESSING,
        )
        for reason in Reason
        if reason is not Reason.SUCCEEDED
    )


MOMENTS = (*identity_moments(), *account_moments(), *template_moments())
