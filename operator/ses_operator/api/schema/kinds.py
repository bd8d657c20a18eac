"""The kinds: the names of each, and the columns that ``kubectl get`` shows."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from ses_operator.api.account.kind import SesAccount
from ses_operator.api.base.meta import (
    ACCOUNT_KIND,
    ACCOUNT_PLURAL,
    IDENTITY_KIND,
    IDENTITY_PLURAL,
    MAX_NAME,
    TEMPLATE_KIND,
    TEMPLATE_PLURAL,
)
from ses_operator.api.base.model import Model, rule
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.template import SesVerificationTemplate


@dataclass(frozen=True, slots=True)
class PrinterColumn:
    """A column of ``kubectl get``. ``priority`` 0 always shows, 1 with ``-o wide``."""

    name: str
    type: str
    json_path: str
    description: str
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """The facts of a kind that its CustomResourceDefinition has. ``root_rules`` are CEL rules on the object as a whole."""

    model: type[Model]
    kind: str
    plural: str
    scope: str
    short_names: tuple[str, ...]
    columns: tuple[PrinterColumn, ...]
    root_rules: tuple[JsonValue, ...] = ()

    @property
    def singular(self) -> str:
        """The name in lower case, as kubectl accepts it."""
        return self.kind.lower()


def _condition(type_: str, member: str) -> str:
    return f'.status.conditions[?(@.type=="{type_}")].{member}'


_AGE = PrinterColumn("Age", "date", ".metadata.creationTimestamp", "Time since the object was created")

IDENTITY = Kind(
    model=SesIdentity,
    kind=IDENTITY_KIND,
    plural=IDENTITY_PLURAL,
    scope="Namespaced",
    short_names=("sesid",),
    columns=(
        PrinterColumn("Domain", "string", ".spec.domain", "The domain"),
        PrinterColumn("Email", "string", ".spec.email", "The email address, if it is not a domain"),
        PrinterColumn("Verified", "string", ".status.verifiedRegions", "Number of regions that report verified"),
        PrinterColumn(
            "Ready", "string", _condition("Ready", "status"), "True if everything is provisioned and verified"
        ),
        PrinterColumn("Reason", "string", _condition("Ready", "reason"), "Why it is ready or not"),
        PrinterColumn(
            "DNS", "string", ".status.dns.provider", "The provider that publishes the DNS records", priority=1
        ),
        PrinterColumn(
            "DKIM",
            "string",
            _condition("DKIMVerified", "status"),
            "True if DKIM is verified in every region",
            priority=1,
        ),
        _AGE,
    ),
    root_rules=(
        rule(
            f"size(self.metadata.name) <= {MAX_NAME}",
            f"choose a metadata.name of at most {MAX_NAME} characters: it is part of labels and of the owner tag",
        ),
    ),
)

ACCOUNT = Kind(
    model=SesAccount,
    kind=ACCOUNT_KIND,
    plural=ACCOUNT_PLURAL,
    scope="Cluster",
    short_names=("sesacc",),
    columns=(
        PrinterColumn("Account", "string", ".status.accountID", "Id of the AWS account"),
        PrinterColumn("Identities", "integer", ".status.identities", "SesIdentity objects that refer to it"),
        PrinterColumn(
            "Ready", "string", _condition("Ready", "status"), "True if the credentials work and every region answers"
        ),
        PrinterColumn("Reason", "string", _condition("Ready", "reason"), "Why it is ready or not"),
        PrinterColumn(
            "Findings", "integer", ".status.audit.findings", "Number of findings of the last audit", priority=1
        ),
        PrinterColumn("DNS", "string", ".spec.dns.defaultProvider", "The default DNS provider", priority=1),
        PrinterColumn("Message", "string", _condition("Ready", "message"), "What is missing", priority=1),
        _AGE,
    ),
)

TEMPLATE = Kind(
    model=SesVerificationTemplate,
    kind=TEMPLATE_KIND,
    plural=TEMPLATE_PLURAL,
    scope="Namespaced",
    short_names=("sestpl",),
    columns=(
        PrinterColumn("From", "string", ".spec.fromEmailAddress", "The address that the emails come from"),
        PrinterColumn("Regions", "string", ".status.provisionedRegions", "Number of regions that have the template"),
        PrinterColumn("Ready", "string", _condition("Ready", "status"), "True if every region has it"),
        PrinterColumn("Reason", "string", _condition("Ready", "reason"), "Why it is ready or not"),
        PrinterColumn("Template", "string", ".status.templateName", "Its name at SES", priority=1),
        _AGE,
    ),
    root_rules=(
        rule(
            f"size(self.metadata.name) <= {MAX_NAME}",
            f"choose a metadata.name of at most {MAX_NAME} characters: it is part of the owner tag",
        ),
    ),
)

KINDS = (IDENTITY, ACCOUNT, TEMPLATE)
