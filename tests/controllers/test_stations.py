"""An event reaches status by few stations, and they are those that docs/architecture.md draws."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from cluster.tenant import PATIENCE
from controllers.host import Host, worker
from controllers.stations import OURS, Recorder
from devcluster.apiclient import ACCOUNTS, GROUP
from devcluster.environment import OPERATOR_NAMESPACE, Environment
from devcluster.waiting import eventually
from ses_operator.app import replica
from ses_operator.controllers.shared.telemetry import Telemetry
from ses_operator.controllers.wiring import build_controllers
from ses_operator.core.model.keys import ObjectKey
from ses_operator.runtime.manager import EXIT_STOPPED
from ses_operator.settings import Settings

ARCHITECTURE = Path(__file__).parents[2] / "docs" / "architecture.md"
MOST = 9
PURE = (f"{OURS}core.", f"{OURS}api.")


def drawn() -> list[str]:
    """The modules in the picture of the data flow, in the order in which they stand there."""
    picture = ARCHITECTURE.read_text().partition("```mermaid")[2].partition("```")[0]
    return [OURS + path.replace("/", ".") for path in re.findall(r"<b>([\w/]+)\.py</b>", picture)]


def apply(host: Host, key: ObjectKey) -> None:
    """Apply a SesIdentity as a person does."""
    spec = {"domain": f"{key.namespace}.example.com", "regions": ["eu-west-1"], "accountRef": {"name": key.namespace}}
    manifest = {"apiVersion": GROUP.removeprefix("/apis/"), "kind": "SesIdentity", "metadata": {"name": key.name}}
    host.api.create(f"{GROUP}/namespaces/{key.namespace}/sesidentities", {**manifest, "spec": spec})


async def recorded(host: Host, installation: str, key: ObjectKey) -> Recorder:
    """The way of a new SesIdentity through an operator that has opened its account."""
    settings = Settings(
        installation_id=installation,
        namespace=OPERATOR_NAMESPACE,
        kubeconfig=str(host.plane.kubeconfig),
        watch_namespaces=key.namespace,
        lease_duration=600,
        lease_renew_deadline=500,
    )
    recorder, stopped = Recorder(key), asyncio.Event()
    manager = await replica(settings, build_controllers, Telemetry())
    with recorder.listening():
        running = asyncio.create_task(manager.run(stopped))
        await asyncio.to_thread(eventually, lambda: is_open(host, key.namespace), timeout=PATIENCE, of="the account")
        await asyncio.to_thread(apply, host, key)
        await asyncio.to_thread(recorder.ended.wait, PATIENCE)
    stopped.set()
    assert await running == EXIT_STOPPED
    return recorder


def is_open(host: Host, account: str) -> bool:
    found = host.api.get(f"{ACCOUNTS}/{account}") or {}
    return bool(found.get("status", {}).get("accountID"))


def test_an_event_reaches_status_by_the_few_stations_that_are_drawn(host: Host, namespace: str) -> None:
    installation = f"stations-{worker()}"
    host.sandbox.ask("reset", {})
    Environment(host.plane, host.sandbox, installation_id=installation).add_account(namespace)

    recorder = asyncio.run(recorded(host, installation, ObjectKey(namespace, "mail")))

    assert recorder.ended.is_set()
    recorder.write()
    stations = [module for module in recorder.path if not module.startswith(PURE)]
    assert stations == drawn()
    assert len(stations) <= MOST
    assert len(recorder.touched) > len(stations)
