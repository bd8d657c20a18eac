"""One run: makes the load, waits for it, and records what it took."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bench.figures import LISTS, Call, Recording, Size, Usage
from devcluster.environment import OPERATOR_NAMESPACE, Environment, running
from devcluster.operator_process import OperatorOptions, OperatorProcess
from devcluster.sandbox_process import SandboxOptions

ZONE = "example.com"
REGIONS = ("ap-southeast-2", "eu-west-1", "us-east-1", "us-west-2")
POLL = 2.0
MANIFESTS_AT_ONCE = 500

Say = Callable[[str], None]


class NotReadyError(Exception):
    """The load did not become Ready in time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The parameters of a run. ``speed``: 60 makes SES look at records within some seconds, as in the best of its minutes."""

    identities: int
    rate: float = 20.0
    speed: float = 60.0
    quiet_minutes: float = 5.0
    patience: float = 900.0

    @property
    def size(self) -> Size:
        """The size of the run."""
        return Size(self.identities, len(REGIONS), self.rate, self.speed)


def measure(plan: Plan, say: Say) -> Recording:
    """Start everything, apply all identities at once, wait, be quiet, restart. End all that it started."""
    options = SandboxOptions(speed=plan.speed, rate=plan.rate, zones=(ZONE,))
    say("starting a control plane, a sandbox of AWS, and the operator …")
    with running(options) as environment:
        operator = environment.operator(OperatorOptions(installation_id="bench"), name="operator")
        with operator:
            return _record(plan, environment, operator, say)


def _record(plan: Plan, environment: Environment, operator: OperatorProcess, say: Say) -> Recording:
    log = _Log(environment)
    environment.sandbox.ask("account", {"productionAccess": True})
    _quiesce(log)
    before, mark, begun = usage(operator.pid), environment.plane.audit.mark(), log.last
    started = time.monotonic()
    _apply(environment, plan.identities, say)
    _await_ready(plan, environment, started, say)
    seconds, after = time.monotonic() - started, usage(operator.pid)
    way_up, writes = log.since(begun), _writes(environment, mark)
    _quiesce(log)
    quiet_mark, quiet_begun = environment.plane.audit.mark(), log.last
    _wait(plan.quiet_minutes * 60, "quiet", say)
    quiet, quiet_writes = log.since(quiet_begun), _writes(environment, quiet_mark)
    say("restarting the operator …")
    restarted = log.last
    operator.terminate()
    operator.start()
    operator.await_ready()
    _quiesce(log)
    return Recording(
        size=plan.size,
        way_up=way_up,
        quiet=quiet,
        restart=log.since(restarted),
        writes=writes,
        quiet_writes=quiet_writes,
        quiet_minutes=plan.quiet_minutes,
        before=before,
        after=after,
        seconds_to_ready=seconds,
    )


class _Log:
    """The sandbox's log of calls."""

    def __init__(self, environment: Environment) -> None:
        self._sandbox = environment.sandbox

    @property
    def last(self) -> int:
        """The number of the last call."""
        calls = self._ask("calls?limit=1")
        return int(calls[-1]["number"]) if calls else 0

    def since(self, number: int) -> list[Call]:
        """Return all calls after the one of this number."""
        return [_call(raw) for raw in self._ask(f"calls?limit=1000000&since={number}")]

    def _ask(self, path: str) -> Sequence[dict[str, Any]]:
        calls: Sequence[dict[str, Any]] = self._sandbox.ask(path)["calls"]
        return calls


def _call(raw: dict[str, Any]) -> Call:
    return Call(
        at=datetime.fromisoformat(raw["at"]),
        service=raw["service"],
        operation=raw["operation"],
        region=raw["region"],
        error=raw["error"] or "",
    )


def _manifests(count: int) -> Iterator[str]:
    for number in range(count):
        yield json.dumps(
            {
                "apiVersion": "ses-operator.io/v1alpha1",
                "kind": "SesIdentity",
                "metadata": {"name": f"mail-{number}", "namespace": "default"},
                "spec": {
                    "domain": f"mail-{number}.{ZONE}",
                    "regions": list(REGIONS),
                    "mailFrom": {"subdomain": "bounce"},
                    "tags": {"team": "bench"},
                },
            }
        )


def _apply(environment: Environment, count: int, say: Say) -> None:
    say(f"applying {count} identities in {len(REGIONS)} regions …")
    manifests = list(_manifests(count))
    for first in range(0, count, MANIFESTS_AT_ONCE):
        chunk = "\n---\n".join(manifests[first : first + MANIFESTS_AT_ONCE])
        environment.kubectl("create", "--filename=-", stdin=chunk, timeout=300)


def _await_ready(plan: Plan, environment: Environment, started: float, say: Say) -> None:
    while True:
        # kubectl's own table: the apiserver sends six columns an object instead of the whole.
        rows = [row.split() for row in environment.kubectl("get", "sesid", "--no-headers").splitlines()]
        ready = sum("True" in row for row in rows)
        seconds = time.monotonic() - started
        say(f"{seconds:6.1f} s  {ready} of {plan.identities} Ready")
        if ready == plan.identities:
            return
        if seconds > plan.patience:
            raise NotReadyError(f"{ready} of {plan.identities} identities are Ready after {plan.patience:g} s")
        time.sleep(POLL)


def _quiesce(log: _Log) -> None:
    """Wait until no call but lists has come for some seconds: what was begun is over."""
    last, since = log.last, time.monotonic()
    while time.monotonic() - since < 10:
        time.sleep(1)
        if any(call.operation not in LISTS for call in log.since(last)):
            last, since = log.last, time.monotonic()


def _wait(seconds: float, what: str, say: Say) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        say(f"{what}: {left:.0f} s left")
        time.sleep(min(left, 30))


def _writes(environment: Environment, mark: int) -> int:
    """Count the operator's writes to Kubernetes, Events included and the Lease not."""
    user = f"system:serviceaccount:{OPERATOR_NAMESPACE}:operator"
    writes = environment.plane.audit.writes(since=mark)
    return sum(write.user == user and write.resource != "leases" for write in writes)


def usage(pid: int) -> Usage:
    """Return what a process has used so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        peak = next(line for line in file if line.startswith("VmHWM:"))
    ticks = int(fields[11]) + int(fields[12])
    return Usage(cpu=ticks / os.sysconf("SC_CLK_TCK"), peak_memory=int(peak.split()[1]) * 1024)
