"""The events while the dashboard's metrics are taken: teams apply identities, some of which lack something."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from devcluster.environment import Environment
from devcluster.sandbox_process import SandboxOptions

REGIONS = ["eu-west-1", "us-east-1", "ap-southeast-2"]

# SES looks at records every two minutes of its own, which are four seconds here; its rate is the real one.
SANDBOX = SandboxOptions(speed=30, rate=1, check_interval=120)
FLAGS = {"pending-poll": 2, "idle-poll": 5, "sweep-interval": 600}


def identity(name: str, **spec: Any) -> dict[str, Any]:
    """Return the manifest of a SesIdentity."""
    return {
        "apiVersion": "ses-operator.io/v1alpha1",
        "kind": "SesIdentity",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"domain": f"{name}.example.com", "regions": REGIONS, **spec},
    }


def play(environment: Environment, minutes: float) -> None:
    """Play the scenario in ``minutes`` of real time: the times below are shares of them."""
    began, length = time.monotonic(), 60 * minutes
    for share, act in _acts(environment):
        time.sleep(max(0.0, began + share * length - time.monotonic()))
        act()
    time.sleep(max(0.0, began + length - time.monotonic()))


def _acts(environment: Environment) -> list[tuple[float, Callable[[], object]]]:
    kubectl, sandbox = environment.kubectl, environment.sandbox

    def apply(*manifests: dict[str, Any]) -> Callable[[], object]:
        return lambda: kubectl.apply(*manifests)

    def fault(**members: Any) -> Callable[[], object]:
        return lambda: sandbox.ask("faults", members)

    def may_send(region: str) -> Callable[[], object]:
        return lambda: sandbox.ask("account", {"region": region, "productionAccess": True})

    teams = [identity(f"team-{number}", mailFrom={"subdomain": "bounce"}) for number in range(36)]
    by_hand = identity("by-hand", dns={"provider": "Manual"})
    misspelt = identity("misspelt", regions=["eu-west-1", "eu-west-9"])
    elsewhere = identity("elsewhere", domain="mail.example.org")
    first, later = teams[:12], teams[12:]
    acts: list[tuple[float, Callable[[], object]]] = [
        *((0.0, may_send(region)) for region in REGIONS[:2]),
        (0.02, apply(*first)),
        (0.10, apply(by_hand, elsewhere)),
        (0.30, apply(misspelt)),
        *((0.15 + 0.02 * index, apply(each)) for index, each in enumerate(later)),
        (0.55, fault(kind="throttle", service="ses", operation="GetEmailIdentity", probability=0.5, times=40)),
        (0.70, fault(kind="region-down", service="ses", region="ap-southeast-2")),
        (0.72, apply(*(identity(f"late-{number}") for number in range(4)))),
        (0.82, lambda: sandbox.ask("faults", method="DELETE")),
        (0.90, lambda: kubectl("delete", "sesid", *(each["metadata"]["name"] for each in first), "--wait=false")),
    ]
    return sorted(acts, key=lambda act: act[0])
