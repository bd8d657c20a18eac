"""SesIdentity: what application teams write, and what the operator reports in status."""

from __future__ import annotations

from enum import StrEnum

from pydantic import ConfigDict, Field, JsonValue

from ses_operator.api.base.fields import DnsProvider, Domain, ObjectName, Region, Tags
from ses_operator.api.base.meta import ObjectMeta
from ses_operator.api.base.model import SERVER_DEFAULT, Model, immutable, list_map, rule, rules
from ses_operator.api.identity.dkim import DkimSpec
from ses_operator.api.identity.dmarc import DmarcSpec
from ses_operator.api.identity.dns import DnsSpec
from ses_operator.api.identity.email import EMAIL_RULES, EmailAddress, VerificationTemplateReference
from ses_operator.api.identity.feedback import ConfigurationSetName, FeedbackSpec, RegionOverride
from ses_operator.api.identity.mail_from import MailFromScope, MailFromSpec
from ses_operator.api.identity.sending import MAX_POLICIES, MAX_SENDERS, AuthorizedSender, RawPolicy
from ses_operator.api.identity.status import SesIdentityStatus

MAX_REGIONS = 32


class DeletionPolicy(StrEnum):
    """The effect of deleting the object in AWS and DNS."""

    DELETE = "Delete"
    RETAIN = "Retain"


class AdoptionPolicy(StrEnum):
    """The conditions under which an identity that exists in SES already may be adopted."""

    NEVER = "Never"
    IF_UNOWNED = "IfUnowned"


class AccountReference(Model):
    """Names a SesAccount."""

    name: ObjectName = Field(
        "default", description="Name of a SesAccount. Default: default.", json_schema_extra=SERVER_DEFAULT
    )


def _report_names_fit(member: str) -> JsonValue:
    """Return the rule that the name at which an external host authorises reports fits in DNS (RFC 7489, 7.1)."""
    addresses = f"self.dmarc.{member}"
    return rule(
        f"!has(self.domain) || !has(self.dmarc) || !has({addresses}) || {addresses}.all(a, "
        "size(self.domain) + size(a.substring(a.indexOf('@') + 1)) + size('._report._dmarc.') <= 253)",
        f"choose addresses with shorter domains for dmarc.{member}: <domain>._report._dmarc.<domain of the address> has "
        "at most 253 characters",
    )


