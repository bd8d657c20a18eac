"""One replica's view of Kubernetes, which all controllers use."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ses_operator.api.account.kind import SesAccount
from ses_operator.api.base.meta import IDENTITY_NAME_LABEL, WATCH_LABEL
from ses_operator.api.identity.dkim import ByodkimSpec
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import SesIdentityStatus
from ses_operator.api.template import SesVerificationTemplate
from ses_operator.controllers.shared.telemetry import BY_MARK
from ses_operator.core.metrics.identity_metrics import metric_labels
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.ses import VerificationStatus
from ses_operator.core.notifications.selection import outlook
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.events import EventRecorder
from ses_operator.runtime.kube.resources import JsonObject, Resource
from ses_operator.runtime.source import Source
from ses_operator.runtime.watch.cache import CacheDelta, ObjectChange, ObjectStore
from ses_operator.runtime.watch.coverage import Coverage
from ses_operator.runtime.watch.reflector import Reflected

BY_ACCOUNT = "account"
"""The index of identities by the name of their SesAccount."""

BY_DOMAIN = "domain"
"""The index of identities by the domain or address that they want."""

BY_TEMPLATE = "template"
"""The index of identities by the SesVerificationTemplate that they use."""

BY_SENDER = "sender"
"""The index of templates by what may be verified for their sender: the address, its domain, and those above that."""

BY_NAMESPACE = "namespace"
"""The index of identities by the namespace that they are in."""

BY_SECRET = "secret"  # noqa: S105 - the name of an index
"""The index of accounts by the name of the Secret with their credentials."""

BY_OUTLOOK = "outlook"
"""The index of identities by what there may be to report of them by email."""

BY_DKIM_SECRET = "dkim-secret"  # noqa: S105 - the name of an index
"""The index of identities by the Secret with their DKIM key."""

SECRET_SELECTOR = f"{WATCH_LABEL}=true"
"""Secrets with this label are watched: a change of theirs is noticed at once, rather than at the next attempt."""

ENDPOINT_SELECTOR = IDENTITY_NAME_LABEL
"""The label of the operator's DNSEndpoints."""


def secret_key(identity: SesIdentity, byodkim: ByodkimSpec) -> ObjectKey:
    """Return the key of the Secret that the spec names."""
    return ObjectKey(identity.metadata.namespace, byodkim.private_key_secret_ref.name)


def template_of(identity: SesIdentity) -> ObjectKey | None:
    """Return the SesVerificationTemplate for the emails to an address, if the identity names one."""
    named = identity.spec.verification_template_ref
    return ObjectKey(identity.metadata.namespace, named.name) if named else None


def senders(address: str) -> list[str]:
    """Return the identities by any of which SES lets the address send.

    Source: Developer Guide, "Creating and verifying identities".
    """
    labels = address.rpartition("@")[2].lower().split(".")
    return [address, *(".".join(labels[count:]) for count in range(len(labels)))]


IDENTITY_INDEXES: Mapping[str, Callable[[SesIdentity], Iterable[Hashable]]] = {
    BY_ACCOUNT: lambda identity: [identity.spec.account_ref.name],
    BY_DOMAIN: lambda identity: [identity.spec.identity],
    BY_MARK: metric_labels,
    BY_OUTLOOK: outlook,
    BY_TEMPLATE: lambda identity: [used] if (used := template_of(identity)) else [],
    BY_NAMESPACE: lambda identity: [identity.metadata.namespace],
    BY_DKIM_SECRET: lambda identity: [secret_key(identity, own)] if (own := identity.spec.dkim.byodkim) else [],
}

TEMPLATE_INDEXES: Mapping[str, Callable[[SesVerificationTemplate], Iterable[Hashable]]] = {
    BY_ACCOUNT: lambda template: [template.spec.account_ref.name],
    BY_NAMESPACE: lambda template: [template.metadata.namespace],
    BY_SENDER: lambda template: senders(template.spec.from_email_address),
}

ACCOUNT_INDEXES: Mapping[str, Callable[[SesAccount], Iterable[Hashable]]] = {
    BY_SECRET: lambda account: [ref.name] if (ref := account.spec.credentials.secret_ref) else [],
}


def verified_regions(status: SesIdentityStatus) -> set[str]:
    """Return the regions in which the identity is verified."""
    return {each.region for each in status.regions if each.verification_status == VerificationStatus.SUCCESS}


def account_named(name: str) -> tuple[ObjectKey]:
    """Return the key of a SesAccount, for a watch."""
    return (ObjectKey("", name),)


def accounts_named_by(delta: CacheDelta) -> Iterator[ObjectKey]:
    """Yield the SesAccounts that an identity or a template names, and named before; none when it is about status alone."""
    if delta.change is not ObjectChange.STATUS:
        yield from (ObjectKey("", str(name)) for name in delta.values(BY_ACCOUNT))


class NamespaceReader(Protocol):
    """Namespaces, as last seen."""

    def get(self, key: ObjectKey) -> JsonObject | None:
        """Return the namespace of this name, None if there is none, or it may not be seen."""
        ...


class EndpointReader(Protocol):
    """The operator's DNSEndpoints, as last seen."""

    def get(self, key: ObjectKey) -> JsonObject | None:
        """Return the object, None if there is none."""
        ...

    @property
    def installed(self) -> bool:
        """True if the kind is installed."""
        ...


class Watched(Protocol):
    """Objects that are watched."""

    @property
    def changes(self) -> Source[Reflected]:
        """The source of objects that are added, changed and removed."""
        ...


class WatchedNamespaces(NamespaceReader, Watched, Protocol):
    """Namespaces, as last seen, and their changes."""


class WatchedEndpoints(EndpointReader, Watched, Protocol):
    """The operator's DNSEndpoints, as last seen, and their changes."""

    @property
    def installations(self) -> Source[Resource]:
        """The source that emits the kind when it is installed."""
        ...


@dataclass(frozen=True, slots=True)
class Cluster:
    """One replica's view of the cluster. ``client.gate`` is to be called before each external write, from any thread.

    ``secrets`` are those with credentials, ``dkim_secrets`` those with DKIM keys. ``coverage`` says where there may be objects
    that no store has.
    """

    client: KubeClient
    events: EventRecorder
    identities: ObjectStore[SesIdentity]
    accounts: ObjectStore[SesAccount]
    templates: ObjectStore[SesVerificationTemplate]
    endpoints: WatchedEndpoints
    namespaces: WatchedNamespaces
    secrets: Watched
    dkim_secrets: Watched
    coverage: Coverage = field(default_factory=lambda: Coverage(()))
