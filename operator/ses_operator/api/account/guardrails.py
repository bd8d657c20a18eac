"""The part of a SesAccount about guardrails: what a platform team requires of every identity of an account."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from ses_operator.api.base.fields import MAX_TAG_KEY, Region
from ses_operator.api.base.model import SERVER_DEFAULT, Model, rule, rules
from ses_operator.api.identity.dmarc import DmarcPolicy
from ses_operator.api.identity.sending import AccountID

MAX_REGIONS = 32
MAX_REQUIRED_TAGS = 48
MAX_SENDER_ACCOUNTS = 128

_NOT_EMPTY = rules(rule("size(self) >= 1", "name at least one, or leave the guardrail out"))


class GuardrailAction(StrEnum):
    """The effect on an identity that does not meet a guardrail."""

    ENFORCE = "Enforce"
    WARN = "Warn"


class Guardrail(Model):
    """The fields that all guardrails have. A guardrail that is omitted is not required."""

    action: GuardrailAction = Field(
        GuardrailAction.ENFORCE,
        description=(
            "Enforce, the default: nothing is created or changed for an identity that does not meet it, "
            "which reports Accepted=False and Stalled; what exists already is kept. Warn: status.warnings "
            "of the identity and an Event report it, and nothing is held back."
        ),
        json_schema_extra=SERVER_DEFAULT,
    )


class DomainsOnly(Guardrail):
    """Identities are domains, not single addresses."""


class RequiredTags(Guardrail):
    """Identities carry certain tags, such as those that name the owner and the cost centre of each."""

    keys: tuple[Annotated[str, Field(max_length=MAX_TAG_KEY)], ...] = Field(
        max_length=MAX_REQUIRED_TAGS,
        description=(
            "Keys of the tags, such as owner and cost-centre. Each has to be in spec.tags of the identity "
            "or in defaultTags of this account, with a value that is not empty."
        ),
        json_schema_extra=_NOT_EMPTY,
    )


class AllowedRegions(Guardrail):
    """Identities are in certain regions only."""

    regions: tuple[Region, ...] = Field(
        max_length=MAX_REGIONS,
        description="The AWS regions that identities of this account may be in.",
        json_schema_extra=_NOT_EMPTY,
    )


class MinimumRegions(Guardrail):
    """Identities are in several regions, so that mail can be sent from another when one fails."""

    count: int = Field(
        ge=2,
        le=MAX_REGIONS,
        description="The number of regions that each identity must have, from 2 to 32; 2 for failover.",
    )


class DkimRequired(Guardrail):
    """Mail is signed with DKIM, with keys that are long enough."""

    minimum_key_size: Literal[1024, 2048] = Field(
        2048,
        description=(
            "Shortest DKIM key in bits, 1024 or 2048. It is compared with spec.dkim.keySize; for a key of "
            "your own (BYODKIM), with the real length, which the operator sees when it reads the Secret, "
            "and admission does not. Default: 2048."
        ),
        json_schema_extra=SERVER_DEFAULT,
    )


class MailFromRequired(Guardrail):
    """Domains have a MAIL FROM domain of their own, so that SPF is aligned."""


class DmarcRequired(Guardrail):
    """Domains have a DMARC policy of at least a certain severity."""

    minimum_policy: DmarcPolicy = Field(
        description=(
            "The least severe policy that is accepted: none, quarantine or reject. It is compared with "
            "spec.dmarc.policy and subdomainPolicy; with a percentage below 100 the remaining mail "
            "counts, which receivers treat one step less severely."
        )
    )


class ClosedPolicies(Guardrail):
    """Sending policies are not open: none lets a service send for all its customers, or any AWS account send."""

    allowed_accounts: tuple[AccountID, ...] = Field(
        (),
        max_length=MAX_SENDER_ACCOUNTS,
        description=(
            "The AWS accounts whose users and roles may be allowed to send. If omitted, any account that "
            "a policy names. AWS services need a condition on aws:SourceAccount, aws:SourceArn or "
            "aws:SourceOrgID in any case."
        ),
    )


class Guardrails(Model):
    """Requirements for every identity of the account. Omitted members require nothing."""

    domains_only: DomainsOnly | None = Field(
        None,
        description="Identities have to be domains. A single address proves nothing about a domain, and has no DKIM.",
    )
    required_tags: RequiredTags | None = Field(
        None, description="Identities have to carry certain tags, such as owner and cost-centre."
    )
    allowed_regions: AllowedRegions | None = Field(None, description="Identities may be in certain AWS regions only.")
    minimum_regions: MinimumRegions | None = Field(
        None,
        description="Identities have to be in several AWS regions, for disaster recovery: SES verifies each by itself.",
    )
    dkim: DkimRequired | None = Field(
        None, description="Domains have to sign with DKIM, with keys of at least a certain length."
    )
    mail_from: MailFromRequired | None = Field(None, description="Domains have to have spec.mailFrom.")
    dmarc: DmarcRequired | None = Field(
        None, description="Domains have to have spec.dmarc, with a policy of at least a certain severity."
    )
    sending_policies: ClosedPolicies | None = Field(
        None,
        description=(
            "Neither spec.authorizedSenders nor spec.policies may let an AWS service send for all its "
            "customers, or accounts send that are not listed here."
        ),
    )
