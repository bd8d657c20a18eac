"""Kubernetes Events: what happened to an object, shown by ``kubectl describe`` and Argo CD.

They are for transitions, and say once what happened once: the same (object, reason, message) is not sent again within
an hour. Sending never fails or delays a reconcile. The API is core/v1, not events.k8s.io/v1: both are views of the
same objects, but Argo CD and older tools read ``firstTimestamp`` and ``lastTimestamp``, which can be set in core/v1
only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from ses_operator.core.model.outer_text import clean, cut
from ses_operator.core.model.problems import OperatorError
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.resources import EVENTS, JsonObject, Resource
from ses_operator.runtime.names import OPERATOR

logger = logging.getLogger(__name__)

REPEAT_AFTER = 3600.0
REMEMBERED = 4096
WAITING = 1000
MAX_MESSAGE = 1024
"""Longest message that the apiserver accepts. Source: k8s.io/kubernetes/pkg/apis/core/validation, NoteLengthLimit."""
MAX_NAME = 253


class Subject(Protocol):
    """The metadata of the object that an Event is about; ``namespace`` is empty for a cluster-scoped one."""

    @property
    def name(self) -> str:
        """The name of the object."""

    @property
    def namespace(self) -> str:
        """Its namespace."""

    @property
    def uid(self) -> str:
        """Its uid."""

    @property
    def resource_version(self) -> str:
        """Its resource version."""


class Occurrence(Protocol):
    """An occurrence: ``type`` is Normal or Warning, ``reason`` one word, ``message`` a sentence."""

    @property
    def type(self) -> str:
        """Normal or Warning."""

    @property
    def reason(self) -> str:
        """One word."""

    @property
    def message(self) -> str:
        """One sentence."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an object."""

    resource: Resource
    subject: Subject
    occurrence: Occurrence


class EventRecorder:
    """Takes events at any time and sends them one after another while ``run`` runs."""

    def __init__(self, client: KubeClient, *, clock: Callable[[], float], instance: str = "") -> None:
        """Take a clock in seconds; ``instance`` names this replica."""
        self._client = client
        self._clock = clock
        self._instance = instance
        self._waiting: asyncio.Queue[Event] = asyncio.Queue(WAITING)
        self._sent: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    def record(self, event: Event) -> None:
        """Queue the event, unless the same was sent within the hour; it is dropped when too many wait."""
        identity = (event.subject.uid, event.occurrence.reason, clean(event.occurrence.message))
        now = self._clock()
        if now < self._sent.get(identity, float("-inf")) + REPEAT_AFTER:
            return
        self._sent[identity] = now
        self._sent.move_to_end(identity)
        if len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)
        with contextlib.suppress(asyncio.QueueFull):
            self._waiting.put_nowait(event)

    async def run(self) -> None:
        """Send what is recorded, until cancelled."""
        while True:
            await self._send(await self._waiting.get())

    async def flush(self, grace: float) -> None:
        """Send what still waits, for at most ``grace`` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                while not self._waiting.empty():
                    await self._send(self._waiting.get_nowait())

    async def _send(self, event: Event) -> None:
        body = _body(event, self._instance, datetime.now(UTC))
        try:
            await self._client.create(EVENTS.collection(body["metadata"]["namespace"]), body)
        except OperatorError as error:
            logger.debug(
                "event not sent: %s", error, extra={"object": event.subject.name, "reason": event.occurrence.reason}
            )


def _body(event: Event, instance: str, now: datetime) -> JsonObject:
    subject, moment = event.subject, now.strftime("%Y-%m-%dT%H:%M:%SZ")
    suffix = f".{uuid.uuid4().hex[:16]}"
    reference = {
        "apiVersion": event.resource.api_version,
        "kind": event.resource.kind,
        "name": subject.name,
        "uid": subject.uid,
        "resourceVersion": subject.resource_version,
    }
    if subject.namespace:
        reference["namespace"] = subject.namespace
    return {
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        # Events about cluster-scoped objects are in the namespace "default", where kubectl looks for them.
        "metadata": {
            "name": subject.name[: MAX_NAME - len(suffix)] + suffix,
            "namespace": subject.namespace or "default",
        },
        "involvedObject": reference,
        "type": str(event.occurrence.type),
        "reason": event.occurrence.reason,
        "message": cut(clean(event.occurrence.message), MAX_MESSAGE),
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
        "source": {"component": OPERATOR},
        "reportingComponent": OPERATOR,
        "reportingInstance": instance,
    }
