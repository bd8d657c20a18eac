"""Faults on request: what AWS and DNS do on a bad day, switched on over HTTP or in process."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock


class FaultKind(StrEnum):
    """The kinds of fault."""

    THROTTLE = "throttle"  # the service's own "Rate exceeded"
    ERROR = "error"  # ``status`` and ``code``, the request is not carried out
    LATENCY = "latency"  # the answer comes ``seconds`` later (real seconds)
    LOST_RESPONSE = "lost-response"  # the request IS carried out, its answer never arrives
    REGION_DOWN = "region-down"  # the connection is closed without an answer
    DNS = "dns"  # a name server fails for names under ``suffix``


class DnsFailure(StrEnum):
    """The ways in which a name server fails."""

    SERVFAIL = "SERVFAIL"
    NXDOMAIN = "NXDOMAIN"
    TIMEOUT = "timeout"


class LostResponse(StrEnum):
    """The ways in which an answer gets lost."""

    CLOSE = "close"
    ERROR = "error"  # HTTP 500


@dataclass(frozen=True, slots=True)
class Request:
    """The parts of a request that faults are matched against. ``service`` is the endpoint's name, such as ses or route53."""

    service: str
    operation: str
    region: str
    identity: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. A matcher that is None matches all; matchers on strings compare exactly.

    ``times``: fires that often, then is removed; None until it is removed by a call.
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
        """Return True if the fault applies to a request over HTTP. Never true for a DNS fault."""
        wanted = (self.service, self.operation, self.region, self.identity)
        actual = (request.service, request.operation, request.region, request.identity)
        return self.kind is not FaultKind.DNS and all(
            want is None or want == have for want, have in zip(wanted, actual, strict=True)
        )

    def matches_name(self, name: str) -> bool:
        """Return True if the fault applies to a DNS question. ``name`` with or without trailing dot, in any case."""
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
        """Switch a fault on. Faults fire in the order in which they were added."""
        with self._lock:
            active = ActiveFault(id=self._next_id, fault=fault, left=fault.times)
            self._next_id += 1
            self._active.append(active)
            return active

    def active(self) -> tuple[ActiveFault, ...]:
        """Return all that are switched on."""
        with self._lock:
            return tuple(self._active)

    def remove(self, fault_id: int) -> bool:
        """Switch one off; False if none has this id."""
        with self._lock:
            before = len(self._active)
            self._active = [active for active in self._active if active.id != fault_id]
            return len(self._active) < before

    def clear(self) -> None:
        """Switch all off."""
        with self._lock:
            self._active = []

    def fire(self, request: Request) -> Sequence[Fault]:
        """Return the faults that apply to this request, and count them as fired. The AWS endpoint calls it once per request."""
        if not self._active:
            return ()
        with self._lock:
            return self._fire([active for active in self._active if active.fault.matches(request)])

    def fire_dns(self, name: str) -> DnsFailure | None:
        """Return how the question for ``name`` fails, if it does, and count it. The DNS server calls it once per question."""
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
