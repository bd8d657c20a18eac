"""SNS: whether a topic exists that SES is to notify. Nothing is written there."""

from __future__ import annotations

from ses_operator.aws.calls.budget import Bucket, Priority
from ses_operator.aws.calls.calls import Calls, ClientSource
from ses_operator.aws.errors.translation import Request
from ses_operator.core.model.problems import Gone, OperatorError


async def topic_exists(client: ClientSource, calls: Calls, account_id: str, arn: str) -> bool | None:
    """Return True if SNS knows the topic; None if it does not say: a right that is missing is no topic that is.

    Source: API reference of SNS, GetTopicAttributes, Errors.
    """
    region = region_of(arn)
    request = Request("sns", "GetTopicAttributes", region, arn)
    try:
        await calls(client, request, Bucket(account_id, region, request.operation), Priority.SWEEP, TopicArn=arn)
    except Gone:
        return False
    except OperatorError:
        return None
    return True


def region_of(arn: str) -> str:
    """Return the region of a topic's ARN; empty if it has none."""
    parts = arn.split(":")
    return parts[3] if len(parts) > 3 else ""
