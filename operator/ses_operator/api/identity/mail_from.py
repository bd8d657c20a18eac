"""The part of a SesIdentity about its custom MAIL FROM domain."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from ses_operator.api.base.fields import LABEL
from ses_operator.api.base.model import SERVER_DEFAULT, Model, rule, rules

MAX_MAIL_FROM_SUBDOMAIN = 42
"""A label of 63, less ``-<region>`` with its 20 characters at most."""


class MailFromScope(StrEnum):
    """The regions that a MAIL FROM domain serves."""

    PER_REGION = "PerRegion"
    SHARED = "Shared"


class MxFailureBehavior(StrEnum):
    """The ways in which SES handles mail while the MX record of the MAIL FROM domain is missing."""

    USE_DEFAULT_VALUE = "UseDefaultValue"
    REJECT_MESSAGE = "RejectMessage"


class MailFromSpec(Model):
    """A custom MAIL FROM domain, so that bounces go through a name of your own and SPF aligns with the domain."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                f"self.scope == '{MailFromScope.SHARED}' || size(self.subdomain) <= {MAX_MAIL_FROM_SUBDOMAIN}",
                f"shorten mailFrom.subdomain to {MAX_MAIL_FROM_SUBDOMAIN} characters, so that the region fits in, "
                f"or set mailFrom.scope to {MailFromScope.SHARED}",
            ),
        )
    )

    subdomain: Annotated[
        str,
        Field(
            max_length=253,
            json_schema_extra=rules(
                rule(
                    f"self.matches('^{LABEL}([.]{LABEL})*$')",
                    "write a name relative to the domain, of lower-case letters, digits and hyphens, such as bounce",
                ),
            ),
        ),
    ] = Field(
        description=(
            "Name below the domain that bounces go to, such as bounce. Each region gets a name of its "
            "own, <subdomain>-<region>.<domain>, with one MX and one SPF TXT record: "
            "bounce-eu-west-1.mail.example.com; with scope Shared it is <subdomain>.<domain> in all of "
            "them. Nothing else may use these names. At most 42 characters unless shared, so that the "
            "region fits into the label. When it changes, the new records are published and seen first, "
            "then SES is changed, then the old records are removed."
        )
    )
    scope: MailFromScope = Field(
        MailFromScope.PER_REGION,
        description=(
            "The regions that a MAIL FROM domain serves. PerRegion, the default: each has its own, so "
            "that bounces do not depend on another region. Shared: all regions use <subdomain>.<domain>, "
            "with one MX record, that of the first of spec.regions: bounces arrive there, and SES "
            "forwards them to the region that sent the mail."
        ),
        json_schema_extra=SERVER_DEFAULT,
    )
    behavior_on_mx_failure: MxFailureBehavior = Field(
        MxFailureBehavior.USE_DEFAULT_VALUE,
        alias="behaviorOnMXFailure",
        description=(
            "What SES does while it cannot see the MX record. UseDefaultValue, the default: sends with "
            "MAIL FROM amazonses.com. RejectMessage: refuses to send."
        ),
        json_schema_extra=SERVER_DEFAULT,
    )
