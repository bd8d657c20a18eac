"""The settings of a sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field

from ses_sandbox.route53 import Route53Settings
from ses_sandbox.ses.verifier.schedule import CheckSchedule


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """The settings. ``host`` and ports: 0 takes a free one. ``speed``: simulated seconds per real second.

    ``rate``: SES requests per second, action, account and region; 0 switches throttling off.
    ``seed_zones``: hosted zones that exist from the start.
    ``resolver``: the server that the verifier queries; None for the sandbox's own DNS server.
    ``threads``: requests served at once; those that a latency fault holds up count.
    ``fault_seed``: of the generator that draws for faults with a probability.
    """

    host: str = "127.0.0.1"
    aws_port: int = 0
    dns_port: int = 0
    speed: float = 1.0
    rate: float = 1.0
    access_control: bool = False
    seed_zones: tuple[str, ...] = ()
    schedule: CheckSchedule = field(default_factory=CheckSchedule)
    resolver: tuple[str, int] | None = None
    route53: Route53Settings = field(default_factory=Route53Settings)
    threads: int = 48
    fault_seed: int = 0
