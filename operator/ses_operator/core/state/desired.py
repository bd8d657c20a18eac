"""The desired state of a SesIdentity, with every default filled in: the effective configuration.

Computed at each reconcile from the spec, the account and the installation; nothing else in the operator reads a spec.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from itertools import chain

from ses_operator.api.account.kind import SesAccountSpec
from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.dkim import DkimSpec
from ses_operator.api.identity.feedback import TopicsSpec
from ses_operator.api.identity.kind import AdoptionPolicy, DeletionPolicy, SesIdentitySpec
from ses_operator.api.identity.mail_from import MxFailureBehavior
from ses_operator.core.model.digest import configuration_digest
from ses_operator.core.model.dkim_source import (
    DeterministicChoice,
    DkimChoice,
    DkimSource,
    EasyDkim,
    MissingKey,
    NoDkim,
    OwnKey,
)
from ses_operator.core.model.keys import Installation, ObjectKey, Owner
from ses_operator.core.model.name_rights import NameRights
from ses_operator.core.model.policies.policy_documents import WantedPolicy, wanted_policies
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.record_values.dmarc import Dmarc
from ses_operator.core.model.ses import NotificationType, Topic, Topics, identity_arn
from ses_operator.core.model.template_name import template_name
from ses_operator.core.state.publication import EntryProperty


class MailFromBehavior(StrEnum):
    """BehaviorOnMxFailure of SESv2."""

    USE_DEFAULT_VALUE = "USE_DEFAULT_VALUE"
    REJECT_MESSAGE = "REJECT_MESSAGE"


@dataclass(frozen=True, slots=True)
class MailFrom:
    """The custom MAIL FROM domain wanted in one region. ``mx_region``: the region whose SES its one MX record leads to."""

    domain: str
    behavior_on_mx_failure: MailFromBehavior
    mx_region: str


@dataclass(frozen=True, slots=True)
class Desired:
    """One desired identity, in every region. ``ttl`` in seconds; ``tags`` include the owner tag.

    ``first_region``: the first of the regions in the order of the spec; ``regions`` are sorted.
    ``verification_template``: the name at SES of the template for the emails to an address; None: SES's own.
    ``feedback_forwarding`` None: not managed. ``policies`` by region. ``topics`` by region: those of others are not
    managed. ``rights``: the names at which records may be written; none until they have been worked out.
    """

    owner: Owner
    identity: str
    regions: tuple[str, ...]
    signing_enabled: bool
    dkim: DkimChoice
    mail_from: Mapping[str, MailFrom]
    configuration_set_name: str | None
    tags: Mapping[str, str]
    provider: DnsProvider
    ttl: int
    adoption: AdoptionPolicy
    deletion: DeletionPolicy
    first_region: str = ""
    zone_ref: str | None = None
    endpoint_labels: Mapping[str, str] = field(default_factory=dict)
    endpoint_annotations: Mapping[str, str] = field(default_factory=dict)
    provider_specific: tuple[EntryProperty, ...] = ()
    dmarc: Dmarc | None = None
    feedback_forwarding: bool | None = None
    configuration_set_overrides: Mapping[str, str] = field(default_factory=dict)
    policies: Mapping[str, tuple[WantedPolicy, ...]] = field(default_factory=dict)
    topics: Mapping[str, Topics] = field(default_factory=dict)
    verification_template: str | None = None
    rights: NameRights = field(default_factory=NameRights)

    @property
    def user_tags(self) -> Mapping[str, str]:
        """The tags that the spec and the account ask for."""
        return {key: value for key, value in self.tags.items() if key != OWNER_TAG}

    @property
    def is_address(self) -> bool:
        """True for an email address, verified by a link; false for a domain, verified by DNS."""
        return isinstance(self.dkim, NoDkim)

    def removal_of(self, region: str) -> str:
        """Return how the spec gives up a region, in words: it has to keep one."""
        return f"remove {region} from spec.regions" if set(self.regions) - {region} else "delete this object"

    def configuration_set(self, region: str) -> str | None:
        """Return the default configuration set in this region."""
        return self.configuration_set_overrides.get(region, self.configuration_set_name)

    def dkim_in(self, region: str) -> DkimSource:
        """Return the source of this region's DKIM key."""
        return self.dkim.in_region(region) if isinstance(self.dkim, DeterministicChoice) else self.dkim

    def digest(self) -> str:
        """Return a short digest of the configuration: equal digests ask for the same. It is remembered in status.

        Of a key of the customer's it has the selector alone. The content of the Secret, or why it cannot be read, is
        no configuration: the key that SES has is identified by its fingerprint (``stability.has_its_key``). Nor is
        the fault of a policy, which is a sentence; nor what others may have, of which nothing is asked.
        """
        configured = asdict(self)
        del configured["rights"]
        for policy in chain.from_iterable(configured["policies"].values()):
            del policy["fault"]
        if isinstance(self.dkim, OwnKey | MissingKey):
            configured["dkim"] = {"selector": self.dkim.selector}
        return configuration_digest(configured)


