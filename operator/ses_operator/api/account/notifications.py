"""The part of a SesAccount about notifications: the emails about its identities, and their recipients."""

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
    """The state changes of an identity that are reported by email, once each time that they happen."""

    STUCK = "Stuck"
    FAILED = "Failed"
    REVOKED = "Revoked"
    VERIFIED = "Verified"


class Notifications(Model):
    """Emails about identities of this account, sent through SES with the account's own credentials."""

    from_address: EmailAddress = Field(
        alias="from",
        description=(
            "The address that the emails come from, without a display name. It, or its domain, must be "
            "verified in region: by a SesIdentity of this account, or in another way."
        ),
    )
    to: tuple[EmailAddress, ...] = Field(
        max_length=MAX_RECIPIENTS,
        description=(
            "The recipients of the emails, at most 10 addresses. They can be set here only, so that a "
            "user who may only write SesIdentities cannot have mail sent. While the account is in the SES "
            "sandbox, each of them has to be verified too."
        ),
        json_schema_extra=rules(rule("size(self) >= 1", "name at least one address that gets the emails"), _ONCE),
    )
    region: Region = Field(
        description="The AWS region whose SES sends them, such as eu-west-1: one in which from is verified."
    )
    reply_to: tuple[EmailAddress, ...] = Field(
        (),
        max_length=MAX_REPLY_TO,
        description="The addresses for replies to the emails, at most 5. If omitted, replies go to from.",
        json_schema_extra=rules(_ONCE),
    )
    configuration_set_name: ConfigurationSetName | None = Field(
        None,
        description=(
            "The configuration set to send the emails with; it has to exist in region. If omitted, the "
            "default one of the identity that they are sent from."
        ),
    )
    moments: tuple[Moment, ...] = Field(
        tuple(Moment),
        max_length=len(Moment),
        description=(
            "The state changes to report. Failed: SES gave up on the verification, or the link sent to an "
            "address was not followed. Revoked: SES no longer finds the DKIM records of a verified "
            "identity. Stuck: not Ready for stuckAfter, for any reason except suspension. Verified: "
            "verified in every region, or Ready again after one of the others was reported. Default: all "
            "four."
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
        description="The time for which an identity has to be not Ready until it is reported as stuck, from 1s to "
        "720h. Default: 1h.",
        json_schema_extra=SERVER_DEFAULT,
    )
    max_per_hour: int = Field(
        20,
        ge=1,
        le=1000,
        description=(
            "The number of emails sent in an hour for this account, from 1 to 1000, failed attempts "
            "included. The last one is a digest of all that is held back; with 1 there are only digests. "
            "Default: 20."
        ),
        json_schema_extra=SERVER_DEFAULT,
    )
    digest_after: DigestAfter = Field(
        "5m",
        description="The time for which a digest is gathered before it is sent, from 0s to 1h. Default: 5m.",
        json_schema_extra=SERVER_DEFAULT,
    )


class NotificationsStatus(Model):
    """Why the last email about an identity could not be sent. The email is tried again; nothing else waits for it."""

    reason: str = Field(description="One word in PascalCase: why the email was not sent.")
    message: str = Field(
        description="The problem, and what to do about it. The email is tried again, at most every hour."
    )
