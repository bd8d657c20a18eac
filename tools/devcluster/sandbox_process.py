"""The AWS sandbox as a process of its own: `ses-sandbox serve`, and what a test or a person does to it over HTTP."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from devcluster.process import Process

READY_TIMEOUT = 120.0
ACCOUNT_ID = "123456789012"


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """The options of the sandbox; those omitted have the sandbox's own defaults.

    `speed`: simulated seconds per real second. `rate`: SES requests per second, action, account and region.
    `route53_rate`: Route 53 requests per second and account. `check_interval`: simulated seconds between SES's first
    lookups of the records. `zones`: hosted zones that exist from the start. `flags`: further ones of `ses-sandbox
    serve`.
    """

    speed: float = 60.0
    rate: float = 20.0
    route53_rate: float = 5.0
    check_interval: float = 30.0
    zones: Sequence[str] = ("example.com",)
    flags: Sequence[str] = ()


class Sandbox:
    """One sandbox process. A context manager; about 4 s to start."""

    def __init__(self, options: SandboxOptions, log: Path) -> None:
        self.options = options
        command: list[str | Path] = [
            Path(sys.executable).with_name("ses-sandbox"), "serve",
            f"--speed={options.speed}", f"--rate={options.rate}", f"--route53-rate={options.route53_rate}",
            f"--check-interval={options.check_interval}",
            *(f"--seed-zone={zone}" for zone in options.zones),
            *options.flags,
        ]  # fmt: skip
        self.process = Process("ses-sandbox", command, log)
        self._addresses: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self.start()
        self.await_ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and return at once."""
        self.process.start()

    def await_ready(self) -> None:
        """Wait until it serves. Raises ProcessError with the log's tail if it does not come up."""
        self.process.await_ready(self._has_said_where, timeout=READY_TIMEOUT)

    def stop(self) -> None:
        """End it; everything in it is lost."""
        self.process.stop()

    @property
    def aws_url(self) -> str:
        """The endpoint of all AWS services."""
        return str(self._addresses["aws"])

    @property
    def dns_address(self) -> str:
        """Its name server, as host:port."""
        return str(self._addresses["dns"])

    @property
    def zones(self) -> Mapping[str, str]:
        """Hosted zone id by name, of the zones that it was started with."""
        zones: dict[str, str] = self._addresses["zones"]
        return zones

    def ask(self, path: str, body: Mapping[str, Any] | None = None, *, method: str | None = None) -> Any:
        """Return the JSON that `/_sandbox/PATH` answers: to a GET, or to a POST of `body`."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.aws_url}/_sandbox/{path}", data=data, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=90) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None

    def _has_said_where(self) -> bool:
        for line in self.process.tail(100).splitlines():
            if line.startswith('{"aws"'):
                self._addresses = json.loads(line)
                return True
        return False
