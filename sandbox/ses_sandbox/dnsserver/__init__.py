"""An authoritative DNS server for the sandbox's Route 53 zones and for zones set as text."""

from ses_sandbox.dnsserver.server import DnsServer
from ses_sandbox.dnsserver.sources import ZoneSource
from ses_sandbox.dnsserver.zone import ServedZone

__all__ = ["DnsServer", "ServedZone", "ZoneSource"]
