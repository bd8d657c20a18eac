"""What a replica has of Kubernetes, and what wakes whom: the ground that the controllers stand on.

A change seen by a watch only puts keys on queues; what it means is found out by the reconcile.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ses_operator.api.account import SesAccount
from ses_operator.api.identity import SesIdentity
from ses_operator.api.meta import IDENTITY_NAME_LABEL, IDENTITY_NAMESPACE_LABEL, WATCH_LABEL
from ses_operator.api.template import SesVerificationTemplate
from ses_operator.controllers.dkim_keys import secret_key
from ses_operator.controllers.queue import Result, Urgency, WorkQueue
from ses_operator.controllers.telemetry import BY_MARK, Telemetry
from ses_operator.core.census import marks
from ses_operator.core.keys import ObjectKey
from ses_operator.kube.client import KubeClient, WriteGate
from ses_operator.kube.events import EventRecorder
from ses_operator.kube.informers import Origin
from ses_operator.kube.resources import JsonObject
from ses_operator.kube.store import Change, ObjectStore, Sighting
from ses_operator.settings import Settings

BY_ACCOUNT = "account"
"""The index of identities by the name of their SesAccount."""

BY_DOMAIN = "domain"
"""The index of identities by what they ask for."""

BY_TEMPLATE = "template"
"""The index of identities by the SesVerificationTemplate that they use."""

BY_NAMESPACE = "namespace"
"""The index of identities by the namespace that they are in."""

BY_SECRET = "secret"  # noqa: S105 - the name of an index
"""The index of accounts by the name of the Secret with their credentials."""

BY_DKIM_SECRET = "dkim-secret"  # noqa: S105 - the name of an index
"""The index of identities by the Secret with their DKIM key."""

SECRET_SELECTOR = f"{WATCH_LABEL}=true"
"""Secrets with this label are watched: a change of theirs is noticed at once, rather than at the next try."""

ENDPOINT_SELECTOR = IDENTITY_NAME_LABEL
"""DNSEndpoints of ours carry this label."""


def template_of(identity: SesIdentity) -> ObjectKey | None:
    """The SesVerificationTemplate that makes the emails to an address, where it names one."""
    named = identity.spec.verification_template_ref
    return ObjectKey(identity.metadata.namespace, named.name) if named else None


IDENTITY_INDEXES: Mapping[str, Callable[[SesIdentity], Iterable[Hashable]]] = {
    BY_ACCOUNT: lambda identity: [identity.spec.account_ref.name],
    BY_DOMAIN: lambda identity: [identity.spec.identity],
    BY_MARK: marks,
    BY_TEMPLATE: lambda identity: [used] if (used := template_of(identity)) else [],
    BY_NAMESPACE: lambda identity: [identity.metadata.namespace],
    BY_DKIM_SECRET: lambda identity: [secret_key(identity, own)] if (own := identity.spec.dkim.byodkim) else [],
}

TEMPLATE_INDEXES: Mapping[str, Callable[[SesVerificationTemplate], Iterable[Hashable]]] = {
    BY_ACCOUNT: lambda template: [template.spec.account_ref.name],
    BY_NAMESPACE: lambda template: [template.metadata.namespace],
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


@dataclass(frozen=True, slots=True)
class Cluster:
    """One replica's view of the cluster. ``gate`` is to be asked before each external write, from any thread."""

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
    telemetry: Telemetry = field(default_factory=Telemetry)


@dataclass(frozen=True, slots=True)
class TemplateWakeups:
    """The same about verification templates."""

    templates: ObjectStore[SesVerificationTemplate]
    template_queue: WorkQueue[ObjectKey]
    account_queue: WorkQueue[ObjectKey]

    def on_template(self, sighting: Sighting, origin: Origin) -> None:
        """The template, and its account, which stays while it is used."""
        self.template_queue.add(sighting.key, _urgency(sighting, origin))
        if sighting.change is Change.STATUS:
            return
        for index, value in sighting.entries:
            if index == BY_ACCOUNT:
                self.account_queue.add(ObjectKey("", str(value)))

    def on_identity(self, sighting: Sighting) -> None:
        """The template that an identity uses, or has used until now: its deletion may wait for that."""
        for index, value in sighting.entries:
            if index == BY_TEMPLATE and isinstance(value, ObjectKey) and sighting.change is not Change.STATUS:
                self.template_queue.add(value)

    def on_namespace(self, key: ObjectKey, _namespace: JsonObject | None) -> None:
        """The templates in it, whose account may ask for its labels."""
        for template in self.templates.by_index(BY_NAMESPACE, key.name):
            self.template_queue.add(template)


@dataclass(frozen=True, slots=True)
class Wakeups:
    """Who is looked at again when something changes."""

    identities: ObjectStore[SesIdentity]
    accounts: ObjectStore[SesAccount]
    identity_queue: WorkQueue[ObjectKey]
    account_queue: WorkQueue[ObjectKey]

    def on_identity(self, sighting: Sighting, origin: Origin) -> None:
        """The identity itself; its account, which counts its users; those that wait for what it may have let go."""
        self.identity_queue.add(sighting.key, _urgency(sighting, origin))
        if sighting.change is Change.STATUS:
            return
        for index, value in sighting.entries:
            if index == BY_ACCOUNT:
                self.account_queue.add(ObjectKey("", str(value)))
            elif index == BY_DOMAIN and origin is Origin.WATCHED:
                self._add_rivals(sighting.key, value)

    def on_account(self, sighting: Sighting, origin: Origin) -> None:
        """The account. Its identities are woken by its controller, once it knows what became of it."""
        self.account_queue.add(sighting.key, _urgency(sighting, origin))

    def on_secret(self, key: ObjectKey, _version: object) -> None:
        """The accounts whose credentials are in it."""
        for account in self.accounts.by_index(BY_SECRET, key.name):
            self.account_queue.add(account, Urgency.URGENT)

    def on_namespace(self, key: ObjectKey, _namespace: JsonObject | None) -> None:
        """The identities in it, whose account may ask for its labels, and those whom they kept from their domain."""
        for identity in self.identities.by_index(BY_NAMESPACE, key.name):
            self.identity_queue.add(identity)
            if (found := self.identities.get(identity)) is not None:
                self._add_rivals(identity, found.spec.identity)

    def on_dkim_secret(self, key: ObjectKey, _version: object) -> None:
        """The identities whose DKIM key is in it."""
        for identity in self.identities.by_index(BY_DKIM_SECRET, key):
            self.identity_queue.add(identity)

    def on_endpoint(self, key: ObjectKey, endpoint: JsonObject | None) -> None:
        """The identity whose records are in it; a DNSEndpoint is called like its identity, should its labels be
        gone.
        """
        labels = endpoint["metadata"].get("labels", {}) if endpoint else {}
        namespace = labels.get(IDENTITY_NAMESPACE_LABEL) or key.namespace
        self.identity_queue.add(ObjectKey(namespace, labels.get(IDENTITY_NAME_LABEL) or key.name))

    def on_endpoints_installed(self) -> None:
        """Everybody who may have waited for the kind."""
        for key in self.identities:
            self.identity_queue.add(key)

    def _add_rivals(self, key: ObjectKey, domain: Hashable) -> None:
        for rival in self.identities.by_index(BY_DOMAIN, domain):
            if rival != key:
                self.identity_queue.add(rival)


def _urgency(sighting: Sighting, origin: Origin) -> Urgency:
    if origin is Origin.LISTED or sighting.change is Change.STATUS:
        return Urgency.NORMAL
    return Urgency.URGENT
