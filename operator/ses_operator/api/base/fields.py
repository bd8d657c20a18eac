"""Types of field that several kinds share, with the bounds and rules that the apiserver holds them to.

Bounds are part of each rule's price: CEL over a string, list or map without one is refused as too expensive.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ses_operator.api.base.meta import OWNER_TAG, PREFIX
from ses_operator.api.base.model import Model, rule, rules

MAX_DOMAIN = 209
"""253 octets of a DNS name, less ``<token of 32>._domainkey.`` before the domain."""

MAX_REGION = 20
MAX_PROVIDER_SPECIFIC = 16

MAX_TAGS = 48
"""SES allows 50 tags; two are kept for the operator."""
MAX_TAG_KEY = 128
MAX_TAG_VALUE = 256

_TAG_CHARACTERS = r"[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]"


class DnsProvider(StrEnum):
    """The ways to publish the DNS records."""

    ROUTE53 = "Route53"
    DNS_ENDPOINT = "DNSEndpoint"
    MANUAL = "Manual"


Region = Annotated[
    str,
    Field(
        max_length=MAX_REGION,
        json_schema_extra=rules(
            rule(
                r"self.matches('^[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}$')",
                "write the code of an AWS region, such as eu-west-1",
                message_expression='"write the code of an AWS region, such as eu-west-1, instead of \'" + self + "\'"',
            )
        ),
    ),
]

ObjectName = Annotated[
    str,
    Field(
        max_length=253,
        json_schema_extra=rules(
            rule(
                r"self.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$')",
                "write the name of an object: lower-case letters, digits, '-' and '.', such as default",
            )
        ),
    ),
]

RoleARN = Annotated[
    str,
    Field(
        max_length=2048,
        json_schema_extra=rules(
            rule(
                r"self.matches('^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$')",
                "write the ARN of an IAM role, such as arn:aws:iam::123456789012:role/ses-operator",
            )
        ),
    ),
]

ExternalID = Annotated[
    str,
    Field(
        max_length=1224,
        json_schema_extra=rules(
            rule(
                r"self.matches('^[A-Za-z0-9_+=,.@:/-]{2,}$')",
                "an external id has 2 to 1224 letters, digits and characters of _+=,.@:/-",
            )
        ),
    ),
]

Tags = Annotated[
    Mapping[str, Annotated[str, Field(max_length=1024)]],
    Field(
        max_length=100,
        json_schema_extra=rules(
            rule(
                f"size(self) <= {MAX_TAGS}",
                f"write at most {MAX_TAGS} tags: SES allows 50, and the operator needs two",
            ),
            rule(
                "self.all(k, !k.startsWith('aws:') && !k.startsWith('AWS:'))",
                "choose other tag keys: those that begin with 'aws:' belong to AWS",
            ),
            rule(
                f"self.all(k, !k.startsWith('{PREFIX}'))",
                f"choose other tag keys: those that begin with '{PREFIX}' belong to the operator, as {OWNER_TAG} does",
            ),
            rule(
                f"self.all(k, size(k) >= 1 && size(k) <= {MAX_TAG_KEY})",
                f"give each tag a key of 1 to {MAX_TAG_KEY} characters",
            ),
            rule(
                f"self.all(k, size(self[k]) <= {MAX_TAG_VALUE})",
                f"keep the value of each tag within {MAX_TAG_VALUE} characters",
            ),
            rule(
                f"self.all(k, size(k) > {MAX_TAG_KEY} || k.matches('^{_TAG_CHARACTERS}*$'))",
                "use only letters, digits, spaces and _ . : / = + - @ in tag keys",
            ),
            rule(
                f"self.all(k, self[k].matches('^{_TAG_CHARACTERS}*$'))",
                "use only letters, digits, spaces and _ . : / = + - @ in tag values",
            ),
        ),
    ),
]


LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"

Domain = Annotated[
    str,
    Field(
        max_length=1024,
        json_schema_extra=rules(
            rule(
                "self == self.lowerAscii()",
                "write the domain in lower case",
                message_expression='"write the domain in lower case: \'" + self.lowerAscii() + "\'"',
            ),
            rule(
                "!self.lowerAscii().startsWith('www.')",
                "leave out 'www.': mail is sent from the domain itself, and covers its subdomains",
                message_expression="\"leave out 'www.' and write '\" + self.substring(4) + \"': "
                'mail is sent from the domain itself, and covers its subdomains"',
            ),
            rule(
                "!self.endsWith('.')",
                "leave out the dot at the end of the domain",
                message_expression='"leave out the dot at the end: \'" + self.substring(0, size(self) - 1) + "\'"',
            ),
            rule("!self.contains('@')", "write a domain, such as example.com, and not an email address"),
            rule("!self.matches('^[0-9.]+$')", "write a domain, and not an IP address"),
            rule(
                r"self.matches('^[\\x00-\\x7f]*$')",
                "write an internationalised domain in its ASCII form, such as xn--mnchen-3ya.example",
            ),
            rule("self.contains('.')", "write the whole domain, such as mail.example.com"),
            rule(
                "self.split('.').all(label, size(label) <= 63)",
                "shorten the domain: each part between dots has at most 63 characters",
            ),
            rule(
                f"size(self) <= {MAX_DOMAIN}",
                f"shorten the domain to {MAX_DOMAIN} characters: the names of its DKIM records, which are longer, "
                "must fit in 253",
            ),
            rule(
                r"!self.matches('^[\\x00-\\x7f]*$') || self.contains('@') || self.endsWith('.') || "
                f"self.lowerAscii().matches('^{LABEL}([.]{LABEL})*$')",
                "write a domain of letters, digits and hyphens, with no empty part between dots and no hyphen at the "
                "start or end of a part, such as mail.example.com",
            ),
        ),
    ),
]


class NamedReference(Model):
    """A reference by name."""

    name: ObjectName = Field(description="The name that is referred to.")


class EntryType(StrEnum):
    """The record types of a DNSEndpoint's entries."""

    CNAME = "CNAME"
    MX = "MX"
    TXT = "TXT"


class ProviderSpecific(Model):
    """A property of the entries of a DNSEndpoint, for the DNS provider that ExternalDNS writes to."""

    name: Annotated[
        str,
        Field(
            max_length=253,
            json_schema_extra=rules(
                rule(
                    "self.matches('^[A-Za-z0-9._/-]+$')",
                    "write the name as ExternalDNS has it, such as external-dns.alpha.kubernetes.io/cloudflare-proxied",
                )
            ),
        ),
    ] = Field(description="Name of the property, such as external-dns.alpha.kubernetes.io/cloudflare-proxied.")
    value: Annotated[str, Field(max_length=1024)] = Field(description='Its value, in quotes, such as "false".')
    record_types: tuple[EntryType, ...] = Field(
        (),
        max_length=3,
        description=(
            "The record types that get it: CNAME, MX, TXT. If omitted, all. The property alias needs [CNAME]: "
            "ExternalDNS skips every other entry that has it."
        ),
    )
