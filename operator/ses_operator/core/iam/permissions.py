"""The IAM actions that each feature needs: the one table that policies, docs/permissions.md and tests are made from. Pure.

The entry of a setting in ``SETTINGS`` says what it needs; all else is here.
"""

from __future__ import annotations

from collections.abc import Mapping

from ses_operator.core.features.settings import actions_of_settings
from ses_operator.core.model.iam_actions import Action, Feature, On

USUAL = frozenset(Feature) - {Feature.NOTIFICATIONS}
"""Every feature but that of sending email, which is allowed only if the address is known."""


_OF_OTHERS: tuple[Action, ...] = (
    Action(
        "ses:ListEmailIdentities",
        Feature.IDENTITIES,
        On.ANYTHING,
        "the identity cache: verification of a thousand identities per call",
    ),
    Action(
        "ses:GetAccount",
        Feature.IDENTITIES,
        On.ANYTHING,
        "production access, enforcement status and quota, shown in the SesAccount",
    ),
    Action(
        "ses:GetEmailIdentity",
        Feature.IDENTITIES,
        On.IDENTITY,
        "the whole state of one identity: while it is pending, when something changed, and at each resync",
    ),
    Action(
        "ses:CreateEmailIdentity",
        Feature.IDENTITIES,
        On.IDENTITY_AND_CONFIGURATION_SET,
        "creating it, with tags, key size and configuration set in one call",
    ),
    Action(
        "ses:ListConfigurationSets",
        Feature.CONFIGURATION_SETS,
        On.ANYTHING,
        "whether the configuration sets that specs name still exist: a page a region in each idle poll. Without it a set that is "
        "deleted is not noticed",
    ),
    Action(
        "ses:GetIdentityMailFromDomainAttributes",
        Feature.MAIL_FROM,
        On.ANYTHING,
        "whether SES still finds the MX records of MAIL FROM domains: a hundred identities a call in each idle poll (first API). "
        "Without it, only the resync notices that one is lost",
    ),
    Action("ses:TagResource", Feature.IDENTITIES, On.IDENTITY, "the owner tag and yours, at creation and on drift"),
    Action(
        "ses:UntagResource", Feature.IDENTITIES, On.IDENTITY, "tags removed from the spec; the owner tag with `Retain`"
    ),
    Action(
        "ses:DeleteEmailIdentity",
        Feature.IDENTITIES,
        On.IDENTITY,
        "`deletionPolicy: Delete`, and regions removed from the spec",
    ),
    Action(
        "ses:ListResourceTenants",
        Feature.IDENTITIES,
        On.IDENTITY,
        "only if SES refuses to delete it: the names of the tenants that are associated with it",
    ),
    Action(
        "ses:VerifyDomainDkim",
        Feature.IDENTITIES,
        On.ANYTHING,
        "the same in SES's first API, only if SES refuses the call above",
    ),
    Action(
        "ses:VerifyEmailIdentity",
        Feature.EMAIL,
        On.ANYTHING,
        "`spec.email`: another email after the one before has expired (first API)",
    ),
    Action(
        "ses:GetCustomVerificationEmailTemplate",
        Feature.VERIFICATION_TEMPLATES,
        On.ANYTHING,
        "SesVerificationTemplates: the current state, when one changes and at each resync",
    ),
    Action(
        "ses:CreateCustomVerificationEmailTemplate",
        Feature.VERIFICATION_TEMPLATES,
        On.ANYTHING,
        "creating them, with the owner tag",
    ),
    Action(
        "ses:UpdateCustomVerificationEmailTemplate",
        Feature.VERIFICATION_TEMPLATES,
        On.ANYTHING,
        "the same when the spec changes, and on drift",
    ),
    Action(
        "ses:DeleteCustomVerificationEmailTemplate",
        Feature.VERIFICATION_TEMPLATES,
        On.ANYTHING,
        "when they are deleted, or a region is removed from the spec",
    ),
    Action(
        "ses:SendCustomVerificationEmail",
        Feature.VERIFICATION_TEMPLATES,
        On.ANYTHING,
        "`spec.verificationTemplateRef`: every email to the address",
    ),
    Action(
        "ses:ReplicateEmailIdentityDKIMSigningKey",
        Feature.DEED,
        On.IDENTITY,
        "`spec.dkim.mode: Deterministic`: SES asks for it on the identity of the parent region when a replica is created. "
        "`ses:ReplicaRegion` can narrow it to the regions of the replicas",
    ),
    Action(
        "ses:CreateEmailIdentityPolicy",
        Feature.SENDING_POLICIES,
        On.IDENTITY,
        "`spec.authorizedSenders` and `spec.policies`",
    ),
    Action(
        "ses:UpdateEmailIdentityPolicy",
        Feature.SENDING_POLICIES,
        On.IDENTITY,
        "the same when the spec changes, and on drift",
    ),
    Action(
        "ses:DeleteEmailIdentityPolicy",
        Feature.SENDING_POLICIES,
        On.IDENTITY,
        "policies of the operator that were removed from the spec",
    ),
    Action(
        "ses:BatchGetMetricData",
        Feature.MAIL_FIGURES,
        On.ANYTHING,
        "delivery figures of each identity, if the Virtual Deliverability Manager counts them",
    ),
    Action(
        "ses:GetSendStatistics",
        Feature.MAIL_FIGURES,
        On.ANYTHING,
        "delivery figures of the account (first API)",
    ),
    Action(
        "sns:GetTopicAttributes",
        Feature.TOPICS,
        On.TOPIC,
        "whether the topics of `spec.regionOverrides` still exist, in the resync. Without it, one that is deleted is not noticed",
    ),
    Action(
        "ses:SendEmail",
        Feature.NOTIFICATIONS,
        On.SENDER,
        "`spec.notifications` of the SesAccount: emails about identities, from one address",
    ),
    Action(
        "route53:ListHostedZones",
        Feature.FIND_ZONES,
        On.ANYTHING,
        "finding the zone by longest match; not needed if `spec.dns.zones` of the SesAccount covers every domain",
    ),
    Action(
        "route53:GetHostedZone",
        Feature.ROUTE53,
        On.ZONE,
        "zones in `spec.dns.zones`, deletion, and zones that records move away from",
    ),
    Action(
        "route53:ListResourceRecordSets",
        Feature.ROUTE53,
        On.ZONE,
        "the current records, before anything is written",
    ),
    Action(
        "route53:ChangeResourceRecordSets",
        Feature.ROUTE53,
        On.ZONE,
        "`CREATE` and `DELETE` of the operator's records and the ledger; never `UPSERT`",
    ),
    Action("route53:GetChange", Feature.ROUTE53, On.ANYTHING, "waiting until a change is served"),
)
"""The actions of everything but settings."""

ACTIONS: tuple[Action, ...] = (*_OF_OTHERS, *actions_of_settings())
"""Every action that the operator's code can call, except those of STS, which depend on the roles that accounts name."""


AUDIT_ACTIONS: Mapping[Feature, tuple[str, ...]] = {
    Feature.AUDIT: ("ses:ListEmailIdentities", "ses:GetAccount", "ses:GetEmailIdentity"),
    Feature.AUDIT_OF_USE: ("ses:BatchGetMetricData",),
}
"""The actions that an audit needs on everything that SES has, and not only on what manifests name. All are in the table above."""


def actions_of(features: frozenset[Feature]) -> tuple[Action, ...]:
    """Return the actions that these features need."""
    return tuple(action for action in ACTIONS if action.feature in features)
