"""The operator: the manager of one replica, with what it watches and the controllers that it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial

from ses_operator.api.account.kind import SesAccount
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.template import SesVerificationTemplate
from ses_operator.controllers.shared.cluster import (
    ACCOUNT_INDEXES,
    ENDPOINT_SELECTOR,
    IDENTITY_INDEXES,
    SECRET_SELECTOR,
    TEMPLATE_INDEXES,
    Cluster,
)
from ses_operator.controllers.shared.context import ControllerContext
from ses_operator.controllers.shared.installed_kinds import obstacle
from ses_operator.controllers.shared.resources import ACCOUNTS, IDENTITIES, TEMPLATES
from ses_operator.controllers.shared.telemetry import DETAILS, IdentityMetrics, Telemetry
from ses_operator.dns.endpoint_object import DNS_ENDPOINTS
from ses_operator.runtime.controller import Controller
from ses_operator.runtime.kube.client import load_configuration
from ses_operator.runtime.kube.resources import NAMESPACES, SECRETS
from ses_operator.runtime.lease.lease_object import lease_key
from ses_operator.runtime.manager import Manager, ReplicaOptions, stop_on_signals
from ses_operator.runtime.probes import serving
from ses_operator.runtime.watch.coverage import EVERYWHERE, Coverage, namespace_phase
from ses_operator.runtime.watch.reflector import Reflectors
from ses_operator.settings import Settings

BuildControllers = Callable[[ControllerContext], Iterable[Controller]]


async def run(settings: Settings, build: BuildControllers) -> int:
    """Run one replica until SIGTERM or SIGINT; return the exit code. The loss of the Lease ends the process from within."""
    stopped = asyncio.Event()
    stop_on_signals(stopped)
    telemetry = Telemetry()
    manager = await replica(settings, build, telemetry)
    probes = serving(
        settings.bind_address,
        settings.metrics_port,
        settings.probe_port,
        is_ready=lambda: manager.is_ready,
        registry=telemetry.registry,
    )
    async with probes:
        return await manager.run(stopped)


async def replica(settings: Settings, build: BuildControllers, telemetry: Telemetry) -> Manager:
    """Return the manager of one replica, which is yet to be run."""
    options = ReplicaOptions(
        lease=lease_key(settings.operator_namespace, settings.installation_id),
        timing=settings.lease_timing,
        shutdown_grace=settings.shutdown_grace,
        obstacle=obstacle,
    )
    coverage = Coverage((EVERYWHERE, *settings.namespaces))
    manager = Manager(await load_configuration(settings.kubeconfig), options, telemetry.queues, coverage)
    context = ControllerContext(settings, _watched(manager, settings, coverage), telemetry)
    telemetry.watch_namespaces(coverage)
    cluster = context.cluster
    for kind, store in ((IDENTITIES, cluster.identities), (ACCOUNTS, cluster.accounts), (TEMPLATES, cluster.templates)):
        telemetry.watch_store(kind.kind, store)
    telemetry.watch_lease(options.lease.name, lambda: manager.may_write)
    telemetry.registry.register(
        IdentityMetrics(
            cluster.identities,
            cluster.accounts,
            is_leading=lambda: manager.may_write,
            details=DETAILS[settings.metrics_detail],
            now=context.now,
        )
    )
    manager.prepare(context.installation)
    for controller in build(context):
        manager.add(controller)
    return manager


def _watched(manager: Manager, settings: Settings, coverage: Coverage) -> Cluster:
    """Return the cluster as the manager keeps it up to date."""
    client, own, all_watched = manager.client, (settings.operator_namespace,), settings.namespaces
    namespaces = manager.reflect(Reflectors(client, NAMESPACES, (), "", names=all_watched))
    coverage.phase = partial(namespace_phase, namespaces)
    namespaces.changes.subscribe(lambda change: coverage.review(change.key.name))
    namespaces.installations.subscribe(lambda _: coverage.review_all())
    return Cluster(
        client=client,
        events=manager.events,
        accounts=manager.store(ACCOUNTS, SesAccount.model_validate, ACCOUNT_INDEXES),
        identities=manager.store(IDENTITIES, SesIdentity.model_validate, IDENTITY_INDEXES),
        templates=manager.store(TEMPLATES, SesVerificationTemplate.model_validate, TEMPLATE_INDEXES),
        secrets=manager.reflect(Reflectors(client, SECRETS, own, SECRET_SELECTOR)),
        dkim_secrets=manager.reflect(Reflectors(client, SECRETS, all_watched, SECRET_SELECTOR)),
        endpoints=manager.reflect(Reflectors(client, DNS_ENDPOINTS, all_watched, ENDPOINT_SELECTOR)),
        namespaces=namespaces,
        coverage=coverage,
    )
