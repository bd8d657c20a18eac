"""Why SES does not send an email of the operator.

Source: API reference, SendEmail, Errors; Developer Guide, "Amazon SES email sending errors" (the words of
MessageRejected).
"""

from __future__ import annotations

from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.problems import Blocked, OperatorError

FIELD = "spec.notifications"


def mail_refusal(operation: str, region: str, sender: str, code: str, said: str) -> OperatorError | None:
    """Return the error for the reason, if it is one of these.

    ``sender``: the address that the email is from; ``said``: SES's own words.
    """
    if operation != "SendEmail":
        return None
    if code == "MessageRejected" and "not verified" in said:
        return _not_verified(region, sender, said)
    if code == "MailFromDomainNotVerifiedException":
        return Blocked(
            Reason.FROM_ADDRESS_NOT_VERIFIED,
            f"SES in {region} does not send from {sender} while the MAIL FROM domain of its identity is not verified. Publish "
            f"its MX record, or change {FIELD}.from",
        )
    if code in ("AccountSuspendedException", "SendingPausedException"):
        return Blocked(
            Reason.SENDING_PAUSED,
            f"SES in {region} sends no email for the AWS account at present ({said or code}). Have sending enabled there, "
            "or change "
            f"{FIELD}.region",
        )
    if code == "NotFoundException":
        return Blocked(
            Reason.CONFIGURATION_SET_NOT_FOUND,
            f"The configuration set that notifications are sent with does not exist in {region} ({said or code}). Create it "
            f"there, or change {FIELD}.configurationSetName, or that of the identity of {sender}",
        )
    if code in ("MessageRejected", "BadRequestException"):
        return Blocked(Reason.MESSAGE_REJECTED, f"SES in {region} does not accept the email: {said or code}")
    return None


def _not_verified(region: str, sender: str, said: str) -> OperatorError:
    """Tell apart sender and recipients: SES names both; recipients have to be verified in the sandbox of SES only."""
    failed = said.rpartition(":")[2].lower()
    if sender.lower() in failed or not failed.strip():
        return Blocked(
            Reason.FROM_ADDRESS_NOT_VERIFIED,
            f"SES in {region} does not send from {sender}, because neither it nor its domain is verified there. Verify it there, "
            f"for example by a SesIdentity, or change {FIELD}.from or {FIELD}.region",
        )
    return Blocked(
        Reason.PRODUCTION_ACCESS_NOT_GRANTED,
        f"The AWS account has no production access to SES in {region}, so it sends to verified addresses only, and these are not:"
        f"{failed}. Ask AWS for production access, verify them, or change {FIELD}.to",
    )
