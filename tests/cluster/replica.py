"""A replica of the operator whose controllers only tell: run as ``python -m cluster.replica``, and started by tests.

It writes JSON lines to its log: ``leading`` with a time, ``reconciled`` and ``ended`` with a key, and
``wrote`` with each time at which it was allowed to write; all by the clock that the processes of a machine share.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from devcluster.forked import fork_module
from devcluster.process import Process
from ses_operator import logs
from ses_operator.app import run
from ses_operator.controllers.shared.context import ControllerContext
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Retry
from ses_operator.runtime.controller import Controller, own_kind
from ses_operator.runtime.kube.client import WriteGate
from ses_operator.runtime.lease.election import boot_time
from ses_operator.runtime.watch.cache import ObjectStore
from ses_operator.runtime.workqueue import Result
from ses_operator.settings import LogFormat, LogLevel, Settings

TICK = 0.01


def tell(**what: Any) -> None:
    os.write(1, f"{json.dumps(what)}\n".encode())  # whole, for several threads tell


@dataclass(frozen=True)
class Teller:
    """Reconciles by saying so."""

    kind: str

    async def reconcile(self, key: ObjectKey) -> Result:
        tell(reconciled=f"{self.kind} {key}")
        if key.name.startswith("slow"):
            await asyncio.sleep(3)
            tell(ended=f"{self.kind} {key}")
        return Result.done()


def telling(context: ControllerContext) -> tuple[Controller, ...]:
    """Return controllers that only tell; beside that, the gate is asked at each tick."""

    cluster = context.cluster

    def begin() -> None:
        tell(leading=boot_time())
        threading.Thread(target=_write, args=(cluster.client.gate,), daemon=True).start()

    kinds: tuple[tuple[str, ObjectStore[Any]], ...] = (
        ("SesIdentity", cluster.identities),
        ("SesAccount", cluster.accounts),
        ("SesVerificationTemplate", cluster.templates),
    )
    first, *others = (Controller(kind.lower(), Teller(kind).reconcile, (own_kind(store),)) for kind, store in kinds)
    return (replace(first, starting=(begin,)), *others)


def _write(gate: WriteGate) -> None:
    """From a thread, as calls to AWS are made."""
    while True:
        moment = boot_time()
        try:
            gate()
        except Retry:
            pass
        else:
            tell(wrote=moment)
        time.sleep(TICK)


@dataclass
class ReplicaProcess:
    """The program as a child process."""

    name: str
    process: Process

    @classmethod
    def start(cls, name: str, folder: Path, kubeconfig: Path, **settings: object) -> ReplicaProcess:
        values = {
            "installation_id": "test",
            "namespace": "default",
            "kubeconfig": str(kubeconfig),
            "bind_address": "127.0.0.1",
            "metrics_port": 0,
            "probe_port": 0,
            **settings,
        }
        command = ["python", "-m", "cluster.replica", json.dumps(values)]
        process = Process(name, command, folder / f"{name}.log", launch=fork_module)
        process.start()
        return cls(name, process)

    def lines(self) -> Iterator[dict[str, Any]]:
        """What it has told so far, log lines among it."""
        text = self.process.log.read_text() if self.process.log.exists() else ""
        for line in text.splitlines():
            if line.startswith("{") and line.endswith("}"):
                yield json.loads(line)

    def told(self, name: str) -> list[Any]:
        """The values of that name, in the order in which they were told."""
        return [line[name] for line in self.lines() if name in line]

    def port(self, what: str) -> int:
        """The port that it serves metrics or probes on."""
        return next(int(line["port"]) for line in self.lines() if line.get("msg") == f"serving {what}")

    def fetch(self, what: str, path: str) -> str:
        """What it answers over HTTP."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port(what)}{path}", timeout=5) as answer:
            body: bytes = answer.read()
        return body.decode()


def main() -> None:
    settings = Settings(**json.loads(sys.argv[1]))
    logs.configure(LogFormat.JSON, LogLevel.INFO)
    sys.exit(asyncio.run(run(settings, telling)))


if __name__ == "__main__":
    main()
