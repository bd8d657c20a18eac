"""IAM actions as values: what each is allowed on, and which feature needs it.

Source: Service Authorization Reference, "Actions, resources, and condition keys" for Amazon SES v1 and v2, Route 53
and STS.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class On(StrEnum):
    """The resource that an action is allowed on."""

    ANYTHING = "*"  # actions without resource types, and those of SES's first API
    IDENTITY = "the identity"
    IDENTITY_AND_CONFIGURATION_SET = "the identity and its configuration set"
    ZONE = "the hosted zone"
    TOPIC = "the SNS topics of the account"
    SENDER = "the identity that is sent from"


class Feature(StrEnum):
    """The features that can be used or not, and that need permissions of their own."""

    IDENTITIES = "identities"
    EMAIL = "email"
    VERIFICATION_TEMPLATES = "verification-templates"
    MAIL_FROM = "mail-from"
    CONFIGURATION_SETS = "configuration-sets"
    FEEDBACK = "feedback"
    TOPICS = "topics"
    SENDING_POLICIES = "sending-policies"
    MAIL_FIGURES = "mail-figures"
    DEED = "deterministic-dkim"
    ROUTE53 = "route53"
    FIND_ZONES = "find-zones"
    AUDIT = "audit"
    AUDIT_OF_USE = "audit-of-use"
    NOTIFICATIONS = "notifications"


@dataclass(frozen=True, slots=True)
class Action:
    """One IAM action, and its purpose."""

    name: str
    feature: Feature
    on: On
    used_for: str
