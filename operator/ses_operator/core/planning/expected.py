"""What stands after a step has succeeded: the view that a read would give, without the read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from ses_operator.core.model.dkim_source import NoDkim, OwnKey
from ses_operator.core.model.ses import DkimFacts, IdentityFacts, IdentityType, MailFromFacts, Topic, VerificationStatus
from ses_operator.core.state.observed import Absent, Present, RegionView, Remembered
from ses_operator.core.state.steps import (
    CreateIdentity,
    CreatePolicy,
    DeleteIdentity,
    DeletePolicy,
    RestartVerification,
    SendVerificationEmail,
    SesStep,
    SetConfigurationSet,
    SetDkimSource,
    SetFeedbackForwarding,
    SetKeyLength,
    SetMailFrom,
    SetSigningEnabled,
    SetTopic,
    SetTopicHeaders,
    TagIdentity,
    UntagIdentity,
    UpdatePolicy,
)


def expected_state(step: SesStep, view: RegionView, told: DkimFacts | None) -> RegionView:
    """The view after ``step``. ``told`` is what SES answered of DKIM, where it did: ``SesRegion.perform``."""
    match step, view:
        case CreateIdentity(), _ if told is not None:
            return Present(
                IdentityFacts(
                    verification_status=VerificationStatus.PENDING,
                    dkim=told,
                    configuration_set_name=step.configuration_set_name,
                    tags=dict(step.tags),
                    topics={},
                    type=IdentityType.EMAIL_ADDRESS if step.is_address else IdentityType.DOMAIN,
                )
            )
        case SendVerificationEmail(), Absent():
            return Present(unverified_address())
        case SetDkimSource(), Present(facts) if told is not None:
            return Present(_with_source(facts, told))
        case DeleteIdentity(), _:
            return Absent()
        case _, Present(facts):
            return Present(_changed(step, facts))
        case _:
            return view


def expected_memory(step: SesStep, known: Remembered, now: datetime) -> Remembered:
    """What is remembered of the region after ``step``: when SES was asked to look again, which key it was given, how
    many emails it has sent."""
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
        case _:
            return known


def _with_source(facts: IdentityFacts, told: DkimFacts) -> IdentityFacts:
    """Signing stays on or off; what had failed is looked for again (as ``RestartVerification`` has it)."""
    status = facts.verification_status
    again = VerificationStatus.PENDING if status is VerificationStatus.FAILED else status
    dkim = replace(told, signing_enabled=facts.dkim.signing_enabled)
    return replace(facts, verification_status=again, dkim=dkim)


def unverified_address() -> IdentityFacts:
    """An address that became an identity by an email alone (API reference, SendCustomVerificationEmail)."""
    return IdentityFacts(
        VerificationStatus.PENDING,
        DkimFacts(VerificationStatus.NOT_STARTED, signing_enabled=False, tokens=(), signing_hosted_zone=""),
        tags={},
        topics={},
        type=IdentityType.EMAIL_ADDRESS,
    )


def _changed(step: SesStep, facts: IdentityFacts) -> IdentityFacts:
    match step:
        case SetSigningEnabled() | SetKeyLength():
            return replace(facts, dkim=_dkim(step, facts.dkim))
        case RestartVerification():
            dkim = replace(facts.dkim, status=VerificationStatus.PENDING)
            return replace(facts, verification_status=VerificationStatus.PENDING, dkim=dkim)
        case SendVerificationEmail():
            return replace(facts, verification_status=VerificationStatus.PENDING)
        case SetMailFrom():
            return replace(facts, mail_from=_mail_from(step))
        case SetConfigurationSet():
            return replace(facts, configuration_set_name=step.name)
        case SetFeedbackForwarding() | SetTopic() | SetTopicHeaders():
            return _feedback(step, facts)
        case TagIdentity() | UntagIdentity():
            return replace(facts, tags=_tags(step, facts.tags or {}))
        case CreatePolicy() | UpdatePolicy() | DeletePolicy():
            return replace(facts, policies=_policies(step, facts))
        case _:
            return facts


def _dkim(step: SetSigningEnabled | SetKeyLength, dkim: DkimFacts) -> DkimFacts:
    match step:
        case SetSigningEnabled():
            return replace(dkim, signing_enabled=step.enabled)
        case SetKeyLength():
            return replace(dkim, next_key_length=step.key_length, status=VerificationStatus.PENDING)


def _policies(step: CreatePolicy | UpdatePolicy | DeletePolicy, facts: IdentityFacts) -> dict[str, str]:
    others = {name: document for name, document in facts.policies.items() if name != step.name}
    return others if isinstance(step, DeletePolicy) else {**others, step.name: step.document}


def _mail_from(step: SetMailFrom) -> MailFromFacts | None:
    if step.domain is None:
        return None
    return MailFromFacts(step.domain, VerificationStatus.PENDING, step.behavior_on_mx_failure)


def _tags(step: TagIdentity | UntagIdentity, tags: Mapping[str, str]) -> dict[str, str]:
    if isinstance(step, TagIdentity):
        return {**tags, **step.tags}
    return {key: value for key, value in tags.items() if key not in step.keys}


def _feedback(step: SetFeedbackForwarding | SetTopic | SetTopicHeaders, facts: IdentityFacts) -> IdentityFacts:
    if isinstance(step, SetFeedbackForwarding):
        return replace(facts, feedback_forwarding=step.enabled)
    topics = facts.topics or {}
    topic = topics.get(step.kind, Topic())
    changed = (
        replace(topic, arn=step.arn) if isinstance(step, SetTopic) else replace(topic, include_headers=step.enabled)
    )
    others = {kind: topic for kind, topic in topics.items() if kind is not step.kind}
    return replace(facts, topics=others if changed == Topic() else {**others, step.kind: changed})
