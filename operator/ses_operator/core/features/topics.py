"""The SNS topics to which SES reports bounces, complaints and deliveries, and the headers of the mail: settings. Pure.

Only the first version of the API has them, and only an operation of its own returns them. In a region for which the
spec names topics, those of all types are managed; elsewhere none is. Source: API reference v1,
SetIdentityNotificationTopic, SetIdentityHeadersInNotificationsEnabled, GetIdentityNotificationAttributes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ses_operator.core.model.iam_actions import Action, Feature, On
from ses_operator.core.model.ses import IdentityFacts, NotificationType, Topic
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.setting import UNKNOWN, UNMANAGED, Answer, Api, Call, NoValue, Setting, SupplementaryRead


def _merge(facts: IdentityFacts, identity: str, answer: Answer) -> IdentityFacts:
    """Return the facts with the topics. An identity that does not exist has none."""
    attributes = (answer.get("NotificationAttributes") or {}).get(identity) or {}
    topics = {
        kind: Topic(
            attributes.get(f"{kind}Topic") or None, bool(attributes.get(f"HeadersIn{kind}NotificationsEnabled"))
        )
        for kind in NotificationType
    }
    return replace(facts, topics=topics)


TOPICS = SupplementaryRead(
    key="topics",
    call=lambda identity: Call("GetIdentityNotificationAttributes", {"Identities": [identity]}, Api.V1),
    merge=_merge,
    iam_action=Action(
        "ses:GetIdentityNotificationAttributes",
        Feature.TOPICS,
        On.ANYTHING,
        "SNS topics of `spec.regionOverrides`, which no other operation returns",
    ),
)
_MEMORY = "topics"


def _wanted(kind: NotificationType, desired: Desired, region: str) -> Topic | None:
    """Return the topic of this type; None if none of the region is managed."""
    topics = desired.topics.get(region)
    return None if topics is None else topics.get(kind, Topic())


def _found(kind: NotificationType, facts: IdentityFacts) -> Topic | None:
    """Return the topic that SES has; None if it was not read."""
    return None if facts.topics is None else facts.topics.get(kind, Topic())


def _expected(kind: NotificationType, facts: IdentityFacts, **changes: Any) -> IdentityFacts:
    topics = facts.topics or {}
    changed = replace(topics.get(kind, Topic()), **changes)
    others = {other: topic for other, topic in topics.items() if other is not kind}
    return replace(facts, topics=others if changed == Topic() else {**others, kind: changed})


def _call(operation: str, kind: NotificationType, identity: str, **parameters: Any) -> Call:
    return Call(operation, {"Identity": identity, "NotificationType": kind.value, **parameters}, Api.V1)


def _topic(kind: NotificationType) -> Setting[str | None]:
    def wanted(desired: Desired, region: str) -> str | NoValue | None:
        topic = _wanted(kind, desired, region)
        return topic.arn if topic else UNMANAGED

    def found(facts: IdentityFacts) -> str | NoValue | None:
        topic = _found(kind, facts)
        return topic.arn if topic else UNKNOWN

    def call(identity: str, arn: str | None) -> Call:
        """Return the request; without SnsTopic it removes the topic."""
        return _call("SetIdentityNotificationTopic", kind, identity, **({"SnsTopic": arn} if arn else {}))

    def words(arn: str | None) -> str:
        return (
            f"set the SNS topic {arn} for {kind} notifications"
            if arn
            else f"remove the SNS topic for {kind} notifications"
        )

    return Setting(
        key=f"topic:{kind}",
        spec_field=f"spec.regionOverrides[].feedback.topics.{kind.lower()}.topicARN",
        wanted=wanted,
        found=found,
        expected=lambda facts, arn: _expected(kind, facts, arn=arn),
        reset_to=None,
        call=call,
        words=words,
        iam_action=Action(
            "ses:SetIdentityNotificationTopic", Feature.TOPICS, On.ANYTHING, "setting them, and taking them away"
        ),
        memory=_MEMORY,
        read=TOPICS,
    )


def _headers(kind: NotificationType) -> Setting[bool]:
    def wanted(desired: Desired, region: str) -> bool | NoValue:
        topic = _wanted(kind, desired, region)
        return topic.include_headers if topic else UNMANAGED

    def found(facts: IdentityFacts) -> bool | NoValue:
        topic = _found(kind, facts)
        return topic.include_headers if topic else UNKNOWN

    return Setting(
        key=f"topic-headers:{kind}",
        spec_field=f"spec.regionOverrides[].feedback.topics.{kind.lower()}.includeHeaders",
        wanted=wanted,
        found=found,
        expected=lambda facts, enabled: _expected(kind, facts, include_headers=enabled),
        reset_to=False,
        call=lambda identity, enabled: _call(
            "SetIdentityHeadersInNotificationsEnabled", kind, identity, Enabled=enabled
        ),
        words=lambda enabled: f"switch headers in {kind} notifications {'on' if enabled else 'off'}",
        iam_action=Action(
            "ses:SetIdentityHeadersInNotificationsEnabled",
            Feature.TOPICS,
            On.ANYTHING,
            "whether notifications include the headers of the mail",
        ),
        after=(f"topic:{kind}",),
        memory=_MEMORY,
        read=TOPICS,
    )


TOPIC = {kind: _topic(kind) for kind in NotificationType}
TOPIC_HEADERS = {kind: _headers(kind) for kind in NotificationType}
TOPIC_SETTINGS: tuple[Setting[Any], ...] = tuple(
    setting for kind in NotificationType for setting in (TOPIC[kind], TOPIC_HEADERS[kind])
)
