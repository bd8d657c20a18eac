"""The DMARC policy of a domain, as application teams write it. Source: RFC 7489, 6.3."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ses_operator.api.base.model import Model, rule, rules

MAX_REPORT_ADDRESSES = 5
"""Of each kind: receivers need not serve more than two (RFC 7489, 6.2), and the record has to fit into an answer."""

MAX_REPORT_ADDRESS = 254

_HOST_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"


class DmarcPolicy(StrEnum):
    """The requests to receivers for mail that neither DKIM nor SPF proves to be of the domain."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


class Alignment(StrEnum):
    """How exactly the authenticated domain has to match the one in the From header."""

    RELAXED = "Relaxed"
    STRICT = "Strict"


ReportAddress = Annotated[
    str,
    Field(
        max_length=MAX_REPORT_ADDRESS,
        json_schema_extra=rules(
            rule(
                rf"self.matches('^mailto:[A-Za-z0-9._%+=-]+@({_HOST_LABEL}[.])+{_HOST_LABEL}(![0-9]+[kmgt]?)?$')",
                "write a report address as a URI, such as mailto:dmarc@example.com; other characters are percent-encoded,"
                " and a largest size may follow, such as !10m",
            )
        ),
    ),
]

_EACH_ONCE = rules(
    rule("self.all(address, self.exists_one(other, other == address))", "write each report address once")
)


class DmarcAlignment(Model):
    """Alignment of DKIM and SPF with the From header."""

    dkim: Alignment = Field(
        Alignment.RELAXED,
        description=(
            "Relaxed, the default: a DKIM signature of the organizational domain or of any name below it counts. "
            "Strict: only one of exactly the domain in the From header."
        ),
    )
    spf: Alignment = Field(
        Alignment.RELAXED,
        description=(
            "Relaxed, the default: any MAIL FROM domain of the same organizational domain counts, such as "
            "that of spec.mailFrom. Strict: only exactly the domain in the From header. The MAIL FROM "
            "domain is a name below it and does not match: mail then passes by DKIM alone."
        ),
    )


class DmarcSpec(Model):
    """A DMARC policy (RFC 7489), published as one TXT record at ``_dmarc.<domain>``."""

    policy: DmarcPolicy = Field(
        description=(
            "The request to receivers for mail that fails DMARC. none: only report it; begin here. "
            "quarantine: treat it as suspicious. reject: refuse it."
        )
    )
    subdomain_policy: DmarcPolicy | None = Field(
        None,
        description=(
            "The same for mail of names below the domain that have no DMARC record of their own. If "
            "omitted, policy applies to them."
        ),
    )
    percentage: int = Field(
        100,
        ge=0,
        le=100,
        description=(
            "The share of failing mail, from 0 to 100, to which the policy is applied, for a gradual "
            "start; the rest is treated one step less severely. Default: 100."
        ),
    )
    alignment: DmarcAlignment = Field(
        DmarcAlignment(),
        description=(
            "How exactly DKIM and SPF have to match the domain in the From header. If omitted, both are "
            "Relaxed, which suits SES."
        ),
    )
    rua: tuple[ReportAddress, ...] = Field(
        (),
        max_length=MAX_REPORT_ADDRESSES,
        description=(
            "The URIs that receivers send aggregate reports to: up to 5, such as "
            "mailto:dmarc@example.com. An address of another organization has to be authorised by a "
            "record there, which status.dns.reportAuthorizations names."
        ),
        json_schema_extra=_EACH_ONCE,
    )
    ruf: tuple[ReportAddress, ...] = Field(
        (),
        max_length=MAX_REPORT_ADDRESSES,
        description=(
            "The URIs that receivers send reports of single failed messages to: up to 5. Many receivers "
            "send none. Addresses of another organization have to be authorised as with rua."
        ),
        json_schema_extra=_EACH_ONCE,
    )
