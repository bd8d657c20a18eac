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
            f"SES does not send from {sender} in {region} while the MAIL FROM domain of its identity is not verified: publish "
            f"its MX record, or change {FIELD}.from",
        )
    if code in ("AccountSuspendedException", "SendingPausedException"):
        return Blocked(
            Reason.SENDING_PAUSED,
            f"SES sends nothing for the account in {region} at present ({said or code}): have it enabled there, or change "
            f"{FIELD}.region",
        )
    if code == "NotFoundException":
        return Blocked(
            Reason.CONFIGURATION_SET_NOT_FOUND,
            f"the configuration set that the email is to be sent with does not exist in {region} ({said or code}): create it "
            f"there, or change {FIELD}.configurationSetName, or that of the identity of {sender}",
        )
    if code in ("MessageRejected", "BadRequestException"):
        return Blocked(Reason.MESSAGE_REJECTED, f"SES in {region} does not take the email: {said or code}")
    return None


def _not_verified(region: str, sender: str, said: str) -> OperatorError:
    """Tell apart sender and recipients: SES names both; recipients have to be verified in the sandbox of SES only."""
    failed = said.rpartition(":")[2].lower()
    if sender.lower() in failed or not failed.strip():
        return Blocked(
            Reason.FROM_ADDRESS_NOT_VERIFIED,
            f"SES does not send from {sender}, for neither it nor its domain is verified in {region}: have it verified there, "
            f"by a SesIdentity, or change {FIELD}.from or {FIELD}.region",
        )
    return Blocked(
        Reason.PRODUCTION_ACCESS_NOT_GRANTED,
        f"the account is in the sandbox of SES in {region}, which sends to verified addresses only, and these are not:"
        f"{failed}; ask AWS for production access, have them verified, or change {FIELD}.to",
    )
