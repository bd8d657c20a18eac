"""Custom verification email templates of SES in one region of one account: reads, and each step as its call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.aws.calls.budget import Bucket, Priority
from ses_operator.aws.calls.calls import Calls, ClientSource
from ses_operator.aws.errors.translation import Request
from ses_operator.core.model.problems import Gone
from ses_operator.core.templates.template import (
    CreateTemplate,
    DeleteTemplate,
    NoTemplate,
    StandingTemplate,
    TemplateStep,
    TemplateText,
    TemplateView,
    UpdateTemplate,
)


class SesTemplates:
    """Reads and writes templates. Every method raises nothing but ``OperatorError``."""

    __slots__ = ("_account_id", "_calls", "_client", "_region")

    def __init__(self, account_id: str, region: str, client: ClientSource, calls: Calls) -> None:
        """Take a client of SESv2 in the region."""
        self._account_id = account_id
        self._region = region
        self._client = client
        self._calls = calls

    async def get(self, name: str, priority: Priority) -> TemplateView:
        """Call GetCustomVerificationEmailTemplate."""
        try:
            answer = await self._call("GetCustomVerificationEmailTemplate", name, priority)
        except Gone:
            return NoTemplate()
        tags = {tag["Key"]: tag["Value"] for tag in answer.get("Tags") or ()}
        text = TemplateText(
            from_address=answer.get("FromEmailAddress", ""),
            subject=answer.get("TemplateSubject", ""),
            content=answer.get("TemplateContent", ""),
            success_url=answer.get("SuccessRedirectionURL", ""),
            failure_url=answer.get("FailureRedirectionURL", ""),
        )
        return StandingTemplate(text, tags.get(OWNER_TAG))

    async def perform(self, step: TemplateStep, priority: Priority) -> None:
        """Carry out one step; each may be repeated. Raises ``Stale`` if a template of the name exists already."""
        match step:
            case CreateTemplate():
                tags = [{"Key": key, "Value": value} for key, value in sorted(step.tags.items())]
                parameters = {**_text(step.text), "Tags": tags}
                await self._call("CreateCustomVerificationEmailTemplate", step.name, priority, **parameters)
            case UpdateTemplate():
                await self._call("UpdateCustomVerificationEmailTemplate", step.name, priority, **_text(step.text))
            case DeleteTemplate():
                try:
                    await self._call("DeleteCustomVerificationEmailTemplate", step.name, priority)
                except Gone:
                    return

    async def _call(self, operation: str, name: str, priority: Priority, **parameters: Any) -> Mapping[str, Any]:
        request = Request("sesv2", operation, self._region, name)
        bucket = Bucket(self._account_id, self._region, operation)
        return await self._calls(self._client, request, bucket, priority, TemplateName=name, **parameters)


def _text(text: TemplateText) -> dict[str, str]:
    return {
        "FromEmailAddress": text.from_address,
        "TemplateSubject": text.subject,
        "TemplateContent": text.content,
        "SuccessRedirectionURL": text.success_url,
        "FailureRedirectionURL": text.failure_url,
    }
