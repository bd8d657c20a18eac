"""The scope of a policy for given manifests: SesAccounts, SesIdentities and SesVerificationTemplates. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ses_operator.api.account.kind import SesAccount, SesAccountSpec
from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.identity.dkim import DkimMode
from ses_operator.api.identity.kind import SesIdentity, SesIdentitySpec
from ses_operator.api.template import SesVerificationTemplate
from ses_operator.core.features.settings import features_of_settings
from ses_operator.core.iam.policy import ANY, PolicyScope, Sending
from ses_operator.core.model.iam_actions import Feature
from ses_operator.core.model.keys import Installation, ObjectKey
from ses_operator.core.state.desired import Desired, desired_identity


def scope_of(
    account: SesAccount | None, identities: Iterable[SesIdentity], templates: Iterable[SesVerificationTemplate] = ()
) -> PolicyScope:
    """Return the scope of all identities and templates that refer to the account; of all, if no account is given.

    Zones of the account that have a role of their own are written with that role: the account's credentials assume
    it.
    """
    mine = tuple(each for each in identities if account is None or each.spec.account_ref.name == account.metadata.name)
    kept = tuple(each for each in templates if account is None or each.spec.account_ref.name == account.metadata.name)
    placed: tuple[SesIdentity | SesVerificationTemplate, ...] = (*mine, *kept)
    provider = account.spec.dns.default_provider if account else None
    features = frozenset(feature for identity in mine for feature in features_of(identity, provider))
    if kept:
        features |= {Feature.IDENTITIES, Feature.VERIFICATION_TEMPLATES}
    audit = account.spec.audit if account else None
    if audit is not None:
        features |= {Feature.AUDIT, *({Feature.AUDIT_OF_USE} if audit.unused_for_days else ())}
    sending = _sending(account)
    if sending is not None:
        features |= {Feature.NOTIFICATIONS}
    zones = account.spec.dns.zones if account else ()
    # A zone that has to be found first may be any; the condition on the names of records holds in all of them.
    given = () if Feature.FIND_ZONES in features else zones
    return PolicyScope(
        features=features,
        regions=tuple(sorted({region for each in placed for region in each.spec.regions})),
        identities=tuple(sorted({identity.spec.identity for identity in mine})),
        zones=tuple(sorted(zone.hosted_zone_id for zone in given if zone.role_arn is None)),
        roles=tuple(sorted({zone.role_arn for zone in zones if zone.role_arn is not None})),
        entry_roles=tuple(sorted(_entry_roles(account))) if account else (),
        audited=audit.regions if audit else (),
        sending=sending,
        account_id=(account.status.account_id if account else None) or ANY,
    )


def _sending(account: SesAccount | None) -> Sending | None:
    """Return the emails that the account sends."""
    asked = account.spec.notifications if account else None
    return Sending(asked.from_address, (asked.region,), asked.configuration_set_name) if asked else None


def _entry_roles(account: SesAccount) -> Iterator[str]:
    """Yield the role that the first credentials assume: the first of a chain."""
    role = account.spec.credentials.assume_role
    if role is not None:
        yield role.via[0].role_arn if role.via else role.role_arn


USES: Mapping[Feature, Callable[[SesIdentitySpec], bool]] = {
    Feature.IDENTITIES: lambda _: True,
    Feature.EMAIL: lambda spec: spec.email is not None,
    Feature.VERIFICATION_TEMPLATES: lambda spec: spec.verification_template_ref is not None,
    Feature.DEED: lambda spec: spec.dkim.mode is DkimMode.DETERMINISTIC,
    Feature.SENDING_POLICIES: lambda spec: bool(spec.authorized_senders or spec.policies),
}
"""How a spec shows that a feature is used that is no setting's. Route 53 depends on the account as well."""


def features_of(identity: SesIdentity, default_provider: DnsProvider | None) -> Iterator[Feature]:
    """Yield the features of the operator that one identity uses."""
    spec = identity.spec
    yield from (feature for feature, uses in USES.items() if uses(spec))
    yield from features_of_settings(_desired(identity))
    if spec.domain is not None and spec.dns_provider(default_provider) is DnsProvider.ROUTE53:
        yield Feature.ROUTE53
        if not names_its_zone(identity):
            yield Feature.FIND_ZONES


def _desired(identity: SesIdentity) -> Desired:
    """Return what a manifest asks for. Settings depend neither on the installation nor on the account."""
    key = ObjectKey(identity.metadata.namespace, identity.metadata.name)
    # A policy for a manifest that names no region holds in all of them.
    spec = identity.spec.model_copy(update={"regions": identity.spec.regions or (ANY,)})
    return desired_identity(Installation(""), key, spec, SesAccountSpec(), scope=None)


def names_its_zone(identity: SesIdentity) -> bool:
    """Return True if the zone is given, and need not be found by its name."""
    route53 = identity.spec.dns.route53
    return route53 is not None and route53.zone_ref is not None
