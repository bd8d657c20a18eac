"""Route 53 as it behaves, around moto's server: see middleware."""

from ses_sandbox.route53.middleware import Route53Middleware, account_of
from ses_sandbox.route53.settings import Route53Settings
from ses_sandbox.route53.zones import HostedZones

__all__ = ["HostedZones", "Route53Middleware", "Route53Settings", "account_of"]
