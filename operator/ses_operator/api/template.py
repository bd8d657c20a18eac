"""SesVerificationTemplate: an email of your own wording by which addresses are verified."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from ses_operator.api.base.conditions import Condition
from ses_operator.api.base.fields import Region
from ses_operator.api.base.meta import ObjectMeta
from ses_operator.api.base.model import SERVER_DEFAULT, Model, immutable, list_map, rule, rules
from ses_operator.api.identity.email import EmailAddress
from ses_operator.api.identity.kind import MAX_REGIONS, AccountReference

MAX_CONTENT = 1_000_000
"""SES takes 10 MB; an object in etcd has to stay below 1.5 MB, with everything that is in it."""

RedirectURL = Annotated[
    str,
    Field(
        max_length=2048,
        json_schema_extra=rules(
            rule("self.matches('^https?://[^ ]+$')", "write a whole URL, such as https://www.example.com/verified")
        ),
    ),
]


class SesVerificationTemplateSpec(Model):
    """The desired custom verification email template."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            immutable(
                "accountRef", "create another SesVerificationTemplate for the other account, and delete this one"
            ),
        )
    )

    from_email_address: EmailAddress = Field(
        description=(
            "The address that the emails come from, without a display name. It, or its domain, must be "
            "verified in every region of the template: by a SesIdentity, or in another way."
        )
    )
    subject: Annotated[
        str,
        Field(
            max_length=998,
            json_schema_extra=rules(rule("size(self) >= 1", "write a subject for the email")),
        ),
    ] = Field(description="The subject of the emails.")
    content: Annotated[
        str,
        Field(
            max_length=MAX_CONTENT,
            json_schema_extra=rules(rule("size(self) >= 1", "write the text of the email")),
        ),
    ] = Field(
        description=(
            "The body of the emails: text, or HTML with the tags and attributes that SES allows, which "
            "include neither the tag a nor comments. SES adds the link and a disclaimer at the end. "
            "Include images as base64. SES accepts 10 MB; a Kubernetes object can hold less: 1,000,000 "
            "characters."
        )
    )
    success_redirect_url: RedirectURL = Field(
        alias="successRedirectURL", description="The page that recipients see when they have followed the link in time."
    )
    failure_redirect_url: RedirectURL = Field(
        alias="failureRedirectURL", description="The page that recipients see when the link no longer works."
    )
    regions: tuple[Region, ...] = Field(
        max_length=MAX_REGIONS,
        description=(
            "The AWS regions in which the template is needed: those of the identities that use it. When a "
            "region is removed, the template is deleted there."
        ),
        json_schema_extra=rules(
            rule("size(self) >= 1", "name at least one AWS region, such as eu-west-1"),
            rule("self.all(r, self.exists_one(other, other == r))", "write each region once"),
        ),
    )
    account_ref: AccountReference = Field(
        AccountReference(),
        description="The SesAccount in whose AWS account the template is kept. Default: default. Cannot be changed.",
        json_schema_extra=SERVER_DEFAULT,
    )


class TemplateRegionStatus(Model):
    """The template in one region."""

    region: str = Field(description="The AWS region.")
    provisioned: bool = Field(False, description="True if SES has the desired template.")
    reason: str | None = Field(None, description="One word in PascalCase: why it is not there yet.")
    message: str | None = Field(None, description="The missing parts in this region, and what to do about them.")


class SesVerificationTemplateStatus(Model):
    """The state of the template as the operator found it."""

    observed_generation: int = Field(
        -1,
        description="The metadata.generation that this status is about; -1 until the operator has seen the object.",
    )
    conditions: tuple[Condition, ...] = Field(
        (),
        description=(
            "Ready, Accepted and Provisioned. In addition Reconciling while it may still become ready, or "
            "Stalled when only a change of the spec can help."
        ),
        json_schema_extra=list_map("type"),
    )
    template_name: str | None = Field(
        None, description="The name of the template at SES: one that no other object's template can have."
    )
    regions: tuple[TemplateRegionStatus, ...] = Field(
        (), description="The template in each region.", json_schema_extra=list_map("region")
    )
    provisioned_regions: str | None = Field(None, description="The number of its regions that have it, such as 2/3.")
    applied_configuration: str | None = Field(None, description="Digest of the template that this status is about.")
    last_handled_reconcile_at: str | None = Field(
        None,
        description="The value of the annotation ses-operator.io/reconcile-requested-at that was last acted on.",
    )


class SesVerificationTemplate(Model):
    """SesVerificationTemplate is a custom verification email: SES sends it to an address in place of its own text.

    A SesIdentity for an address names it in spec.verificationTemplateRef. SES sends such emails only for accounts
    with production access.
    """

    metadata: ObjectMeta
    spec: SesVerificationTemplateSpec = Field(
        description="The desired email: sender, text, and the pages shown after the link is followed."
    )
    status: SesVerificationTemplateStatus = Field(
        SesVerificationTemplateStatus(),
        description="The state of the template as the operator found it. Written by the operator only.",
    )
