"""How SES tells of bounces and complaints: left alone unless the spec says how, and set back when it no longer does. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ses_operator.core.model.ses import IdentityFacts, NotificationType, Topic, Topics
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.steps import SesStep, SetFeedbackForwarding, SetTopic, SetTopicHeaders

FORWARDING = "feedbackForwarding"
FORWARDING_AT_FIRST = True
"""What a new identity has (API reference, PutEmailIdentityFeedbackAttributes)."""


def feedback_forwarding(desired: Desired, region: str, facts: IdentityFacts, inventory: Inventory) -> Iterable[SesStep]:
    """Bounces and complaints are forwarded by email or not, as asked."""
    wanted = desired.feedback_forwarding
    if wanted is None and FORWARDING in inventory.settings:
        wanted = FORWARDING_AT_FIRST
    if wanted is not None and wanted != facts.feedback_forwarding:
        yield SetFeedbackForwarding(region, desired.identity, wanted)


def topics(desired: Desired, region: str, facts: IdentityFacts, inventory: Inventory) -> Iterable[SesStep]:
    """The SNS topics of the region; nothing is done before they have been read."""
    wanted = _wanted_topics(desired, region, inventory)
    if wanted is None or facts.topics is None:
        return
    for kind in NotificationType:
        asked, found = wanted.get(kind, Topic()), facts.topics.get(kind, Topic())
        if asked.arn != found.arn:
            yield SetTopic(region, desired.identity, kind, asked.arn)
        if asked.include_headers != found.include_headers:
            yield SetTopicHeaders(region, desired.identity, kind, asked.include_headers)


def needs_topics(desired: Desired, region: str, inventory: Inventory) -> bool:
    """Whether the topics of the region have to be read, which costs a call of its own."""
    return region in desired.regions and _wanted_topics(desired, region, inventory) is not None


def settings_of(desired: Desired) -> frozenset[str]:
    """The settings that the spec names: what the inventory has to remember."""
    forwarding = set() if desired.feedback_forwarding is None else {FORWARDING}
    return frozenset(forwarding | {_setting(region) for region in desired.topics})


def _wanted_topics(desired: Desired, region: str, inventory: Inventory) -> Topics | None:
    """None: not ours to say."""
    return desired.topics.get(region, {} if _setting(region) in inventory.settings else None)


def _setting(region: str) -> str:
    return f"topics/{region}"
