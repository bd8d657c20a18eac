"""Kopf, configured to be nothing but informers: it lists and watches, and its handlers get what it sees.

Handlers of the kind ``on.event`` cost no writes and no tasks per object. Everything else that Kopf can do (its
finalizer, annotations, Events, peering, webhooks, scanning for kinds) is off, so that it neither writes nor needs
permissions for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn, cast

import kopf
from kubernetes.aio.client.configuration import Configuration

from ses_operator.runtime.kube.resources import Resource
from ses_operator.runtime.names import OPERATOR
from ses_operator.runtime.watch.kopf_session import session

SERVER_TIMEOUT = 480
"""Seconds; Kopf passes it on as it is, and the apiserver takes whole numbers only."""
REQUEST_TIMEOUT = 45.0
ERROR_BACKOFFS = (1.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0)
"""Seconds between Kopf's attempts at a request that fails, or is refused, before it gives up."""
PAGE_SIZE = 100
"""Objects in a page of a list: at 1.5 MB each, which etcd allows, a page of hostile ones is 150 MB for a moment."""
WORKER_IDLE = 0.2
"""How long Kopf keeps a task for an object that does not change. Its default of 5 s holds 10,000 tasks at a start."""

OnEvent = Callable[..., Awaitable[None]]
"""Called with ``event``: its type is ADDED, MODIFIED or DELETED, or None for an object that was listed."""


class KopfEndedError(Exception):
    """Kopf has ended without an error."""


class KopfShell:
    """Kopf for some kinds, in some namespaces or in the whole cluster."""

    def __init__(
        self, configuration: Configuration, handlers: Mapping[Resource, OnEvent], namespaces: tuple[str, ...]
    ) -> None:
        """Register the handlers.

        ``namespaces`` empty: the whole cluster. Cluster-scoped kinds are watched as such in any case.
        """
        self._configuration = configuration
        self._namespaces = namespaces
        self._registry = kopf.OperatorRegistry()
        kopf.on.login(id="login", registry=self._registry)(self._login)
        for resource, on_event in handlers.items():
            register = kopf.on.event(
                resource.group, resource.version, resource.plural, id=resource.plural, registry=self._registry
            )
            register(cast("Any", on_event))

    async def run(self, on_started: Callable[[], None]) -> NoReturn:
        """Watch until cancelled; raises what Kopf fails with. It may be run again then.

        Kopf installs its own handlers of SIGTERM and SIGINT; ``on_started`` is the place to replace them. Its tasks are ended
        here and not by ``kopf.run_tasks``, which cancels all tasks of the process that are younger than its own.
        """
        tasks = await kopf.spawn_tasks(
            registry=self._registry,
            settings=_settings(),
            clusterwide=not self._namespaces,
            namespaces=self._namespaces,
            identity=cast("Any", OPERATOR),
        )
        on_started()
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        failures = [error for task in tasks if not task.cancelled() and (error := task.exception()) is not None]
        raise failures[0] if failures else KopfEndedError("Kopf has ended by itself")

    async def _login(self, **_: Any) -> kopf.AiohttpSession:
        configuration = self._configuration
        token = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization") or ""
        scheme, _space, value = token.partition(" ")
        return session(
            kopf.ConnectionInfo(
                server=configuration.host,
                ca_path=configuration.ssl_ca_cert,
                ca_data=configuration.ca_cert_data,
                insecure=not configuration.verify_ssl,
                certificate_path=configuration.cert_file,
                private_key_path=configuration.key_file,
                username=configuration.username or None,
                password=configuration.password or None,
                scheme=scheme if value else None,
                token=value or scheme or None,
                proxy_url=configuration.proxy,
            )
        )


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.posting.level = logging.WARNING
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.admission.managed = None
    settings.execution.max_workers = 1
    settings.process.ultimate_exiting_timeout = None
    settings.watching.server_timeout = SERVER_TIMEOUT
    settings.watching.chunk_size = PAGE_SIZE
    settings.networking.request_timeout = REQUEST_TIMEOUT
    settings.networking.error_backoffs = ERROR_BACKOFFS
    settings.queueing.idle_timeout = WORKER_IDLE
    settings.persistence.finalizer = "kopf.dev/not-used"
    settings.persistence.diffbase_storage = _NoDiffs()
    settings.persistence.progress_storage = _NoProgress()
    return settings


class _NoDiffs(kopf.DiffBaseStorage):
    """Compares nothing and keeps nothing. Kopf's own would copy every object that is seen."""

    def build(self, **_: Any) -> Any:
        return {}

    def fetch(self, **_: Any) -> Any:
        return None

    def store(self, **_: Any) -> None:
        return None


class _NoProgress(kopf.ProgressStorage):
    """Keeps nothing."""

    def fetch(self, **_: Any) -> Any:
        return None

    def store(self, **_: Any) -> None:
        return None

    def purge(self, **_: Any) -> None:
        return None

    def touch(self, **_: Any) -> None:
        return None

    def clear(self, *, essence: Any) -> Any:
        return essence
