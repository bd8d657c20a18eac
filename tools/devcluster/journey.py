"""The progress of an identity, for people to watch: its regions as status has them, its records as DNS answers them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import dns.exception
import dns.message
import dns.query

from devcluster.environment import Environment

REGION_COLUMNS = ("region", "verification", "DKIM", "MAIL FROM")
RECORD_COLUMNS = ("name", "type", "value", "regions", "DNS")

_DNS_TIMEOUT = 2.0


@dataclass(frozen=True, slots=True)
class Journey:
    """One observation. `served`: (name, type) of the records that the name server answers with."""

    name: str
    wanted: tuple[str, ...]
    status: dict[str, Any]
    served: frozenset[tuple[str, str]]

    @classmethod
    def now(cls, environment: Environment, name: str) -> Self:
        """Look now, at the apiserver and at the sandbox's name server."""
        identity = environment.kubectl.get("sesidentity", name)
        status = identity.get("status", {})
        records = status.get("dns", {}).get("records", ())
        keys = {(record["name"], record["type"]) for record in records}
        served = frozenset(key for key in keys if _is_served(environment.sandbox.dns_address, *key))
        return cls(name, tuple(identity["spec"]["regions"]), status, served)

    @property
    def is_done(self) -> bool:
        """True if it is ready."""
        return self._ready.get("status") == "True"

    @property
    def message(self) -> str:
        """The operator's message about it."""
        if not self._ready:
            return "The operator has not said anything yet."
        return f"Ready={self._ready['status']} {self._ready['reason']}: {self._ready['message']}"

    def regions(self) -> list[tuple[str, ...]]:
        """Return a row for each region of the spec."""
        known = {region["region"]: region for region in self.status.get("regions", ())}
        return [(region, *_region_cells(known.get(region, {}))) for region in self.wanted]

    def records(self) -> list[tuple[str, ...]]:
        """Return a row for each record that SES requires."""
        return [
            (
                _shortened(record["name"]),
                record["type"],
                _shortened(", ".join(record["values"])),
                ", ".join(record.get("regions", ())),
                "served" if (record["name"], record["type"]) in self.served else "not yet",
            )
            for record in self.status.get("dns", {}).get("records", ())
        ]

    def facts(self) -> Iterator[str]:
        """Yield the facts as they are now, a sentence for each; one that changes becomes another sentence."""
        for region, verification, dkim, mail_from in self.regions():
            yield f"{region}: verification {verification}, DKIM {dkim}, MAIL FROM {mail_from}"
        for name, kind, value, _, served in self.records():
            yield f"{name} {kind} {value}: {served}"
        yield self.message

    @property
    def _ready(self) -> dict[str, str]:
        conditions: list[dict[str, str]] = self.status.get("conditions", [])
        return next((condition for condition in conditions if condition["type"] == "Ready"), {})


def _region_cells(region: dict[str, Any]) -> tuple[str, str, str]:
    return (
        region.get("verificationStatus", "-"),
        region.get("dkim", {}).get("status", "-"),
        region.get("mailFrom", {}).get("status", "-"),
    )


def _shortened(text: str) -> str:
    """Shorten a DKIM token, whose 32 characters say nothing to people."""
    head, _, tail = text.partition(".")
    return f"{head[:6]}….{tail}" if len(head) == 32 else text


def _is_served(server: str, name: str, kind: str) -> bool:
    host, _, port = server.rpartition(":")
    question = dns.message.make_query(name, kind)
    try:
        return bool(dns.query.udp(question, host, timeout=_DNS_TIMEOUT, port=int(port)).answer)
    except (dns.exception.DNSException, OSError):
        return False
