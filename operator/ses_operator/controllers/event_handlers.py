"""What wakes whom: a change that a watch shows, or a write of ours, only puts keys on queues. What it means is found out by the
reconcile.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from ses_operator.api.account.kind import SesAccount
from ses_operator.api.base.meta import IDENTITY_NAME_LABEL, IDENTITY_NAMESPACE_LABEL
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import SesIdentityStatus
from ses_operator.api.template import SesVerificationTemplate
from ses_operator.controllers.shared.cluster import (
    BY_ACCOUNT,
    BY_DKIM_SECRET,
    BY_DOMAIN,
    BY_NAMESPACE,
    BY_SECRET,
    BY_SENDER,
    BY_TEMPLATE,
)
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.ses import VerificationStatus
from ses_operator.runtime.kube.resources import JsonObject
from ses_operator.runtime.watch.cache import CacheDelta, ObjectChange, ObjectStore
from ses_operator.runtime.watch.informers import Origin
from ses_operator.runtime.workqueue import Urgency, WorkQueue


@dataclass(frozen=True, slots=True)
class EventHandlers:
    """Who is looked at again when something changes."""

    identities: ObjectStore[SesIdentity]
    accounts: ObjectStore[SesAccount]
    templates: ObjectStore[SesVerificationTemplate]
    identity_queue: WorkQueue[ObjectKey]
    account_queue: WorkQueue[ObjectKey]
    template_queue: WorkQueue[ObjectKey]
    notification_queue: WorkQueue[ObjectKey]

    def on_identity(self, sighting: CacheDelta, origin: Origin) -> None:
        """The identity itself; its account, which counts its users; the template that it uses, or has used until now; those that
        wait for what it may have let go."""
        self.identity_queue.add(sighting.key, _urgency(sighting, origin))
        if sighting.change is ObjectChange.STATUS:
            return
        for index, value in sighting.entries:
            if index == BY_ACCOUNT:
                self.account_queue.add(ObjectKey("", str(value)))
            elif index == BY_TEMPLATE and isinstance(value, ObjectKey):
                self.template_queue.add(value)
            elif index == BY_DOMAIN and origin is Origin.WATCHED:
                self._add_rivals(sighting.key, value)

    def on_status(self, before: SesIdentity, status: SesIdentityStatus) -> None:
        """What a status of ours tells: the templates whose sender has just been verified in a region; the emails of the account,
        where it has any sent."""
        account = ObjectKey("", before.spec.account_ref.name)
        if (found := self.accounts.get(account)) is not None and found.spec.notifications is not None:
            self.notification_queue.add(account)
        if _verified(status) - _verified(before.status):
            for template in self.templates.by_index(BY_SENDER, before.spec.identity):
                self.template_queue.add(template)

    def on_template(self, sighting: CacheDelta, origin: Origin) -> None:
        """The template, and its account, which stays while it is used."""
        self.template_queue.add(sighting.key, _urgency(sighting, origin))
        if sighting.change is ObjectChange.STATUS:
            return
        for index, value in sighting.entries:
            if index == BY_ACCOUNT:
                self.account_queue.add(ObjectKey("", str(value)))

    def on_account(self, sighting: CacheDelta, origin: Origin) -> None:
        """The account. Its identities are woken by its controller, once it knows what became of it."""
        self.account_queue.add(sighting.key, _urgency(sighting, origin))
        self.notification_queue.add(sighting.key)

    def on_secret(self, key: ObjectKey, _version: object) -> None:
        """The accounts whose credentials are in it."""
        for account in self.accounts.by_index(BY_SECRET, key.name):
            self.account_queue.add(account, Urgency.URGENT)

    def on_namespace(self, key: ObjectKey, _namespace: JsonObject | None) -> None:
        """The identities and templates in it, whose account may ask for its labels, and those whom they kept from their
        domain."""
        for template in self.templates.by_index(BY_NAMESPACE, key.name):
            self.template_queue.add(template)
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


def _urgency(sighting: CacheDelta, origin: Origin) -> Urgency:
    if origin is Origin.LISTED or sighting.change is ObjectChange.STATUS:
        return Urgency.NORMAL
    return Urgency.URGENT


def _verified(status: SesIdentityStatus) -> set[str]:
    return {each.region for each in status.regions if each.verification_status == VerificationStatus.SUCCESS}
