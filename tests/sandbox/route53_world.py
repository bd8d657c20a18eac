"""A Route 53 of its own for a test: moto's server with the sandbox's middleware, its DNS server, and a clock at hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Thread
from typing import TYPE_CHECKING, Any

import boto3
import dns.message
import dns.query
from botocore.config import Config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.route53.models import route53_backends
from waitress import create_server  # type: ignore[import-untyped]

from ses_sandbox.clock import Clock
from ses_sandbox.dnsserver import DnsServer
from ses_sandbox.faults import Faults
from ses_sandbox.route53 import HostedZones, Route53Middleware, Route53Settings

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client
    from mypy_boto3_route53.type_defs import ChangeTypeDef

ACCOUNT_HEADER = "x-moto-account-id"
accounts = count(100_000_000_000)


def standing_clock() -> Clock:
    """A clock that stands until it is moved."""
    return Clock(start=datetime(2026, 1, 1, tzinfo=UTC), monotonic=lambda: 0.0)


@dataclass
class Route53World:
    """What a test talks to. Each world is another AWS account, so that worlds do not see each other's zones."""

    port: int
    clock: Clock
    dns_server: DnsServer
    zones: HostedZones
    faults: Faults
    account_id: str = field(default_factory=lambda: str(next(accounts)))

    def client(self, account_id: str | None = None) -> Route53Client:
        """boto3 without retries and checks of its own, in the world's account or another one."""
        client = boto3.client(
            "route53",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
        )
        account = account_id or self.account_id
        client.meta.events.register(
            "before-sign.route53.*",
            lambda request, **_: request.headers.add_header(ACCOUNT_HEADER, account),
        )
        return client

    def zone(self, name: str) -> str:
        """A new hosted zone; its id."""
        created = self.client().create_hosted_zone(Name=name, CallerReference=f"{name} {next(accounts)}")
        return created["HostedZone"]["Id"].rpartition("/")[2]

    def submit(self, zone_id: str, *changes: ChangeTypeDef) -> str:
        """A change batch; the id of the change."""
        answer = self.client().change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Changes": changes})
        return answer["ChangeInfo"]["Id"]

    def publish(self, zone_id: str, *changes: ChangeTypeDef) -> None:
        """A change batch that the name servers know of."""
        self.submit(zone_id, *changes)
        self.wait(60)

    def wait(self, seconds: float) -> None:
        """Lets simulated time pass."""
        self.clock.advance(timedelta(seconds=seconds))

    def ask(self, name: str, record_type: str, use_edns: int = -1) -> dns.message.Message:
        """A query over UDP, answered by the sandbox's DNS server."""
        query = dns.message.make_query(name, record_type, use_edns=use_edns, flags=0)
        host, port = self.dns_server.address
        return dns.query.udp(query, host, port=port, timeout=30)

    def answers(self, name: str, record_type: str) -> list[str]:
        """The values in the answer section, as text."""
        return [rdata.to_text() for rrset in self.ask(name, record_type).answer for rdata in rrset]


def change(action: str, name: str, record_type: str, values: Sequence[str], ttl: int = 300) -> ChangeTypeDef:
    """One change of a batch, as boto3 takes it."""
    records = [{"Value": value} for value in values]
    record_set = {"Name": name, "Type": record_type, "TTL": ttl, "ResourceRecords": records}
    return {"Action": action, "ResourceRecordSet": record_set}  # type: ignore[typeddict-item]


def create(name: str, record_type: str, *values: str, ttl: int = 300) -> ChangeTypeDef:
    return change("CREATE", name, record_type, values, ttl)


def delete(name: str, record_type: str, *values: str, ttl: int = 300) -> ChangeTypeDef:
    return change("DELETE", name, record_type, values, ttl)


def upsert(name: str, record_type: str, *values: str, ttl: int = 300) -> ChangeTypeDef:
    return change("UPSERT", name, record_type, values, ttl)


UNHURRIED = Route53Settings(requests_per_second=0, propagation_seconds=30, processing_seconds=0)


@contextmanager
def route53_world(settings: Route53Settings = UNHURRIED) -> Iterator[Route53World]:
    """The servers, on free ports of 127.0.0.1, until the block ends. There is one moto in a process: it is emptied first."""
    route53_backends.reset()
    clock, faults = standing_clock(), Faults()
    middleware = Route53Middleware(DomainDispatcherApplication(create_backend_app), clock, settings)
    http = create_server(middleware, host="127.0.0.1", port=0, clear_untrusted_proxy_headers=False)
    server = Thread(target=http.run, daemon=True)
    server.start()
    dns_server = DnsServer(middleware.zones, faults)
    dns_server.start()
    try:
        yield Route53World(int(http.effective_port), clock, dns_server, middleware.zones, faults)
    finally:
        dns_server.stop()
        http.trigger.pull_trigger(lambda: _close(http))
        server.join()


def _close(http: Any) -> None:
    """Closes waitress's sockets. In its own thread: closed from another one, they would vanish from under its select()."""
    for channel in list(http.active_channels.values()):
        channel.handle_close()
    http.close()
