"""What a SesAccount tells by email about its identities, and to whom: the part of it about notifications."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ses_operator.api.base.durations import duration
from ses_operator.api.base.fields import Region
from ses_operator.api.base.model import SERVER_DEFAULT, Model, rule, rules
from ses_operator.api.identity.email import EmailAddress
from ses_operator.api.identity.feedback import ConfigurationSetName

MAX_RECIPIENTS = 10
MAX_REPLY_TO = 5

StuckAfter = Annotated[str, duration("1s", "720h")]
DigestAfter = Annotated[str, duration("0s", "1h")]

_ONCE = rule("self.all(a, self.exists_one(other, other == a))", "write each address once")


class Moment(StrEnum):
    """What is worth an email, once each time that it happens to an identity."""

    STUCK = "Stuck"
    FAILED = "Failed"
    REVOKED = "Revoked"
    VERIFIED = "Verified"


class Notifications(Model):
    """Emails about identities of this account, sent through SES with the account's own credentials."""

    from_address: EmailAddress = Field(
        alias="from",
        description=(
            "The address that the emails come from, without a display name. It, or its domain, must be verified in region: "
            "by a SesIdentity of this account, or by others."
        ),
    )
    to: tuple[EmailAddress, ...] = Field(
        max_length=MAX_RECIPIENTS,
        description=(
            "Who gets the emails, at most 10 addresses. They stand here and nowhere else, so that nobody who may only write a "
            "SesIdentity can have mail sent. While the account is in the SES sandbox, each has to be verified too."
        ),
        json_schema_extra=rules(rule("size(self) >= 1", "name at least one address that gets the emails"), _ONCE),
    )
    region: Region = Field(
        description="The AWS region whose SES sends them, such as eu-west-1: one in which from is verified."
    )
    reply_to: tuple[EmailAddress, ...] = Field(
        (),
        max_length=MAX_REPLY_TO,
        description="Where answers to the emails go, at most 5 addresses. Omitted: to from.",
        json_schema_extra=rules(_ONCE),
    )
    configuration_set_name: ConfigurationSetName | None = Field(
        None,
        description=(
            "The configuration set that the emails are sent with; it has to exist in region. Omitted: the default one of the "
            "identity that they are sent from."
        ),
    )
    moments: tuple[Moment, ...] = Field(
        tuple(Moment),
        max_length=len(Moment),
        description=(
            "What is told. Failed: SES gave up on the verification, or nobody followed the link to an address. Revoked: SES no "
            "longer finds the DKIM records of a verified identity. Stuck: not Ready for stuckAfter, for whatever "
            "reason, suspension apart. Verified: verified in every region, or Ready again after one of the others was told. "
            "Default: all four."
        ),
        json_schema_extra={
            **SERVER_DEFAULT,
            **rules(
                rule("size(self) >= 1", "name at least one moment, or leave moments out for all"),
                rule("self.all(m, self.exists_one(other, other == m))", "write each moment once"),
            ),
        },
    )
    stuck_after: StuckAfter = Field(
        "1h",
        description="For how long an identity is not Ready until it is stuck, from 1s to 720h. Default: 1h.",
        json_schema_extra=SERVER_DEFAULT,
    )
    max_per_hour: int = Field(
        20,
        ge=1,
        le=1000,
        description=(
            "How many emails are sent in an hour for this account, from 1 to 1000, failed tries included. The last one is a "
            "digest of all that is held back; with 1 there are nothing but digests. Default: 20."
        ),
        json_schema_extra=SERVER_DEFAULT,
    )
    digest_after: DigestAfter = Field(
        "5m",
        description="For how long a digest is gathered before it is sent, from 0s to 1h. Default: 5m.",
        json_schema_extra=SERVER_DEFAULT,
    )


class NotificationsStatus(Model):
    """Why the last email about an identity could not be sent. Identities wait for it to be sent, and for nothing else."""

    reason: str = Field(description="One word in PascalCase: why the email was not sent.")
    message: str = Field(description="What is wrong, and what to do about it. It is tried again, at most every hour.")
