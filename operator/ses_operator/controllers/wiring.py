"""Puts the controllers of one replica together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import SesIdentityStatus
from ses_operator.aws.calls.budget import Priority, RequestBudget
from ses_operator.aws.calls.calls import Calls
from ses_operator.aws.calls.executor import Executor
from ses_operator.aws.listing.identity_cache import IdentityCache
from ses_operator.aws.listing.lister import Intervals
from ses_operator.aws.route53 import REQUESTS_PER_SECOND
from ses_operator.aws.sessions import Sessions
from ses_operator.controllers.account.audits import Audits
from ses_operator.controllers.account.controller import AccountController
from ses_operator.controllers.account.mail_figures import MailFigures
from ses_operator.controllers.account.tokens import ServiceAccountTokens
from ses_operator.controllers.event_handlers import EventHandlers
from ses_operator.controllers.identity.claimants import Claimants
from ses_operator.controllers.identity.controller import IdentityController, IdentityParts
from ses_operator.controllers.identity.dkim_keys import DkimKeys
from ses_operator.controllers.identity.dns import DnsSide
from ses_operator.controllers.identity.dns_migration import Moves
from ses_operator.controllers.identity.facts import Facts
from ses_operator.controllers.identity.finalizer import Finalizer
from ses_operator.controllers.identity.lookups import Lookups
from ses_operator.controllers.identity.regions import Regions
from ses_operator.controllers.identity.resync import Resync
from ses_operator.controllers.notification.controller import NotificationController, moments_of
from ses_operator.controllers.shared.accounts import Accounts, OpenAccount
from ses_operator.controllers.shared.admissions import Admissions
from ses_operator.controllers.shared.cluster import Cluster
from ses_operator.controllers.shared.deletion_limit import DeletionLimit
from ses_operator.controllers.shared.identity_objects import IdentityObjects
from ses_operator.controllers.template.controller import TemplateController
from ses_operator.core.model.keys import Installation, ObjectKey
from ses_operator.core.planning.handover import requested_new_owner
from ses_operator.core.state.answers import Outcome
from ses_operator.dns.endpoint import DnsEndpointPublisher
from ses_operator.dns.endpoint_object import EndpointObject
from ses_operator.dns.nameservers import NameServers
from ses_operator.dns.resolver import Resolver
from ses_operator.instruments import Gauges
from ses_operator.runtime.watch.cache import CacheDelta
from ses_operator.runtime.watch.informers import Origin
from ses_operator.runtime.workqueue import Result, Urgency

PRIORITIES = {Urgency.URGENT: Priority.PERSON, Urgency.NORMAL: Priority.PENDING, Urgency.LOW: Priority.SWEEP}


class Resolvers:
    """One resolver for each set of name servers, so that zones are found once."""

    def __init__(self, on_query: Callable[[Outcome], None], clock: Callable[[], float]) -> None:
        self._on_query = on_query
        self._clock = clock
        self._resolvers: dict[tuple[str, ...], Resolver] = {}

    def __call__(self, nameservers: Sequence[str]) -> Resolver:
        key = tuple(nameservers)
        if key not in self._resolvers:
            self._resolvers[key] = Resolver(NameServers(key, monotonic=self._clock, on_query=self._on_query))
        return self._resolvers[key]


class IdentityReconciler:
    """One key: the life of an identity, or its end."""

    def __init__(self, cluster: Cluster, parts: IdentityParts) -> None:
        self._cluster = cluster
        self._parts = parts
        self._uids: dict[ObjectKey, str] = {}
        self._installation = Installation(cluster.settings.installation_id, cluster.settings.inherited)
        self._life = IdentityController(self._installation, parts, cluster.now)
        self._end = Finalizer(self._installation, parts, cluster.now)

    async def reconcile(self, key: ObjectKey) -> Result:
        identity = self._cluster.identities.get(key)
        if identity is None and (vanished := self._parts.objects.vanished(key)) is not None:
            return await self._end.reconcile(vanished, Priority.PERSON)
        if identity is None:
            self._forget(key)
            return Result.done()
        if self._uids.setdefault(key, identity.metadata.uid) != identity.metadata.uid:
            self._forget(key)  # another object of the same name
            self._uids[key] = identity.metadata.uid
        priority = PRIORITIES[self._cluster.identity_queue.urgency_of(key)]
        if identity.metadata.is_deleting or requested_new_owner(identity.metadata.annotations, self._installation):
            return await self._end.reconcile(identity, priority)
        return await self._life.reconcile(identity, priority)

    def _forget(self, key: ObjectKey) -> None:
        self._parts.identity_cache.unwatch(key)
        self._parts.lookups.forget(key)
        self._parts.resync.forget(key, self._uids.pop(key, ""))


class Controllers:
    """The controllers, and what they share."""

    def __init__(self, cluster: Cluster) -> None:
        settings, measured, now = cluster.settings, cluster.telemetry, cluster.now
        clock = asyncio.get_running_loop().time
        self._executor = Executor(cluster.gate, settings.aws_connections)
        calls = Calls(
            self._executor,
            RequestBudget(REQUESTS_PER_SECOND, on_wait=measured.aws.on_wait),
            on_call=measured.aws.on_call,
        )
        tokens = ServiceAccountTokens(cluster.client, settings.operator_namespace, asyncio.get_running_loop())
        self._sessions = Sessions(
            self._executor,
            RequestBudget(on_wait=measured.aws.on_wait),
            lambda name: cluster.account_queue.add(ObjectKey("", name)),
            measured.aws.on_call,
            lambda identity: tokens.token(identity.service_account, identity.audience),
        )
        self._identity_cache = IdentityCache(
            cluster.identity_queue.add, Intervals(idle=settings.idle_poll, pending=settings.pending_poll)
        )
        self._dns = DnsSide(
            calls,
            lambda account: _endpoint_publisher(cluster, account),
            lambda owner: cluster.identity_queue.add(owner.key),
        )
        accounts, admissions = (
            Accounts(cluster.accounts, settings.installation_id),
            Admissions(cluster.accounts, cluster.namespaces),
        )
        event_handlers = EventHandlers(
            cluster.identities,
            cluster.accounts,
            cluster.templates,
            cluster.identity_queue,
            cluster.account_queue,
            cluster.template_queue,
            cluster.notification_queue,
        )

        def on_identity(sighting: CacheDelta) -> None:
            event_handlers.on_identity(sighting, Origin.WATCHED)

        def on_account(sighting: CacheDelta) -> None:
            event_handlers.on_account(sighting, Origin.WATCHED)

        def on_status(before: SesIdentity, status: SesIdentityStatus) -> None:
            measured.on_status(before, status)
            event_handlers.on_status(before, status)

        objects = IdentityObjects(
            cluster.client, cluster.identities, cluster.events, on_identity, on_status, moments_of(cluster.accounts)
        )
        lookups = Lookups(Resolvers(measured.on_dns_query, clock), clock)
        parts = IdentityParts(
            objects=objects,
            accounts=accounts,
            admissions=admissions,
            claimants=Claimants(cluster.identities, accounts, admissions),
            identity_cache=self._identity_cache,
            regions=Regions(Facts(clock), self._identity_cache),
            dns=self._dns,
            moves=Moves(self._dns, lookups, objects.tell, now),
            lookups=lookups,
            resync=Resync(self._identity_cache, cluster.endpoints, settings.sweep_interval, lambda: now().timestamp()),
            brake=DeletionLimit(cluster.client, cluster.accounts, now),
            dkim_keys=DkimKeys(cluster.client),
        )
        self.identity = IdentityReconciler(cluster, parts)
        self.template = TemplateController(cluster, accounts, admissions, now)
        self.notification = NotificationController(cluster, accounts, objects, now)
        self._audits = Audits(cluster, now)
        self.account = AccountController(
            cluster, self._sessions, accounts, self._audits, on_account, now, self.notification.status_of
        )
        self._mail = MailFigures(cluster.identities, accounts, settings.mail_figures_interval, now)
        if settings.mail_figures_interval:
            measured.registry.register(Gauges(self._mail.samples))
            self._mail.start()

    async def close(self) -> None:
        """No reconcile runs any more: stop what goes on in the background."""
        await self._mail.close()
        await self._audits.close()
        await self._identity_cache.close()
        await self._dns.close()
        self._sessions.close()
        await asyncio.to_thread(self._executor.close)  # it waits for calls on their way


def build_controllers(cluster: Cluster) -> Controllers:
    """The controllers of a replica that has just become the active one."""
    return Controllers(cluster)


def _endpoint_publisher(cluster: Cluster, account: OpenAccount) -> DnsEndpointPublisher:
    def read(key: ObjectKey) -> EndpointObject | None:
        raw = cluster.endpoints.get(key)
        return EndpointObject.of(raw) if raw is not None else None

    return DnsEndpointPublisher(cluster.client, account.spec.dns.txt_quoting, read, now=cluster.now)
