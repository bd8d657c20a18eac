"""What stands where a step would set something else, in words: the other half of "it is to be ...". Pure."""

from __future__ import annotations

from ses_operator.core.features.key_identity import own_selector
from ses_operator.core.model.dkim_source import OwnKey
from ses_operator.core.model.ses import IdentityFacts, MailFromFacts, Topic
from ses_operator.core.state.observed import Present, RegionView
from ses_operator.core.state.steps import (
    CreateIdentity,
    CreatePolicy,
    DeletePolicy,
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
    UpdatePolicy,
)

DRIFT = (
    CreateIdentity,
    SetSigningEnabled,
    SetKeyLength,
    SetDkimSource,
    SetMailFrom,
    SetConfigurationSet,
    SetFeedbackForwarding,
    SetTopic,
    SetTopicHeaders,
    TagIdentity,
    CreatePolicy,
    UpdatePolicy,
    DeletePolicy,
)
"""The steps that put right what somebody has changed. What starts a verification anew is not among them."""


def is_drift(step: SesStep, view: RegionView) -> bool:
    """Whether the step changes a value, and does not only set again what stands."""
    match step, view:
        case SetMailFrom(), Present(IdentityFacts(mail_from=MailFromFacts() as found)):
            return (found.domain, found.behavior_on_mx_failure) != (step.domain, step.behavior_on_mx_failure)
        case SetDkimSource(), Present(facts):
            # Another key under the selector that stands is a rotation, or sent once more: SES does not tell keys apart.
            return own_selector(facts) != (step.dkim.selector if isinstance(step.dkim, OwnKey) else None)
        case _:
            return isinstance(step, DRIFT)


def current_value(step: SesStep, view: RegionView) -> str:
    """The value that the step would change, such as "none"; empty where the step itself says all there is to say."""
    if not isinstance(view, Present):
        return "it did not exist" if isinstance(step, CreateIdentity) else ""
    return _value(step, view.facts)


def _value(step: SesStep, facts: IdentityFacts) -> str:
    match step:
        case SetSigningEnabled():
            return _switch(facts.dkim.signing_enabled)
        case SetKeyLength():
            return f"{facts.dkim.next_key_length or facts.dkim.key_length} bits"
        case SetDkimSource():
            return "Easy DKIM" if (selector := own_selector(facts)) is None else f"the selector {selector}"
        case SetMailFrom():
            return _mail_from(step, facts)
        case SetConfigurationSet():
            return facts.configuration_set_name or "none"
        case SetFeedbackForwarding():
            return _switch(facts.feedback_forwarding)
        case SetTopic() | SetTopicHeaders():
            return _topic(step, facts)
        case TagIdentity():
            return _tags(step, facts)
        case UpdatePolicy():
            return "another document"
        case _:
            return ""


def _switch(enabled: bool) -> str:
    return "on" if enabled else "off"


def _mail_from(step: SetMailFrom, facts: IdentityFacts) -> str:
    found = facts.mail_from
    if found is None:
        return "none"
    return found.domain if found.domain != step.domain else f"{found.domain} with {found.behavior_on_mx_failure}"


def _topic(step: SetTopic | SetTopicHeaders, facts: IdentityFacts) -> str:
    topic = (facts.topics or {}).get(step.kind, Topic())
    return _switch(topic.include_headers) if isinstance(step, SetTopicHeaders) else topic.arn or "none"


def _tags(step: TagIdentity, facts: IdentityFacts) -> str:
    """Values that others gave; tags that are missing need no words."""
    found = facts.tags or {}
    return ", ".join(f"{key}={found[key]}" for key in sorted(step.tags) if key in found)
