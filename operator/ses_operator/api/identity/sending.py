"""The part of a SesIdentity about others that may send as it. Source: SES Developer Guide, "Using sending authorization"."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import ConfigDict, Field, JsonValue, WithJsonSchema

from ses_operator.api.base.model import Model, SchemaExtra, Timestamp, rule, rules
from ses_operator.api.base.partitions import SERVICE_PRINCIPAL_SUFFIX

GENERATED_POLICY = "ses-operator-authorized-senders"
"""The name of the policy that authorizedSenders become, in each region. No other policy may have it."""

MAX_POLICIES = 20
"""Of one identity in one region (SES Developer Guide, service quotas)."""

MAX_SENDERS = 20
MAX_ENTRIES = 20
"""Of each list of a sender; together they have to fit in a policy of 4 KB anyway."""


class SendingAction(StrEnum):
    """The actions that a policy can allow. Source: Service Authorization Reference, Amazon SES v1 and v2."""

    SEND_EMAIL = "ses:SendEmail"
    SEND_RAW_EMAIL = "ses:SendRawEmail"
    SEND_TEMPLATED_EMAIL = "ses:SendTemplatedEmail"
    SEND_BULK_EMAIL = "ses:SendBulkEmail"
    SEND_BULK_TEMPLATED_EMAIL = "ses:SendBulkTemplatedEmail"


DEFAULT_ACTIONS = (SendingAction.SEND_EMAIL, SendingAction.SEND_RAW_EMAIL)

_NAME_SHAPE = "^[A-Za-z0-9_-]{1,64}$"
_MOMENT: SchemaExtra = {"maxLength": 64}
_NOT_EMPTY = rules(rule("size(self) >= 1", "name at least one entry, or leave the list out"))

SenderName = Annotated[
    str,
    Field(
        max_length=128,
        json_schema_extra=rules(
            rule(f"self.matches('{_NAME_SHAPE}')", "write a name for the sender: 1 to 64 letters, digits, '-' and '_'")
        ),
    ),
]

PolicyName = Annotated[
    str,
    Field(
        max_length=128,
        json_schema_extra=rules(
            rule(f"self.matches('{_NAME_SHAPE}')", "write the name of a policy: 1 to 64 letters, digits, '-' and '_'"),
            rule(
                f"self != '{GENERATED_POLICY}'",
                f"choose another name: {GENERATED_POLICY} is the policy that authorizedSenders become",
            ),
        ),
    ),
]

Principal = Annotated[
    str,
    Field(
        max_length=640,
        json_schema_extra=rules(
            rule(
                "self.matches('^([0-9]{12}"
                "|arn:aws[a-z-]*:iam::[0-9]{12}:(root|(user|role)/[A-Za-z0-9_+=,.@/-]+)"
                f"|[a-z0-9-]+([.][a-z0-9-]+)*{SERVICE_PRINCIPAL_SUFFIX})$')",
                "name an AWS account, such as 111122223333, the ARN of an account's root, an IAM user or role, or an AWS "
                "service, such as email.cognito-idp.amazonaws.com; all principals (*) cannot be allowed to send",
            )
        ),
    ),
]

AddressPattern = Annotated[
    str,
    Field(
        max_length=320,
        json_schema_extra=rules(
            rule(
                "self.matches('^[^ @]+@[^ @]+$')",
                "write an address in which * and ? match any characters, such as *@mail.example.com",
            )
        ),
    ),
]

DisplayNamePattern = Annotated[str, Field(max_length=256)]

AddressRange = Annotated[
    str,
    Field(
        max_length=64,
        json_schema_extra=rules(
            rule(
                "self.matches('^([0-9]{1,3}([.][0-9]{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)(/[0-9]{1,3})?$')",
                "write an IP address or a range of them, such as 192.0.2.0/24",
            )
        ),
    ),
]

AccountID = Annotated[
    str,
    Field(
        max_length=64,
        json_schema_extra=rules(
            rule("self.matches('^[0-9]{12}$')", "write the id of an AWS account: 12 digits, in quotes")
        ),
    ),
]

_DOCUMENT_SCHEMA: SchemaExtra = {"x-kubernetes-preserve-unknown-fields": True, "maxLength": 8192, "maxProperties": 8}

PolicyDocument: TypeAlias = Annotated[JsonValue, WithJsonSchema(_DOCUMENT_SCHEMA)]
"""JSON as text, or as an object in the manifest. A structural schema cannot express that: anything else passes it too, and
the operator refuses it."""


class AuthorizedSender(Model):
    """Principals outside of the AWS account that may send as this identity. All conditions given have to be met."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.notBefore) || !has(self.notAfter) || self.notBefore < self.notAfter",
                "write a notAfter that is later than notBefore",
            )
        )
    )

    name: SenderName = Field(
        description="A name for this entry: 1 to 64 letters, digits, '-' and '_'. It is for people; SES does not see it."
    )
    principals: tuple[Principal, ...] = Field(
        max_length=MAX_ENTRIES,
        description=(
            "The principals that may send, 1 to 20: AWS accounts (111122223333 or "
            "arn:aws:iam::111122223333:root), IAM users and roles by ARN, AWS services by name "
            "(email.cognito-idp.amazonaws.com). All AWS principals (*) is refused."
        ),
        json_schema_extra=rules(rule("size(self) >= 1", "name at least one principal that may send")),
    )
    actions: tuple[SendingAction, ...] = Field(
        DEFAULT_ACTIONS,
        max_length=MAX_ENTRIES,
        description=(
            "The actions that they may use. Default: ses:SendEmail and ses:SendRawEmail, which the SMTP "
            "interface needs. Templates need ses:SendTemplatedEmail, ses:SendBulkEmail and "
            "ses:SendBulkTemplatedEmail."
        ),
        json_schema_extra=_NOT_EMPTY,
    )
    from_addresses: tuple[AddressPattern, ...] = Field(
        (),
        max_length=MAX_ENTRIES,
        description=(
            "The addresses that they may send from (ses:FromAddress), in which * and ? match any "
            "characters. Case matters. If omitted, every address of the identity; of a domain, those of "
            "its subdomains too."
        ),
        json_schema_extra=_NOT_EMPTY,
    )
    from_display_names: tuple[DisplayNamePattern, ...] = Field(
        (),
        max_length=MAX_ENTRIES,
        description=(
            "The names that they may show beside the address (ses:FromDisplayName), in which * and ? "
            "match any characters: Ada of Ada <ada@example.com>. If omitted, any."
        ),
        json_schema_extra=_NOT_EMPTY,
    )
    recipients: tuple[AddressPattern, ...] = Field(
        (),
        max_length=MAX_ENTRIES,
        description=(
            "The addresses that they may send to (ses:Recipients), in which * and ? match any characters; "
            "every one of To, Cc and Bcc has to match. If omitted, any."
        ),
        json_schema_extra=_NOT_EMPTY,
    )
    feedback_addresses: tuple[AddressPattern, ...] = Field(
        (),
        max_length=MAX_ENTRIES,
        description=(
            "The Return-Path addresses that they may have bounces and complaints sent to "
            "(ses:FeedbackAddress), in which * and ? match any characters. If omitted, any."
        ),
        json_schema_extra=_NOT_EMPTY,
    )
    source_ips: tuple[AddressRange, ...] = Field(
        (),
        alias="sourceIPs",
        max_length=MAX_ENTRIES,
        description="The IP addresses and ranges that they may send from (aws:SourceIp). If omitted, any.",
        json_schema_extra=_NOT_EMPTY,
    )
    source_accounts: tuple[AccountID, ...] = Field(
        (),
        max_length=MAX_ENTRIES,
        description=(
            "The accounts on whose behalf an AWS service may send (aws:SourceAccount). Name them wherever "
            "a principal is a service; otherwise it may send for any of its customers. Not for other "
            "principals."
        ),
        json_schema_extra=_NOT_EMPTY,
    )
    not_before: Timestamp | None = Field(
        None,
        description="The moment from which they may send (aws:CurrentTime), such as 2026-01-31T00:00:00Z. If "
        "omitted, at once.",
        json_schema_extra=_MOMENT,
    )
    not_after: Timestamp | None = Field(
        None,
        description="The moment until which they may send (aws:CurrentTime), such as 2026-12-31T00:00:00Z. If "
        "omitted, without end.",
        json_schema_extra=_MOMENT,
    )


class RawPolicy(Model):
    """A sending-authorization policy as SES has it, for what authorizedSenders cannot express."""

    name: PolicyName = Field(
        description=(
            "Name of the policy at SES: 1 to 64 letters, digits, '-' and '_'. An existing policy of this "
            "name that the operator did not set is kept, and reported."
        )
    )
    document: PolicyDocument = Field(
        description=(
            "The policy document, as an object or as JSON text of at most 4 KB. Leave Resource out of its statements: "
            "each region gets the ARN of its own identity. A principal * is refused."
        )
    )
