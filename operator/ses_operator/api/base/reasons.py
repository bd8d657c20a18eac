"""Every reason that a condition, a region or an Event can give: one word, its meaning, and who can change it.

The word is API: programs match it. A new reason is one member here; it needs no other registration.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from ses_operator.api.base.actors import Actor


class Reason(StrEnum):
    """The reasons. ``meaning`` is a sentence for the reference; ``actor`` says who can change it."""

    meaning: str
    actor: Actor

    def __new__(cls, word: str, actor: Actor, meaning: str) -> Self:
        """Create a member whose value is the word."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.actor = actor
        member.meaning = meaning
        return member

    @property
    def stalls(self) -> bool:
        """True if only a change of this object's spec, or of a policy, can help.

        Flux fails at once on a stalled object: no reason that time, or another party, can resolve stalls.
        """
        return self.actor is Actor.AUTHOR

    # All is well.
    SUCCEEDED = "Succeeded", Actor.NONE, "The condition is met."

    # On the way, by itself.
    PROGRESSING = (
        "Progressing",
        Actor.OPERATOR,
        "The operator is working on it and has nothing more specific to report yet.",
    )
    CREATING_IDENTITY = "CreatingIdentity", Actor.OPERATOR, "The identity is being created or changed in SES."
    PUBLISHING_RECORDS = "PublishingRecords", Actor.OPERATOR, "DNS records are being written by the provider."
    WAITING_FOR_DNS = (
        "WaitingForDNS",
        Actor.OPERATOR,
        "The records are published, but name servers do not serve them yet.",
    )
    WAITING_FOR_VERIFICATION = (
        "WaitingForVerification",
        Actor.OPERATOR,
        "The records are served, but SES has not checked them yet. This usually takes minutes, and up to 72 hours.",
    )
    WAITING_FOR_MAIL_FROM = (
        "WaitingForMailFrom",
        Actor.OPERATOR,
        "The MX record of the MAIL FROM domain is not served yet, or SES has not found it yet.",
    )
    WAITING_FOR_PARENT = (
        "WaitingForParent",
        Actor.OPERATOR,
        "The identity replicates the DKIM key of another region, whose identity is not verified yet.",
    )
    THROTTLED = "Throttled", Actor.OPERATOR, "AWS throttles requests; the call is retried later."
    SERVICE_ERROR = "ServiceError", Actor.OPERATOR, "AWS answered with an internal error; the call is retried."
    REGION_UNREACHABLE = (
        "RegionUnreachable",
        Actor.OPERATOR,
        "SES does not answer in this region. The call is retried, and the other regions are not affected.",
    )
    KEY_LENGTH_TOO_SOON = (
        "KeyLengthTooSoon",
        Actor.OPERATOR,
        "SES changes the length of a DKIM key only once in 24 hours; the change follows after that time.",
    )
    HANDING_OVER = (
        "HandingOver",
        Actor.OPERATOR,
        "What the object owns is being handed over to the installation named by its annotation.",
    )
    DELETING = "Deleting", Actor.OPERATOR, "The object is being deleted: identities first, then their DNS records."

    # The zone, or the people who run it.
    MANUAL_RECORDS_PENDING = (
        "ManualRecordsPending",
        Actor.DNS,
        "The records in status.dns.records have to be published by hand.",
    )
    DNS_RECORD_MISSING = "DNSRecordMissing", Actor.DNS, "Name servers do not serve a record that SES needs."
    DNS_RECORD_WRONG = "DNSRecordWrong", Actor.DNS, "Name servers serve another value than SES needs."
    DNS_RECORD_CONFLICT = (
        "DNSRecordConflict",
        Actor.DNS,
        "A record that the operator did not write is where one of its records has to be. It is never overwritten.",
    )
    DNS_RECORD_REFUSED = (
        "DNSRecordRefused",
        Actor.DNS,
        "The DNS provider rejects a record; the message says why.",
    )
    DNS_NOT_DELEGATED = (
        "DNSNotDelegated",
        Actor.DNS,
        "The zone that holds the records is not the one that the public DNS is delegated to.",
    )
    DNS_SERVER_FAILURE = (
        "DNSServerFailure",
        Actor.DNS,
        "Name servers fail to answer (SERVFAIL), or DNSSEC is broken.",
    )
    VERIFICATION_FAILED = (
        "VerificationFailed",
        Actor.DNS,
        "SES gave up after 72 hours; it is asked again as soon as the records are correct.",
    )
    VERIFICATION_REVOKED = (
        "VerificationRevoked",
        Actor.DNS,
        "SES no longer finds records that it found before (TEMPORARY_FAILURE); mail is sent unsigned until they are back.",
    )

    # The mailbox of an address.
    WAITING_FOR_CLICK = (
        "WaitingForClick",
        Actor.MAILBOX,
        "SES has sent an email to the address; its recipient has to follow the link in it within 24 hours.",
    )
    VERIFICATION_EMAIL_EXPIRED = (
        "VerificationEmailExpired",
        Actor.MAILBOX,
        "The link was not followed in any of three emails; another is sent when a reconcile is requested.",
    )

    # The cluster, the SesAccount, the AWS account.
    VERIFICATION_TEMPLATE_NOT_FOUND = (
        "VerificationTemplateNotFound",
        Actor.PLATFORM,
        "The SesVerificationTemplate does not exist in this region of this account (yet).",
    )
    TEMPLATE_IN_USE = (
        "TemplateInUse",
        Actor.PLATFORM,
        "The SesVerificationTemplate is being deleted, and SesIdentities of its namespace still use it.",
    )
    FROM_ADDRESS_NOT_VERIFIED = (
        "FromAddressNotVerified",
        Actor.PLATFORM,
        "The sender address of an email is not verified in this region.",
    )
    PRODUCTION_ACCESS_NOT_GRANTED = (
        "ProductionAccessNotGranted",
        Actor.PLATFORM,
        "The AWS account has no production access to SES in this region: no custom templates, and mail only to verified ones.",
    )
    SENDING_PAUSED = (
        "SendingPaused",
        Actor.PLATFORM,
        "SES sends no email for the AWS account or the identity in this region: sending is paused, or AWS has suspended it.",
    )
    ACCOUNT_IN_SANDBOX = (
        "AccountInSandbox",
        Actor.PLATFORM,
        "A warning: the AWS account has no production access to SES in a region, so mail goes to verified recipients only.",
    )
    MESSAGE_REJECTED = (
        "MessageRejected",
        Actor.PLATFORM,
        "SES rejects an email about identities; the message says why.",
    )
    ACCOUNT_NOT_FOUND = "AccountNotFound", Actor.PLATFORM, "The SesAccount named in spec.accountRef does not exist."
    ACCOUNT_CHANGED = (
        "AccountChanged",
        Actor.PLATFORM,
        "The credentials of the SesAccount are for another AWS account than the one that has the identity.",
    )
    ACCOUNT_MISMATCH = (
        "AccountMismatch",
        Actor.PLATFORM,
        "The credentials of the SesAccount are for another AWS account than the one that is meant; nothing is written.",
    )
    INSTALLATION_CHANGED = (
        "InstallationChanged",
        Actor.PLATFORM,
        "The installation record names another installation id than the operator was started with; nothing is written.",
    )
    SECRET_NOT_FOUND = (
        "SecretNotFound",
        Actor.PLATFORM,
        "The Secret with the credentials, or the DKIM key, does not exist.",
    )
    SECRET_KEY_MISSING = "SecretKeyMissing", Actor.PLATFORM, "The Secret lacks a key, or the key is empty."
    SERVICE_ACCOUNT_NOT_FOUND = (
        "ServiceAccountNotFound",
        Actor.PLATFORM,
        "The ServiceAccount whose token is used for the account's credentials does not exist.",
    )
    DKIM_KEY_INVALID = (
        "DKIMKeyInvalid",
        Actor.PLATFORM,
        "The Secret has no private key that SES accepts; the message says what is wrong with it.",
    )
    CREDENTIALS_MISSING = "CredentialsMissing", Actor.PLATFORM, "No credentials were found in the default chain."
    CREDENTIALS_REJECTED = "CredentialsRejected", Actor.PLATFORM, "AWS does not accept the credentials."
    ACCESS_DENIED = "AccessDenied", Actor.PLATFORM, "A permission is missing; the message names the IAM action."
    HOSTED_ZONE_NOT_FOUND = "HostedZoneNotFound", Actor.PLATFORM, "No public hosted zone holds the domain."
    ZONE_REF_NOT_FOUND = "ZoneRefNotFound", Actor.PLATFORM, "The SesAccount lists no zone of this name."
    DNS_ENDPOINT_CRD_MISSING = (
        "DNSEndpointCRDMissing",
        Actor.PLATFORM,
        "ExternalDNS's DNSEndpoint kind is not installed; the operator notices when it is.",
    )
    LEDGER_CONFLICT = (
        "LedgerConflict",
        Actor.PLATFORM,
        "The zone's ledger for this domain names another owner, or cannot be read.",
    )
    LEDGER_KEY_INVALID = (
        "LedgerKeyInvalid",
        Actor.PLATFORM,
        "The Secret with the key that signs ledgers in Route 53 has no usable key; nothing is written or deleted there.",
    )
    CONFIGURATION_SET_NOT_FOUND = (
        "ConfigurationSetNotFound",
        Actor.PLATFORM,
        "The configuration set does not exist in this region.",
    )
    SNS_TOPIC_NOT_FOUND = (
        "SNSTopicNotFound",
        Actor.PLATFORM,
        "An SNS topic for notifications about bounces or complaints does not exist (any more).",
    )
    MAIL_FROM_REVOKED = (
        "MailFromRevoked",
        Actor.DNS,
        "SES no longer finds the MX record of the MAIL FROM domain: SES uses its own, or rejects mail with RejectMessage.",
    )
    CONTESTED = (
        "Contested",
        Actor.PLATFORM,
        "Another client keeps changing a setting or record back; it is corrected less and less often, at most hourly.",
    )
    OWNED_BY_ANOTHER = "OwnedByAnother", Actor.PLATFORM, "The owner tag of the SES identity names another owner."
    ALREADY_CLAIMED = (
        "AlreadyClaimed",
        Actor.PLATFORM,
        "Another SesIdentity holds this domain in this account and region.",
    )
    POLICY_CONFLICT = (
        "PolicyConflict",
        Actor.PLATFORM,
        "The identity has a policy of this name that another client created. It is never overwritten.",
    )
    POLICY_REFUSED = (
        "PolicyRefused",
        Actor.PLATFORM,
        "SES refuses a sending-authorization policy, often because a principal was just created; it is tried again.",
    )
    REPLICATION_FAILED = (
        "ReplicationFailed",
        Actor.PLATFORM,
        "SES cannot copy the DKIM key of the parent region to a replica; the message says what to do.",
    )
    NAMESPACE_LABELS_UNKNOWN = (
        "NamespaceLabelsUnknown",
        Actor.PLATFORM,
        "The SesAccount selects namespaces by label, and the operator cannot read the labels.",
    )
    OBJECT_WRITE_REFUSED = (
        "ObjectWriteRefused",
        Actor.PLATFORM,
        "The apiserver refuses what the operator has to write to the object before it goes on; the message says why.",
    )
    ACCOUNT_IN_USE = (
        "AccountInUse",
        Actor.PLATFORM,
        "The SesAccount is being deleted, and objects that refer to it still own something at AWS.",
    )
    ACCOUNT_DELETING = (
        "AccountDeleting",
        Actor.PLATFORM,
        "The SesAccount is being deleted, and takes no new identities.",
    )
    QUOTA_EXCEEDED = "QuotaExceeded", Actor.PLATFORM, "A quota of the AWS account is used up."
    DELETION_LIMIT_REACHED = (
        "DeletionLimitReached",
        Actor.PLATFORM,
        "More identities are deleted, or lose regions, than spec.maxDeletionsPerHour allows; this one is not touched yet.",
    )
    UNKNOWN_ANSWER = (
        "UnknownAnswer",
        Actor.PLATFORM,
        "SES answers with a value that this version of the operator does not know; nothing is changed in that region.",
    )
    DELETION_BLOCKED = "DeletionBlocked", Actor.PLATFORM, "SES refuses to delete the identity while something uses it."

    # The spec of this object.
    INVALID_SPEC = "InvalidSpec", Actor.AUTHOR, "The spec asks for something impossible."
    REGION_NOT_SUPPORTED = "RegionNotSupported", Actor.AUTHOR, "The region is not an SES region."
    HOSTED_ZONE_AMBIGUOUS = (
        "HostedZoneAmbiguous",
        Actor.AUTHOR,
        "Several hosted zones match equally well; choose one with spec.dns.route53.zoneRef.",
    )
    NOT_ADOPTED = (
        "NotAdopted",
        Actor.AUTHOR,
        "The identity exists in SES without an owner, and adoptionPolicy is Never.",
    )
    MAIL_FROM_CONFLICT = (
        "MailFromConflict",
        Actor.AUTHOR,
        "The adopted identity has another MAIL FROM domain, which is not overwritten.",
    )
    DKIM_CONFLICT = (
        "DKIMConflict",
        Actor.AUTHOR,
        "The identity signs with another DKIM key than the spec asks for, or than a replica needs. It is not overwritten.",
    )
    POLICY_INVALID = (
        "PolicyInvalid",
        Actor.AUTHOR,
        "A sending-authorization policy is invalid; the message names the field.",
    )
    TEMPLATE_INVALID = (
        "TemplateInvalid",
        Actor.AUTHOR,
        "The body of a verification email contains what SES does not allow; the message names tag, attribute and line.",
    )
    TOO_MANY_TAGS = (
        "TooManyTags",
        Actor.AUTHOR,
        "With the account's default tags there are more tags than SES allows.",
    )
    NAMESPACE_NOT_ALLOWED = (
        "NamespaceNotAllowed",
        Actor.AUTHOR,
        "The SesAccount may not be used from this namespace.",
    )
    DOMAIN_NOT_GRANTED = (
        "DomainNotGranted",
        Actor.AUTHOR,
        "The SesAccount does not grant the domain to this namespace.",
    )
    ZONE_NOT_ALLOWED = (
        "ZoneNotAllowed",
        Actor.AUTHOR,
        "Records of this domain, or of this namespace, may not be written into the hosted zone.",
    )
    DOMAIN_IDENTITY_REQUIRED = (
        "DomainIdentityRequired",
        Actor.AUTHOR,
        "A guardrail of the SesAccount allows domains only, and this is an address.",
    )
    REQUIRED_TAG_MISSING = (
        "RequiredTagMissing",
        Actor.AUTHOR,
        "A guardrail of the SesAccount requires a tag that is missing or empty.",
    )
    REGION_NOT_ALLOWED = (
        "RegionNotAllowed",
        Actor.AUTHOR,
        "A guardrail of the SesAccount does not allow one of the regions.",
    )
    TOO_FEW_REGIONS = (
        "TooFewRegions",
        Actor.AUTHOR,
        "A guardrail of the SesAccount requires more regions, for disaster recovery.",
    )
    DKIM_REQUIRED = (
        "DKIMRequired",
        Actor.AUTHOR,
        "A guardrail of the SesAccount requires DKIM signing, or a longer key.",
    )
    MAIL_FROM_REQUIRED = (
        "MailFromRequired",
        Actor.AUTHOR,
        "A guardrail of the SesAccount requires a MAIL FROM domain.",
    )
    DMARC_TOO_WEAK = (
        "DMARCTooWeak",
        Actor.AUTHOR,
        "A guardrail of the SesAccount requires a DMARC policy, or a stricter one.",
    )
    OPEN_SENDING_POLICY = (
        "OpenSendingPolicy",
        Actor.AUTHOR,
        "A guardrail of the SesAccount does not allow such an open sending policy.",
    )
    HANDED_OVER = (
        "HandedOver",
        Actor.AUTHOR,
        "What the object owned now belongs to another installation. Delete the object here; nothing is removed with it.",
    )
    SUSPENDED = "Suspended", Actor.AUTHOR, "spec.suspend is true: the operator observes, and writes nothing."
