"""Why SES does not send a custom verification email, or does not accept the template for it.

The first version of the API has a code for each reason (API reference, SendCustomVerificationEmail:
ProductionAccessNotGranted, FromEmailAddressNotVerified, CustomVerificationEmailTemplateDoesNotExist); the second has
general codes, and the same words.
"""

from __future__ import annotations

from ses_operator.api.base.reasons import Reason
from ses_operator.core.model.problems import Blocked, OperatorError


def email_refusal(operation: str, region: str, subject: str, said: str) -> OperatorError | None:
    """Return the error for the reason, if it is one of these.

    ``said``: code and message of the answer; ``subject``: the address or template.
    """
    if "CustomVerificationEmail" not in operation:
        return None
    words = said.lower().replace(" ", "")
    if "productionaccess" in words:
        return Blocked(
            Reason.PRODUCTION_ACCESS_NOT_GRANTED,
            f"The AWS account has no production access to SES in {region}, which custom verification emails need. Ask AWS for "
            "it there, or remove spec.verificationTemplateRef",
        )
    if "notverified" in words:
        return Blocked(
            Reason.FROM_ADDRESS_NOT_VERIFIED,
            f"The address that verification emails come from is not verified in {region}. Verify it, or its domain, there, or "
            "change spec.fromEmailAddress of the SesVerificationTemplate",
        )
    if operation == "SendCustomVerificationEmail" and "template" in words and "exist" in words:
        return Blocked(
            Reason.VERIFICATION_TEMPLATE_NOT_FOUND,
            f"The template for the verification email to {subject} does not exist in {region}. Create the "
            "SesVerificationTemplate of spec.verificationTemplateRef in this namespace, for the same account and this region",
        )
    return None