@dataclass(frozen=True, slots=True)
class AwsScope:
    """The AWS account that identities are in, and its partition: what their ARNs begin with."""

    account_id: str
    partition: str = "aws"


def desired_identity(
    installation: Installation,
    key: ObjectKey,
    spec: SesIdentitySpec,
    account: SesAccountSpec,
    scope: AwsScope | None,
    dkim_key: OwnKey | MissingKey | None = None,
) -> Desired:
    """Return the effective configuration of a SesIdentity under its account.

    Without a scope, as long as it is not known, there are no policies: they name ARNs. ``dkim_key``: what was found
    in the Secret that the spec names, if it names one.
    """
    owner = installation.owner(key)
    dns = spec.dns
    mail_from: dict[str, MailFrom] = {}
    if spec.mail_from is not None:
        behavior = (
            MailFromBehavior.REJECT_MESSAGE
            if spec.mail_from.behavior_on_mx_failure is MxFailureBehavior.REJECT_MESSAGE
            else MailFromBehavior.USE_DEFAULT_VALUE
        )
        for region in spec.regions:
            if (domain := spec.mail_from_domain(region)) is not None:
                mail_from[region] = MailFrom(domain, behavior, spec.mail_from_mx_region(region))
    return Desired(
        owner=owner,
        identity=spec.identity,
        regions=tuple(sorted(spec.regions)),
        signing_enabled=spec.dkim.signing_enabled,
        dkim=NoDkim() if spec.email else _dkim(spec.dkim, dkim_key),
        mail_from=mail_from,
        configuration_set_name=spec.configuration_set_name,
        tags={**account.default_tags, **spec.tags, OWNER_TAG: str(owner)},
        # An address has no records in DNS: a publisher that publishes nothing will do.
        provider=DnsProvider.MANUAL if spec.email else spec.dns_provider(account.dns.default_provider),
        ttl=dns.ttl,
        adoption=spec.adoption_policy,
        deletion=spec.deletion_policy,
        first_region=spec.regions[0],
        zone_ref=dns.route53.zone_ref.name if dns.route53 and dns.route53.zone_ref else None,
        endpoint_labels=dict(dns.dns_endpoint.labels) if dns.dns_endpoint else {},
        endpoint_annotations=dict(dns.dns_endpoint.annotations) if dns.dns_endpoint else {},
        provider_specific=_provider_specific(spec, account),
        dmarc=Dmarc.of(spec.dmarc) if spec.dmarc else None,
        feedback_forwarding=spec.feedback.email_forwarding_enabled if spec.feedback else None,
        configuration_set_overrides={
            override.region: override.configuration_set_name
            for override in spec.region_overrides
            if override.configuration_set_name is not None
        },
        topics={
            override.region: _topics(override.feedback.topics)
            for override in spec.region_overrides
            if override.feedback is not None
        },
        policies=_policies(spec, scope) if scope else {},
        verification_template=(
            template_name(installation.owner(ObjectKey(key.namespace, spec.verification_template_ref.name)))
            if spec.verification_template_ref
            else None
        ),
    )


def _provider_specific(spec: SesIdentitySpec, account: SesAccountSpec) -> tuple[EntryProperty, ...]:
    if spec.email or spec.dns_provider(account.dns.default_provider) is not DnsProvider.DNS_ENDPOINT:
        return ()
    given = {each.name: each for each in (*account.dns.provider_specific, *spec.dns.provider_specific)}
    return tuple(
        EntryProperty(each.name, each.value, tuple(sorted(each.record_types))) for _, each in sorted(given.items())
    )


def _dkim(spec: DkimSpec, key: OwnKey | MissingKey | None) -> DkimChoice:
    if spec.byodkim is not None:
        unread = Problem(Reason.PROGRESSING, "the DKIM key has not been read yet")
        return key or MissingKey(spec.byodkim.selector, unread)
    easy = EasyDkim(spec.key_size)
    return DeterministicChoice(spec.deterministic.parent_region, easy) if spec.deterministic else easy


def _policies(spec: SesIdentitySpec, scope: AwsScope) -> dict[str, tuple[WantedPolicy, ...]]:
    """Return the sending-authorization policies of each region, with the ARN that the identity has there."""
    if not spec.authorized_senders and not spec.policies:
        return {}
    return {
        region: wanted_policies(
            spec.authorized_senders,
            spec.policies,
            identity_arn(scope.account_id, region, spec.identity, scope.partition),
        )
        for region in spec.regions
    }


def _topics(spec: TopicsSpec) -> Topics:
    named = {
        NotificationType.BOUNCE: spec.bounce,
        NotificationType.COMPLAINT: spec.complaint,
        NotificationType.DELIVERY: spec.delivery,
    }
    return {kind: Topic(topic.topic_arn, topic.include_headers) for kind, topic in named.items() if topic is not None}
