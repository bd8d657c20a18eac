"""Faults on request: what AWS and DNS do on a bad day, switched on over HTTP or in process."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock


class FaultKind(StrEnum):
    """What goes wrong."""

    THROTTLE = "throttle"  # the service's own "Rate exceeded"
    ERROR = "error"  # ``status`` and ``code``, the request is not carried out
    LATENCY = "latency"  # the answer comes ``seconds`` later (real seconds)
    LOST_RESPONSE = "lost-response"  # the request IS carried out, its answer never arrives
    REGION_DOWN = "region-down"  # the connection is closed without an answer
    DNS = "dns"  # a name server fails for names under ``suffix``


class DnsFailure(StrEnum):
    """How a name server fails."""

    SERVFAIL = "SERVFAIL"
    NXDOMAIN = "NXDOMAIN"
    TIMEOUT = "timeout"


class LostResponse(StrEnum):
    """What the caller sees in place of the answer."""

    CLOSE = "close"
    ERROR = "error"  # HTTP 500


@dataclass(frozen=True, slots=True)
class Request:
    """What a fault is matched against. ``service`` is the endpoint's name: ses, route53, sts, iam, …"""

    service: str
    operation: str
    region: str
    identity: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. A matcher that is None matches all; matchers on strings compare exactly.

    ``times``: fires that often, then is gone; None until it is removed.
    ``probability``: of firing on a request that matches, drawn from the seeded generator of Faults.
    """

    kind: FaultKind
    service: str | None = None
    operation: str | None = None
    region: str | None = None
    identity: str | None = None
    times: int | None = None
    probability: float = 1.0
    status: int = 500
    code: str = "InternalFailure"
    message: str = "Injected by the sandbox."
    seconds: float = 0.0
    lost: LostResponse = LostResponse.CLOSE
    rcode: DnsFailure = DnsFailure.SERVFAIL
    suffix: str = ""  # without a trailing dot; empty for every name

    def matches(self, request: Request) -> bool:
        """Whether a request over HTTP is meant. Never true for a DNS fault."""
        wanted = (self.service, self.operation, self.region, self.identity)
        actual = (request.service, request.operation, request.region, request.identity)
        return self.kind is not FaultKind.DNS and all(
            want is None or want == have for want, have in zip(wanted, actual, strict=True)
        )

    def matches_name(self, name: str) -> bool:
        """Whether a DNS question is meant. ``name`` with or without trailing dot, in any case."""
        if self.kind is not FaultKind.DNS:
            return False
        asked, suffix = name.rstrip(".").lower(), self.suffix.strip(".").lower()
        return not suffix or asked == suffix or asked.endswith(f".{suffix}")


@dataclass(slots=True)
class ActiveFault:
    """A fault that is switched on, and how often it will still fire (None: no limit) and has fired."""

    id: int
    fault: Fault
    left: int | None
    fired: int = 0


class Faults:
    """The faults that are switched on. Safe for use by several threads."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311  repeatable on purpose
        self._lock = Lock()
        self._active: list[ActiveFault] = []
        self._next_id = 1

    def add(self, fault: Fault) -> ActiveFault:
        """Switches a fault on. Faults fire in the order in which they were added."""
        with self._lock:
            active = ActiveFault(id=self._next_id, fault=fault, left=fault.times)
            self._next_id += 1
            self._active.append(active)
            return active

    def active(self) -> tuple[ActiveFault, ...]:
        """All that are switched on."""
        with self._lock:
            return tuple(self._active)

    def remove(self, fault_id: int) -> bool:
        """Switches one off; False where there is none of this id."""
        with self._lock:
            before = len(self._active)
            self._active = [active for active in self._active if active.id != fault_id]
            return len(self._active) < before

    def clear(self) -> None:
        """Switches all off."""
        with self._lock:
            self._active = []

    def fire(self, request: Request) -> Sequence[Fault]:
        """The faults that this request meets; counts them as fired. The AWS endpoint calls it once per request."""
        if not self._active:
            return ()
        with self._lock:
            return self._fire([active for active in self._active if active.fault.matches(request)])

    def fire_dns(self, name: str) -> DnsFailure | None:
        """How the question for ``name`` fails, if it does; counts it. The DNS server calls it once per question."""
        if not self._active:
            return None
        with self._lock:
            fired = self._fire([active for active in self._active if active.fault.matches_name(name)])
        return fired[0].rcode if fired else None

    def _fire(self, candidates: list[ActiveFault]) -> list[Fault]:
        fired = []
        for active in candidates:
            probability = active.fault.probability
            if probability < 1 and self._random.random() >= probability:
                continue
            active.fired += 1
            if active.left is not None:
                active.left -= 1
            fired.append(active.fault)
        self._active = [active for active in self._active if active.left is None or active.left > 0]
        return fired
