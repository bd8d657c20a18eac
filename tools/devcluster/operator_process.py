"""The operator as a process of its own, as it runs in a pod: `ses-operator run`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import urlopen

from devcluster.ports import free_port
from devcluster.process import Launch, Process, execute

READY_TIMEOUT = 120.0


@dataclass(frozen=True, slots=True)
class OperatorOptions:
    """The options of an operator; those omitted have the operator's own defaults.

    `watch_namespaces` empty: all. `flags` are further settings of `ses-operator run`, by name: {"pending-poll": 1}.
    `environment`: further environment variables, such as AWS credentials of its own.
    """

    installation_id: str = "devcluster"
    namespace: str = "ses-operator"
    watch_namespaces: tuple[str, ...] = ()
    flags: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


class OperatorProcess:
    """One replica of the operator. A context manager; about 3 s to start. It may be started again after it ended."""

    def __init__(
        self,
        options: OperatorOptions,
        kubeconfig: Path,
        log: Path,
        *,
        name: str = "ses-operator",
        launch: Launch = execute,
    ) -> None:
        self.options = options
        self._probe_port, self._metrics_port = free_port(), free_port()
        flags = {
            "installation-id": options.installation_id,
            "namespace": options.namespace,
            # Several of them run in one namespace.
            "installation-record": f"ses-operator-{options.installation_id}-installation",
            "watch-namespaces": ",".join(options.watch_namespaces),
            "kubeconfig": kubeconfig,
            "bind-address": "127.0.0.1",
            "probe-port": self._probe_port,
            "metrics-port": self._metrics_port,
            **options.flags,
        }
        program = Path(sys.executable).with_name("ses-operator")
        command: list[str | Path] = [program, "run", *(f"--{flag}={value}" for flag, value in flags.items())]
        env = {"AWS_EC2_METADATA_DISABLED": "true", **options.environment}
        self.process = Process(name, command, log, env=env, launch=launch)

    def __enter__(self) -> Self:
        self.start()
        self.await_ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.terminate()

    @property
    def pid(self) -> int:
        """The process id of the last start."""
        return self.process.pid

    @property
    def log(self) -> str:
        """Everything it has logged, in all its starts."""
        return self.process.log.read_text(errors="replace") if self.process.log.exists() else ""

    @property
    def metrics_address(self) -> str:
        """The address of its metrics, as host:port."""
        return f"127.0.0.1:{self._metrics_port}"

    def start(self) -> None:
        """Start it and returns at once."""
        self.process.start()

    def await_ready(self) -> None:
        """Wait until /readyz says so: its caches are filled. Raises ProcessError if it does not come to that."""
        self.process.await_ready(self._ready, timeout=READY_TIMEOUT)

    def kill(self) -> None:
        """Send SIGKILL: it ends between two instructions, as when its node dies."""
        self.process.kill()

    def terminate(self) -> int | None:
        """Send SIGTERM: it ends in order, as when its pod is deleted. Returns its exit status."""
        return self.process.stop()

    def metrics(self) -> str:
        """Return what /metrics says."""
        with urlopen(f"http://{self.metrics_address}/metrics", timeout=60) as answer:
            text: bytes = answer.read()
        return text.decode()

    def _ready(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self._probe_port}/readyz", timeout=2):
                return True
        except (URLError, OSError):
            return False
