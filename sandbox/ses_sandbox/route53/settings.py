"""The settings of the sandbox's Route 53."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Route53Settings:
    """Limits and delays.

    ``requests_per_second``: of all requests of an account, in real time (Route 53: 5; 0 switches it off).
    ``propagation_seconds``: how long a change is PENDING, on the simulated clock (Route 53: usually within 60 s).
    ``processing_seconds``: how long after a change the next one to the same zone gets PriorRequestNotComplete, in real
    time.
    """

    requests_per_second: float = 5.0
    propagation_seconds: float = 2.0
    processing_seconds: float = 0.05
