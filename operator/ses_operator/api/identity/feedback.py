"""The part of a SesIdentity about reports of bounces and complaints, and the settings that differ in single regions."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from ses_operator.api.base.fields import Region
from ses_operator.api.base.model import Model, rule, rules

ConfigurationSetName = Annotated[
    str,
    Field(
        max_length=128,
        json_schema_extra=rules(
            rule(
                "self.matches('^[A-Za-z0-9_-]{1,64}$')",
                "write the name of a configuration set: 1 to 64 letters, digits, '-' and '_'",
            )
        ),
    ),
]


class FeedbackSpec(Model):
    """How SES reports bounces and complaints, in every region."""

    email_forwarding_enabled: bool = Field(
        description=(
            "If true, SES forwards bounces and complaints by email, to the Return-Path or the sender of "
            "the mail. The SES default is true. If false, SES still forwards them while nothing else "
            "reports them: no SNS topic, and no event destination of a configuration set."
        )
    )


class TopicSpec(Model):
    """An SNS topic to which SES reports one type of event."""

    topic_arn: Annotated[
        str,
        Field(
            max_length=512,
            json_schema_extra=rules(
                rule(
                    "self.matches('^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$')",
                    "write the ARN of a standard SNS topic, such as arn:aws:sns:eu-west-1:123456789012:bounces",
                )
            ),
        ),
    ] = Field(
        alias="topicARN",
        description=(
            "ARN of a standard SNS topic in the same region, whose policy lets ses.amazonaws.com publish. It must exist."
        ),
    )
    include_headers: bool = Field(
        False, description="If true, a notification contains the headers of the mail. Default: false."
    )


class TopicsSpec(Model):
    """SNS topics by type of event. All three are managed: a type that is not named has no topic."""

    bounce: TopicSpec | None = Field(None, description="Receives each bounce. If omitted, bounces have no topic.")
    complaint: TopicSpec | None = Field(
        None, description="Receives each complaint. If omitted, complaints have no topic."
    )
    delivery: TopicSpec | None = Field(
        None, description="Receives each delivery. If omitted, deliveries have no topic."
    )


class RegionFeedback(Model):
    """How SES reports bounces, complaints and deliveries in one region."""

    topics: TopicsSpec = Field(
        description="SNS topics, which must be in the same region. Set all types together: a type that is omitted "
        "has no topic."
    )


def _topic_is_there(kind: str) -> str:
    """Return CEL that holds if the topic, if it has the ARN of one, is in the override's region."""
    topic = f"self.feedback.topics.{kind}"
    arn = f"{topic}.topicARN"
    return f"(!has({topic}) || !{arn}.contains(':sns:') || {arn}.contains(':sns:' + self.region + ':'))"


class RegionOverride(Model):
    """The settings that differ in one region."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.feedback) || "
                f"({' && '.join(_topic_is_there(kind) for kind in ('bounce', 'complaint', 'delivery'))})",
                "name topics of the override's own region: SES publishes to no topic of another",
            )
        )
    )

    region: Region = Field(description="One of spec.regions.")
    configuration_set_name: ConfigurationSetName | None = Field(
        None,
        description=(
            "The configuration set that mail of this identity uses in this region, in place of "
            "spec.configurationSetName. It must exist there. If omitted, spec.configurationSetName "
            "applies."
        ),
    )
    feedback: RegionFeedback | None = Field(
        None,
        description=(
            "SNS topics in this region. If omitted, the current topics are kept; those set here earlier are removed."
        ),
    )
