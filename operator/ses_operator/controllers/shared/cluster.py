"""What a replica has of Kubernetes: the ground that the controllers stand on."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from ses_operator.api.account.kind import SesAccount
from ses_operator.api.base.meta import IDENTITY_NAME_LABEL, WATCH_LABEL
from ses_operator.api.identity.dkim import ByodkimSpec
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.template import SesVerificationTemplate
from ses_operator.controllers.shared.telemetry import BY_MARK, Telemetry
from ses_operator.core.metrics.identity_metrics import metric_labels
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.notifications.selection import outlook
from ses_operator.runtime.kube.client import KubeClient, WriteGate
from ses_operator.runtime.kube.events import EventRecorder
from ses_operator.runtime.kube.resources import JsonObject
from ses_operator.runtime.watch.cache import ObjectStore
from ses_operator.runtime.workqueue import Result, WorkQueue
from ses_operator.settings import Settings

BY_ACCOUNT = "account"
"""The index of identities by the name of their SesAccount."""

BY_DOMAIN = "domain"
"""The index of identities by what they ask for."""

BY_TEMPLATE = "template"
"""The index of identities by the SesVerificationTemplate that they use."""

BY_SENDER = "sender"
"""The index of templates by what may be verified for their sender: the address, its domain, and those above that."""

BY_NAMESPACE = "namespace"
"""The index of identities by the namespace that they are in."""

BY_SECRET = "secret"  # noqa: S105 - the name of an index
"""The index of accounts by the name of the Secret with their credentials."""

BY_OUTLOOK = "outlook"
"""The index of identities by what there may be to tell of them by email."""

BY_DKIM_SECRET = "dkim-secret"  # noqa: S105 - the name of an index
"""The index of identities by the Secret with their DKIM key."""

SECRET_SELECTOR = f"{WATCH_LABEL}=true"
"""Secrets with this label are watched: a change of theirs is noticed at once, rather than at the next try."""

ENDPOINT_SELECTOR = IDENTITY_NAME_LABEL
"""DNSEndpoints of ours carry this label."""


def secret_key(identity: SesIdentity, byodkim: ByodkimSpec) -> ObjectKey:
    """The Secret that the spec names."""
    return ObjectKey(identity.metadata.namespace, byodkim.private_key_secret_ref.name)


def template_of(identity: SesIdentity) -> ObjectKey | None:
    """The SesVerificationTemplate that makes the emails to an address, where it names one."""
    named = identity.spec.verification_template_ref
    return ObjectKey(identity.metadata.namespace, named.name) if named else None


def senders(address: str) -> list[str]:
    """The identities by any of which SES lets the address send (Developer Guide, "Creating and verifying identities")."""
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


class Reconciler(Protocol):
    """A controller: moves what is observed towards what is wanted, for one object."""

    async def reconcile(self, key: ObjectKey) -> Result:
        """Look at the object and do what is to be done now. May raise any ``OperatorError``."""
        ...


class EndpointReader(Protocol):
    """DNSEndpoints of ours, as last seen."""

    def get(self, key: ObjectKey) -> JsonObject | None:
        """The object, None if there is none."""
        ...

    @property
    def installed(self) -> bool:
        """Whether the kind is installed."""
        ...


class NamespaceReader(Protocol):
    """Namespaces, as last seen."""

    def get(self, key: ObjectKey) -> JsonObject | None:
        """The namespace of this name, None if there is none, or it may not be seen."""
        ...


def time_of_day() -> datetime:
    """Return the time as status tells it."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Cluster:
    """One replica's view of the cluster. ``gate`` is to be asked before each external write, from any thread.

    ``now`` is the time of day; what is measured in seconds is measured by the clock of the running event loop.
    """

    settings: Settings
    client: KubeClient
    gate: WriteGate
    identities: ObjectStore[SesIdentity]
    accounts: ObjectStore[SesAccount]
    endpoints: EndpointReader
    namespaces: NamespaceReader
    events: EventRecorder
    identity_queue: WorkQueue[ObjectKey]
    account_queue: WorkQueue[ObjectKey]
    templates: ObjectStore[SesVerificationTemplate]
    template_queue: WorkQueue[ObjectKey]
    notification_queue: WorkQueue[ObjectKey]
    telemetry: Telemetry = field(default_factory=Telemetry)
    now: Callable[[], datetime] = time_of_day
