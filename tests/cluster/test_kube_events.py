"""Events, as kubectl shows them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from cluster.kube import client_of, created
from devcluster.controlplane import ControlPlane
from devcluster.kubectl import Kubectl
from devcluster.subjects import User
from ses_operator.controllers.shared.resources import IDENTITIES
from ses_operator.core.status.transitions import EventType, Transition
from ses_operator.runtime.kube.events import REPEAT_AFTER, Event, EventRecorder
from ses_operator.runtime.kube.resources import EVENTS, JsonObject

pytestmark = pytest.mark.usefixtures("crds")


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


async def events_of(control_plane: ControlPlane, namespace: str) -> list[JsonObject]:
    async with client_of(control_plane.kubeconfig) as client:
        items: list[JsonObject] = (await client.get(EVENTS.collection(namespace)))["items"]
        return items


async def test_describe_shows_an_event_with_its_age(
    control_plane: ControlPlane, kubectl: Kubectl, namespace: str
) -> None:
    async with client_of(control_plane.kubeconfig) as client:
        found = await created(client, namespace)
        recorder = EventRecorder(client, clock=Clock())
        recorder.record(
            Event(IDENTITIES, found.metadata, Transition(EventType.NORMAL, "Verified", "verified in eu-west-1"))
        )
        await recorder.flush(grace=90)
    described = await asyncio.to_thread(kubectl, "describe", "sesidentity", "mail", "-n", namespace)
    line = next(line for line in described.splitlines() if "verified in eu-west-1" in line)
    assert line.split()[:2] == ["Normal", "Verified"]
    assert line.split()[2].endswith("s")
    assert "ses-operator" in line


async def test_the_same_is_said_once_an_hour(control_plane: ControlPlane, namespace: str) -> None:
    clock = Clock()
    async with client_of(control_plane.kubeconfig) as client:
        found = await created(client, namespace)
        recorder = EventRecorder(client, clock=clock)
        event = Event(
            IDENTITIES, found.metadata, Transition(EventType.WARNING, "DNSRecordMissing", "CNAME x is missing")
        )
        for moment in (0, 1, REPEAT_AFTER - 1):
            clock.now = moment
            recorder.record(event)
        await recorder.flush(grace=90)
        assert len(await events_of(control_plane, namespace)) == 1
        clock.now = REPEAT_AFTER
        recorder.record(event)
        await recorder.flush(grace=90)
    assert len(await events_of(control_plane, namespace)) == 2


async def test_a_refused_event_hinders_nobody(control_plane: ControlPlane, namespace: str) -> None:
    async with client_of(control_plane.kubeconfig) as admin:
        found = await created(admin, namespace)
    async with client_of(control_plane.kubeconfig_for(User("nobody"))) as client:
        recorder = EventRecorder(client, clock=Clock())
        recorder.record(Event(IDENTITIES, found.metadata, Transition(EventType.NORMAL, "Verified", "x" * 5000)))
        await recorder.flush(grace=90)
    assert await events_of(control_plane, namespace) == []


async def test_a_long_message_is_cut_rather_than_refused(control_plane: ControlPlane, namespace: str) -> None:
    async with client_of(control_plane.kubeconfig) as client:
        found = await created(client, namespace)
        recorder = EventRecorder(client, clock=Clock())
        recorder.record(Event(IDENTITIES, found.metadata, Transition(EventType.NORMAL, "Verified", "é" * 5000)))
        await recorder.flush(grace=90)
    assert len(await events_of(control_plane, namespace)) == 1
