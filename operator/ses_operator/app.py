"""One replica of the operator, put together: Kopf's watches, the queues, the Lease, the controllers.

It watches from the start, so that a standby is warm; it reconciles while it holds the Lease. When it is told to stop it
takes no more keys, lets running reconciles end, gives the Lease up and ends with 0. When it loses the Lease, it ends at
once: another replica will act, and nothing here may.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NoReturn, Protocol

from kubernetes.aio.client.configuration import Configuration

from ses_operator.api.account.kind import SesAccount
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.template import SesVerificationTemplate
from ses_operator.controllers.event_handlers import EventHandlers
from ses_operator.controllers.shared.cluster import (
    ACCOUNT_INDEXES,
    ENDPOINT_SELECTOR,
    IDENTITY_INDEXES,
    SECRET_SELECTOR,
    TEMPLATE_INDEXES,
    Cluster,
    Reconciler,
)
from ses_operator.controllers.shared.installed_kinds import obstacle
from ses_operator.controllers.shared.resources import ACCOUNTS, IDENTITIES, TEMPLATES
from ses_operator.controllers.shared.telemetry import DETAILS, IdentityMetrics, Telemetry
from ses_operator.core.model.keys import ObjectKey
from ses_operator.dns.endpoint_object import DNS_ENDPOINTS
from ses_operator.runtime.kube.client import KubeClient, load_configuration
from ses_operator.runtime.kube.events import EventRecorder
from ses_operator.runtime.kube.resources import NAMESPACES, SECRETS
from ses_operator.runtime.lease.election import Elector
from ses_operator.runtime.lease.lease_object import LeaseObject, lease_key, new_identity
from ses_operator.runtime.probes import serving
from ses_operator.runtime.watch.cache import ObjectStore
from ses_operator.runtime.watch.informers import Informer, Informers
from ses_operator.runtime.watch.reflector import Reflectors
from ses_operator.runtime.workqueue import WorkQueue
from ses_operator.settings import Settings

logger = logging.getLogger(__name__)

EXIT_STOPPED = 0
EXIT_FAILED = 1
EXIT_LEASE_LOST = 2

ACCOUNT_WORKERS = 4
TEMPLATE_WORKERS = 2
NOTIFICATION_WORKERS = 2
EVENTS_GRACE = 2.0


class Controllers(Protocol):
    """The controllers of a cluster."""

    @property
    def identity(self) -> Reconciler:
        """For SesIdentities."""
        ...

    @property
    def template(self) -> Reconciler:
        """For SesVerificationTemplates."""
        ...

    @property
    def account(self) -> Reconciler:
        """For SesAccounts."""
        ...

    @property
    def notification(self) -> Reconciler:
        """For the emails of SesAccounts."""
        ...

    async def close(self) -> None:
        """Let go of what they hold; no reconcile runs any more."""
        ...


BuildControllers = Callable[[Cluster], Controllers]


async def run(settings: Settings, build: BuildControllers) -> int:
    """Run until SIGTERM or SIGINT; the exit code. The loss of the Lease ends the process from within."""
    stopped = asyncio.Event()
    _on_signals(stopped)
    replica = Replica(settings, await load_configuration(settings.kubeconfig), build)
    probes = serving(
        settings.bind_address,
        settings.metrics_port,
        settings.probe_port,
        is_ready=lambda: replica.is_ready,
        registry=replica.telemetry.registry,
    )
    async with probes:
        return await replica.run(stopped)


class Replica:
    """The parts of one replica, and the order in which they start and stop."""

    def __init__(self, settings: Settings, configuration: Configuration, build: BuildControllers) -> None:
        self._settings = settings
        self.telemetry = Telemetry()
        timing = settings.lease_timing
        # The Lease has connections of its own: it must be renewed while all others are busy.
        self._lease_client = KubeClient(configuration)
        key = lease_key(settings.operator_namespace, settings.installation_id)
        lease = LeaseObject(self._lease_client, key, request_timeout=timing.request_timeout)
        self._elector = Elector(lease, new_identity(), timing)
        self.telemetry.watch_lease(key.name, lambda: self._elector.may_write)
        self._client = KubeClient(configuration, gate=self._elector.check)
        self._events = EventRecorder(self._client, clock=time.monotonic, instance=self._elector.identity)
        self._identities = ObjectStore(SesIdentity.model_validate, IDENTITY_INDEXES, on_unreadable=_unreadable)
        self._accounts = ObjectStore(SesAccount.model_validate, ACCOUNT_INDEXES, on_unreadable=_unreadable)
        self._templates = ObjectStore(
            SesVerificationTemplate.model_validate, TEMPLATE_INDEXES, on_unreadable=_unreadable
        )
        self._template_queue: WorkQueue[ObjectKey] = WorkQueue("sesverificationtemplate", self.telemetry.queues)
        self._notification_queue: WorkQueue[ObjectKey] = WorkQueue("notification", self.telemetry.queues)
        self._identity_queue: WorkQueue[ObjectKey] = WorkQueue("sesidentity", self.telemetry.queues)
        self._account_queue: WorkQueue[ObjectKey] = WorkQueue("sesaccount", self.telemetry.queues)
        self.telemetry.registry.register(
            IdentityMetrics(
                self._identities,
                self._accounts,
                is_leading=lambda: self._elector.may_write,
                details=DETAILS[settings.metrics_detail],
                now=lambda: datetime.now(UTC),
            )
        )
        event_handlers = EventHandlers(
            self._identities,
            self._accounts,
            self._templates,
            self._identity_queue,
            self._account_queue,
            self._template_queue,
            self._notification_queue,
        )
        self._informers = Informers(
            self._client,
            configuration,
            (
                Informer(ACCOUNTS, self._accounts, event_handlers.on_account),
                Informer(IDENTITIES, self._identities, event_handlers.on_identity),
                Informer(TEMPLATES, self._templates, event_handlers.on_template),
            ),
            settings.namespaces,
            obstacle,
        )
        self._secrets = Reflectors(self._client, SECRETS, (settings.operator_namespace,), SECRET_SELECTOR)
        self._dkim_secrets = Reflectors(self._client, SECRETS, settings.namespaces, SECRET_SELECTOR)
        self._endpoints = Reflectors(self._client, DNS_ENDPOINTS, settings.namespaces, ENDPOINT_SELECTOR)
        self._namespaces = Reflectors.by_name(self._client, NAMESPACES, settings.namespaces)
        self._namespaces.subscribe(event_handlers.on_namespace)
        self._secrets.subscribe(event_handlers.on_secret)
        self._dkim_secrets.subscribe(event_handlers.on_dkim_secret)
        self._endpoints.subscribe(event_handlers.on_endpoint, on_installed=event_handlers.on_endpoints_installed)
        self._build = build
        self._controllers: Controllers | None = None
        self._may_hand_over = True

    @property
    def is_ready(self) -> bool:
        """Whether the caches are synced, in the leader as in a standby."""
        return self._informers.is_synced

    async def run(self, stopped: asyncio.Event) -> int:
        """Run until ``stopped``, or until a part fails; the exit code."""
        stop = asyncio.create_task(stopped.wait(), name="stop")
        lead = asyncio.create_task(self._lead(), name="lease")
        parts = [
            asyncio.create_task(self._events.run(), name="events"),
            asyncio.create_task(self._secrets.run(), name="secrets"),
            asyncio.create_task(self._dkim_secrets.run(), name="dkim secrets"),
            asyncio.create_task(self._endpoints.run(), name="dnsendpoints"),
            asyncio.create_task(self._namespaces.run(), name="namespaces"),
        ]
        # Kopf last: when it ends, it cancels every task that is younger than itself.
        watches = asyncio.create_task(self._informers.run(lambda: _on_signals(stopped)), name="watches")
        done, _ = await asyncio.wait([stop, lead, *parts, watches], return_when=asyncio.FIRST_COMPLETED)
        failed = done - {stop}
        for task in failed:
            logger.critical("%s failed", task.get_name(), exc_info=task.exception())
        await self._drain()
        await _cancel([stop, lead, *parts])
        await self._hand_over()
        self._informers.stop()
        await asyncio.wait([watches])
        await self._client.close()
        await self._lease_client.close()
        return EXIT_FAILED if failed else EXIT_STOPPED

    async def _lead(self) -> None:
        """Reconcile while the Lease is ours, from the moment on at which the caches are complete."""
        await self._informers.synced()
        await self._secrets.synced()
        await self._dkim_secrets.synced()
        await self._endpoints.synced()
        await self._namespaces.synced()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._informers.compare(), name="compare")
            await self._elector.acquire()
            self._start_controllers()
            await self._elector.hold()
            _end_at_once()

    def _start_controllers(self) -> None:
        controllers = self._controllers = self._build(
            Cluster(
                settings=self._settings,
                client=self._client,
                gate=self._elector.check,
                identities=self._identities,
                accounts=self._accounts,
                endpoints=self._endpoints,
                namespaces=self._namespaces,
                events=self._events,
                identity_queue=self._identity_queue,
                account_queue=self._account_queue,
                templates=self._templates,
                template_queue=self._template_queue,
                notification_queue=self._notification_queue,
                telemetry=self.telemetry,
            )
        )
        self._account_queue.start(controllers.account.reconcile, workers=ACCOUNT_WORKERS)
        self._template_queue.start(controllers.template.reconcile, workers=TEMPLATE_WORKERS)
        self._notification_queue.start(controllers.notification.reconcile, workers=NOTIFICATION_WORKERS)
        self._identity_queue.start(
            controllers.identity.reconcile,
            workers=self._settings.workers,
            urgent_workers=self._settings.urgent_workers,
        )

    async def _drain(self) -> None:
        """Let the reconciles that run end, while the Lease is still renewed."""
        grace = self._settings.shutdown_grace
        queues = (self._identity_queue, self._account_queue, self._template_queue, self._notification_queue)
        ended = await asyncio.gather(*(queue.stop(grace) for queue in queues))
        self._may_hand_over = all(ended)
        if self._controllers is not None:
            await self._controllers.close()
        await self._events.flush(EVENTS_GRACE)

    async def _hand_over(self) -> None:
        if self._may_hand_over:
            await self._elector.release()
        else:
            logger.warning("the lease is left to expire, for calls may still be under way")


async def _cancel(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def _on_signals(stopped: asyncio.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)


def _unreadable(key: ObjectKey, error: Exception) -> None:
    logger.error("an object cannot be read and is left alone: %s", error, extra={"object": str(key)})


def _end_at_once() -> NoReturn:
    # Not sys.exit: threads with calls to AWS would be waited for, while another replica may already act.
    logging.shutdown()
    os._exit(EXIT_LEASE_LOST)
