"""The real ExternalDNS, publishing DNSEndpoint objects to a Route 53 endpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import urlopen

from devcluster import binaries
from devcluster.ports import free_port
from devcluster.process import Process

_READY_TIMEOUT = 120.0
_MANIFEST = "dnsendpoints.externaldns.k8s.io.yaml"


class Policy(StrEnum):
    """The treatment of records whose DNSEndpoint is gone: delete them, or leave them (the default of ExternalDNS's chart)."""

    SYNC = "sync"
    UPSERT_ONLY = "upsert-only"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of an ExternalDNS.

    `record_types` are those that it manages (its own default lacks MX and TXT), `interval` is in Go's notation,
    `arguments` are further flags, word for word.
    """

    owner_id: str
    policy: Policy = Policy.SYNC
    record_types: Sequence[str] = ("CNAME", "MX", "TXT")
    interval: str = "1s"
    arguments: Sequence[str] = ()


class ExternalDns:
    """One ExternalDNS process. A context manager; ready when its first synchronization is about to run."""

    def __init__(self, kubeconfig: Path, aws_endpoint: str, settings: Settings, *, log: Path) -> None:
        self._port = free_port()
        command = [
            str(binaries.external_dns()),
            f"--kubeconfig={kubeconfig}",
            f"--metrics-address=127.0.0.1:{self._port}",
            *_arguments(settings),
        ]
        environment = {
            "AWS_ENDPOINT_URL": aws_endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "external-dns",
            "AWS_SECRET_ACCESS_KEY": "external-dns",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self.process = Process("external-dns", command, log, env=environment)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it is up. Raises ProcessError with its log's tail if it does not come up."""
        self.process.start()
        self.process.await_ready(self._healthy, timeout=_READY_TIMEOUT)

    def stop(self) -> None:
        """End it; records stay as they are."""
        self.process.stop()

    def _healthy(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self._port}/healthz", timeout=2):
                return True
        except (URLError, OSError):
            return False


def dnsendpoint_crd() -> str:
    """Return the manifest of the DNSEndpoint CRD, from the module that ExternalDNS itself was built from."""
    return binaries.external_dns().with_name(_MANIFEST).read_text()


def _arguments(settings: Settings) -> list[str]:
    return [
        "--source=crd",
        "--provider=aws",
        "--registry=txt",
        f"--txt-owner-id={settings.owner_id}",
        f"--policy={settings.policy}",
        f"--interval={settings.interval}",
        # By default it waits a second after each batch and keeps the list of zones for an hour.
        "--aws-batch-change-interval=0s",
        "--aws-zones-cache-duration=0s",
        *(f"--managed-record-types={record_type}" for record_type in settings.record_types),
        *settings.arguments,
    ]
