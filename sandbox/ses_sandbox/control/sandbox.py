"""The parts of one sandbox that the control API uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ses_sandbox.access.directory import Directory
from ses_sandbox.calls import CallLog
from ses_sandbox.clock import Clock
from ses_sandbox.dnsserver import DnsServer
from ses_sandbox.faults import Faults
from ses_sandbox.route53 import HostedZones
from ses_sandbox.ses.state.store import Store
from ses_sandbox.throttle import Throttle


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one sandbox.

    ``check_now``: looks all records up at once. ``await_rest``: returns when all lookups that are due were made.
    ``reset_moto``: forgets what moto holds, and seeds the zones again.
    """

    clock: Clock
    calls: CallLog
    faults: Faults
    store: Store
    throttle: Throttle
    dns: DnsServer
    zones: HostedZones
    directory: Directory
    check_now: Callable[[], None]
    await_rest: Callable[[], object]
    reset_moto: Callable[[], None]
