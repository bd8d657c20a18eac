"""The whole sandbox: the AWS endpoint, the DNS server and the verifier, wired together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import TracebackType
from typing import Self

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from ses_sandbox.access.directory import Directory
from ses_sandbox.access.guard import IamGate, OpenGate
from ses_sandbox.calls import CallLog
from ses_sandbox.clock import Clock
from ses_sandbox.control.app import Control
from ses_sandbox.control.sandbox import Parts
from ses_sandbox.dnsserver import DnsServer
from ses_sandbox.endpoint import AwsEndpoint
from ses_sandbox.faults import Faults
from ses_sandbox.http import HttpServer
from ses_sandbox.route53 import Route53Middleware
from ses_sandbox.seed import create_zones, reset_moto
from ses_sandbox.ses.service import SesService
from ses_sandbox.ses.state.outbox import Outbox
from ses_sandbox.ses.state.store import Store
from ses_sandbox.ses.verifier.verifier import Verifier
from ses_sandbox.settings import SandboxSettings
from ses_sandbox.throttle import Throttle

__all__ = ["SandboxServer", "SandboxSettings"]

REST_SECONDS = 20.0
"""Real seconds that a call which moves the clock waits for what follows from it. Silent name servers may take longer."""


class SandboxServer:
    """A sandbox in this process. Use it as a context manager, or call ``start`` and ``stop``.

    moto keeps its state per process: two sandboxes in one process share Route 53, IAM and the like, though not SES.
    """

    def __init__(self, settings: SandboxSettings | None = None) -> None:
        self.settings = settings or SandboxSettings()
        self.clock = Clock(self.settings.speed)
        self.faults = Faults(self.settings.fault_seed)
        self.calls = CallLog()
        self.store = Store(Outbox())
        self.throttle = Throttle(self.settings.rate)
        self.directory = Directory()
        self.verifier = Verifier(self.store, self.clock, self.settings.schedule)
        self.seeded_zones: Mapping[str, str] = {}
        self._route53 = Route53Middleware(
            DomainDispatcherApplication(create_backend_app), self.clock, self.settings.route53
        )
        self._dns = DnsServer(self._route53.zones, self.faults, self.settings.host, self.settings.dns_port)
        self._http = HttpServer(self._endpoint(), self.settings)

    def _endpoint(self) -> AwsEndpoint:
        return AwsEndpoint(
            ses=SesService(self.store, self.clock),
            others=self._route53,
            control=Control(self._parts()),
            directory=self.directory,
            gate=IamGate(self.directory) if self.settings.access_control else OpenGate(self.directory),
            throttle=self.throttle,
            faults=self.faults,
            calls=self.calls,
            clock=self.clock,
        )

    def _parts(self) -> Parts:
        return Parts(
            clock=self.clock,
            calls=self.calls,
            faults=self.faults,
            store=self.store,
            throttle=self.throttle,
            dns=self._dns,
            zones=self._route53.zones,
            directory=self.directory,
            check_now=self.verifier.check_now,
            await_rest=self._await_rest,
            reset_moto=self._reset_moto,
        )

    def advance(self, by: timedelta) -> None:
        """Move the clock forward, and return when SES has made the lookups that are due then."""
        self.clock.advance(by)
        self._await_rest()

    def check_now(self) -> None:
        """Look all records up at once, and return when that is done."""
        self.verifier.check_now()
        self._await_rest()

    def _await_rest(self) -> bool:
        return self.verifier.await_rest(REST_SECONDS)

    def _reset_moto(self) -> None:
        reset_moto(self._route53)
        self._route53.zones.reset()
        self.seeded_zones = create_zones(self._route53, self.settings.seed_zones)

    @property
    def aws_url(self) -> str:
        """The endpoint_url for all AWS services."""
        return self._http.url

    @property
    def dns_address(self) -> tuple[str, int]:
        """Host and port of the DNS server."""
        return self._dns.address

    def start(self) -> None:
        """Listen. Raises OSError if a port is taken."""
        self.seeded_zones = create_zones(self._route53, self.settings.seed_zones)
        self._dns.start()
        self.verifier.start(self.settings.resolver or self._dns.address)
        try:
            self._http.start()
        except OSError:
            self.verifier.stop()
            self._dns.stop()
            raise
        self.store.outbox.base_url = self._http.url

    def stop(self) -> None:
        """Close all sockets and waits for the threads."""
        self._http.stop()
        self.verifier.stop()
        self._dns.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
