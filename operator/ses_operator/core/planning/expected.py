"""The expected state after a step has succeeded: the view that a read would return, without the read."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never, overload

from ses_operator.core.features.configuration_set import CONFIGURATION_SET
from ses_operator.core.features.settings import first_settings
from ses_operator.core.model.dkim_source import NoDkim, OwnKey
from ses_operator.core.model.ses import DkimFacts, IdentityFacts, IdentityType, VerificationStatus
from ses_operator.core.state.observed import Absent, Known, Present, Read, RegionView, Remembered
from ses_operator.core.state.steps import (
    Correction,
    CreateIdentity,
    CreatePolicy,
    DeleteIdentity,
    DeletePolicy,
    PutSetting,
    RestartVerification,
    SendVerificationEmail,
    SesStep,
    SetDkimSource,
    TagIdentity,
    UntagIdentity,
    UpdatePolicy,
    WithdrawRights,
)
from ses_operator.core.state.waits import VERIFICATION

_LOOKS_AGAIN = (CreateIdentity, SetDkimSource, RestartVerification, SendVerificationEmail)
"""The steps after which SES begins to verify, whatever it has looked for before."""


@overload
def expected_state(step: SesStep, view: Known, told: DkimFacts | None) -> Known: ...


@overload
def expected_state(step: SesStep, view: RegionView, told: DkimFacts | None) -> RegionView: ...


def expected_state(step: SesStep, view: RegionView, told: DkimFacts | None) -> RegionView:
    """Return the view after ``step``. ``told`` is what SES answered of DKIM, if it did: ``SesRegion.perform``."""
    match step:
        case CreateIdentity():
            return view if told is None else Read(created(step, told))
        case DeleteIdentity():
            return Absent()
        case SendVerificationEmail() if isinstance(view, Absent):
            return Read(unverified_address())
    return replace(view, facts=_changed(step, view.facts, told)) if isinstance(view, Present) else view


def expected_memory(step: SesStep, known: Remembered, now: datetime) -> Remembered:
    """Return what to remember of the region after ``step``.

    When SES was asked to look again, which key it was given, how many emails it has sent. What is waited for after the step
    has been waited for since then.
    """
    ended = {step.key, *((VERIFICATION,) if isinstance(step, _LOOKS_AGAIN) else ())}
    known = replace(known, waits={key: wait for key, wait in known.waits.items() if key not in ended})
    match step:
        case CreateIdentity(dkim=NoDkim()) | SendVerificationEmail():
            return replace(known, emailed_at=now, emails=known.emails + 1)
        case RestartVerification():
            return replace(known, restarted_at=now)
        case SetDkimSource(dkim=OwnKey() as key):
            return replace(known, restarted_at=now, key_fingerprint=key.fingerprint)
        case CreateIdentity(dkim=OwnKey() as key):
            return replace(known, key_fingerprint=key.fingerprint)
        case CreateIdentity() | SetDkimSource() | DeleteIdentity():
            return replace(known, key_fingerprint=None)
        case (
            PutSetting()
            | TagIdentity()
            | UntagIdentity()
            | WithdrawRights()
            | CreatePolicy()
            | UpdatePolicy()
            | DeletePolicy()
        ):
            return known
        case _:
            assert_never(step)


def accepted_configuration_set(step: SesStep) -> str | None:
    """Return the configuration set that exists, because SES has accepted a step that names it."""
    match step:
        case CreateIdentity(configuration_set_name=name):
            return name
        case PutSetting(setting=setting, value=str(name)) if setting == CONFIGURATION_SET:
            return name
        case _:
            return None


def _with_source(facts: IdentityFacts, told: DkimFacts) -> IdentityFacts:
    """Return the facts with another source: signing stays on or off; what had failed is looked for again."""
    status = facts.verification_status
    again = VerificationStatus.PENDING if status is VerificationStatus.FAILED else status
    dkim = replace(told, signing_enabled=facts.dkim.signing_enabled)
    return replace(facts, verification_status=again, dkim=dkim)


def unverified_address() -> IdentityFacts:
    """Return an address that became an identity by an email alone (API reference, SendCustomVerificationEmail)."""
    return IdentityFacts(
        VerificationStatus.PENDING,
        DkimFacts(VerificationStatus.NOT_STARTED, signing_enabled=False, tokens=(), signing_hosted_zone=""),
        tags={},
        sending_enabled=False,
        topics={},
        settings=first_settings(),
        type=IdentityType.EMAIL_ADDRESS,
    )


def created(step: CreateIdentity, told: DkimFacts) -> IdentityFacts:
    """Return the state right after the creation, if SES answers with ``told`` (API reference, CreateEmailIdentity)."""
    return IdentityFacts(
        verification_status=VerificationStatus.PENDING,
        dkim=told,
        configuration_set_name=step.configuration_set_name,
        tags=dict(step.tags),
        sending_enabled=False,
        topics={},
        settings=first_settings(),
        type=IdentityType.EMAIL_ADDRESS if step.is_address else IdentityType.DOMAIN,
    )


def _changed(step: Correction, facts: IdentityFacts, told: DkimFacts | None) -> IdentityFacts:
    match step:
        case PutSetting(setting=setting, value=value):
            return setting.expected(facts, value)
        case SetDkimSource():
            return facts if told is None else _with_source(facts, told)
        case RestartVerification():
            dkim = replace(facts.dkim, status=VerificationStatus.PENDING)
            return replace(facts, verification_status=VerificationStatus.PENDING, dkim=dkim)
        case SendVerificationEmail():
            return replace(facts, verification_status=VerificationStatus.PENDING)
        case TagIdentity(tags=tags):
            return replace(facts, tags={**(facts.tags or {}), **tags})
        case UntagIdentity(keys=keys):
            return replace(facts, tags={key: value for key, value in (facts.tags or {}).items() if key not in keys})
        case CreatePolicy(name=name, document=document) | UpdatePolicy(name=name, document=document):
            return replace(facts, policies={**facts.policies, name: document})
        case WithdrawRights(name=name, document=str(document)):
            return replace(facts, policies={**facts.policies, name: document})
        case WithdrawRights(name=name) | DeletePolicy(name=name):
            return replace(facts, policies={other: text for other, text in facts.policies.items() if other != name})
        case _:
            assert_never(step)
