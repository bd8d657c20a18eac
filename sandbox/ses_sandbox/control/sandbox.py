"""What the control API reaches: the parts of one sandbox."""

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
    """``check_now``: has all records looked up at once. ``await_rest``: returns when all looks that are due were taken.
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
