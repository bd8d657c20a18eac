"""The controller of SesIdentities: what wakes one, and whether to reconcile its life or its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ses_operator.api.base.meta import IDENTITY_NAME_LABEL, IDENTITY_NAMESPACE_LABEL
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.aws.calls.budget import Priority, RequestBudget
from ses_operator.aws.calls.calls import Calls
from ses_operator.aws.listing.identity_cache import IdentityCache
from ses_operator.aws.listing.lister import Intervals
from ses_operator.aws.route53 import REQUESTS_PER_SECOND
from ses_operator.controllers.identity.claimants import Claimants
from ses_operator.controllers.identity.controller import IdentityController, IdentityParts
from ses_operator.controllers.identity.dkim_keys import DkimKeys
from ses_operator.controllers.identity.dns import DnsSide
from ses_operator.controllers.identity.dns_migration import Moves
from ses_operator.controllers.identity.facts import Facts
from ses_operator.controllers.identity.finalizer import Finalizer
from ses_operator.controllers.identity.lookups import Lookups, Resolvers
from ses_operator.controllers.identity.precedence import Precedence
from ses_operator.controllers.identity.preconditions import Preconditions
from ses_operator.controllers.identity.regions import Regions
from ses_operator.controllers.identity.resync import Resync
from ses_operator.controllers.identity.topics import TopicLooks
from ses_operator.controllers.shared.accounts import OpenAccount
from ses_operator.controllers.shared.cluster import (
    BY_ACCOUNT,
    BY_DKIM_SECRET,
    BY_DOMAIN,
    BY_NAMESPACE,
    BY_TEMPLATE,
)
from ses_operator.controllers.shared.context import ControllerContext
from ses_operator.controllers.shared.deletion_limit import DeletionLimit
from ses_operator.core.model.keys import Installation, ObjectKey, Owner
from ses_operator.core.model.problems import Problem, StatusWriteRefused, WriteRefused
from ses_operator.core.planning.handover import requested_new_owner
from ses_operator.core.status.status import waiting_status
from ses_operator.core.status.transitions import EventType, Transition
from ses_operator.dns.endpoint import DnsEndpointPublisher
from ses_operator.dns.endpoint_object import EndpointObject
from ses_operator.dns.ledger_keys import LedgerKeys, ledger_secret
from ses_operator.runtime.controller import Controller, own_kind
from ses_operator.runtime.source import Source, Watch
from ses_operator.runtime.watch.cache import CacheDelta, ObjectChange, Origin
from ses_operator.runtime.watch.reflector import Reflected
from ses_operator.runtime.workqueue import Result, Urgency, current_urgency

LOGGER = logging.getLogger(__name__)

PRIORITIES = {Urgency.URGENT: Priority.PERSON, Urgency.NORMAL: Priority.PENDING, Urgency.LOW: Priority.SWEEP}


class IdentityReconciler:
    """One key: the life of an identity, or its end."""

    def __init__(self, context: ControllerContext) -> None:
        cluster = self._cluster = context.cluster
        settings, clock = context.settings, asyncio.get_running_loop().time
        self._context = context
        self._listed: Source[ObjectKey] = Source()
        self._published: Source[Owner] = Source()
        self._identity_cache = IdentityCache(
            self._listed.emit, Intervals(idle=settings.idle_poll, pending=settings.pending_poll)
        )
        self._lookups = Lookups(Resolvers(context.telemetry.on_dns_query, clock), clock)
        self._dns = DnsSide(
            self._route53_calls(),
            self._lookups,
            lambda account: _endpoint_publisher(context, account),
            self._published.emit,
            self._ledger_keys(clock),
        )
        self._resync = Resync(
            self._identity_cache, cluster.endpoints, settings.sweep_interval, lambda: context.now().timestamp()
        )
        parts = IdentityParts(
            objects=context.objects,
            accounts=context.accounts,
            regions=Regions(Facts(clock), self._identity_cache, TopicLooks(clock)),
            dns=self._dns,
            moves=Moves(self._dns, self._lookups, context.objects.tell, context.now),
            resync=self._resync,
            deletion_limit=DeletionLimit(cluster.client, cluster.accounts, context.now),
            dkim_keys=DkimKeys(cluster.client),
        )
        self._uids: dict[ObjectKey, str] = {}
        self._installation = Installation(settings.installation_id, settings.inherited)
        preconditions = Preconditions(
            self._installation,
            context.accounts,
            context.admissions,
            parts.regions,
            parts.dns,
            parts.resync,
            parts.dkim_keys,
        )
        precedence = Precedence(
            self._installation,
            context.accounts,
            Claimants(cluster.identities, context.accounts, context.admissions),
            parts.regions,
            parts.dns,
            context.now,
        )
        self._life = IdentityController(preconditions, precedence, parts, context.now)
        self._end = Finalizer(self._installation, parts, context.now)

    def _ledger_keys(self, clock: Callable[[], float]) -> LedgerKeys:
        settings, cluster = self._context.settings, self._cluster
        secret = ledger_secret(settings.operator_namespace, settings.installation_id)
        keys = LedgerKeys(cluster.client, secret, clock)
        cluster.secrets.changes.subscribe(lambda _: keys.forget())
        return keys

    @property
    def watches(self) -> tuple[Watch[Any], ...]:
        """The changes that wake an identity: itself, its competitors, what it refers to, the lists of SES, and Route 53."""
        cluster = self._cluster
        return (
            own_kind(cluster.identities),
            Watch(cluster.identities.changes, self._competing_with),
            Watch(cluster.namespaces.changes, self._in_namespace),
            Watch(cluster.dkim_secrets.changes, lambda seen: cluster.identities.by_index(BY_DKIM_SECRET, seen.key)),
            Watch(cluster.endpoints.changes, _identity_of),
            Watch(cluster.endpoints.installations, lambda _: cluster.identities),
            Watch(self._context.accounts.changes, lambda name: cluster.identities.by_index(BY_ACCOUNT, name)),
            Watch(self._context.finished_templates, lambda key: cluster.identities.by_index(BY_TEMPLATE, key)),
            Watch(self._listed, lambda key: (key,)),
            Watch(self._published, lambda owner: (owner.key,)),
            Watch(self._lookups.finished, lambda key: (key,)),
        )

    def _competing_with(self, delta: CacheDelta) -> Iterator[ObjectKey]:
        """Yield those that wait for what an identity may have released. A list shows nothing that was released just now."""
        if delta.change is not ObjectChange.STATUS and delta.origin is Origin.WATCHED:
            for domain in delta.values(BY_DOMAIN):
                yield from (key for key in self._cluster.identities.by_index(BY_DOMAIN, domain) if key != delta.key)

    def _in_namespace(self, namespace: Reflected) -> Iterable[ObjectKey]:
        """Yield the identities in it, whose account may require labels of it, and those that they keep from their domain."""
        identities = self._cluster.identities
        for key in identities.by_index(BY_NAMESPACE, namespace.key.name):
            yield key
            if (found := identities.get(key)) is not None:
                yield from identities.by_index(BY_DOMAIN, found.spec.identity)

    async def reconcile(self, key: ObjectKey) -> Result:
        """Reconcile the life or the end of one identity."""
        identity = self._cluster.identities.get(key)
        if identity is None and (vanished := self._context.objects.vanished(key)) is not None:
            return await self._end.reconcile(vanished, Priority.PERSON)
        if identity is None:
            self._forget(key)
            return Result.done()
        if self._uids.setdefault(key, identity.metadata.uid) != identity.metadata.uid:
            self._forget(key)  # another object of the same name
            self._uids[key] = identity.metadata.uid
        try:
            return await self._reconcile(identity, PRIORITIES[current_urgency()])
        except WriteRefused as refused:
            return await self._unwritable(key, identity, refused.problem)
        except StatusWriteRefused as refused:
            # Nothing but an Event, a metric and the log is left to say it in.
            self._context.telemetry.on_write_refused("sesidentity", "status")
            said = Transition(EventType.WARNING, refused.problem.reason, refused.problem.message)
            self._context.objects.tell(identity, said)
            raise

    async def _unwritable(self, key: ObjectKey, identity: SesIdentity, problem: Problem) -> Result:
        """Report in status, a subresource with rules of its own, that the object cannot be written; it is tried again."""
        self._context.telemetry.on_write_refused("sesidentity", "metadata")
        LOGGER.warning("%s", problem.message)
        current = self._cluster.identities.get(key) or identity
        words = f"Deletion is waiting: {problem.message}" if current.metadata.is_deleting else problem.message
        said = Problem(problem.reason, words)
        try:
            await self._context.objects.report(current, waiting_status(current, said, self._context.now()))
        except StatusWriteRefused:
            self._context.telemetry.on_write_refused("sesidentity", "status")
            self._context.objects.tell(current, Transition(EventType.WARNING, said.reason, said.message))
        return Result.retry()

    async def _reconcile(self, identity: SesIdentity, priority: Priority) -> Result:
        if identity.metadata.is_deleting or requested_new_owner(identity.metadata.annotations, self._installation):
            return await self._end.reconcile(identity, priority)
        return await self._life.reconcile(identity, priority)

    async def close(self) -> None:
        """End what runs beside reconciles."""
        await self._identity_cache.close()
        await self._lookups.close()
        await self._dns.close()

    def _forget(self, key: ObjectKey) -> None:
        self._identity_cache.unwatch(key)
        self._lookups.forget(key)
        self._resync.forget(key, self._uids.pop(key, ""))

    def _route53_calls(self) -> Calls:
        measured = self._context.telemetry.aws
        budget = RequestBudget(REQUESTS_PER_SECOND, on_wait=measured.on_wait)
        return Calls(self._context.executor, budget, on_call=measured.on_call)


def register(context: ControllerContext) -> Controller:
    """Return the controller of SesIdentities."""
    reconciler, settings = IdentityReconciler(context), context.settings
    return Controller(
        "sesidentity",
        reconciler.reconcile,
        reconciler.watches,
        workers=settings.workers,
        urgent_workers=settings.urgent_workers,
        closing=(reconciler.close,),
    )


def _identity_of(endpoint: Reflected) -> tuple[ObjectKey]:
    """Return the identity whose records are in a DNSEndpoint, which has the same name, should its labels be gone."""
    labels = endpoint.object["metadata"].get("labels", {}) if endpoint.object else {}
    namespace = labels.get(IDENTITY_NAMESPACE_LABEL) or endpoint.key.namespace
    return (ObjectKey(namespace, labels.get(IDENTITY_NAME_LABEL) or endpoint.key.name),)


def _endpoint_publisher(context: ControllerContext, account: OpenAccount) -> DnsEndpointPublisher:
    cluster = context.cluster

    def read(key: ObjectKey) -> EndpointObject | None:
        raw = cluster.endpoints.get(key)
        return EndpointObject.of(raw) if raw is not None else None

    return DnsEndpointPublisher(cluster.client, account.spec.dns.txt_quoting, read, now=context.now)
