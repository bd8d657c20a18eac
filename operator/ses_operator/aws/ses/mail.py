"""Sending email through SES in one region of one account."""

from __future__ import annotations

from typing import Any

from ses_operator.api.account.notifications import Notifications
from ses_operator.aws.calls.budget import Bucket, Priority
from ses_operator.aws.calls.calls import Calls, ClientSource
from ses_operator.aws.errors.translation import Request
from ses_operator.core.notifications.emails import Email

CHARSET = "UTF-8"


class SesMail:
    """Sends email. Its method raises nothing but ``OperatorError``."""

    __slots__ = ("_account_id", "_calls", "_client", "_region")

    def __init__(self, account_id: str, region: str, client: ClientSource, calls: Calls) -> None:
        """Take a client of SESv2 in the region."""
        self._account_id = account_id
        self._region = region
        self._client = client
        self._calls = calls

    async def send(self, letter: Email, envelope: Notifications, priority: Priority) -> str:
        """Call SendEmail and return the id that SES assigned to the message. Not to be repeated: SES sends it again.

        ``envelope``: sender and recipients.
        """
        operation = "SendEmail"
        parameters: dict[str, Any] = {
            "FromEmailAddress": envelope.from_address,
            "Destination": {"ToAddresses": list(envelope.to)},
            "Content": {
                "Simple": {
                    "Subject": _content(letter.subject),
                    "Body": {"Text": _content(letter.text), "Html": _content(letter.html)},
                }
            },
        }
        if envelope.reply_to:
            parameters["ReplyToAddresses"] = list(envelope.reply_to)
        if envelope.configuration_set_name:
            parameters["ConfigurationSetName"] = envelope.configuration_set_name
        request = Request("sesv2", operation, self._region, envelope.from_address)
        bucket = Bucket(self._account_id, self._region, operation)
        answer = await self._calls(self._client, request, bucket, priority, **parameters)
        return str(answer.get("MessageId", ""))


def _content(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": CHARSET}