class SesIdentitySpec(Model):
    """The desired SES identity."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            # If a domain is changed to an address, or the other way round, one error is enough.
            immutable("domain", "create another SesIdentity for the other domain or address, and delete this one"),
            rule(
                "!has(self.email) || !has(oldSelf.email) || self.email == oldSelf.email",
                "email cannot be changed: create another SesIdentity for the other address, and delete this one",
            ),
            *EMAIL_RULES,
            immutable("accountRef", "create another SesIdentity for the other account, and delete this one"),
            rule(
                f"!has(self.domain) || !has(self.mailFrom) || self.mailFrom.scope == '{MailFromScope.SHARED}' || "
                "self.regions.all(r, size(self.mailFrom.subdomain) + size(r) + size(self.domain) + 2 <= 253)",
                "shorten mailFrom.subdomain: <subdomain>-<region>.<domain> has at most 253 characters",
            ),
            rule(
                "!has(self.domain) || !has(self.mailFrom) || size(self.mailFrom.subdomain) + size(self.domain) + 1 <= 253",
                "shorten mailFrom.subdomain: <subdomain>.<domain> has at most 253 characters",
            ),
            rule(
                "!has(self.domain) || !has(self.mailFrom) || !('.' + self.mailFrom.subdomain).endsWith('.' + self.domain)",
                "write mailFrom.subdomain relative to the domain: bounce, and not bounce.example.com",
            ),
            rule(
                "!has(self.dkim) || !has(self.dkim.deterministic) || "
                "self.dkim.deterministic.parentRegion in self.regions",
                "make dkim.deterministic.parentRegion one of spec.regions, or add it there: the parent is one of this "
                "object's identities",
            ),
            rule(
                "!has(self.regionOverrides) || self.regionOverrides.all(o, o.region in self.regions)",
                "add the region to spec.regions, or take it out of regionOverrides: nothing is set where no identity is "
                "wanted",
            ),
            _report_names_fit("rua"),
            _report_names_fit("ruf"),
            rule(
                "(has(self.policies) ? size(self.policies) : 0) + "
                f"(has(self.authorizedSenders) && size(self.authorizedSenders) > 0 ? 1 : 0) <= {MAX_POLICIES}",
                f"remove one of the policies: SES keeps {MAX_POLICIES} for an identity, and authorizedSenders are one",
            ),
        )
    )

    domain: Domain | None = Field(
        None,
        description=(
            "The domain to send mail from, such as mail.example.com; it covers its subdomains too. Lower "
            "case, internationalised names in ASCII form (xn--), without www., at most 209 characters. "
            "Set either this or email. Cannot be changed."
        ),
    )
    email: EmailAddress | None = Field(
        None,
        description=(
            "The single email address to send mail from, such as billing@example.com. SES sends an email "
            "there in each region, in which the recipient has to follow a link. SES treats addresses that "
            "differ in case as different. If the domain can be verified, that is usually the better "
            "choice. Set either this or domain. Cannot be changed."
        ),
    )
    regions: tuple[Region, ...] = Field(
        max_length=MAX_REGIONS,
        description=(
            "The AWS regions in which the domain or address must be usable, 1 to 32, each once. When a "
            "region is added, an identity is created there; when a region is removed, its identity is "
            "deleted or kept according to deletionPolicy."
        ),
        json_schema_extra=rules(
            rule("size(self) >= 1", "name at least one AWS region, such as eu-west-1"),
            rule("self.all(r, self.exists_one(other, other == r))", "write each region once"),
        ),
    )
    account_ref: AccountReference = Field(
        AccountReference(),
        description=(
            "The SesAccount with the AWS credentials and DNS zones to use. Default: the one named "
            "default. Cannot be changed."
        ),
        json_schema_extra=SERVER_DEFAULT,
    )
    dkim: DkimSpec = Field(
        DkimSpec(),
        description="DKIM signing, and thereby verification. If omitted, Easy DKIM, signing, keys of 2048 bits.",
    )
    mail_from: MailFromSpec | None = Field(
        None,
        description=(
            "A custom MAIL FROM domain, so that SPF aligns with the domain. If omitted, SES uses "
            "amazonses.com; a MAIL FROM domain set here earlier is removed, one that others set at SES is kept."
        ),
    )
    configuration_set_name: ConfigurationSetName | None = Field(
        None,
        description=(
            "The configuration set that mail of this identity uses unless the sender names one. It must "
            "exist in every region for which spec.regionOverrides names no other. If omitted, the current "
            "setting is kept; a configuration set named here earlier is removed."
        ),
    )
    feedback: FeedbackSpec | None = Field(
        None,
        description=(
            "How SES reports bounces and complaints. If omitted, the current setting is kept; a value set "
            "here earlier is reset to the SES default."
        ),
    )
    region_overrides: tuple[RegionOverride, ...] = Field(
        (),
        max_length=MAX_REGIONS,
        description="The settings that differ in single regions, each of which must be in spec.regions. If "
        "omitted, all regions have the same settings.",
        json_schema_extra=list_map("region"),
    )
    dmarc: DmarcSpec | None = Field(
        None,
        description=(
            "The DMARC policy of the domain, published as a TXT record at _dmarc.<domain>. A record that "
            "the operator did not write is never overwritten. If omitted, none is managed; one published "
            "here earlier is removed."
        ),
    )
    authorized_senders: tuple[AuthorizedSender, ...] = Field(
        (),
        max_length=MAX_SENDERS,
        description=(
            "The principals outside of this AWS account that may send as this identity: other AWS "
            "accounts, their users and roles, AWS services. Together they become one "
            "sending-authorization policy in each region, with that region's ARN. Senders have to name "
            "the ARN; status.regions has it. If omitted, this object authorises no one."
        ),
        json_schema_extra=list_map("name"),
    )
    policies: tuple[RawPolicy, ...] = Field(
        (),
        max_length=MAX_POLICIES,
        description=(
            "Sending-authorization policies as SES has them, for what authorizedSenders cannot express; "
            "each is set in every region. At most 20, authorizedSenders counting as one. Policies that "
            "others set at SES are kept. If omitted, none."
        ),
        json_schema_extra=list_map("name"),
    )
    tags: Tags = Field(
        default_factory=dict,
        description=(
            "AWS tags for the identity in each region, in addition to the default tags of the SesAccount, "
            "which they override. At most 48; keys up to 128 characters, values up to 256. Tags set by "
            "others are kept. If omitted, those of the SesAccount."
        ),
    )
    dns: DnsSpec = Field(
        DnsSpec(),
        description=(
            "How the DNS records that SES requires are published. If omitted, as the SesAccount says, "
            "with a ttl of 300."
        ),
    )
    deletion_policy: DeletionPolicy = Field(
        DeletionPolicy.DELETE,
        description=(
            "What happens to the SES identities and DNS records when this object is deleted, or a region "
            "is removed. Delete (default) deletes them, identities first. Retain keeps both and removes "
            "the ownership markers; it also unblocks a stuck deletion."
        ),
        json_schema_extra=SERVER_DEFAULT,
    )
    verification_template_ref: VerificationTemplateReference | None = Field(
        None,
        description=(
            "The SesVerificationTemplate, in the same namespace, for the verification emails to "
            "spec.email. It must use the same SesAccount and have the same regions. Needs production "
            "access at SES. If omitted, SES sends its own email."
        ),
    )
    adoption_policy: AdoptionPolicy = Field(
        AdoptionPolicy.NEVER,
        description=(
            "What happens if the identity exists in SES already. Never (default) changes nothing; "
            "status.pendingChanges lists what adoption would change. IfUnowned adopts it if it has no "
            "owner tag. An identity that has another owner is never adopted."
        ),
        json_schema_extra=SERVER_DEFAULT,
    )
    suspend: bool = Field(
        False,
        description=(
            "If true, the operator stops writing: it observes, and status.pendingChanges lists what it "
            "would do. Default: false. Deletion of the object still proceeds."
        ),
        json_schema_extra=SERVER_DEFAULT,
    )

    @property
    def identity(self) -> str:
        """The name that SES has to verify: the domain, or the address."""
        return self.domain or self.email or ""

    def mail_from_domain(self, region: str) -> str | None:
        """Return the MAIL FROM domain in this region, or None if none is wanted."""
        if self.mail_from is None or self.domain is None:
            return None
        if self.mail_from.scope is MailFromScope.SHARED:
            return f"{self.mail_from.subdomain}.{self.domain}"
        return f"{self.mail_from.subdomain}-{region}.{self.domain}"

    def mail_from_mx_region(self, region: str) -> str:
        """Return the region of the MX at this region's MAIL FROM domain; a name that regions share has exactly one."""
        shared = self.mail_from is not None and self.mail_from.scope is MailFromScope.SHARED
        return self.regions[0] if shared else region

    def dns_provider(self, account_default: DnsProvider | None) -> DnsProvider:
        """Return the provider: as named, else as the settings imply, else the account's default, else Route 53."""
        if self.dns.provider is not None:
            return self.dns.provider
        if self.dns.dns_endpoint is not None or self.dns.provider_specific:
            return DnsProvider.DNS_ENDPOINT
        if self.dns.route53 is not None:
            return DnsProvider.ROUTE53
        return account_default or DnsProvider.ROUTE53


class SesIdentity(Model):
    """SesIdentity is a domain, or an email address, that mail is sent from through Amazon SES, in one or more AWS regions.

    The operator creates the identity in every region, publishes the DNS records that SES requires, watches until each
    region is verified, and keeps it so. Status says what is missing, and who can act.
    """

    metadata: ObjectMeta
    spec: SesIdentitySpec = Field(description="The desired identity: the domain or address, its regions and settings.")
    status: SesIdentityStatus = Field(
        SesIdentityStatus(),
        description="The state of the identity as the operator found it. Written by the operator only.",
    )
